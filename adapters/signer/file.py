"""The key of the seals in a PEM file; made at first use, for the eyes of its owner only."""

from __future__ import annotations

import contextlib
import os
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)


class Verifier:
    """A public key: enough to check, not to sign."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def key(self) -> Ed25519PublicKey:
        """Raises ValueError when the file holds something else, OSError when there is none."""
        key = load_pem_public_key(self.path.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError(f"{self.path} holds no Ed25519 public key")
        return key

    @property
    def pem(self) -> str:
        """The public key, for whoever checks proofs."""
        return self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def genuine(self, text: bytes, signature: bytes) -> bool:
        try:
            self.key.verify(signature, text)
        except InvalidSignature:
            return False
        return True

    def sign(self, text: bytes) -> bytes:
        raise PermissionError("a public key cannot sign")


class FileSigner(Verifier):
    """A private key in a file, made when it is first needed."""

    @cached_property
    def private(self) -> Ed25519PrivateKey:
        if not self.path.exists():
            make(self.path)
        key = load_pem_private_key(self.path.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{self.path} holds no Ed25519 key")
        return key

    @cached_property
    def key(self) -> Ed25519PublicKey:
        return self.private.public_key()

    def sign(self, text: bytes) -> bytes:
        return self.private.sign(text)


def make(path: Path) -> None:
    """A new key, whole or not at all, unless somebody else was quicker: then theirs counts."""
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
