"""Transaction history: who charged what, when, where, how much, and how the meter went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
    text,
)

from domain.meter import Reading
from domain.transaction import Transaction
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection
from projections.table import METADATA, UtcTime

TRANSACTION = Table(
    "transaction",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("station_id", Text),
    Column("evse_id", Integer),
    Column("connector_id", Integer),
    Column("station_transaction_id", Text),
    Column("badge", Text),
    Column("verdict", Text),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("meter_start_wh", Float),
    Column("meter_stop_wh", Float),
    Column("meter_last_wh", Float),
    Column("power_w", Float),
    Column("soc_start", Float),
    Column("soc_end", Float),
    Column("metered_at", UtcTime),
    Column("charging_state", Text),
    Column("stop_reason", Text),
    Column("doubt", Text),
    Column("superseded_by", Text),
    Column("remote_start_id", BigInteger),
    Column("reservation_id", BigInteger),
    Column("offline", Boolean),
    Column("missing", Integer),
    Column("position", BigInteger),
    Index("transaction_by_start", "started_at", "id"),
    Index("transaction_by_station", "station_id", "started_at", "id"),
    Index("transaction_by_badge", "badge", "started_at", "id"),
    Index(
        "transaction_open",
        "started_at",
        "id",
        postgresql_where=text("ended_at IS NULL"),
        sqlite_where=text("ended_at IS NULL"),
    ),
)
READING = Table(
    "reading",
    METADATA,
    Column("transaction_id", Text, primary_key=True),
    Column("at", UtcTime, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("context", Text),
    Column("register_wh", Float),
    Column("power_w", Float),
    Column("current_a", Float),
    Column("voltage_v", Float),
    Column("soc_percent", Float),
    Column("offered_w", Float),
    Column("offered_a", Float),
)
ENERGY_WH = func.coalesce(
    func.coalesce(TRANSACTION.c.meter_stop_wh, TRANSACTION.c.meter_last_wh) - TRANSACTION.c.meter_start_wh, 0.0
)
MEASURED = ("register_wh", "power_w", "current_a", "voltage_v", "soc_percent", "offered_w", "offered_a")


def started(changes: Changes, event: Transaction.Started, position: int) -> None:
    names = (
        "station_id", "evse_id", "connector_id", "station_transaction_id", "badge", "verdict", "meter_start_wh",
        "remote_start_id", "reservation_id", "offline",
    )  # fmt: skip
    put(changes, event, position, started_at=event.occurred_at, **{name: getattr(event, name) for name in names})
    measured(changes, event, event.readings, position)


def start_confirmed(changes: Changes, event: Transaction.StartConfirmed, position: int) -> None:
    names = ("badge", "verdict", "meter_start_wh", "remote_start_id", "reservation_id")
    known = {name: getattr(event, name) for name in names}
    known = {name: value for name, value in known.items() if value is not None}
    put(changes, event, position, started_at=event.occurred_at, **known)
    measured(changes, event, event.readings, position)


def located(changes: Changes, event: Transaction.Located, position: int) -> None:
    put(changes, event, position, evse_id=event.evse_id, connector_id=event.connector_id)


def counting_began(changes: Changes, event: Transaction.CountingBegan, position: int) -> None:
    put(changes, event, position, meter_start_wh=event.meter_start_wh)


def badge_presented(changes: Changes, event: Transaction.BadgePresented, position: int) -> None:
    put(changes, event, position, badge=event.badge, verdict=event.verdict)


def metered(changes: Changes, event: Transaction.Metered, position: int) -> None:
    measured(changes, event, event.readings, position, late=event.late, offline=event.offline)


def charging_state(changes: Changes, event: Transaction.ChargingStateReported, position: int) -> None:
    put(changes, event, position, charging_state=event.state)


def ended(changes: Changes, event: Transaction.Ended, position: int) -> None:
    put(changes, event, position, ended_at=event.occurred_at, stop_reason=event.reason)
    if event.meter_stop_wh is not None:
        put(changes, event, position, meter_stop_wh=event.meter_stop_wh)
    measured(changes, event, event.readings, position)
    over(changes, event, event.occurred_at)


def superseded(changes: Changes, event: Transaction.Superseded, position: int) -> None:
    put(
        changes,
        event,
        position,
        ended_at=event.occurred_at,
        stop_reason="Superseded",
        superseded_by=event.by_transaction_id,
    )
    over(changes, event, event.occurred_at)


def closed(changes: Changes, event: Transaction.Closed, position: int) -> None:
    put(changes, event, position, ended_at=event.occurred_at, stop_reason=event.reason)
    over(changes, event, event.occurred_at)


def corrected(changes: Changes, event: Transaction.Corrected, position: int) -> None:
    put(changes, event, position, meter_stop_wh=event.meter_stop_wh)


def gap(changes: Changes, event: Transaction.GapFound | Transaction.GapFilled, position: int) -> None:
    put(changes, event, position, missing=event.missing)


def doubted(changes: Changes, event: Transaction.Doubted, position: int) -> None:
    put(changes, event, position, doubt=event.reason)


def told_again(
    changes: Changes, event: Transaction.Repeated | Transaction.ChargingStateRecalled, position: int
) -> None:
    put(changes, event, position)


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    changes.put("transaction", (transaction_of(event),), position=position, **values)


def over(changes: Changes, event: Any, at: datetime) -> None:
    """After the end no power flows; the last register stays."""
    changes.newest("transaction", (transaction_of(event),), "metered_at", at, power_w=None)


def measured(
    changes: Changes,
    event: Any,
    readings: Sequence[Reading],
    position: int,
    late: bool = False,
    offline: bool = False,
) -> None:
    """Keep every reading; the newest one says what is now, the first SoC what was at the start.

    What comes after the end changes nothing but the list of readings; what was kept while offline is not live.
    """
    transaction_id = transaction_of(event)
    for item, reading in enumerate(readings):
        values = {name: getattr(reading, name) for name in MEASURED}
        changes.add("reading", (transaction_id, reading.at, position, item), context=reading.context, **values)
        if late:
            continue
        now = {"meter_last_wh": reading.register_wh, "soc_end": reading.soc_percent}
        if not offline:
            now["power_w"] = reading.power_w
        now = {name: value for name, value in now.items() if value is not None}
        changes.newest("transaction", (transaction_id,), "metered_at", reading.at, **now)
        if reading.soc_percent is not None:
            changes.first("transaction", (transaction_id,), "soc_start", reading.soc_percent)
    if readings:
        put(changes, event, position)


def transaction_of(event: Any) -> str:
    stream: str = event.originator_id
    return stream.removeprefix("transaction/")


PROJECTION = Projection(
    name="transaction",
    tables={"transaction": TRANSACTION, "reading": READING},
    handlers={
        Transaction.Started: started,
        Transaction.StartConfirmed: start_confirmed,
        Transaction.Located: located,
        Transaction.CountingBegan: counting_began,
        Transaction.BadgePresented: badge_presented,
        Transaction.Metered: metered,
        Transaction.ChargingStateReported: charging_state,
        Transaction.Ended: ended,
        Transaction.Superseded: superseded,
        Transaction.Closed: closed,
        Transaction.Corrected: corrected,
        Transaction.GapFound: gap,
        Transaction.GapFilled: gap,
        Transaction.Doubted: doubted,
        Transaction.Repeated: told_again,
        Transaction.ChargingStateRecalled: told_again,
    },
)

COLUMNS = (*TRANSACTION.c, ENERGY_WH.label("energy_wh"))


def transactions(
    connection: Connection,
    first: int,
    after: str | None = None,
    station_id: str | None = None,
    badge: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    open_: bool | None = None,
) -> Page:
    """Transactions, the newest start first."""
    query = select(*COLUMNS).where(*conditions(station_id, badge, since, until, open_))
    if after is not None:
        at, id_ = key(after, tuple[datetime, str])
        same = and_(TRANSACTION.c.started_at == at, TRANSACTION.c.id < id_)
        query = query.where(TRANSACTION.c.started_at <= at, or_(TRANSACTION.c.started_at < at, same))
    query = query.order_by(TRANSACTION.c.started_at.desc(), TRANSACTION.c.id.desc()).limit(first + 1)
    return page(list(connection.execute(query)), first)


def count(
    connection: Connection,
    station_id: str | None = None,
    badge: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    open_: bool | None = None,
) -> int:
    query = select(func.count()).select_from(TRANSACTION).where(*conditions(station_id, badge, since, until, open_))
    return int(connection.execute(query).scalar() or 0)


def conditions(
    station_id: str | None, badge: str | None, since: datetime | None, until: datetime | None, open_: bool | None
) -> list[Any]:
    wanted: list[Any] = [TRANSACTION.c.started_at.is_not(None)]
    if station_id is not None:
        wanted.append(TRANSACTION.c.station_id == station_id)
    if badge is not None:
        wanted.append(TRANSACTION.c.badge == badge)
    if since is not None:
        wanted.append(TRANSACTION.c.started_at >= since)
    if until is not None:
        wanted.append(TRANSACTION.c.started_at < until)
    if open_ is not None:
        wanted.append(TRANSACTION.c.ended_at.is_(None) if open_ else TRANSACTION.c.ended_at.is_not(None))
    return wanted


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(select(*COLUMNS).where(TRANSACTION.c.id.in_(ids)))}


def silent(connection: Connection, since: datetime, most: int = 200) -> list[tuple[str, str]]:
    """Station and id of open transactions of which nothing was read since then, by the station's clock."""
    heard = func.coalesce(TRANSACTION.c.metered_at, TRANSACTION.c.started_at)
    query = select(TRANSACTION.c.station_id, TRANSACTION.c.id).where(TRANSACTION.c.ended_at.is_(None), heard < since)
    return [(row.station_id, row.id) for row in connection.execute(query.limit(most))]


