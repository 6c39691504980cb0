"""Reckoning how available charge points were: when a month is over, and again when another rule is adopted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from application.amend import amend
from application.history import History
from application.journal import Journal
from application.price import Pricebook
from domain.catalog import CATALOG
from domain.event import Event, Operator, Timer
from domain.point import Plan, Point
from domain.point import stream as point_stream
from domain.site import zone
from domain.station import Station
from domain.uptime import KINDS, Figures, Uptime, by_month, month_of, span, stream, stretches, timed
from domain.yardstick import STREAM, Method, Rule, Yardstick, rule_for

log = logging.getLogger("bornier.uptime")

FACTS = tuple(name for kind in KINDS for name in CATALOG.names(kind))
LEARNT: tuple[type[Event], ...] = (Station.Registered, Point.Described, Uptime.Measured, Yardstick.Adopted)
TOPICS = tuple(name for kind in LEARNT for name in CATALOG.names(kind))
GRACE = timedelta(hours=24)
"""A month is reckoned so long after its end: stations that were offline tell late."""
LOOK_S = 300.0
PAGE = 5_000


class Uptimes:
    """Reckons from the history alone, by any rule."""

    def __init__(self, journal: Journal, history: History, book: Pricebook, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.book = book
        self.clock = clock

    async def adopt(self, from_month: str, method: Method, reason: str, operator: str) -> Yardstick:
        """From a month on, which may be past. Raises Refusal."""
        return await amend(
            self.journal,
            self.history,
            Yardstick,
            lambda yardstick: yardstick.adopt(from_month, method, reason, Operator(name=operator), self.clock()),
        )

    async def rules(self) -> list[Rule]:
        return await asyncio.to_thread(self.known_rules)

    def known_rules(self) -> list[Rule]:
        """Blocks."""
        rows = self.history.stream(STREAM)
        return Yardstick().replay(CATALOG.decode(row.topic, row.state) for row in rows).rules

    def reckon(
        self, station_id: str, method: Callable[[str], Method], until: datetime
    ) -> dict[tuple[int, str], Figures]:
        """Each EVSE of a station in each month that has begun by then: (EVSE, month) → seconds. Blocks."""
        facts = timed(self.facts(station_id))
        local = zone(self.book.zone(station_id, until))
        spoken = {event.evse_id for _, event in facts if isinstance(event, Station.StatusReported)} - {0}
        found: dict[tuple[int, str], Figures] = {}
        for evse_id in sorted(spoken):
            plans, evses = self.plans(station_id, evse_id)
            known: dict[Method, dict[str, Figures]] = {}
            month = month_of(facts[0][0], local)
            while span(month, local)[0] < until:
                how = method(month)
                if how not in known:
                    known[how] = by_month(stretches(facts, evses, plans, how, until), local)
                if month in known[how]:
                    found[evse_id, month] = known[how][month]
                month = month_of(span(month, local)[1], local)
        return found

    def facts(self, station_id: str) -> list[Event]:
        """What a station said of its connectors, and when it was connected. Blocks."""
        found: list[Event] = []
        after = 0
        while rows := self.history.read(after, PAGE, FACTS, f"station/{station_id}"):
            found += [CATALOG.decode(row.topic, row.state) for row in rows]
            after = rows[-1].position
        return found

    def plans(self, station_id: str, evse_id: int) -> tuple[list[Plan], Collection[int]]:
        """Maintenance that was announced, and the EVSEs of OCPP that are one point with this one. Blocks."""
        rows = self.history.stream(point_stream(station_id, evse_id))
        point = Point(point_stream(station_id, evse_id)).replay(CATALOG.decode(row.topic, row.state) for row in rows)
        outlets = point.equipment.outlets if point.equipment else ()
        return list(point.plans.values()), {evse_id, *(each.evse_id for each in outlets if each.evse_id)}


class Surveyor:
    """Records the figures of every month that is over, once for each rule. Of several processes one does it."""

    def __init__(self, uptimes: Uptimes, may: Callable[[], bool] = lambda: True) -> None:
        self.uptimes = uptimes
        self.may = may
        self.position = 0
        self.stations: dict[str, datetime] = {}
        self.yardstick = Yardstick()
        self.measured: dict[str, dict[str, int]] = {}
        """Station → month → the rule it was reckoned by."""

    def learn(self) -> None:
        """Which stations there are, which rules, and what is reckoned. Blocks."""
        history = self.uptimes.history
        while rows := history.read(self.position, PAGE, TOPICS):
            for row in rows:
                self.note(CATALOG.decode(row.topic, row.state))
                self.position = row.position

    def note(self, event: Event) -> None:
        match event:
            case Station.Registered():
                self.stations.setdefault(event.originator_id.removeprefix("station/"), event.recorded_at)
            case Point.Described():
                self.stations.setdefault(event.station_id, event.recorded_at)
            case Uptime.Measured():
                self.measured.setdefault(event.station_id, {})[event.month] = event.rule
            case Yardstick.Adopted():
                self.yardstick.replay([event])

    async def watch(self) -> None:
        while True:
            try:
                if await asyncio.to_thread(self.may):
                    await self.survey()
            except Exception as error:  # the database is away, or a fault of ours: said, and tried again
                log.warning("availability waits: %s", str(error).strip() or type(error).__name__)
            await asyncio.sleep(LOOK_S)

    async def survey(self) -> int:
        """Reckon whatever is due; returns how many figures were recorded."""
        await asyncio.to_thread(self.learn)
        count = 0
        for station_id in list(self.stations):
            if self.due(station_id):
                count += await self.settle(station_id)
        return count

    def due(self, station_id: str) -> bool:
        """Is there a month that is over, and not reckoned by its rule? Months are looked at, not facts."""
        ended = self.last_month(station_id)
        known = self.measured.get(station_id, {})
        if ended not in known and self.checked(station_id) < ended:
            return True
        return any(rule_for(self.yardstick.rules, month).number != rule for month, rule in known.items())

    def checked(self, station_id: str) -> str:
        """The latest month that was looked at, even if there was nothing to reckon."""
        return max(self.measured.get(station_id, {"": 0}))

    def last_month(self, station_id: str) -> str:
        """The latest month that is over for long enough."""
        local = zone(self.uptimes.book.zone(station_id, self.uptimes.clock()))
        this = month_of(self.uptimes.clock() - GRACE, local)
        return month_of(span(this, local)[0] - timedelta(days=1), local)

    async def settle(self, station_id: str) -> int:
        """Reckon one station: all of its months, so that one reading of its facts is enough."""
        rules, last = self.yardstick.rules, self.last_month(station_id)
        local = zone(self.uptimes.book.zone(station_id, self.uptimes.clock()))
        until = span(last, local)[1]
        found = await asyncio.to_thread(
            self.uptimes.reckon, station_id, lambda month: rule_for(rules, month).method, until
        )  # fmt: skip
        known, count = self.measured.setdefault(station_id, {}), 0
        for (evse_id, month), figures in found.items():
            number = rule_for(rules, month).number
            count += await self.record(station_id, evse_id, month, span(month, local)[0], number, figures)
            known[month] = number
        known[last] = -1  # also where there was nothing to reckon: it is not looked for again
        for month in known:
            known[month] = rule_for(rules, month).number
        return count

    async def record(
        self, station_id: str, evse_id: int, month: str, began_at: datetime, rule: int, figures: Figures
    ) -> int:
        now, before = self.uptimes.clock(), 0

        def decide(uptime: Uptime) -> None:
            nonlocal before
            before = uptime.version
            uptime.measure(month, began_at, rule, figures, Timer(rule="uptime"), now)

        made = await amend(
            self.uptimes.journal, self.uptimes.history, lambda: Uptime(stream(station_id, evse_id)), decide
        )
        return made.version - before
