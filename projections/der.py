"""Distributed energy: which controls do stations have, which of them are at work, and what alarms do they raise?"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Column, Select, Table, Text, select

from domain.der import Control, Der
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

CONTROL = Table(
    "der_control",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("control_type", Text),
    Column("is_default", Boolean),
    Column("superseded", Boolean),
    Column("settings", JSON),
    Column("status", Text),
    Column("active", Boolean),
    Column("active_since", UtcTime),
    Column("since", UtcTime),
    Column("position", BigInteger),
)
ALARM = Table(
    "der_alarm",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("control_type", Text),
    Column("fault", Text),
    Column("detail", Text),
    Column("raised_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("position", BigInteger),
)


def control_set(changes: Changes, event: Der.ControlSet, position: int) -> None:
    supersede(changes, event, event.superseded_ids, position)
    put(changes, event, event.control, position)


def reported(changes: Changes, event: Der.Reported, position: int) -> None:
    for control in event.controls:
        put(changes, event, control, position)


def put(changes: Changes, event: Any, control: Control, position: int) -> None:
    changes.put(
        "der_control",
        (station(event), control.id),
        control_type=control.control_type,
        is_default=control.default,
        superseded=control.superseded,
        settings=msgspec.json.decode(msgspec.json.encode(control.settings)),
        status="SET",
        since=event.recorded_at,
        position=position,
    )


def supersede(changes: Changes, event: Any, ids: tuple[str, ...], position: int) -> None:
    for id_ in ids:
        changes.put("der_control", (station(event), id_), superseded=True, position=position)


def cleared(changes: Changes, event: Der.ControlsCleared, position: int) -> None:
    gone(changes, event, event.control_ids, "CLEARED", position)


def lost(changes: Changes, event: Der.ControlsLost, position: int) -> None:
    gone(changes, event, event.control_ids, "LOST", position)


def gone(changes: Changes, event: Any, ids: tuple[str, ...], status: str, position: int) -> None:
    for id_ in ids:
        where = (station(event), id_)
        changes.put("der_control", where, status=status, active=False, since=event.recorded_at, position=position)


def started(changes: Changes, event: Der.ControlStarted, position: int) -> None:
    supersede(changes, event, event.superseded_ids, position)
    for id_ in event.superseded_ids:
        changes.put("der_control", (station(event), id_), active=False)
    where = (station(event), event.control_id)
    changes.put("der_control", where, active=True, active_since=event.occurred_at, position=position)


def stopped(changes: Changes, event: Der.ControlStopped, position: int) -> None:
    changes.put("der_control", (station(event), event.control_id), active=False, position=position)


def raised(changes: Changes, event: Der.AlarmRaised, position: int) -> None:
    changes.put(
        "der_alarm",
        (station(event),),
        control_type=event.control_type,
        fault=event.fault,
        detail=event.detail,
        raised_at=event.occurred_at,
        ended_at=None,
        position=position,
    )


def ended(changes: Changes, event: Der.AlarmEnded, position: int) -> None:
    changes.put("der_alarm", (station(event),), ended_at=event.occurred_at, position=position)


def station(event: Any) -> str:
    name: str = event.originator_id
    return name.removeprefix("der/")


PROJECTION = Projection(
    name="der",
    tables={"der_control": CONTROL, "der_alarm": ALARM},
    handlers={
        Der.ControlSet: control_set,
        Der.Reported: reported,
        Der.ControlStarted: started,
        Der.ControlStopped: stopped,
        Der.ControlsCleared: cleared,
        Der.ControlsLost: lost,
        Der.AlarmRaised: raised,
        Der.AlarmEnded: ended,
    },
)


def controls(station_id: str | None = None, control_type: str | None = None, there: bool | None = None) -> Select[Any]:
    """Controls we know more of than their id."""
    query = select(CONTROL).where(CONTROL.c.control_type.is_not(None))
    if station_id is not None:
        query = query.where(CONTROL.c.station_id == station_id)
    if control_type is not None:
        query = query.where(CONTROL.c.control_type == control_type)
    return query if there is None else query.where((CONTROL.c.status == "SET") == there)


def alarms(station_id: str | None = None, lasting: bool | None = None) -> Select[Any]:
    """The latest alarm of each station: a later one takes its place (R05.FR.04); of an end alone nothing is known."""
    query = select(ALARM).where(ALARM.c.raised_at.is_not(None))
    if station_id is not None:
        query = query.where(ALARM.c.station_id == station_id)
    return query if lasting is None else query.where(ALARM.c.ended_at.is_(None) == lasting)
