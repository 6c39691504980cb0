"""Certificates and keys: do they last, belong together, and stay with us?"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from api.doctor.finding import Finding, Findings, fail, first_line, ok, warn

SOON = timedelta(days=30)


def pair(check: str, certificate: Path, key: Path, now: datetime) -> Findings:
    """A certificate and its private key."""
    try:
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        private = load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        yield fail(
            check,
            f"{certificate} or {key} cannot be read: {first_line(error)}",
            "put PEM files there, the key without a password",
        )
        return
    if private.public_key() != chain[0].public_key():
        yield fail(check, f"{key} is not the key of {certificate}", "name certificate and key of the same pair")
    yield life(check, certificate, chain, now)
    yield from private_file(check, key)


def life(check: str, file: Path, chain: Sequence[x509.Certificate], now: datetime) -> Finding:
    """The certificate of a chain that ends first."""
    first = min(chain, key=lambda found: found.not_valid_after_utc)
    latest = max(chain, key=lambda found: found.not_valid_before_utc)
    until = first.not_valid_after_utc
    mend = f"renew {first.subject.rfc4514_string()} in {file}; it is read again by itself"
    if until < now:
        return fail(check, f"{file} is not valid since {until:%Y-%m-%d}", mend)
    if latest.not_valid_before_utc > now:
        return fail(
            check, f"{file} is valid only from {latest.not_valid_before_utc:%Y-%m-%d %H:%M} UTC", "look at the clock"
        )
    if until - now < SOON:
        return warn(check, f"{file} is valid for {(until - now).days} days only", mend)
    return ok(check, f"{file} is valid until {until:%Y-%m-%d}")


def private_file(check: str, file: Path) -> Findings:
    """A private key that others may read is nobody's secret."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        yield fail(check, f"others may read or write {file} ({mode:04o})", f"chmod 600 {file}")


def authority(folder: Path, now: datetime) -> Findings:
    """Our own certificate authority, the seal of passwords, and the folder they are in."""
    if not folder.exists():
        yield ok("keys", f"{folder} will be made at first need")
        return
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield warn("keys", f"others may look into {folder}", f"chmod 700 {folder}")
    for file in sorted(folder.iterdir()):
        if file.is_file():
            yield from private_file("keys", file)
    for name in ("authority.pem", "v2g.pem"):
        if (folder / name).exists():
            yield from pair("authority", folder / name, folder / name, now)


def seal_key(file: Path, sealed: bool) -> Findings:
    """The key of the seals: made at first need, irreplaceable from then on."""
    if not file.exists():
        mend = "bring it back from a backup; without it nothing more can be sealed under the same key"
        yield (
            fail("seal key", f"there are seals, but {file} is missing", mend)
            if sealed
            else ok("seal key", f"{file} will be made at first need")
        )
        return
    yield from list(private_file("seal key", file)) or [ok("seal key", f"{file} is for our eyes only")]
