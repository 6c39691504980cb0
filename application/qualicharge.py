"""The outbox of QualiCharge: what is to be told is prepared, held to the rules, sent, and followed to its fate.

Everything it knows it makes from the history; of several processes one works, and should two try, the history lets one
of them send.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from application.amend import amend
from application.history import History
from application.journal import Fenced, Journal
from application.ports import Outcome, Registrar
from application.process import loaded
from domain.catalog import CATALOG, Recorded, events
from domain.event import Operator, Refusal, Timer
from domain.qualicharge import (
    OPEN,
    Draft,
    Item,
    Kind,
    session_id,
    static_id,
    status_id,
    stream,
)
from domain.quality import Broken, Limits, session_broken, static_broken, status_broken

log = logging.getLogger("bornier.qualicharge")

TOPICS = tuple(name for kind in events(Item) for name in CATALOG.names(kind))
CAUSE = Timer(rule="qualicharge")
KINDS: tuple[Kind, ...] = ("STATIC", "STATUS", "SESSION")
FIRST_PAUSE_S, MOST_PAUSE_S = 5.0, 600.0
CHECKS = 8
REMEMBERED = timedelta(days=2)
"""Accepted sessions are asked after for so long."""


class Spot(NamedTuple):
    """A charge point now: what is declared of it, and its state in the words of IRVE. `at`: since when."""

    point: str
    station_id: str
    evse_id: int
    record: dict[str, Any]
    state: dict[str, Any]
    at: datetime
    gaps: tuple[str, ...] = ()


class Charge(NamedTuple):
    """A transaction that ended on a declared point."""

    transaction_id: str
    point: str
    station_id: str
    evse_id: int
    started_at: datetime
    ended_at: datetime
    energy_kwh: float
    doubt: str | None = None


class Survey(NamedTuple):
    """All declared points, and charges that were not prepared yet, as the history tells them up to a position."""

    position: int
    spots: Sequence[Spot]
    charges: Sequence[Charge]


@dataclass(frozen=True)
class Terms:
    """How it is told: what the administration and the operator agreed on."""

    batch: int = 10
    keep_alive: timedelta = timedelta(hours=24)
    limits: Limits = Limits()
    look_s: float = 5.0


class Outbox:
    """`survey`: what is there to tell, read in a thread. `registrar`: who takes it."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        survey: Callable[[datetime], Survey],
        registrar: Registrar,
        terms: Terms,
        clock: Callable[[], datetime],
        may: Callable[[], bool] = lambda: True,
    ) -> None:
        self.journal = journal
        self.history = history
        self.survey = survey
        self.registrar = registrar
        self.terms = terms
        self.clock = clock
        self.may = may
        self.position = 0
        self.open: dict[str, Item] = {}
        self.static: dict[str, Item] = {}
        self.status: dict[str, Item] = {}
        self.registered: set[str] = set()
        self.asked: dict[str, tuple[Item, int, datetime]] = {}
        self.failures = 0
        self.rests_until: datetime | None = None

    async def watch(self) -> None:
        while True:
            try:
                if await asyncio.to_thread(self.may):
                    await self.round()
            except Exception as error:  # the database is away, or a fault of ours: said, and tried again
                log.warning("QualiCharge waits: %s", str(error).strip() or type(error).__name__, exc_info=error)
            await asyncio.sleep(self.terms.look_s)

    async def round(self) -> None:
        """Prepare what is new, send what waits, ask after what was accepted."""
        await asyncio.to_thread(self.learn)
        await self.doubt()
        await self.prepare()
        for kind in KINDS:
            await self.deliver(kind)
        await self.confirm()

    def learn(self) -> None:
        """What was decided since the last time, by whomever."""
        while rows := self.history.read(self.position, 1_000, TOPICS):
            for row in rows:
                self.hear(row)
                self.position = row.position

    def hear(self, row: Recorded) -> None:
        item = self.known(row.stream)
        if row.version > item.version + 1:  # one that was forgotten, for it had come to its end
            whole = self.history.stream(row.stream)
            item = Item(row.stream).replay(CATALOG.decode(each.topic, each.state) for each in whole)
        elif row.version == item.version + 1:
            item.replay([CATALOG.decode(row.topic, row.state)])
        self.keep(item)

    def known(self, name: str) -> Item:
        """As we remember it, or an item we know nothing of."""
        if name in self.open:
            return self.open[name]
        if name in self.asked:
            return self.asked[name][0]
        kind, _, rest = name.removeprefix("qualicharge/").partition("-")
        point = rest.partition("-")[0]
        latest = {"static": self.static, "status": self.status}.get(kind, {}).get(point)
        return latest if latest is not None and latest.id == name else Item(name)

    def keep(self, item: Item) -> None:
        """Remember of an item what is needed: while it is open, and the latest of each point."""
        draft = item.draft
        if draft is None:
            return
        if item.fate in OPEN:
            self.open[item.id] = item
        else:
            self.open.pop(item.id, None)
        if draft.kind == "STATIC" and item.fate == "ACCEPTED":
            self.registered.add(draft.point)
        if draft.kind == "STATIC" and later(item, self.static.get(draft.point)):
            self.static[draft.point] = item
        if draft.kind == "STATUS" and later(item, self.status.get(draft.point)):
            self.status[draft.point] = item
        if draft.kind == "SESSION" and item.fate == "ACCEPTED" and item.reference:
            if item.id not in self.asked and self.clock() - (item.sent_at or self.clock()) < REMEMBERED:
                self.asked[item.id] = (item, 0, self.clock() + timedelta(seconds=1))
        else:
            self.asked.pop(item.id, None)

    async def doubt(self) -> None:
        """What is still on its way now was sent by a process that ended: nobody knows whether it arrived."""
        lost = [item for item in self.open.values() if item.fate == "SENT"]
        await self.note(lost, lambda item: item.doubt("the process ended before the answer came", CAUSE, self.clock()))

    async def prepare(self) -> None:
        now = self.clock()
        survey = await asyncio.to_thread(self.survey, now)
        wanted = [*self.records(survey, now), *self.states(survey, now), *self.sessions(survey, now)]
        for name, draft, broken in wanted:
            item = await loaded(self.history, Item(stream(name)))
            item.prepare(draft, broken, CAUSE, now)
            await self.write([item])

    def records(self, survey: Survey, now: datetime) -> Iterable[tuple[str, Draft, tuple[Broken, ...]]]:
        """Points that are declared otherwise than was told last."""
        for spot in survey.spots:
            known = self.static.get(spot.point)
            if known is not None and known.draft is not None and known.draft.payload == spot.record:
                continue
            broken = (*static_broken(spot.record, now.date()), *(("0", gap) for gap in spot.gaps))
            name = static_id(spot.point, spot.record, known.id if known is not None else None)
            yield name, self.draft("STATIC", spot, spot.record, survey.position), broken

    def states(self, survey: Survey, now: datetime) -> Iterable[tuple[str, Draft, tuple[Broken, ...]]]:
        """Points whose state is another one than was told last, or that nobody spoke of for long."""
        for spot in survey.spots:
            known = self.status.get(spot.point)
            told = known.draft.payload if known is not None and known.draft is not None else {}
            told = {name: value for name, value in told.items() if name in spot.state}
            quiet = known is None or known.prepared_at is None or now - known.prepared_at >= self.terms.keep_alive
            if told == spot.state and not quiet:
                continue
            stale = not timedelta(0) <= now - spot.at < self.terms.limits.status_fresh or told == spot.state
            at = now if stale else spot.at
            last = known.draft.payload["horodatage"] if known is not None and known.draft is not None else None
            if last is not None and at <= datetime.fromisoformat(last):
                at = now
            payload = {"id_pdc_itinerance": spot.point, **spot.state, "horodatage": at.isoformat()}
            broken = tuple(status_broken(payload, now, self.terms.limits))
            yield status_id(spot.point, at), self.draft("STATUS", spot, payload, survey.position), broken

    def sessions(self, survey: Survey, now: datetime) -> Iterable[tuple[str, Draft, tuple[Broken, ...]]]:
        for charge in survey.charges:
            payload = {
                "id_pdc_itinerance": charge.point,
                "start": charge.started_at.isoformat(),
                "end": charge.ended_at.isoformat(),
                "energy": round(charge.energy_kwh, 3),
            }
            broken = tuple(session_broken(payload, now, self.terms.limits))
            broken += (("0", f"its figures are in doubt: {charge.doubt}"),) if charge.doubt else ()
            draft = self.draft("SESSION", charge, payload, survey.position, charge.transaction_id)
            yield session_id(charge.transaction_id), draft, broken

    def draft(
        self,
        kind: Kind,
        place: Spot | Charge,
        payload: dict[str, Any],
        position: int,
        transaction_id: str | None = None,
    ) -> Draft:
        return Draft(
            kind=kind, point=place.point, station_id=place.station_id, evse_id=place.evse_id, payload=payload,
            position=position, transaction_id=transaction_id,
        )  # fmt: skip

    async def deliver(self, kind: Kind) -> None:
        """Send what waits, batch by batch, until there is none or the other side is not well."""
        await self.sort_out(kind)
        while waiting := self.waiting(kind):
            if self.rests_until is not None and self.clock() < self.rests_until:
                return
            batch = waiting[: self.terms.batch]
            name = uuid4().hex
            if not await self.note(batch, lambda item, name=name: item.send(name, CAUSE, self.clock())):  # type: ignore[misc]
                return
            told = await self.registrar.send(kind, [item.draft for item in batch if item.draft is not None])
            for item, fate in zip(batch, told, strict=True):
                await self.note([item], lambda item, fate=fate: settle(item, fate, self.clock()))  # type: ignore[misc]
            self.rest(told)

    def waiting(self, kind: Kind) -> list[Item]:
        """What may go now, the oldest first: a status or a session once its point is known there."""
        found = [i for i in self.open.values() if i.fate == "PREPARED" and i.draft is not None and i.draft.kind == kind]
        return [i for i in found if kind == "STATIC" or (i.draft is not None and i.draft.point in self.registered)]

    async def sort_out(self, kind: Kind) -> None:
        """Statuses and records that newer ones took the place of are not sent; what grew too old is held back."""
        now, latest = self.clock(), self.static if kind == "STATIC" else self.status
        for item in list(self.open.values()):
            if item.fate != "PREPARED" or item.draft is None or item.draft.kind != kind:
                continue
            newest, draft = latest.get(item.draft.point), item.draft
            if kind != "SESSION" and newest is not None and newest is not item:
                await self.note([item], lambda i: i.supersede("a newer one says more", CAUSE, now))
            elif kind == "STATUS" and now - datetime.fromisoformat(draft.payload["horodatage"]) > (
                self.terms.limits.status_age
            ):
                await self.note([item], lambda i: i.supersede("it is too old to be taken", CAUSE, now))
            elif broken := self.broken(draft, now):
                await self.note([item], lambda i, b=broken: i.withhold(b, CAUSE, now))  # type: ignore[misc]

    def broken(self, draft: Draft, now: datetime) -> tuple[Broken, ...]:
        """The rules that it breaks by now. A status that an outage made old goes nevertheless (rule 43)."""
        match draft.kind:
            case "STATIC":
                return tuple(static_broken(draft.payload, now.date()))
            case "STATUS":
                found = status_broken(draft.payload, now, self.terms.limits)
                return tuple(each for each in found if each[0] != "43")
            case _:
                return tuple(session_broken(draft.payload, now, self.terms.limits))

    def rest(self, told: Sequence[Outcome]) -> None:
        """After a failure of the other side wait, longer each time."""
        unwell = [fate for fate in told if fate.fate in ("RETURNED", "UNCERTAIN")]
        if not unwell:
            self.failures, self.rests_until = 0, None
            return
        self.failures += 1
        pause_s = min(FIRST_PAUSE_S * 2 ** min(self.failures - 1, 10), MOST_PAUSE_S)
        self.rests_until = self.clock() + timedelta(seconds=max(pause_s, *(fate.wait_s for fate in unwell)))
        log.warning("QualiCharge: %s; next attempt at %s", unwell[0].reason, self.rests_until.isoformat())

    async def confirm(self) -> None:
        """A session is stored a moment after it was taken: ask, less and less often."""
        for name, (item, tries, at) in list(self.asked.items()):
            if self.clock() < at or (self.rests_until is not None and self.clock() < self.rests_until):
                continue
            if await self.registrar.stored(str(item.reference)):
                await self.note([item], lambda i: i.confirm(CAUSE, self.clock()))
            elif tries + 1 >= CHECKS:
                log.warning("QualiCharge does not show session %s, which it took", item.reference)
                self.asked.pop(name, None)
            else:
                self.asked[name] = (item, tries + 1, self.clock() + timedelta(seconds=2.0**tries))

    async def note(self, items: Sequence[Item], decide: Callable[[Item], None]) -> bool:
        """Decide and record; False if somebody else was quicker: then what they decided holds."""
        for item in items:
            decide(item)
        return await self.write(items)

    async def write(self, items: Sequence[Item]) -> bool:
        try:
            await self.journal.record([event for item in items for event in item.collect_events()])
        except Fenced:
            for item in items:
                self.keep(await loaded(self.history, Item(item.id)))
            return False
        for item in items:
            self.keep(item)
        return True


class Desk:
    """What people decide about items. Raises Refusal."""

    def __init__(self, journal: Journal, history: History, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.clock = clock

    async def retry(self, item_id: str, by: str) -> Item:
        """Send it once more, however it ended."""
        if len(item_id) > 300:
            raise Refusal("there is no such item")
        cause = Operator(name=by)
        return await amend(
            self.journal, self.history, lambda: Item(stream(item_id)), lambda item: item.retry(cause, self.clock())
        )


def later(one: Item, other: Item | None) -> bool:
    """Was it prepared after the other one?"""
    if other is None or other.prepared_at is None or other.id == one.id:
        return True
    return one.prepared_at is not None and one.prepared_at >= other.prepared_at


def settle(item: Item, told: Outcome, now: datetime) -> None:
    """The fate that the other side gave it."""
    match told.fate:
        case "ACCEPTED":
            item.accept(told.reference, CAUSE, now)
        case "REFUSED":
            item.refuse(told.status or 0, told.reason, CAUSE, now)
        case "RETURNED":
            item.give_back(told.reason, CAUSE, now)
        case _:
            item.doubt(told.reason, CAUSE, now)
