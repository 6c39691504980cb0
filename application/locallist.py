"""Local lists: what each station should know of the badges, sent in parts, and kept in step when badges change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import msgspec
from eventsourcing.persistence import InterfaceError, OperationalError

from application.badge import TOPICS as BADGE_TOPICS
from application.badge import Badges
from application.command import GRACE, LONGEST
from application.history import History
from application.job import Jobs
from application.journal import Fenced, Journal
from application.session import Session
from domain.badge import Badge, fold
from domain.catalog import CATALOG, events
from domain.command import Command
from domain.command import stream as command_stream
from domain.device import Device
from domain.event import AnyCause, Event, Operator, Order, Refusal, Timer
from domain.job import Job
from domain.job import stream as job_stream
from domain.locallist import Entry, Limits, LocalList, Part, stream
from domain.station import Station
from domain.station import stream as station_stream

log = logging.getLogger("bornier.locallist")

TRIES = 10
CLOSINGS = (Command.Refused, Command.Failed, Command.TimedOut, Command.Expired)
AGAIN = {"Failed", "VersionMismatch"}
KINDS: list[type[Event]] = [*events(LocalList), Command.Requested, Command.Answered, *CLOSINGS, Station.Booted]
TOPICS = (*(name for kind in KINDS for name in CATALOG.names(kind)), *BADGE_TOPICS)
AUTOMATED = tuple(CATALOG.names(LocalList.Automated))
REGISTERED = tuple(CATALOG.names(Station.Registered))
DEVICE = (*CATALOG.names(Device.VariablesReported), *CATALOG.names(Device.VariablesRead))
AGAIN_S = 1.0
RECENT = LONGEST + GRACE
BY = "local list"
RULE = Timer(rule=BY)
LISTED = {"Accepted", "Blocked", "Expired"}
UNLISTED_KINDS = {"NoAuthorization", "Central"}
"""A start button and a start of ours are authorized by nobody's list (C02.FR.03, C05.FR.02)."""


