"""IRVE: which charge points are declared, is anything missing, and what does each of them do now?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, and_, func, select, tuple_, union

from domain.declaration import NOT_ROAMING
from domain.irve import Declared, Said, State, state
from domain.point import Equipment
from domain.site import Details, Premises
from projections.page import Page, key, page
from projections.point import POINT
from projections.site import DETAILS, SITE
from projections.station import CONNECTOR, STATION, connectors

PAGE = 500
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
PLACE: Any = func.coalesce(POINT.c.site, STATION.c.site).label("site_id")
"""Where a point is: as it says itself, else where its station is registered."""

SITE_COLUMNS = tuple(SITE.c[name].label(f"site_{name}") for name in (*DETAILS, "premises"))


class Census(NamedTuple):
    """What a line of the file needs to know of the other lines."""

    points: dict[str, int]
    updated_at: dict[str, datetime]
    twins: dict[str, list[tuple[str, int]]]


def points(site: str | None = None, station_id: str | None = None) -> Select[Any]:
    """Declared charge points with their sites, in the order of station and EVSE."""
    query = (
        select(POINT, PLACE, *SITE_COLUMNS)
        .select_from(POINT.outerjoin(STATION, STATION.c.id == POINT.c.station_id).outerjoin(SITE, SITE.c.id == PLACE))
        .where(POINT.c.equipment.is_not(None), POINT.c.withdrawn_at.is_(None))
    )
    if site is not None:
        query = query.where(site == PLACE)
    return query if station_id is None else query.where(POINT.c.station_id == station_id)


def known_evses(site: str | None = None, station_id: str | None = None) -> Select[Any]:
    """Every EVSE that somebody declared, or that its station has spoken of, with what is declared of it if it is."""
    spoken = select(CONNECTOR.c.station_id, CONNECTOR.c.evse_id).where(CONNECTOR.c.evse_id > 0)
    every = union(select(POINT.c.station_id, POINT.c.evse_id), spoken).subquery("known")
    own = and_(POINT.c.station_id == every.c.station_id, POINT.c.evse_id == every.c.evse_id)
    own = and_(own, POINT.c.withdrawn_at.is_(None))
    columns = [column for column in POINT.c if column.name not in ("station_id", "evse_id")]
    query = select(every.c.station_id, every.c.evse_id, *columns, PLACE, *SITE_COLUMNS).select_from(
        every.outerjoin(POINT, own)
        .outerjoin(STATION, STATION.c.id == every.c.station_id)
        .outerjoin(SITE, SITE.c.id == PLACE)
    )
    if site is not None:
        query = query.where(site == PLACE)
    return query if station_id is None else query.where(every.c.station_id == station_id)


def census(connection: Connection) -> Census:
    """Counts and dates of sites, and ids that several points have."""
    every = points().subquery()
    sites = select(every.c.site_id, func.count(), func.max(every.c.described_at)).group_by(every.c.site_id)
    counted = {row[0]: (row[1], row[2]) for row in connection.execute(sites) if row[0] is not None}
    told = {row.id: (row.registered_at, row.declared_at) for row in connection.execute(select(SITE))}
    updated_at = {
        site: max(at for at in (latest, *told.get(site, ())) if at is not None) for site, (_, latest) in counted.items()
    }
    doubled = select(every.c.evse_uid).group_by(every.c.evse_uid).having(func.count() > 1)
    twins: dict[str, list[tuple[str, int]]] = {}
    for row in connection.execute(select(every).where(every.c.evse_uid.in_(doubled), every.c.evse_uid != NOT_ROAMING)):
        twins.setdefault(row.evse_uid, []).append((row.station_id, row.evse_id))
    return Census({site: number for site, (number, _) in counted.items()}, updated_at, twins)


def declared(row: Any, known: Census) -> Declared:
    """A row of `points`."""
    own = Equipment() if row.equipment is None else msgspec.convert(row.equipment, Equipment)
    premises = None if row.site_premises is None else msgspec.convert(row.site_premises, Premises)
    twins = [twin for twin in known.twins.get(row.evse_uid, ()) if twin != (row.station_id, row.evse_id)]
    return Declared(
        station_id=row.station_id,
        evse_id=row.evse_id,
        site_id=row.site_id,
        details=Details(**{name: getattr(row, f"site_{name}") for name in DETAILS}),
        premises=premises,
        equipment=own,
        points=known.points.get(row.site_id, 1),
        updated_on=(known.updated_at.get(row.site_id) or row.described_at or NEVER).date(),
        twin=f"{twins[0][0]}, EVSE {twins[0][1]}" if twins else None,
    )


def page_of(connection: Connection, query: Select[Any], first: int, after: str | None) -> Page:
    """Some rows of `points` or `known_evses`, in the order of station and EVSE."""
    station_id, evse_id = query.selected_columns["station_id"], query.selected_columns["evse_id"]
    if after is not None:
        query = query.where(tuple_(station_id, evse_id) > tuple_(*key(after, tuple[str, int])))
    return page(list(connection.execute(query.order_by(station_id, evse_id).limit(first + 1))), first)


def everything(connection: Connection, site: str | None = None) -> Iterator[list[tuple[Declared, Any]]]:
    """All points page by page, each with its row; what is held in memory is one page and the census."""
    known, after = census(connection), None
    while True:
        query = points(site).order_by(POINT.c.station_id, POINT.c.evse_id).limit(PAGE)
        if after is not None:
            query = query.where(tuple_(POINT.c.station_id, POINT.c.evse_id) > after)
        rows = list(connection.execute(query))
        if rows:
            yield [(declared(row, known), row) for row in rows]
        if len(rows) < PAGE:
            return
        after = (rows[-1].station_id, rows[-1].evse_id)


def states(
    connection: Connection, found: Sequence[tuple[Declared, Any]], now: datetime, tolerance: timedelta
) -> list[State]:
    """What some points do now. A station not heard of for longer than `tolerance` is lost."""
    ids = sorted({point.station_id for point, _ in found})
    stations = {row.id: row for row in connection.execute(select(STATION).where(STATION.c.id.in_(ids)))}
    plugs = connectors(connection, ids)
    return [
        state(
            point.equipment,
            point.evse_id,
            said(stations.get(point.station_id), plugs[point.station_id]),
            lost(stations.get(point.station_id), now, tolerance),
            row.described_at or NEVER,
        )
        for point, row in found
    ]


def said(station: Any, plugs: Sequence[Any]) -> Iterator[Said]:
    if station is not None and station.status is not None:
        yield Said(0, 0, station.status, station.status_at)
    for plug in plugs:
        if plug.status is not None:
            yield Said(plug.evse_id, plug.connector_id, plug.status, plug.status_at)


def lost(station: Any, now: datetime, tolerance: timedelta) -> datetime | None:
    """Since when nobody has heard of a station; None: it is connected, or was lately."""
    if station is None or station.connected or station.last_seen_at is None:
        return None
    at: datetime = station.last_seen_at + tolerance
    return at if at <= now else None
