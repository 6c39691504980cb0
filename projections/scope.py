"""Scope: the part of the read side that somebody may see. The connection is limited, so no query forgets it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Connection, Engine, Select, Table, event, false, func, or_, select, true
from sqlalchemy.sql.visitors import replacement_traverse

from domain.badge import FORGOTTEN, fold
from projections.badge import BADGE, CHECK, USE
from projections.bill import BILL, LINE, RATING
from projections.certificate import CERTIFICATE
from projections.checkpoint import CHECKPOINT
from projections.command import COMMAND
from projections.file import FILE
from projections.job import JOB, STEP
from projections.reservation import RESERVATION
from projections.signature import SIGNED_VALUE
from projections.site import SITE
from projections.station import STATION
from projections.transaction import READING, TRANSACTION


@dataclass(frozen=True)
class Scope:
    """`sites`: only what belongs to their stations. `badges`: only what these badges did. None: no such limit."""

    sites: frozenset[str] | None = None
    badges: frozenset[str] | None = None


class Unseen(RuntimeError):
    """A statement that cannot be narrowed: only a SELECT can."""


SUBJECTS: dict[str, Column[Any]] = {
    "station": STATION.c.id,
    "transaction": TRANSACTION.c.id,
    "command": COMMAND.c.id,
    "job": JOB.c.id,
    "reservation": RESERVATION.c.id,
    "file": FILE.c.id,
    "bill": BILL.c.id,
    "badge": BADGE.c.id,
    "certificate": CERTIFICATE.c.serial_number,
    "customer": STATION.c.id,
    "device": STATION.c.id,
    "locallist": STATION.c.id,
    "security": STATION.c.id,
    "signature": TRANSACTION.c.id,
    "meterkey": STATION.c.id,
}
"""What a stream or an argument is about → the column that says whether one may see it."""


def visible(connection: Connection, subject: str, key: str) -> bool:
    """May the connection's scope see this one? Never heard of, and belonging to others, are the same."""
    column = SUBJECTS.get(subject)
    if column is None:
        return False
    wanted = read_key(column, key)
    return wanted is not None and connection.execute(select(column).where(column == wanted)).first() is not None


def read_key(column: Column[Any], key: str) -> str | int | None:
    """A key as its column holds it."""
    if column.type.python_type is int:
        return int(key) if key.isascii() and key.isdigit() and len(key) < 19 else None
    return fold(key) if column is BADGE.c.id else key.lower() if column is CERTIFICATE.c.serial_number else key


def at_sites(table: Table, sites: Iterable[str]) -> ColumnElement[bool]:
    """Rows of stations of these sites. A table that says nothing of a station is not shown."""
    stations = select(STATION.c.id).where(STATION.c.site.in_(sorted(sites)))
    if table is STATION:
        return table.c.site.in_(sorted(sites))
    if table is SITE:
        return table.c.id.in_(sorted(sites))
    if table is READING:
        return table.c.transaction_id.in_(select(TRANSACTION.c.id).where(TRANSACTION.c.station_id.in_(stations)))
    if table is STEP:
        return table.c.job_id.in_(select(JOB.c.id).where(JOB.c.station_id.in_(stations)))
    if table is FILE:  # firmware images belong to everybody
        return or_(table.c.station_id.in_(stations), table.c.station_id.is_(None))
    return table.c.station_id.in_(stations) if "station_id" in table.c else false()


def of_badges(table: Table, badges: Iterable[str]) -> ColumnElement[bool]:
    """Rows of these badges; every other table is not shown. What has been forgotten is nobody's."""
    ids = sorted({fold(badge) for badge in badges} - {fold(FORGOTTEN)})
    condition = OWN.get(table.name)
    return condition(table, ids) if condition else false()


def paid_by(column: Column[Any], ids: list[str]) -> ColumnElement[bool]:
    return column.in_(select(USE.c.transaction_id).where(USE.c.badge_id.in_(ids)))


OWN: dict[str, Callable[[Table, list[str]], ColumnElement[bool]]] = {
    TRANSACTION.name: lambda table, ids: paid_by(table.c.id, ids),
    READING.name: lambda table, ids: paid_by(table.c.transaction_id, ids),
    SIGNED_VALUE.name: lambda table, ids: paid_by(table.c.transaction_id, ids),
    RESERVATION.name: lambda table, ids: func.upper(table.c.badge).in_(ids),
    BADGE.name: lambda table, ids: table.c.id.in_(ids),
    CHECK.name: lambda table, ids: table.c.badge_id.in_(ids),
    USE.name: lambda table, ids: table.c.badge_id.in_(ids),
    BILL.name: lambda table, ids: paid_by(table.c.id, ids),
    RATING.name: lambda table, ids: paid_by(table.c.bill_id, ids),
    LINE.name: lambda table, ids: paid_by(table.c.bill_id, ids),
}


def condition(table: Table, scope: Scope) -> ColumnElement[bool]:
    """Which rows of a table a scope shows."""
    if table is CHECKPOINT:
        return true()
    limits = []
    if scope.sites is not None:
        limits.append(at_sites(table, scope.sites))
    if scope.badges is not None:
        limits.append(of_badges(table, scope.badges))
    return limits[0] & limits[1] if len(limits) == 2 else limits[0] if limits else true()


def narrowed(statement: Select[Any], scope: Scope) -> Select[Any]:
    """The same question, put to the part of every table that the scope shows."""
    views: dict[Table, Any] = {}

    def view(table: Table) -> Any:
        if table not in views:
            views[table] = select(table).where(condition(table, scope)).subquery(table.name)
        return views[table]

    def replace(element: Any, **_: Any) -> Any:
        if isinstance(element, Table):
            return view(element)
        if isinstance(element, Column) and isinstance(element.table, Table):
            return view(element.table).c[element.key]
        return None

    return cast("Select[Any]", replacement_traverse(statement, {}, replace))


def narrowing(engine: Engine) -> Engine:
    """The same database; connections of `seen_by` show a part of it. The engine itself is not touched."""
    made = engine.execution_options(narrowing=True)
    event.listen(made, "before_execute", narrow, retval=True)
    return made


def seen_by(engine: Engine, scope: Scope) -> Connection:
    """A connection of a `narrowing` engine that shows what a scope shows."""
    return engine.connect().execution_options(scope=scope)


def narrow(connection: Connection, statement: Any, many: Any, parameters: Any, options: Any) -> tuple[Any, Any, Any]:
    """What is no SELECT is refused: there is no telling what it would show."""
    if not isinstance(statement, Select):
        raise Unseen(type(statement).__name__)
    return narrowed(statement, connection.get_execution_options()["scope"]), many, parameters