class Lists:
    """How the list of a station is asked for, planned and sent, by any process. Whoever is slower looks again."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        badges: Badges,
        clock: Callable[[], datetime],
        deadline_s: int,
        items: int,
        jobs: Jobs,
    ) -> None:
        self.jobs = jobs
        self.said: dict[str, tuple[int, dict[str, int]]] = {}
        self.journal = journal
        self.history = history
        self.badges = badges
        self.clock = clock
        self.deadline_s = deadline_s
        self.items = items

    async def request(
        self, station_id: str, full: bool, deadline_s: int | None, limits: Limits, by: str, cause: AnyCause
    ) -> None:
        """Bring the list in step with the badges, as a job. Raises Refusal while a message is under way."""
        for least, limit in ((1, limits.items), (1, limits.size_bytes), (0, limits.entries)):
            if limit is not None and limit < least:
                raise Refusal(f"a limit of a local list is {least} or more")
        deadline(deadline_s, self.deadline_s)
        await self.expect(station_id)

        def decide(known: LocalList) -> list[Event]:
            job, now = Job(job_stream(str(uuid4()))), self.clock()
            known.request(full, deadline_s, limits, cause, now, job.job_id)
            until = self.jobs.deadline(None)
            job.request(cause, now, kind="LOCAL_LIST", station_id=station_id, requested_by=by, deadline=until)
            return list(job.collect_events())

        await self.change(station_id, decide)

    async def automate(self, station_id: str, automatic: bool, cause: AnyCause) -> None:
        await self.expect(station_id)
        await self.change(station_id, lambda known: known.automate(automatic, cause, self.clock()))

    async def send(
        self,
        station_id: str,
        full: bool,
        badges: Iterable[str] | None,
        remove: Iterable[str],
        version: int | None,
        deadline_s: int | None,
        operator: str,
    ) -> tuple[str, Command.Requested]:
        """One message as the operator wants it, badges as the policy sees them; without badges those who may charge."""
        await self.expect(station_id)
        entries = await self.entries(station_id) if badges is None else await self.entries_of(station_id, badges)
        gone = {fold(badge): Entry(badge=badge, kind=self.badges.kind(badge)) for badge in remove}
        if full and gone:
            raise Refusal("a full list replaces the list: there is nothing to remove from it")
        wanted = {fold(entry.badge): entry for entry in entries}
        if gone.keys() & wanted.keys():
            raise Refusal("a badge cannot be put on the list and taken off it at once (D01.FR.06)")
        everything = (*wanted.values(), *gone.values())
        requested: list[Command.Requested] = []

        def decide(known: LocalList) -> list[Event]:
            part = Part(known.next_version() if version is None else version, full, everything, 0)
            return self.command(known, part, deadline_s, operator, Operator(name=operator), requested)

        await self.change(station_id, decide)
        return requested[-1].originator_id.removeprefix("command/"), requested[-1]

    def command(
        self,
        known: LocalList,
        part: Part,
        deadline_s: int | None,
        by: str,
        cause: AnyCause,
        requested: list[Command.Requested] | None = None,
    ) -> list[Event]:
        """Put a part on its way: the command that carries it, and the note that it is under way, in one commit."""
        command_id, now = str(uuid4()), self.clock()
        command = Command(command_stream(command_id))
        wish = {
            "version": part.version,
            "full": part.full,
            "entries": [msgspec.to_builtins(entry) for entry in part.entries],
        }
        until = now + deadline(deadline_s, self.deadline_s)
        known.send(command_id, part, cause, now)
        command.request(known.station_id, "sendLocalList", wish, by, until, cause, now)
        recorded = list(command.collect_events())
        if requested is not None:
            requested += [event for event in recorded if isinstance(event, Command.Requested)]
        return recorded

    async def step(self, station_id: str) -> None:
        """Send the next part of a synchronisation, or say that it is done, if nothing is under way."""
        wanted, site_limits = await self.entries(station_id), await asyncio.to_thread(self.limits, station_id)

        def decide(known: LocalList) -> list[Event]:
            wish, now = known.wish, self.clock()
            if wish is None or known.under_way is not None:
                return []
            limits = tightest(wish.limits, site_limits, Limits(items=self.items))
            try:
                part = known.next_part(wanted, limits)
            except Refusal as refusal:
                known.abandon(str(refusal), RULE, now)
                return []
            if part is None:
                known.complete(RULE, now)
                return []
            return self.command(known, part, wish.deadline_s, BY, RULE)

        await self.change(station_id, decide)

    async def change(self, station_id: str, decide: Callable[[LocalList], list[Event] | None]) -> None:
        """Load, decide, record together with other events of the decision; again when somebody else was quicker."""
        for _ in range(TRIES):
            known = await asyncio.to_thread(self.read, station_id)
            wish, others = known.wish, decide(known) or []
            own = known.collect_events()
            try:
                await self.journal.record([*own, *others])
            except Fenced:
                continue
            if wish is not None and wish.job_id is not None:
                await self.tell(wish.job_id, known, own)
            return
        raise Refusal("somebody else keeps changing this list; try again")

    async def tell(self, job_id: str, known: LocalList, news: Iterable[Event]) -> None:
        """What it means for the job of the synchronisation; only whoever recorded it says so."""
        for event in news:
            match event:
                case LocalList.Sent():
                    part = f"version {event.version}: {len(event.entries)} badges, {event.left} left"
                    whole = known.done + len(event.entries) + event.left
                    await self.jobs.progress(job_id, part, 100 * known.done / whole if whole else 0, event.cause)
                case LocalList.Refused():
                    await self.jobs.progress(job_id, event.reason, None, event.cause)
                case LocalList.Synchronised():
                    await self.jobs.end(job_id, "SYNCHRONISED", None, event.cause)
                case LocalList.Abandoned():
                    await self.jobs.end(job_id, "FAILED", event.reason, event.cause)
                case LocalList.Requested():
                    await self.jobs.end(job_id, "SUPERSEDED", "it was asked for again", event.cause)

    async def expect(self, station_id: str) -> None:
        """Raises Refusal for a station nobody has heard of."""
        if not await asyncio.to_thread(self.history.latest_of, station_stream(station_id)):
            raise Refusal(f"there is no station {station_id}")

    def read(self, station_id: str) -> LocalList:
        known = LocalList(stream(station_id))
        return known.replay(CATALOG.decode(row.topic, row.state) for row in self.history.stream(known.id))

    async def entries(self, station_id: str) -> list[Entry]:
        """Every registered badge that may charge at a station, and those blocked or expired that otherwise might."""
        site = await asyncio.to_thread(self.site, station_id)
        found = (self.entry(badge.badge, station_id, site) for badge in self.badges.registered())
        return [entry for entry in found if entry.status in LISTED and entry.kind not in UNLISTED_KINDS]

    async def entries_of(self, station_id: str, badges: Iterable[str]) -> list[Entry]:
        site = await asyncio.to_thread(self.site, station_id)
        return [self.entry(badge, station_id, site) for badge in badges]

    def entry(self, badge: str, station_id: str, site: str | None) -> Entry:
        """A badge as the policy judges it, whether or not it charges just now."""
        kind = self.badges.kind(badge)
        ruling = self.badges.judge(badge, kind, station_id, site, self.clock(), "stop")
        terms = ruling.terms
        if terms is None:
            return Entry(badge=badge, kind=kind, status=ruling.verdict)
        return Entry(
            badge=badge,
            kind=kind,
            status=ruling.verdict,
            group=terms.group,
            expires_at=terms.expires_at,
            language=terms.language,
            message=terms.message,
            priority=terms.priority,
            evses=ruling.evses,
        )

    def site(self, station_id: str) -> str | None:
        rows = self.history.read(0, 1_000, REGISTERED, station_stream(station_id))
        registered = [CATALOG.decode(row.topic, row.state) for row in rows[-1:]]
        return next((event.site for event in registered if isinstance(event, Station.Registered)), None)

    def limits(self, station_id: str) -> Limits:
        """What the station has said of its limits: configuration keys of OCPP 1.6, or variables of OCPP 2.x."""
        position, found = self.said.setdefault(station_id, (0, {}))
        for row in self.history.read(position, 10_000, DEVICE, f"device/{station_id}"):
            event, position = CATALOG.decode(row.topic, row.state), row.position
            if isinstance(event, Device.VariablesReported | Device.VariablesRead):
                found |= limits_in(event)
        self.said[station_id] = (position, found)
        return Limits(items=found.get("items"), size_bytes=found.get("size_bytes"), entries=found.get("entries"))


LIMITS = {
    ("", "SendLocalListMaxLength"): "items",
    ("", "LocalAuthListMaxLength"): "entries",
    ("LocalAuthListCtrlr", "ItemsPerMessage"): "items",
    ("LocalAuthListCtrlr", "BytesPerMessage"): "size_bytes",
}
ENTRIES = ("LocalAuthListCtrlr", "Entries")


def limits_in(event: Device.VariablesReported | Device.VariablesRead) -> dict[str, int]:
    """The limits that one report mentions; the variable Entries has its limit in its characteristics (D01.FR.12)."""
    found: dict[str, int] = {}
    for variable in event.variables:
        name = LIMITS.get((variable.component, variable.variable))
        values = [a.value for a in getattr(variable, "attributes", ()) if a.kind == "Actual"]
        value = values[0] if values else getattr(variable, "value", None)
        if name is not None and value is not None and value.isdecimal() and int(value) > 0:
            found[name] = int(value)
        traits = getattr(variable, "characteristics", None)
        if (variable.component, variable.variable) == ENTRIES and traits is not None and traits.max_limit is not None:
            found["entries"] = int(traits.max_limit)
    return found


def tightest(*limits: Limits) -> Limits:
    """The first word on each limit counts: what was asked for, then what the station said, then our own."""

    def first(name: str) -> int | None:
        return next((value for each in limits if (value := getattr(each, name)) is not None), None)

    return Limits(items=first("items"), size_bytes=first("size_bytes"), entries=first("entries"))


def deadline(wanted_s: int | None, usual_s: int) -> timedelta:
    wait = timedelta(seconds=usual_s if wanted_s is None else wanted_s)
    if not timedelta(0) < wait <= LONGEST:
        raise Refusal("the deadline must be between 1 second and 24 hours")
    return wait


class Synchroniser:
    """Follows requests, the fate of the commands, and the badges. Every gateway has one, and a list is changed once.

    `automatic`: every station here is kept in step, whatever was said of it alone. `clear_caches`: a badge that was
    blocked, expired or removed is forgotten by the authorization caches of the stations here.
    """

    def __init__(
        self, lists: Lists, sessions: dict[str, Session], automatic: bool, clear_caches: bool, rest_s: float = 0.5
    ) -> None:
        self.lists = lists
        self.history = lists.history
        self.sessions = sessions
        self.everywhere = automatic
        self.clear_caches = clear_caches
        self.rest_s = rest_s
        self.automatic: dict[str, bool] = {}
        self.awaited: dict[str, str] = {}
        self.questions: dict[str, str] = {}
        self.position = 0
        self.stale: set[str] = set()
        self.news = asyncio.Event()

    def load(self) -> None:
        """Who is kept in step, and what was asked lately: it is followed again, and nothing is done twice."""
        after = 0
        while batch := self.history.read(after, 5_000, AUTOMATED):
            for row in batch:
                self.learn(CATALOG.decode(row.topic, row.state))
            after = batch[-1].position
        self.position = self.history.position_at(self.lists.clock() - RECENT)

    async def follow(self) -> None:
        async for batch in self.history.follow(self.position, TOPICS):
            for row in batch:
                event = CATALOG.decode(row.topic, row.state)
                self.learn(event)
                await patiently(partial(self.act, event), event.originator_id)

    async def tend(self) -> None:
        """Bring stations in step whose badges have changed; many changes in a moment are one."""
        while True:
            await self.news.wait()
            await asyncio.sleep(self.rest_s)
            self.news.clear()
            stations, self.stale = self.stale, set()
            for station_id in stations:
                await patiently(partial(self.refresh, station_id), station_id)

    async def refresh(self, station_id: str) -> None:
        """Ask for a synchronisation where something would change; while a message is under way it is not needed."""
        await asyncio.to_thread(self.lists.badges.load)
        known = await asyncio.to_thread(self.lists.read, station_id)
        if known.wish is not None or known.under_way is not None:
            return
        if known.held is None or known.next_part(await self.lists.entries(station_id), Limits()) is not None:
            await self.lists.request(station_id, False, None, Limits(), BY, RULE)

    def learn(self, event: Event) -> None:
        match event:
            case LocalList.Automated():
                self.automatic[event.originator_id.removeprefix("locallist/")] = event.automatic
            case LocalList.Sent():
                self.awaited[event.command_id] = event.originator_id.removeprefix("locallist/")
            case Command.Requested() if event.action == "getLocalListVersion":
                self.questions[event.originator_id.removeprefix("command/")] = event.station_id

    async def act(self, event: Event) -> None:
        match event:
            case LocalList.Requested() | LocalList.Installed() | LocalList.Refused():
                await self.lists.step(event.originator_id.removeprefix("locallist/"))
                if isinstance(event, LocalList.Installed):
                    self.mark([event.originator_id.removeprefix("locallist/")])
            case LocalList.Automated() if event.automatic:
                self.mark([event.originator_id.removeprefix("locallist/")])
            case Command.Answered():
                await self.answered(event)
            case Command.Refused() | Command.Failed() | Command.TimedOut() | Command.Expired():
                await self.closed(event)
            case Station.Booted() if event.status == "Accepted":
                self.mark([event.originator_id.removeprefix("station/")])
            case Badge.Registered() | Badge.Blocked() | Badge.Unblocked() | Badge.Expired() | Badge.Removed():
                self.mark(self.sessions)
                if self.clear_caches and isinstance(event, Badge.Blocked | Badge.Expired | Badge.Removed):
                    await self.clear(event)

    def mark(self, stations: Iterable[str]) -> None:
        """These stations may be out of step, if they are here and to be kept in step."""
        here = [station for station in stations if station in self.sessions]
        self.stale.update(station for station in here if self.automatic.get(station, self.everywhere))
        if self.stale:
            self.news.set()

    async def answered(self, event: Command.Answered) -> None:
        command_id, cause, now = name(event), Order(command_id=name(event)), self.lists.clock()
        answer = msgspec.json.decode(event.answer)
        if station_id := self.questions.get(command_id):
            version = answer.get("listVersion", answer.get("versionNumber"))
            await self.lists.change(station_id, lambda known: known.report(version, cause, now))
        elif (station_id := self.awaited.get(command_id)) and event.accepted:
            await self.lists.change(station_id, lambda known: known.install(command_id, cause, now))
        elif station_id:
            reason, again = event.reason or "refused", answer.get("status") in AGAIN
            await self.lists.change(station_id, lambda known: known.refuse(command_id, reason, again, cause, now))
        self.forget(command_id)

    async def closed(self, event: Command.Refused | Command.Failed | Command.TimedOut | Command.Expired) -> None:
        command_id, cause, now = name(event), Order(command_id=name(event)), self.lists.clock()
        if station_id := self.awaited.get(command_id):
            await self.lists.change(station_id, lambda known: known.refuse(command_id, event.reason, False, cause, now))

        self.forget(command_id)

    def forget(self, command_id: str) -> None:
        """The command is over."""
        self.questions.pop(command_id, None)
        self.awaited.pop(command_id, None)

    async def clear(self, event: Event) -> None:
        """Ask every station here to forget whom it has seen (C11; OCPP 1.6 section 5.4)."""
        if event.recorded_at < self.lists.clock() - RECENT_CHANGE:
            return
        recorded: list[Event] = []
        now = self.lists.clock()
        for station_id in self.sessions:
            command = Command(command_stream(str(uuid4())))
            until = now + deadline(None, self.lists.deadline_s)
            command.request(station_id, "clearCache", {}, "badge policy", until, Timer(rule="clear caches"), now)
            recorded += command.collect_events()
        if recorded:
            await self.lists.journal.record(recorded)


RECENT_CHANGE = timedelta(minutes=5)


async def patiently(step: Callable[[], Awaitable[None]], about: str) -> None:
    """Do it, however long the database is away; what a rule refuses is said and left."""
    while True:
        try:
            return await step()
        except Refusal as refusal:
            return log.info("%s: %s", about, refusal)
        except (OperationalError, InterfaceError) as error:
            log.warning("a local list cannot be looked at, trying again: %s", str(error).strip())
        await asyncio.sleep(AGAIN_S)


def name(event: Event) -> str:
    return event.originator_id.removeprefix("command/")
