"""Files: stored once, deleted once, named safely."""

from __future__ import annotations

import string

import pytest
from hypothesis import given as every
from hypothesis import strategies

from domain.file import LONGEST_NAME, File, plain_name
from tests.scenario import NOW, SOMEBODY, given, refused

SAFE = set(string.ascii_letters + string.digits + "._-")


def store(file: File) -> None:
    facts = {"size_bytes": 1, "sha256": "ab", "md5": "cd", "stored_by": "anna"}
    file.store(SOMEBODY, NOW, name="fw.bin", purpose="FIRMWARE", **facts)


def delete(file: File) -> None:
    file.delete("anna", SOMEBODY, NOW)


def test_a_file_is_deleted_once() -> None:
    file = given(File("file/1"), store).when(delete).then(File.Deleted).aggregate
    refused(file, delete, "was deleted")


def test_what_is_not_there_cannot_be_deleted() -> None:
    refused(File("file/1"), delete, "no file 1")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("fw.bin", "fw.bin"), ("../../etc/passwd", "passwd"), ("C:\\logs\\my log.txt", "my_log.txt"), ("..", "x"),
        ("", "x"), ("a\r\nb\0c", "a_b_c"), ('"; filename="evil', "filename_evil"),
        ("é" * 300, "x"), (".hidden", "hidden"),
    ],
)  # fmt: skip
def test_a_name_is_made_safe(name: str, plain: str) -> None:
    assert plain_name(name, "x") == plain


@every(strategies.text())
def test_whatever_is_said_a_name_is_safe(name: str) -> None:
    plain = plain_name(name, "x")
    assert 0 < len(plain) <= LONGEST_NAME
    assert set(plain) <= SAFE
    assert plain[0] not in "._-"
