"""Passwords of stations: hashed with argon2, in tables of their own, never in events or logs.

Checking one costs some 20 ms of a core on purpose; a station that comes back is recognised by a keyed digest of the
password that was right last time, kept in memory only. A new password waits beside the old one until the station uses
it; until it has been sent to the station it is kept sealed as well (ADR 0009).
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Boolean, Column, Connection, Engine, Table, Text, delete, insert, select, update

from application.ports import Proof
from projections.table import METADATA, UtcTime

CREDENTIAL = Table(
    "credential",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("hexadecimal", Boolean),
)
OFFER = Table(
    "credential_offer",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("station_id", Text, nullable=False, index=True),
    Column("password_hash", Text, nullable=False),
    Column("sealed", Text),
    Column("offered_at", UtcTime, nullable=False),
)
OPEN_OFFERS = 3
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id with the parameters of OWASP. After a restart thousands of stations want to be recognised at once: with what
the library proposes for people, each would take a core for 150 ms instead of 20."""
HASHING = max(2, os.cpu_count() or 2)
"""So many passwords are hashed at a time: each takes a core and 19 MiB, and nobody else shall wait for them."""

T = TypeVar("T")


class Vault:
    """A station without a stored password proves nothing (security profile 0)."""

    def __init__(self, engine: Engine, seal_key: Callable[[], bytes]) -> None:
        self.engine = engine
        self.seal_key = seal_key
        self.hasher = HASHER
        self.key = secrets.token_bytes(32)
        self.right: dict[str, tuple[str, bytes]] = {}
        self.threads = ThreadPoolExecutor(HASHING, "passwords")

    def close(self) -> None:
        """Whoever still waits to be recognised waits in vain."""
        self.threads.shutdown(wait=False, cancel_futures=True)

    async def verify(self, station_id: str, password: bytes | None) -> Proof:
        """What a password proves; passwords are compared as bytes (OCPP 1.6)."""
        if password is None:
            return await asyncio.to_thread(self.check, station_id, None)
        return await self.aside(self.check, station_id, password)

    async def store(self, station_id: str, password: str) -> None:
        """Set the password of a station; every other one is gone."""
        await self.aside(self.write, station_id, password)

    async def offer(self, station_id: str, credential_id: str, password: str, now: datetime) -> None:
        """Keep a new password beside the old one, until the station uses it."""
        await self.aside(self.write_offer, station_id, credential_id, password, now)

    async def reveal(self, credential_id: str) -> str | None:
        """The new password, to send it to the station; None once it has been answered."""
        return await asyncio.to_thread(self.unseal, credential_id)

    async def conclude(self, credential_id: str, taken: bool) -> None:
        """The station answered: nobody needs to read the password again, or it is not valid at all."""
        await asyncio.to_thread(self.close_offer, credential_id, taken)

    async def aside(self, work: Callable[..., T], *arguments: Any) -> T:
        """Where hashing holds up nobody but those who wait for hashing."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work, *arguments)

    def check(self, station_id: str, password: bytes | None) -> Proof:
        with self.engine.connect() as connection:
            stored = connection.execute(select(CREDENTIAL).where(CREDENTIAL.c.station_id == station_id)).first()
            offers = connection.execute(
                select(OFFER).where(OFFER.c.station_id == station_id).order_by(OFFER.c.offered_at.desc())
            ).all()[:OPEN_OFFERS]
        if password is None:
            return Proof(accepted=stored is None)
        if stored is not None:
            for hexadecimal in (bool(stored.hexadecimal), not stored.hexadecimal):
                if self.fits(station_id, stored.password_hash, spelled(password, hexadecimal)):
                    self.remember(station_id, hexadecimal, bool(stored.hexadecimal))
                    return Proof(accepted=True, proven=True)
        for offer in offers:
            for hexadecimal in (False, True):
                if self.fits(station_id, offer.password_hash, spelled(password, hexadecimal)):
                    self.adopt(station_id, offer.password_hash, offer.offered_at, hexadecimal)
                    return Proof(accepted=True, proven=True, adopted=offer.id)
        return Proof(accepted=stored is None)

    def fits(self, station_id: str, stored: str, password: bytes | None) -> bool:
        if password is None:
            return False
        digest = hmac.digest(self.key, password, hashlib.sha256)
        known = self.right.get(station_id)
        if known is not None and known[0] == stored and hmac.compare_digest(known[1], digest):
            return True
        try:
            self.hasher.verify(stored, password)
        except Argon2Error:
            return False
        self.right[station_id] = (stored, digest)
        return True

    def remember(self, station_id: str, hexadecimal: bool, before: bool) -> None:
        """Which way this station writes its password, so that the other is only tried after it."""
        if hexadecimal != before:
            with self.engine.begin() as connection:
                mine = CREDENTIAL.c.station_id == station_id
                connection.execute(update(CREDENTIAL).where(mine).values(hexadecimal=hexadecimal))

    def adopt(self, station_id: str, password_hash: str, offered_at: datetime, hexadecimal: bool) -> None:
        with self.engine.begin() as connection:
            replace(connection, station_id, password_hash, hexadecimal)
            older = (OFFER.c.station_id == station_id) & (OFFER.c.offered_at <= offered_at)
            connection.execute(delete(OFFER).where(older))

    def write(self, station_id: str, password: str) -> None:
        hashed = self.hasher.hash(password)
        with self.engine.begin() as connection:
            replace(connection, station_id, hashed, False)
            connection.execute(delete(OFFER).where(OFFER.c.station_id == station_id))

    def write_offer(self, station_id: str, credential_id: str, password: str, now: datetime) -> None:
        row = {
            "id": credential_id,
            "station_id": station_id,
            "password_hash": self.hasher.hash(password),
            "sealed": Fernet(self.seal_key()).encrypt(password.encode()).decode(),
            "offered_at": now,
        }
        with self.engine.begin() as connection:
            connection.execute(insert(OFFER).values(row))

    def unseal(self, credential_id: str) -> str | None:
        with self.engine.connect() as connection:
            sealed = connection.execute(select(OFFER.c.sealed).where(OFFER.c.id == credential_id)).scalar()
        try:
            return Fernet(self.seal_key()).decrypt(sealed).decode() if sealed else None
        except InvalidToken:
            return None

    def close_offer(self, credential_id: str, taken: bool) -> None:
        mine = OFFER.c.id == credential_id
        with self.engine.begin() as connection:
            connection.execute(update(OFFER).where(mine).values(sealed=None) if taken else delete(OFFER).where(mine))


def replace(connection: Connection, station_id: str, password_hash: str, hexadecimal: bool) -> None:
    connection.execute(delete(CREDENTIAL).where(CREDENTIAL.c.station_id == station_id))
    row = {"station_id": station_id, "password_hash": password_hash, "hexadecimal": hexadecimal}
    connection.execute(insert(CREDENTIAL).values(row))


def spelled(password: bytes, hexadecimal: bool) -> bytes | None:
    """The password behind what a station sent: some send the hexadecimal text they were given, not its bytes."""
    try:
        return binascii.unhexlify(password) if hexadecimal else password
    except (binascii.Error, ValueError):
        return None
