"""The device model: what a station is made of, and the value of every variable or configuration key it has told."""

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

from domain.device import Characteristics, Device, Variable
from domain.secret import secret
from domain.station import Notice, Station
from projections.change import Changes, Key
from projections.page import Page, key, page
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

VARIABLE = Table(
    "variable",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("component", Text, primary_key=True),
    Column("component_instance", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("connector_id", Integer, primary_key=True),
    Column("variable", Text, primary_key=True),
    Column("variable_instance", Text, primary_key=True),
    Column("attribute", Text, primary_key=True),
    Column("value", Text),
    Column("mutability", Text),
    Column("persistent", Boolean),
    Column("constant", Boolean),
    Column("unit", Text),
    Column("data_type", Text),
    Column("min_limit", Float),
    Column("max_limit", Float),
    Column("max_elements", Integer),
    Column("values_list", Text),
    Column("monitorable", Boolean),
    Column("status", Text),
    Column("reason", Text),
    Column("known_at", UtcTime),
    Column("restart_wanted_at", UtcTime),
    Column("position", BigInteger),
)
"""An attribute of a variable is a row; what has no instance, EVSE or connector has "" or 0 there."""

START = Table(
    "station_start",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("started_at", UtcTime),
)
"""When a station last started: a value that waits for a restart waits no longer."""


def reported(changes: Changes, event: Device.VariablesReported, position: int) -> None:
    for variable in event.variables:
        shape = characteristics(variable.characteristics)
        for attribute in variable.attributes:
            known = {
                "value": attribute.value,
                "mutability": attribute.mutability,
                "persistent": attribute.persistent,
                "constant": attribute.constant,
                "status": "Accepted",
                "reason": None,
            }
            put(changes, event, position, variable, attribute.kind, **known, **shape)


def read(changes: Changes, event: Device.VariablesRead, position: int) -> None:
    for line in event.variables:
        known: dict[str, Any] = {"status": line.status, "reason": line.reason}
        if line.status == "Accepted":
            known["value"] = line.value
        if line.mutability is not None:
            known["mutability"] = line.mutability
        put(changes, event, position, line, line.kind, **known)


def written(changes: Changes, event: Device.VariablesWritten, position: int) -> None:
    for line in event.variables:
        known: dict[str, Any] = {"status": line.status, "reason": line.reason}
        if line.status in ("Accepted", "RebootRequired"):
            known["value"] = line.value
        if line.status == "RebootRequired":
            known["restart_wanted_at"] = event.recorded_at
        put(changes, event, position, line, line.kind, **known)


def notified(changes: Changes, event: Station.EventNotified, position: int) -> None:
    """An event tells the value that a variable has."""
    for line in event.notices:
        if not secret(line.variable):
            put(changes, event, position, line, "Actual", value=line.actual_value, status="Accepted", reason=None)


def booted(changes: Changes, event: Station.Booted, position: int) -> None:
    changes.put("station_start", (owner(event),), started_at=event.recorded_at)


def put(changes: Changes, event: Any, position: int, which: Variable | Notice, attribute: str, **values: Any) -> None:
    known_at = event.recorded_at
    changes.put("variable", place(event, which, attribute), known_at=known_at, position=position, **values)


def place(event: Any, which: Variable | Notice, attribute: str) -> Key:
    return (
        owner(event),
        which.component,
        which.component_instance or "",
        which.evse_id or 0,
        which.connector_id or 0,
        which.variable,
        which.variable_instance or "",
        attribute,
    )


def characteristics(said: Characteristics | None) -> dict[str, Any]:
    if said is None:
        return {}
    return {
        "data_type": said.data_type,
        "monitorable": said.monitorable,
        "unit": said.unit,
        "min_limit": said.min_limit,
        "max_limit": said.max_limit,
        "max_elements": said.max_elements,
        "values_list": said.values,
    }


PROJECTION = Projection(
    name="device",
    tables={"variable": VARIABLE, "station_start": START},
    handlers={
        Station.Booted: booted,
        Device.VariablesReported: reported,
        Device.VariablesRead: read,
        Device.VariablesWritten: written,
        Station.EventNotified: notified,
    },
)
KEY = tuple(VARIABLE.primary_key.columns)
PLACE: type[Any] = tuple[str, str, str, int, int, str, str, str]


def variables(connection: Connection, first: int, after: str | None = None, **wanted: str | None) -> Page:
    """Variables by component and name; `wanted`: station_id, and perhaps component and variable."""
    waiting = VARIABLE.c.restart_wanted_at.is_not(None) & or_(
        START.c.started_at.is_(None), START.c.started_at < VARIABLE.c.restart_wanted_at
    )
    query = (
        select(VARIABLE, waiting.label("restart_wanted"))
        .join(START, START.c.station_id == VARIABLE.c.station_id, isouter=True)
        .where(*conditions(wanted))
        .order_by(*KEY)
        .limit(first + 1)
    )
    if after is not None:
        query = query.where(tuple_(*KEY) > tuple_(*map(literal, key(after, PLACE))))
    return page(list(connection.execute(query)), first)


def count(connection: Connection, **wanted: str | None) -> int:
    query = select(func.count()).select_from(VARIABLE).where(*conditions(wanted))
    return int(connection.execute(query).scalar() or 0)


def conditions(wanted: dict[str, str | None]) -> list[Any]:
    return [VARIABLE.c[name] == value for name, value in wanted.items() if value is not None]


def limits(connection: Connection, station_id: str, message: str) -> list[Row[Any]]:
    """How much of a message the station takes at once, as far as it has told (ItemsPerMessage, BytesPerMessage)."""
    query = select(VARIABLE.c.variable, VARIABLE.c.value).where(
        VARIABLE.c.station_id == station_id,
        VARIABLE.c.attribute == "Actual",
        or_(
            VARIABLE.c.variable.in_(("ItemsPerMessage", "BytesPerMessage")) & (VARIABLE.c.variable_instance == message),
            VARIABLE.c.variable == f"{message}MaxKeys",
        ),
    )
    return list(connection.execute(query))
