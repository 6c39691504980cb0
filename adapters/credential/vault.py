"""Passwords of stations: hashed with argon2, in a table of their own, never in events or logs.

Checking one costs tens of milliseconds on purpose; a station that comes back is recognised by a keyed digest of the
password that was right last time, kept in memory only.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from sqlalchemy import Column, Engine, Table, Text, delete, insert, select

from projections.table import METADATA

CREDENTIAL = Table(
    "credential",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
)


class Vault:
    """A station without a stored password needs none (OCPP security profile 0: closed networks only)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.hasher = PasswordHasher()
        self.key = secrets.token_bytes(32)
        self.right: dict[str, tuple[str, bytes]] = {}

    async def verify(self, station_id: str, password: bytes | None) -> bool:
        """True if the station may connect with this password; passwords are compared as bytes (OCPP 1.6)."""
        return await asyncio.to_thread(self.check, station_id, password)

    async def store(self, station_id: str, password: str) -> None:
        """Set the password of a station; the one before is gone."""
        await asyncio.to_thread(self.write, station_id, password)

    def check(self, station_id: str, password: bytes | None) -> bool:
        stored = self.read(station_id)
        if stored is None:
            return True
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

    def read(self, station_id: str) -> str | None:
        with self.engine.connect() as connection:
            query = select(CREDENTIAL.c.password_hash).where(CREDENTIAL.c.station_id == station_id)
            return connection.execute(query).scalar()

    def write(self, station_id: str, password: str) -> None:
        hashed = self.hasher.hash(password)
        with self.engine.begin() as connection:
            connection.execute(delete(CREDENTIAL).where(CREDENTIAL.c.station_id == station_id))
            connection.execute(insert(CREDENTIAL).values(station_id=station_id, password_hash=hashed))
