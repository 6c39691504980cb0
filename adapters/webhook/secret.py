"""The secrets of webhooks: sealed with a key that is not in the database, never in events or logs (ADR 0009).

Unlike a password, a secret is needed in the clear for every signature, so that a hash cannot stand in for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Column, Engine, Table, Text, delete, insert, or_, select, update

from projections.table import METADATA, UtcTime

SECRET = Table(
    "webhook_secret",
    METADATA,
    Column("webhook_id", Text, primary_key=True),
    Column("made_at", UtcTime, primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("valid_until", UtcTime),
)


class Keyring:
    """All processes of one installation need the same sealing key."""

    def __init__(self, engine: Engine, seal_key: Callable[[], bytes]) -> None:
        self.engine = engine
        self.seal_key = seal_key

    async def keep(self, webhook_id: str, secret: str, now: datetime, old_until: datetime | None) -> None:
        """Sign with this one from now on, and until then with the others, too."""
        await asyncio.to_thread(self.write, webhook_id, secret, now, old_until)

    async def valid(self, webhook_id: str, now: datetime) -> list[str]:
        """The secrets to sign with, the newest first; none if they cannot be opened."""
        return await asyncio.to_thread(self.read, webhook_id, now)

    async def forget(self, webhook_id: str) -> None:
        await asyncio.to_thread(self.erase, webhook_id)

    def write(self, webhook_id: str, secret: str, now: datetime, old_until: datetime | None) -> None:
        sealed = Fernet(self.seal_key()).encrypt(secret.encode()).decode()
        mine = SECRET.c.webhook_id == webhook_id
        with self.engine.begin() as connection:
            connection.execute(delete(SECRET).where(mine, SECRET.c.valid_until <= now))
            if old_until is not None:
                older = mine & or_(SECRET.c.valid_until.is_(None), SECRET.c.valid_until > old_until)
                connection.execute(update(SECRET).where(older).values(valid_until=old_until))
            connection.execute(insert(SECRET).values(webhook_id=webhook_id, made_at=now, sealed=sealed))

    def read(self, webhook_id: str, now: datetime) -> list[str]:
        query = select(SECRET.c.sealed).where(
            SECRET.c.webhook_id == webhook_id, or_(SECRET.c.valid_until.is_(None), SECRET.c.valid_until > now)
        )
        with self.engine.connect() as connection:
            sealed = connection.execute(query.order_by(SECRET.c.made_at.desc())).scalars().all()
        try:
            return [Fernet(self.seal_key()).decrypt(each).decode() for each in sealed]
        except InvalidToken:
            return []

    def erase(self, webhook_id: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(delete(SECRET).where(SECRET.c.webhook_id == webhook_id))
