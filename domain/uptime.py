"""Uptime: for how long a charge point worked, month by month, from what its station said and when it was connected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event
from domain.irve import BROKEN
from domain.point import Plan
from domain.station import Station
from domain.yardstick import Method, Verdict

KINDS = (Station.Connected, Station.Disconnected, Station.StatusReported)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of a month. Before the first word of a station nothing is counted."""

    up_s: int = 0
    down_s: int = 0
    excluded_s: int = 0
    unknown_s: int = 0

    @property
    def percent(self) -> Decimal | None:
        """Of the time that counts, the time in which it worked; None: no time counts."""
        counted = self.up_s + self.down_s
        if not counted:
            return None
        return (Decimal(100 * self.up_s) / counted).quantize(Decimal("0.01"), ROUND_HALF_UP)


class Stretch(NamedTuple):
    """A time in which nothing differed."""

    begin: datetime
    end: datetime
    verdict: Verdict


def stream(station_id: str, evse_id: int) -> str:
    return f"uptime/{station_id}/{evse_id}"


class Uptime(Aggregate):
    """What was reckoned of one EVSE; `uptime/CP001/1`."""

    class Measured(Event, tag="uptime.measured.v1"):
        """The availability of an EVSE in a month was reckoned by a rule (`instead_of`: that of the figures before)."""

        station_id: str
        evse_id: int
        month: str
        began_at: datetime
        rule: int
        figures: Figures
        instead_of: int | None = None

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.rules: dict[str, int] = {}

    def measure(
        self, month: str, began_at: datetime, rule: int, figures: Figures, cause: AnyCause, now: datetime
    ) -> None:
        """Once for each rule: saying it again is no news."""
        before = self.rules.get(month)
        if before == rule:
            return
        station_id, _, evse_id = self.id.removeprefix("uptime/").rpartition("/")
        self.record(
            Uptime.Measured, cause, now, station_id=station_id, evse_id=int(evse_id), month=month, began_at=began_at,
            rule=rule, figures=figures, instead_of=before,
        )  # fmt: skip

    def apply(self, event: Event) -> None:
        if isinstance(event, Uptime.Measured):
            self.rules[event.month] = event.rule


@dataclass
class Watch:
    """What is known of one charge point while its facts pass."""

    evses: Collection[int]
    statuses: dict[tuple[int, int], str] = field(default_factory=dict)
    whole: str | None = None
    lost_at: datetime | None = None

    def learn(self, event: Event, at: datetime) -> None:
        match event:
            case Station.Connected():
                self.lost_at = None
            case Station.Disconnected():
                self.lost_at = at
            case Station.StatusReported() if event.evse_id == 0:
                self.whole = event.status
            case Station.StatusReported() if event.evse_id in self.evses:
                self.statuses[event.evse_id, event.connector_id] = event.status

    @property
    def verdict(self) -> Verdict:
        """Does it work, as far as its station said? One connector that works is enough."""
        if self.whole in BROKEN:
            return "DOWN"
        if not self.statuses:
            return "UNKNOWN"
        return "DOWN" if all(status in BROKEN for status in self.statuses.values()) else "UP"


def stretches(
    facts: Sequence[tuple[datetime, Event]], evses: Collection[int], plans: Sequence[Plan], method: Method,
    until: datetime,
) -> Iterator[Stretch]:  # fmt: skip
    """From the first fact on, in order; `facts` are sorted by their time."""
    watch, begin = Watch(evses), None
    for at, event in facts:
        if at >= until:
            break
        if begin is not None and begin < at:
            yield from cut(watch, begin, at, plans, method)
        watch.learn(event, at)
        begin = at
    if begin is not None and begin < until:
        yield from cut(watch, begin, until, plans, method)


def cut(watch: Watch, begin: datetime, end: datetime, plans: Sequence[Plan], method: Method) -> Iterator[Stretch]:
    """A time without facts, where patience ends and where maintenance begins and ends."""
    gone_at = None if watch.lost_at is None else watch.lost_at + timedelta(seconds=method.tolerance_s)
    edges = {begin, end, *(edge for plan in plans for edge in (plan.starts_at, plan.ends_at))}
    if gone_at is not None:
        edges.add(gone_at)
    for first, last in pairwise(sorted(edge for edge in edges if begin <= edge <= end)):
        verdict = method.unreachable if gone_at is not None and gone_at <= first else watch.verdict
        planned = any(plan.starts_at <= first < plan.ends_at for plan in plans)
        yield Stretch(first, last, method.maintenance if planned and verdict in ("DOWN", "UNKNOWN") else verdict)


def by_month(found: Iterable[Stretch], zone: ZoneInfo) -> dict[str, Figures]:
    """The seconds of each month, by the calendar of a time zone."""
    sums: dict[str, dict[str, float]] = {}
    for begin, end, verdict in found:
        while begin < end:
            month = month_of(begin, zone)
            until = min(end, span(month, zone)[1])
            kind = f"{verdict.lower()}_s"
            of = sums.setdefault(month, {})
            of[kind] = of.get(kind, 0.0) + (until - begin).total_seconds()
            begin = until
    return {month: Figures(**{kind: round(seconds) for kind, seconds in of.items()}) for month, of in sums.items()}


def month_of(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m")


def span(month: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a month begins, and when it is over."""
    year, number = int(month[:4]), int(month[5:])
    after = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=zone), datetime(*after, 1, tzinfo=zone)


def timed(events: Iterable[Event]) -> list[tuple[datetime, Event]]:
    """Facts in the order of the time they speak of; a clock that is ahead does not reach beyond our own."""
    found = [(min(getattr(event, "occurred_at", event.recorded_at), event.recorded_at), event) for event in events]
    return sorted(found, key=lambda pair: pair[0])
