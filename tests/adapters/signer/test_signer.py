"""Whoever signs, in a file or behind a program: the same promises."""

from __future__ import annotations

import resource
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.signer.command import CommandSigner
from adapters.signer.file import FileSigner, Verifier

TEXT = b"bornier seal v1\n"
PROGRAM = """
import sys
from pathlib import Path
from cryptography.hazmat.primitives.serialization import load_pem_private_key
print(load_pem_private_key(Path(sys.argv[1]).read_bytes(), None).sign(sys.stdin.buffer.read()).hex())
"""


def in_a_file(folder: Path) -> Verifier:
    return FileSigner(folder / "key.pem")


def behind_a_program(folder: Path) -> Verifier:
    """A program with the key, as a key service would be; Bornier has the public one only."""
    held = FileSigner(folder / "held.pem")
    (folder / "public.pem").write_text(held.pem)
    (folder / "sign.py").write_text(PROGRAM)
    return CommandSigner(f"{sys.executable} {folder}/sign.py {folder}/held.pem", folder / "public.pem")


@pytest.mark.parametrize("made", [in_a_file, behind_a_program])
def test_what_is_signed_is_genuine_and_nothing_else(made: Callable[[Path], Verifier], tmp_path: Path) -> None:
    signer = made(tmp_path)
    signature = signer.sign(TEXT)
    assert signer.sign(TEXT) == signature
    assert signer.genuine(TEXT, signature)
    assert not signer.genuine(TEXT + b"x", signature)
    assert not signer.genuine(TEXT, bytes(64))
    assert not signer.genuine(TEXT, b"")
    assert signer.pem.startswith("-----BEGIN PUBLIC KEY-----")


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    signature = FileSigner(path).sign(TEXT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert FileSigner(path).sign(TEXT) == signature


def test_a_key_for_which_the_disk_has_no_room_is_not_there_by_half(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            FileSigner(tmp_path / "key.pem").sign(TEXT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    assert FileSigner(tmp_path / "key.pem").sign(TEXT)


def test_a_file_with_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(ValueError, match="PEM"):
        FileSigner(tmp_path / "key.pem").sign(TEXT)


@pytest.mark.parametrize(("command", "reason"), [("false", "ended with 1"), ("echo x", "another key")])
def test_a_program_that_does_not_sign_is_named(tmp_path: Path, command: str, reason: str) -> None:
    (tmp_path / "public.pem").write_text(FileSigner(tmp_path / "held.pem").pem)
    with pytest.raises(OSError, match=reason):
        CommandSigner(command, tmp_path / "public.pem").sign(TEXT)
