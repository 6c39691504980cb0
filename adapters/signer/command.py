"""The key of the seals behind a program: a smart card, an HSM by PKCS#11, a key service of a cloud.

The program is run for each seal with the text on its standard input and writes the 64 bytes of the Ed25519 signature
in hexadecimal or base64 to its standard output; docs/howto/keep-the-key-of-the-seals.md has one around pkcs11-tool.
"""

from __future__ import annotations

import base64
import binascii
import shlex
import subprocess
from pathlib import Path

from adapters.signer.file import Verifier

PATIENCE_S = 30


class CommandSigner(Verifier):
    """Signs by a program, checks with the public key in a file."""

    def __init__(self, command: str, public_key: Path) -> None:
        super().__init__(public_key)
        self.command = shlex.split(command)

    def sign(self, text: bytes) -> bytes:
        """Raises OSError when the program fails or signs with another key."""
        try:
            done = subprocess.run(self.command, input=text, capture_output=True, timeout=PATIENCE_S, check=False)
        except subprocess.TimeoutExpired:
            raise OSError(f"{self.command[0]} did not sign within {PATIENCE_S} s") from None
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()[:200]
            raise OSError(f"{self.command[0]} ended with {done.returncode}: {words}")
        signature = decoded(done.stdout.strip())
        if not self.genuine(text, signature):
            raise OSError(f"{self.command[0]} signed with another key than the public one")
        return signature


def decoded(output: bytes) -> bytes:
    try:
        return bytes.fromhex(output.decode("ascii")) if len(output) == 128 else base64.b64decode(output, validate=True)
    except (ValueError, binascii.Error):
        return b""
