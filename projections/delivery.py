"""Deliveries: how far each webhook has come, what waits for it, and what was tried lately.

This is not made from the history, and is not rebuilt: it is what the deliverer knows, written with every round.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    Row,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from projections.page import Page, key, page
from projections.table import METADATA, UtcTime

REMEMBERED = 200
CURSOR = Table(
    "webhook_cursor",
    METADATA,
    Column("webhook_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("handled", BigInteger, nullable=False),
    Column("round", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("unwell", Integer, nullable=False),
    Column("failing_since", UtcTime),
    Column("rests_until", UtcTime),
    Column("reason", Text),
    Column("delivered", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("delivered_at", UtcTime),
)
WAITING = Table(
    "webhook_waiting",
    METADATA,
    Column("webhook_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("lane", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_tried_at", UtcTime),
    Column("due_at", UtcTime),
    Column("reason", Text),
    Column("status", Integer),
    Column("answer", Text),
)
ATTEMPT = Table(
    "webhook_attempt",
    METADATA,
    Column("webhook_id", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("status", Integer),
    Column("reason", Text),
)


def cursor(connection: Connection, webhook_id: str) -> dict[str, Any] | None:
    """How far a webhook has come; None before its first round."""
    found = connection.execute(select(CURSOR).where(CURSOR.c.webhook_id == webhook_id)).first()
    return dict(found._mapping) if found else None


def open_cursor(connection: Connection, webhook_id: str, position: int, handled: int) -> None:
    zeros = dict.fromkeys(("round", "number", "failures", "unwell", "delivered", "refused"), 0)
    connection.execute(insert(CURSOR).values(webhook_id=webhook_id, position=position, handled=handled, **zeros))


def move(connection: Connection, webhook_id: str, before: int, values: dict[str, Any]) -> bool:
    """Write how far it has come after a round; False if somebody else has settled a round meanwhile."""
    mine = (CURSOR.c.webhook_id == webhook_id, CURSOR.c.round == before)
    return connection.execute(update(CURSOR).where(*mine).values(**values | {"round": before + 1})).rowcount == 1


def waiting(connection: Connection, webhook_id: str) -> Sequence[Row[Any]]:
    """What waits, in order."""
    query = select(WAITING).where(WAITING.c.webhook_id == webhook_id).order_by(WAITING.c.position)
    return connection.execute(query).all()


def hold(connection: Connection, webhook_id: str, parcels: Sequence[dict[str, Any]]) -> None:
    """These wait from now on, or wait otherwise than before."""
    release(connection, webhook_id, [parcel["position"] for parcel in parcels])
    if parcels:
        connection.execute(insert(WAITING), [{"webhook_id": webhook_id, **parcel} for parcel in parcels])


def release(connection: Connection, webhook_id: str, positions: Sequence[int]) -> None:
    """These do not wait any more."""
    if positions:
        mine = (WAITING.c.webhook_id == webhook_id, WAITING.c.position.in_(positions))
        connection.execute(delete(WAITING).where(*mine))


def rewind(connection: Connection, webhook_id: str, begin: int, lane: str) -> None:
    """Forget what waits after a position, for all of it will be read again; lanes that begin so stay."""
    mine = (WAITING.c.webhook_id == webhook_id, WAITING.c.position > begin)
    connection.execute(delete(WAITING).where(*mine, ~WAITING.c.lane.startswith(lane, autoescape=True)))


def hurry(connection: Connection, webhook_id: str) -> None:
    """Nothing waits for its time any more."""
    connection.execute(update(WAITING).where(WAITING.c.webhook_id == webhook_id).values(due_at=None))


def remember(connection: Connection, webhook_id: str, tried: Sequence[dict[str, Any]], number: int) -> None:
    """Write what was tried, and forget what is long ago."""
    if tried:
        connection.execute(insert(ATTEMPT), [{"webhook_id": webhook_id, **attempt} for attempt in tried])
        old = (ATTEMPT.c.webhook_id == webhook_id, ATTEMPT.c.number <= number - REMEMBERED)
        connection.execute(delete(ATTEMPT).where(*old))


def forget(connection: Connection, webhook_id: str) -> None:
    """The webhook is removed."""
    for table in (CURSOR, WAITING, ATTEMPT):
        connection.execute(delete(table).where(table.c.webhook_id == webhook_id))


def cursors(connection: Connection, ids: Sequence[str] | None = None) -> dict[str, Row[Any]]:
    """How far webhooks have come, those named or all."""
    query = select(CURSOR) if ids is None else select(CURSOR).where(CURSOR.c.webhook_id.in_(ids))
    return {row.webhook_id: row for row in connection.execute(query)}


def queues(connection: Connection, ids: Sequence[str] | None = None) -> dict[str, int]:
    """How many events wait, by webhook."""
    query = select(WAITING.c.webhook_id, func.count()).group_by(WAITING.c.webhook_id)
    if ids is not None:
        query = query.where(WAITING.c.webhook_id.in_(ids))
    return {row[0]: row[1] for row in connection.execute(query)}


def attempts(connection: Connection, webhook_id: str, first: int, after: str | None = None) -> Page:
    """What was tried lately, the latest first."""
    query = select(ATTEMPT).where(ATTEMPT.c.webhook_id == webhook_id)
    if after is not None:
        (number,) = key(after, tuple[int])
        query = query.where(ATTEMPT.c.number < number)
    return page(list(connection.execute(query.order_by(ATTEMPT.c.number.desc()).limit(first + 1))), first)


def count_attempts(connection: Connection, webhook_id: str) -> int:
    query = select(func.count()).select_from(ATTEMPT).where(ATTEMPT.c.webhook_id == webhook_id)
    return int(connection.execute(query).scalar() or 0)
