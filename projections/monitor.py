"""Monitors: what does a station watch by itself, and which events has it sent?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    Row,
    Table,
    Text,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from domain.device import Device, PlacedMonitor, ReportedMonitor
from domain.station import Station
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

MONITOR = Table(
    "monitor",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("monitor_id", Integer, primary_key=True),
    Column("component", Text),
    Column("component_instance", Text),
    Column("evse_id", Integer),
    Column("connector_id", Integer),
    Column("variable", Text),
    Column("variable_instance", Text),
    Column("kind", Text),
    Column("value", Float),
    Column("severity", Integer),
    Column("during_transaction", Boolean),
    Column("origin", Text),
    Column("seen_at", UtcTime),
    Column("removed_at", UtcTime),
    Column("position", BigInteger),
)
MONITORING = Table(
    "monitoring",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("base", Text),
    Column("severity", Integer),
    Column("reset_at", UtcTime),
)
"""How a station monitors; what was known of its monitors before `reset_at` need not be true any more."""

NOTICE = Table(
    "notice",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("event_id", Integer),
    Column("occurred_at", UtcTime),
    Column("trigger", Text),
    Column("component", Text),
    Column("component_instance", Text),
    Column("evse_id", Integer),
    Column("connector_id", Integer),
    Column("variable", Text),
    Column("variable_instance", Text),
    Column("value", Text),
    Column("cleared", Boolean),
    Column("origin", Text),
    Column("monitor_id", Integer),
    Column("severity", Integer),
    Column("caused_by", Integer),
    Column("station_transaction_id", Text),
    Column("tech_code", Text),
    Column("tech_info", Text),
)
NAMED = ("component", "component_instance", "evse_id", "connector_id", "variable", "variable_instance")
RULE = (*NAMED, "kind", "value", "severity", "during_transaction")
TOLD = (
    *NAMED, "event_id", "trigger", "cleared", "origin", "monitor_id", "severity", "caused_by",
    "station_transaction_id", "tech_code", "tech_info",
)  # fmt: skip


def reported(changes: Changes, event: Device.MonitorsReported, position: int) -> None:
    for monitor in event.monitors:
        seen(changes, event, monitor.monitor_id, monitor, position, origin=monitor.origin)


def placed(changes: Changes, event: Device.MonitorsPlaced, position: int) -> None:
    """What the station took is a monitor of ours, even if it was the maker's before (N04.FR.15)."""
    for monitor in event.monitors:
        if monitor.status == "Accepted" and monitor.monitor_id is not None:
            seen(changes, event, monitor.monitor_id, monitor, position, origin="CustomMonitor")


def seen(
    changes: Changes, event: Any, monitor_id: int, monitor: ReportedMonitor | PlacedMonitor, position: int, **more: Any
) -> None:
    facts = {name: getattr(monitor, name) for name in RULE} | {"seen_at": event.recorded_at, "removed_at": None}
    changes.put("monitor", (owner(event), monitor_id), position=position, **facts, **more)


def removed(changes: Changes, event: Device.MonitorsRemoved, position: int) -> None:
    for monitor in event.monitors:
        if monitor.status in ("Accepted", "NotFound"):
            at = (owner(event), monitor.monitor_id)
            changes.put("monitor", at, removed_at=event.recorded_at, position=position)


def base_chosen(changes: Changes, event: Device.MonitoringBaseChosen, position: int) -> None:
    """All leaves custom monitors as they are; the others remove them (N03.FR.03 to N03.FR.05)."""
    changes.put("monitoring", (owner(event),), base=event.base)
    if event.base != "All":
        changes.put("monitoring", (owner(event),), reset_at=event.recorded_at)


def level_chosen(changes: Changes, event: Device.MonitoringLevelChosen, position: int) -> None:
    changes.put("monitoring", (owner(event),), severity=event.severity)


def notified(changes: Changes, event: Station.EventNotified, position: int) -> None:
    for item, notice in enumerate(event.notices):
        facts = {name: getattr(notice, name) for name in TOLD}
        at = (owner(event), position, item)
        changes.add("notice", at, occurred_at=notice.at, value=notice.actual_value, **facts)


PROJECTION = Projection(
    name="monitor",
    tables={"monitor": MONITOR, "monitoring": MONITORING, "notice": NOTICE},
    handlers={
        Device.MonitorsReported: reported,
        Device.MonitorsPlaced: placed,
        Device.MonitorsRemoved: removed,
        Device.MonitoringBaseChosen: base_chosen,
        Device.MonitoringLevelChosen: level_chosen,
        Station.EventNotified: notified,
    },
)


def monitors(connection: Connection, first: int, after: str | None = None, **wanted: Any) -> Page:
    """Monitors of a station by id, with `present`: it is there, as far as the station has told since the last reset."""
    stays = or_(
        MONITORING.c.reset_at.is_(None),
        MONITOR.c.seen_at > MONITORING.c.reset_at,
        MONITOR.c.origin.in_(("HardWiredMonitor", "HardWiredNotification")),
    )
    query = (
        select(MONITOR, (MONITOR.c.removed_at.is_(None) & stays).label("present"))
        .join(MONITORING, MONITORING.c.station_id == MONITOR.c.station_id, isouter=True)
        .where(*conditions(MONITOR, wanted))
        .order_by(MONITOR.c.monitor_id)
        .limit(first + 1)
    )
    if after is not None:
        query = query.where(MONITOR.c.monitor_id > key(after, tuple[int])[0])
    return page(list(connection.execute(query)), first)


def notices(connection: Connection, first: int, after: str | None = None, **wanted: Any) -> Page:
    """Events that a station has sent, the newest first."""
    query = select(NOTICE).where(*conditions(NOTICE, wanted))
    if after is not None:
        last = key(after, tuple[int, int])
        query = query.where(tuple_(NOTICE.c.position, NOTICE.c.item) < tuple_(*map(literal, last)))
    query = query.order_by(NOTICE.c.position.desc(), NOTICE.c.item.desc()).limit(first + 1)
    return page(list(connection.execute(query)), first)


def count(connection: Connection, table: Table, **wanted: Any) -> int:
    query = select(func.count()).select_from(table).where(*conditions(table, wanted))
    return int(connection.execute(query).scalar() or 0)


def conditions(table: Table, wanted: dict[str, Any]) -> list[Any]:
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def monitoring(connection: Connection, station_id: str) -> Row[Any] | None:
    return connection.execute(select(MONITORING).where(MONITORING.c.station_id == station_id)).one_or_none()
