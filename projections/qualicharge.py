"""QualiCharge: what was told of every charge point, what became of it, and which rules do items break together?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    Select,
    Table,
    Text,
    exists,
    func,
    select,
)

from domain.qualicharge import Item
from domain.quality import Finding, park_findings, point_findings
from projections.change import Changes
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime
from projections.transaction import ENERGY_WH, TRANSACTION

ITEM = Table(
    "qualicharge_item",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text),
    Column("point", Text),
    Column("station_id", Text),
    Column("evse_id", Integer),
    Column("transaction_id", Text),
    Column("payload", JSON),
    Column("told_at", UtcTime),
    Column("fate", Text),
    Column("rules", JSON),
    Column("reason", Text),
    Column("status", Integer),
    Column("reference", Text),
    Column("attempt", Integer),
    Column("prepared_at", UtcTime),
    Column("sent_at", UtcTime),
    Column("settled_at", UtcTime),
    Column("built_from", BigInteger),
    Column("prepared_position", BigInteger),
    Column("position", BigInteger),
    Index("qualicharge_item_by_kind", "kind", "prepared_position"),
    Index("qualicharge_item_by_fate", "fate", "prepared_position"),
    Index("qualicharge_item_by_point", "point", "told_at"),
    Index("qualicharge_item_by_transaction", "transaction_id"),
)
"""`told_at`: the time in it, by which rules count: horodatage, start of the session, or when it was prepared."""


def prepared(changes: Changes, event: Item.Prepared, position: int) -> None:
    draft = event.draft
    told = draft.payload.get("horodatage") or draft.payload.get("start")
    names = ("kind", "point", "station_id", "evse_id", "transaction_id", "payload")
    put(
        changes, event, position, fate="PREPARED", prepared_at=event.recorded_at, prepared_position=position,
        built_from=draft.position, attempt=0, told_at=datetime.fromisoformat(told) if told else event.recorded_at,
        **{name: getattr(draft, name) for name in names},
    )  # fmt: skip


def withheld(changes: Changes, event: Item.Withheld, position: int) -> None:
    settled(changes, event, position, "WITHHELD", rules=list(event.rules), reason=event.reason)


def sent(changes: Changes, event: Item.Sent, position: int) -> None:
    put(changes, event, position, fate="SENT", sent_at=event.recorded_at, attempt=event.attempt)


def returned(changes: Changes, event: Item.Returned, position: int) -> None:
    put(changes, event, position, fate="PREPARED", reason=event.reason)


def accepted(changes: Changes, event: Item.Accepted, position: int) -> None:
    settled(changes, event, position, "ACCEPTED", reference=event.reference, reason=None, rules=None, status=None)


def confirmed(changes: Changes, event: Item.Confirmed, position: int) -> None:
    put(changes, event, position, fate="CONFIRMED")


def refused(changes: Changes, event: Item.Refused, position: int) -> None:
    settled(changes, event, position, "REFUSED", status=event.status, reason=event.reason)


def left_uncertain(changes: Changes, event: Item.LeftUncertain, position: int) -> None:
    settled(changes, event, position, "UNCERTAIN", reason=event.reason)


def superseded(changes: Changes, event: Item.Superseded, position: int) -> None:
    settled(changes, event, position, "SUPERSEDED", reason=event.reason)


def retry_requested(changes: Changes, event: Item.RetryRequested, position: int) -> None:
    put(changes, event, position, fate="PREPARED", settled_at=None, rules=None, reason=None, status=None)


def settled(changes: Changes, event: Any, position: int, fate: str, **more: Any) -> None:
    put(changes, event, position, fate=fate, settled_at=event.recorded_at, **more)


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    changes.put("qualicharge_item", (owner(event),), position=position, **values)


PROJECTION = Projection(
    name="qualicharge",
    tables={"qualicharge_item": ITEM},
    handlers={
        Item.Prepared: prepared,
        Item.Withheld: withheld,
        Item.Sent: sent,
        Item.Returned: returned,
        Item.Accepted: accepted,
        Item.Confirmed: confirmed,
        Item.Refused: refused,
        Item.LeftUncertain: left_uncertain,
        Item.Superseded: superseded,
        Item.RetryRequested: retry_requested,
    },
)
TOLD = ("ACCEPTED", "CONFIRMED")


def items(first: int, before: int | None, **wanted: Any) -> Select[Any]:
    """The newest first; `wanted`: columns that must have a value."""
    query = select(ITEM).where(*conditions(wanted)).order_by(ITEM.c.prepared_position.desc()).limit(first)
    return query if before is None else query.where(ITEM.c.prepared_position < before)


def conditions(wanted: dict[str, Any]) -> list[Any]:
    return [ITEM.c[name] == value for name, value in wanted.items() if value is not None]


def by_id(connection: Connection, item_id: str) -> Row[Any] | None:
    return connection.execute(select(ITEM).where(ITEM.c.id == item_id)).first()


def counts(connection: Connection, **wanted: Any) -> int:
    query = select(func.count()).select_from(ITEM).where(*conditions(wanted))
    return int(connection.execute(query).scalar() or 0)


def fates(connection: Connection) -> dict[tuple[str, str], int]:
    """How many items have which fate, by kind."""
    query = select(ITEM.c.kind, ITEM.c.fate, func.count()).group_by(ITEM.c.kind, ITEM.c.fate)
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def unprepared(connection: Connection, since: datetime, stations: Sequence[str], most: int) -> list[Row[Any]]:
    """Charges at these stations that ended, began since then, and that no session was made of."""
    it = TRANSACTION.c
    made = exists().where(ITEM.c.transaction_id == it.id)
    columns = (it.id, it.station_id, it.evse_id, it.started_at, it.ended_at, it.doubt, ENERGY_WH.label("energy_wh"))
    query = select(*columns).where(it.started_at >= since, it.ended_at.is_not(None), ~made)
    query = query.where(it.station_id.in_(stations))
    return list(connection.execute(query.order_by(it.started_at, it.id).limit(most)))


def findings(
    connection: Connection, since: datetime, now: datetime, point: str | None = None, most: int = 500
) -> list[Finding]:
    """Every rule that the items of a period break together, at most so many."""
    found: list[Finding] = []
    for finding in examined(connection, since, now, point):
        found.append(finding)
        if len(found) >= most:
            break
    return found


def examined(connection: Connection, since: datetime, now: datetime, point: str | None) -> Iterator[Finding]:
    known = records(connection, point)
    last = select(ITEM.c.point, func.max(ITEM.c.told_at)).where(ITEM.c.kind == "STATUS", ITEM.c.fate.in_(TOLD))
    latest = {row[0]: row[1] for row in connection.execute(last.group_by(ITEM.c.point))}
    yield from park_findings(list(known.values()), latest, now)
    told: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: {"STATUS": [], "SESSION": []})
    query = select(ITEM.c.point, ITEM.c.kind, ITEM.c.payload).where(
        ITEM.c.kind.in_(("STATUS", "SESSION")), ITEM.c.fate.in_((*TOLD, "SENT", "UNCERTAIN")), ITEM.c.told_at >= since
    )
    for row in connection.execute(query.where(*conditions({"point": point})).order_by(ITEM.c.told_at)):
        told[row.point][row.kind].append(row.payload)
    for name in sorted(told):
        yield from point_findings(name, known.get(name), told[name]["STATUS"], told[name]["SESSION"])


def records(connection: Connection, point: str | None = None) -> dict[str, dict[str, Any]]:
    """What QualiCharge knows of every point: the record it took last."""
    query = select(ITEM.c.point, ITEM.c.payload).where(ITEM.c.kind == "STATIC", ITEM.c.fate.in_(TOLD))
    query = query.where(*conditions({"point": point})).order_by(ITEM.c.prepared_position)
    return {row.point: row.payload for row in connection.execute(query)}
