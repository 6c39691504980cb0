"""Tokens: who may use the API, how far and until when?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, Index, Row, Table, Text, and_, func, or_, select

from domain.token import Token
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

TOKEN = Table(
    "api_token",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text),
    Column("roles", JSON),
    Column("sites", JSON),
    Column("badges", JSON),
    Column("fields", JSON),
    Column("issued_by", Text),
    Column("issued_at", UtcTime),
    Column("expires_at", UtcTime),
    Column("used_at", UtcTime),
    Column("revoked_by", Text),
    Column("revoked_at", UtcTime),
    Column("reason", Text),
    Column("position", BigInteger),
    Index("api_token_by_time", "issued_at", "id"),
)


def issued(changes: Changes, event: Token.Issued, position: int) -> None:
    lists = {name: list(getattr(event, name)) for name in ("roles", "sites", "badges", "fields")}
    facts = {"name": event.name, "expires_at": event.expires_at, "issued_at": event.recorded_at}
    put(changes, event, position, **lists, **facts, issued_by=getattr(event.cause, "name", None))


def used(changes: Changes, event: Token.Used, position: int) -> None:
    put(changes, event, position, used_at=event.recorded_at)


def revoked(changes: Changes, event: Token.Revoked, position: int) -> None:
    by = getattr(event.cause, "name", None)
    put(changes, event, position, revoked_at=event.recorded_at, revoked_by=by, reason=event.reason)


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    changes.put("api_token", (owner(event),), position=position, **values)


PROJECTION = Projection(
    name="token",
    tables={"api_token": TOKEN},
    handlers={Token.Issued: issued, Token.Used: used, Token.Revoked: revoked},
)


def tokens(
    connection: Connection, first: int, after: str | None = None, valid: bool | None = None, now: datetime | None = None
) -> Page:
    """Tokens, the newest first; `valid`: neither revoked nor, at `now`, expired."""
    query = select(TOKEN).where(*conditions(valid, now))
    if after is not None:
        at, id_ = key(after, tuple[datetime, str])
        same = and_(TOKEN.c.issued_at == at, TOKEN.c.id < id_)
        query = query.where(TOKEN.c.issued_at <= at, or_(TOKEN.c.issued_at < at, same))
    query = query.order_by(TOKEN.c.issued_at.desc(), TOKEN.c.id.desc()).limit(first + 1)
    return page(list(connection.execute(query)), first)


def count(connection: Connection, valid: bool | None = None, now: datetime | None = None) -> int:
    return int(connection.execute(select(func.count(TOKEN.c.id)).where(*conditions(valid, now))).scalar() or 0)


def conditions(valid: bool | None, now: datetime | None) -> list[Any]:
    if valid is None:
        return []
    ended = or_(TOKEN.c.revoked_at.is_not(None), TOKEN.c.expires_at <= now)
    return [~ended if valid else ended]


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(select(TOKEN).where(TOKEN.c.id.in_(ids)))}
