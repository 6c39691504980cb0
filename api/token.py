"""Tokens on a terminal: issue, list and revoke them at the database itself."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from api.access import POLICY
from api.bootstrap.privacy import opened
from api.settings import Settings
from application.journal import Journal
from application.token import Tokens
from domain.event import Refusal
from domain.token import Token

COLUMNS = "{:14} {:8} {:20} {:17} {:17} {}"


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def known_to(settings: Settings) -> AsyncIterator[Tokens]:
    """The tokens of a history, also while `bornier run` works on it. Raises ValueError."""
    with opened(settings) as here:
        journal = Journal(here.store.recorder, here.store.mapper, here.history.advance)
        journal.start()
        try:
            tokens = Tokens(journal, here.history, now)
            await asyncio.to_thread(tokens.load)
            yield tokens
        except Refusal as refusal:
            raise ValueError(str(refusal)) from None
        finally:
            await journal.stop()


async def issue(
    settings: Settings,
    name: str,
    roles: Sequence[str],
    days: int,
    sites: Sequence[str],
    badges: Sequence[str],
    fields: Sequence[str],
) -> None:
    """Print the token, alone on stdout. Raises ValueError."""
    for field in fields:
        if field not in POLICY:
            raise ValueError(f"there is no field or route {field!r}: say it like Query.stations or GET /api/events")
    async with known_to(settings) as tokens:
        until = now() + timedelta(days=days)
        _, secret = await tokens.issue(name, roles, until, operator(), sites, badges, fields)
    print(secret)


async def revoke(settings: Settings, token_id: str, reason: str) -> None:
    """Raises ValueError where there is no such token."""
    async with known_to(settings) as tokens:
        await tokens.revoke(token_id, reason, operator())
    print(f"token {token_id} is revoked")


async def show(settings: Settings, as_json: bool) -> None:
    """Print every token that was issued, the oldest first."""
    async with known_to(settings) as tokens:
        known = [token for token in tokens.known.values() if token.issued is not None]
    if not as_json:
        print(COLUMNS.format("id", "status", "name", "expires", "last used", "rights"))
    for token in known:
        print(json.dumps(facts(token)) if as_json else row(token))


def facts(token: Token) -> dict[str, Any]:
    issued = token.issued
    assert issued is not None
    status = "valid" if token.valid(now()) else "revoked" if token.revoked else "expired"
    used = token.used_at.isoformat() if token.used_at else None
    limits: dict[str, Any] = {name: list(getattr(issued, name)) for name in ("roles", "sites", "badges", "fields")}
    times = {"expiresAt": issued.expires_at.isoformat(), "usedAt": used}
    return {"id": token.token_id, "name": issued.name, "status": status} | limits | times


def row(token: Token) -> str:
    said, issued = facts(token), token.issued
    assert issued is not None
    used = f"{token.used_at:%Y-%m-%d %H:%M}Z" if token.used_at else "never"
    rights = "; ".join(
        filter(None, (" ".join(issued.roles), at(issued.sites), " ".join(issued.badges), " ".join(issued.fields)))
    )
    return COLUMNS.format(
        token.token_id, str(said["status"]), issued.name, f"{issued.expires_at:%Y-%m-%d %H:%M}Z", used, rights
    )


def at(sites: Sequence[str]) -> str:
    return f"at {' '.join(sites)}" if sites else ""


def operator() -> str:
    """Who sits at the terminal."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"