def latest_of(connection: Connection, station_ids: Sequence[str], first: int) -> dict[str, Page]:
    """The newest transactions of several stations, `first` each, in one statement."""
    rank = (
        func.row_number()
        .over(
            partition_by=TRANSACTION.c.station_id, order_by=(TRANSACTION.c.started_at.desc(), TRANSACTION.c.id.desc())
        )
        .label("rank")
    )
    ranked = select(*COLUMNS, rank).where(TRANSACTION.c.station_id.in_(station_ids)).subquery()
    query = select(ranked).where(ranked.c.rank <= first + 1).order_by(ranked.c.station_id, ranked.c.rank)
    found: dict[str, list[Row[Any]]] = {station_id: [] for station_id in station_ids}
    for row in connection.execute(query):
        found[row.station_id].append(row)
    return {station_id: page(rows, first) for station_id, rows in found.items()}


def readings(connection: Connection, transaction_id: str, first: int, after: str | None = None) -> Page:
    """The readings of a transaction by the station's time."""
    query = select(READING).where(READING.c.transaction_id == transaction_id)
    if after is not None:
        at, position, item = key(after, tuple[datetime, int, int])
        later = or_(READING.c.position > position, and_(READING.c.position == position, READING.c.item > item))
        query = query.where(or_(READING.c.at > at, and_(READING.c.at == at, later)))
    query = query.order_by(READING.c.at, READING.c.position, READING.c.item).limit(first + 1)
    return page(list(connection.execute(query)), first)


def readings_of(connection: Connection, transaction_ids: Sequence[str], first: int) -> dict[str, Page]:
    """The first readings of several transactions, in one statement."""
    order = (READING.c.at, READING.c.position, READING.c.item)
    rank = func.row_number().over(partition_by=READING.c.transaction_id, order_by=order).label("rank")
    ranked = select(READING, rank).where(READING.c.transaction_id.in_(transaction_ids)).subquery()
    query = select(ranked).where(ranked.c.rank <= first + 1).order_by(ranked.c.transaction_id, ranked.c.rank)
    found: dict[str, list[Row[Any]]] = {transaction_id: [] for transaction_id in transaction_ids}
    for row in connection.execute(query):
        found[row.transaction_id].append(row)
    return {transaction_id: page(rows, first) for transaction_id, rows in found.items()}


def count_readings(connection: Connection, transaction_id: str) -> int:
    query = select(func.count()).select_from(READING).where(READING.c.transaction_id == transaction_id)
    return int(connection.execute(query).scalar() or 0)
