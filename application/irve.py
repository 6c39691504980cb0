"""Declaring sites and charge points, one by one or from a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from application.amend import TRIES, amend
from application.history import History
from application.journal import Fenced, Journal
from application.registry import check_station_id
from application.snapshot import load
from domain.aggregate import Aggregate
from domain.declaration import NOT_ROAMING
from domain.event import AnyCause, Operator, Refusal
from domain.point import Equipment, Point
from domain.point import stream as point_stream
from domain.site import Details, Premises, Site
from domain.site import stream as site_stream

MOST_LINES = 50_000
A = TypeVar("A", bound=Aggregate)
S = TypeVar("S", bound=msgspec.Struct)


class Line(NamedTuple):
    """One charge point of a file, and what the line says of its site. `number` counts lines from 1, header included."""

    number: int
    site_id: str
    details: Details
    premises: Premises
    station_id: str
    evse_id: int
    equipment: Equipment


class Fault(NamedTuple):
    """What is wrong in a line."""

    number: int
    reason: str


class Outcome(NamedTuple):
    """What came of a file. Nothing was recorded if `recorded` is false."""

    lines: int
    sites: int
    points: int
    faults: list[Fault]
    recorded: bool


Read = Callable[[bytes], tuple[list[Line], list[Fault]]]
"""A file → its lines, and what is wrong in the others."""


class Declarations:
    """Every method returns once the change is durable, and raises Refusal when a rule says no."""

    def __init__(self, journal: Journal, history: History, read: Read, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.read = read
        self.clock = clock

    async def declare(self, site_id: str, premises: Premises, operator: str) -> Site:
        return await self.change(
            Site, site_stream(site_id), lambda site: site.declare(premises, Operator(name=operator), self.clock())
        )

    async def describe(self, station_id: str, evse_id: int, equipment: Equipment, operator: str) -> Point:
        return await self.change_point(
            station_id, evse_id, lambda point, cause, now: point.describe(equipment, cause, now), operator
        )

    async def withdraw(self, station_id: str, evse_id: int, reason: str | None, operator: str) -> Point:
        return await self.change_point(
            station_id, evse_id, lambda point, cause, now: point.withdraw(reason, cause, now), operator
        )

    async def plan(
        self, station_id: str, evse_id: int, starts_at: datetime, ends_at: datetime, reason: str, operator: str
    ) -> Point:
        return await self.change_point(
            station_id, evse_id, lambda point, cause, now: point.plan(starts_at, ends_at, reason, cause, now), operator
        )

    async def cancel(self, station_id: str, evse_id: int, plan: int, operator: str) -> Point:
        return await self.change_point(
            station_id, evse_id, lambda point, cause, now: point.cancel(plan, cause, now), operator
        )

    async def change_point(
        self, station_id: str, evse_id: int, decide: Callable[[Point, AnyCause, datetime], None], operator: str
    ) -> Point:
        check_station_id(station_id)
        return await self.change(
            Point,
            point_stream(station_id, evse_id),
            lambda point: decide(point, Operator(name=operator), self.clock()),
        )

    async def change(self, kind: type[A], name: str, decide: Callable[[A], None]) -> A:
        return await amend(self.journal, self.history, lambda: kind(name), decide)

    async def take(self, file: bytes, partial: bool, operator: str, dry: bool = False) -> Outcome:
        """Declare all that a file says, in one go. A fault stops all of it, or its line only (`partial`).

        Raises Refusal for what is no such file.
        """
        lines, faults = await asyncio.to_thread(self.read, file)
        if len(lines) + len(faults) > MOST_LINES:
            raise Refusal(f"a file has at most {MOST_LINES:,} lines")
        for _ in range(TRIES):
            decided, more = await asyncio.to_thread(self.decide, lines, Operator(name=operator))
            found = sorted([*faults, *more])
            stopped = dry or bool(found and not partial)
            try:
                if not stopped and decided:
                    await self.journal.record([event for each in decided for event in each.collect_events()])
            except Fenced:
                continue
            kinds = [type(each) for each in decided]
            total = len(lines) + len(faults)
            return Outcome(total, kinds.count(Site), kinds.count(Point), found, not stopped)
        raise Refusal("somebody else keeps changing these sites; try again")

    def decide(self, lines: Sequence[Line], cause: AnyCause) -> tuple[list[Aggregate], list[Fault]]:
        """The sites and points that would change, and what is wrong with the lines of others. Blocks."""
        sites: dict[str, tuple[Site, Line]] = {}
        points: dict[tuple[str, int], tuple[Point, int]] = {}
        uids: dict[str, int] = {}
        faults = []
        for line in lines:
            try:
                self.consider(line, sites, points, uids, cause)
            except Refusal as refusal:
                faults.append(Fault(line.number, str(refusal)))
        found: list[Aggregate] = [site for site, _ in sites.values()]
        found += [point for point, _ in points.values()]
        return [each for each in found if each.pending], faults

    def consider(
        self, line: Line, sites: dict[str, tuple[Site, Line]], points: dict[tuple[str, int], tuple[Point, int]],
        uids: dict[str, int], cause: AnyCause,
    ) -> None:  # fmt: skip
        """One line; what it says of its site must be what the lines before it said."""
        now, place = self.clock(), (line.station_id, line.evse_id)
        check_station_id(line.station_id)
        if place in points:
            raise Refusal(f"{line.station_id}, EVSE {line.evse_id} is in line {points[place][1]} already")
        point, _ = load(self.history, Point(point_stream(*place)))
        point.describe(joined(point.equipment or Equipment(), line.equipment), cause, now)
        uid = point.equipment.evse_uid if point.equipment else None
        if uid in uids:
            raise Refusal(f"id_pdc_itinerance: {uid} is in line {uids[uid]} already")
        if line.site_id not in sites:
            site, _ = load(self.history, Site(site_stream(line.site_id)))
            site.register(joined(site.details or Details(country="FR"), line.details), cause, now)
            site.declare(joined(site.premises or Premises(), line.premises), cause, now)
            sites[line.site_id] = site, line
        first = sites[line.site_id][1]
        if (first.details, first.premises) != (line.details, line.premises):
            names = ", ".join([*differing(first.details, line.details), *differing(first.premises, line.premises)])
            raise Refusal(f"it says other than line {first.number} of site {line.site_id}: {names}")
        points[place] = point, line.number
        if uid is not None and uid != NOT_ROAMING:
            uids[uid] = line.number


def joined(known: S, said: S) -> S:
    """What a file says, with all that it does not speak of as it was: an empty cell is no word."""
    told = {name: value for name, value in msgspec.structs.asdict(said).items() if value not in (None, ())}
    return msgspec.structs.replace(known, **told)


def differing(one: msgspec.Struct, other: msgspec.Struct) -> list[str]:
    return [name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name)]
