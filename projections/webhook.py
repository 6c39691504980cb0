"""Webhooks: who outside is told of which events, and what could not be delivered?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Connection, Index, Integer, Row, Table, Text, func, select

from domain.event import Event, Operator
from domain.webhook import Webhook
from projections import delivery
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

WEBHOOK = Table(
    "webhook",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("url", Text),
    Column("topics", JSON),
    Column("station_id", Text),
    Column("description", Text),
    Column("state", Text),
    Column("state_reason", Text),
    Column("begin", BigInteger),
    Column("registered_at", UtcTime),
    Column("registered_by", Text),
    Column("registered_position", BigInteger),
    Column("secret_rotated_at", UtcTime),
    Column("old_secret_until", UtcTime),
    Column("resumed_position", BigInteger),
    Column("replay_begin", BigInteger),
    Column("replay_position", BigInteger),
    Column("tested_at", UtcTime),
    Column("removed_at", UtcTime),
    Column("position", BigInteger),
)
DEAD_LETTER = Table(
    "webhook_dead_letter",
    METADATA,
    Column("webhook_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("stream", Text),
    Column("topic", Text),
    Column("attempts", Integer),
    Column("first_tried_at", UtcTime),
    Column("dead_at", UtcTime),
    Column("reason", Text),
    Column("status", Integer),
    Column("answer", Text),
    Column("asked_at", UtcTime),
    Column("asked_position", BigInteger),
    Column("delivered_at", UtcTime),
    Index("webhook_dead_letter_open", "delivered_at", "position"),
)


def registered(changes: Changes, event: Webhook.Registered, position: int) -> None:
    put(
        changes, event, position, url=event.url, topics=list(event.topics), station_id=event.station_id,
        description=event.description, begin=event.begin, state="active", registered_at=event.recorded_at,
        registered_by=event.cause.name if isinstance(event.cause, Operator) else None, registered_position=position,
    )  # fmt: skip


def rotated(changes: Changes, event: Webhook.SecretRotated, position: int) -> None:
    put(changes, event, position, secret_rotated_at=event.recorded_at, old_secret_until=event.old_until)


def paused(changes: Changes, event: Webhook.Paused, position: int) -> None:
    put(changes, event, position, state="paused", state_reason=event.reason)


def resumed(changes: Changes, event: Webhook.Resumed, position: int) -> None:
    put(changes, event, position, state="active", state_reason=None, resumed_position=position)


def disabled(changes: Changes, event: Webhook.Disabled, position: int) -> None:
    put(changes, event, position, state="disabled", state_reason=event.reason)


def tested(changes: Changes, event: Webhook.Tested, position: int) -> None:
    put(changes, event, position, tested_at=event.recorded_at)


def replayed(changes: Changes, event: Webhook.ReplayRequested, position: int) -> None:
    put(changes, event, position, replay_begin=event.begin, replay_position=position)


def removed(changes: Changes, event: Webhook.Removed, position: int) -> None:
    put(changes, event, position, state="removed", removed_at=event.recorded_at)


def dead(changes: Changes, event: Webhook.DeadLettered, position: int) -> None:
    changes.put(
        "webhook_dead_letter", (owner(event), event.position), stream=event.subject, topic=event.kind,
        attempts=event.attempts, first_tried_at=event.first_tried_at, dead_at=event.recorded_at, reason=event.reason,
        status=event.status, answer=event.answer, asked_at=None, asked_position=None, delivered_at=None,
    )  # fmt: skip


def asked(changes: Changes, event: Webhook.RedeliveryRequested, position: int) -> None:
    put(changes, event, position)
    for each in event.positions:
        letter = (owner(event), each)
        changes.put("webhook_dead_letter", letter, asked_at=event.recorded_at, asked_position=position)


def arrived(changes: Changes, event: Webhook.Redelivered, position: int) -> None:
    changes.put("webhook_dead_letter", (owner(event), event.position), delivered_at=event.recorded_at)


def put(changes: Changes, event: Event, position: int, **values: Any) -> None:
    changes.put("webhook", (owner(event),), position=position, **values)


PROJECTION = Projection(
    name="webhook",
    tables={"webhook": WEBHOOK, "webhook_dead_letter": DEAD_LETTER},
    handlers={
        Webhook.Registered: registered,
        Webhook.SecretRotated: rotated,
        Webhook.Paused: paused,
        Webhook.Resumed: resumed,
        Webhook.Disabled: disabled,
        Webhook.Tested: tested,
        Webhook.DeadLettered: dead,
        Webhook.RedeliveryRequested: asked,
        Webhook.Redelivered: arrived,
        Webhook.ReplayRequested: replayed,
        Webhook.Removed: removed,
    },
)


def webhooks(connection: Connection, first: int, after: str | None = None, state: str | None = None) -> Page:
    """Webhooks that are not removed, the newest first."""
    query = select(WEBHOOK).where(*conditions(state))
    if after is not None:
        (position,) = key(after, tuple[int])
        query = query.where(WEBHOOK.c.registered_position < position)
    return page(list(connection.execute(query.order_by(WEBHOOK.c.registered_position.desc()).limit(first + 1))), first)


def count(connection: Connection, state: str | None = None) -> int:
    return int(connection.execute(select(func.count()).select_from(WEBHOOK).where(*conditions(state))).scalar() or 0)


def conditions(state: str | None) -> list[Any]:
    wanted: list[Any] = [WEBHOOK.c.removed_at.is_(None), WEBHOOK.c.registered_at.is_not(None)]
    if state is not None:
        wanted.append(WEBHOOK.c.state == state)
    return wanted


def by_id(connection: Connection, webhook_id: str) -> Row[Any] | None:
    """One webhook, removed or not."""
    return connection.execute(select(WEBHOOK).where(WEBHOOK.c.id == webhook_id)).first()


def every(connection: Connection) -> Sequence[Row[Any]]:
    """All webhooks there ever were."""
    return connection.execute(select(WEBHOOK).where(WEBHOOK.c.registered_at.is_not(None))).all()


def dead_letters(connection: Connection, first: int, after: str | None = None, webhook_id: str | None = None) -> Page:
    """What could not be delivered, by position."""
    query = select(DEAD_LETTER).where(*undelivered(webhook_id))
    if after is not None:
        position, id_ = key(after, tuple[int, str])
        same = (DEAD_LETTER.c.position == position) & (DEAD_LETTER.c.webhook_id > id_)
        query = query.where((DEAD_LETTER.c.position > position) | same)
    ordered = query.order_by(DEAD_LETTER.c.position, DEAD_LETTER.c.webhook_id)
    return page(list(connection.execute(ordered.limit(first + 1))), first)


def count_dead_letters(connection: Connection, webhook_id: str | None = None) -> int:
    query = select(func.count()).select_from(DEAD_LETTER).where(*undelivered(webhook_id))
    return int(connection.execute(query).scalar() or 0)


def undelivered(webhook_id: str | None) -> list[Any]:
    wanted: list[Any] = [DEAD_LETTER.c.delivered_at.is_(None), DEAD_LETTER.c.dead_at.is_not(None)]
    if webhook_id is not None:
        wanted.append(DEAD_LETTER.c.webhook_id == webhook_id)
    return wanted


def letters(connection: Connection, webhook_id: str) -> Sequence[Row[Any]]:
    """All dead letters of one webhook that have not arrived yet."""
    return connection.execute(
        select(DEAD_LETTER).where(*undelivered(webhook_id)).order_by(DEAD_LETTER.c.position)
    ).all()


def failing(connection: Connection) -> list[tuple[str, datetime, int]]:
    """Webhooks that should be told and are not: id, since when, and how many events wait already."""
    since = delivery.CURSOR.c.failing_since
    query = select(WEBHOOK.c.id, since).join(delivery.CURSOR, delivery.CURSOR.c.webhook_id == WEBHOOK.c.id)
    rows = connection.execute(query.where(WEBHOOK.c.state == "active", since.is_not(None)).order_by(WEBHOOK.c.id)).all()
    queues = delivery.queues(connection, [row.id for row in rows])
    return [(row.id, row.failing_since, queues.get(row.id, 0)) for row in rows]


def graves(connection: Connection) -> dict[str, int]:
    """How many dead letters there are, by webhook."""
    query = select(DEAD_LETTER.c.webhook_id, func.count()).where(*undelivered(None)).group_by(DEAD_LETTER.c.webhook_id)
    return {row[0]: row[1] for row in connection.execute(query)}
