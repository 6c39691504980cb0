"""Jobs: what lasts is followed from the station's first word to its last, and ended when it says none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from application.history import PAGE, History
from application.journal import Fenced, Journal
from domain.catalog import CATALOG, Recorded, events
from domain.command import Command
from domain.event import AnyCause, Event, Order, Refusal, Timer
from domain.firmware import Firmware
from domain.job import UPLOADS, Job, Kind, Outcome, stream
from domain.station import Station

LONGEST = timedelta(days=30)
TRIES = 20
INSTEAD = "the station was asked for another one"
FIRMWARE: tuple[Kind, ...] = ("FIRMWARE", "SIGNED_FIRMWARE")
FAMILIES: dict[type[Event], tuple[Kind, ...]] = {
    Station.FirmwareProgressed: FIRMWARE,
    Station.DiagnosticsProgressed: ("DIAGNOSTICS",),
    Station.LogUploadProgressed: ("LOG", "DIAGNOSTICS"),
    Firmware.PublicationProgressed: ("PUBLISH_FIRMWARE",),
}
"""What a station reports → the kinds of jobs it may be about."""
ALONE: tuple[tuple[Kind, ...], ...] = (FIRMWARE, UPLOADS, ("PUBLISH_FIRMWARE",), ("LOCAL_LIST",))
"""Kinds of which a station does one at a time."""
FATES: tuple[type[Event], ...] = (
    Command.Sent, Command.Answered, Command.Refused, Command.Failed, Command.Expired,
)  # fmt: skip
"""A command that timed out leaves its job open: a station that was slow to answer may still do it."""
TOPICS = tuple(name for kind in (*events(Job), *FAMILIES, *FATES) for name in CATALOG.names(kind))
JOB_TOPICS = tuple(name for kind in events(Job) for name in CATALOG.names(kind))


class Jobs:
    """How jobs are written, from any process: load, decide, record, and again when somebody else was quicker."""

    def __init__(self, journal: Journal, history: History, clock: Callable[[], datetime], deadline_s: int) -> None:
        self.journal = journal
        self.history = history
        self.clock = clock
        self.deadline_s = deadline_s

    def deadline(self, finish_s: int | None, start: datetime | None = None) -> datetime:
        """When a job that may begin at `start` must be over. Raises Refusal for more than 30 days."""
        now, wait_s = self.clock(), self.deadline_s if finish_s is None else finish_s
        begin = max(start or now, now)
        if wait_s < 1:
            raise Refusal("a job must have at least one second")
        if (begin - now).total_seconds() + wait_s > LONGEST.total_seconds():
            raise Refusal(f"a job must be over within {LONGEST.days} days")
        return begin + timedelta(seconds=wait_s)

    async def begin(
        self, kind: Kind, station_id: str, requested_by: str, cause: AnyCause, finish_s: int | None = None
    ) -> str:
        """Begin a job that the caller does in steps of its own, with `progress` and `end`; returns its id."""
        job = Job(stream(str(uuid4())))
        job.request(
            cause,
            self.clock(),
            kind=kind,
            station_id=station_id,
            requested_by=requested_by,
            deadline=self.deadline(finish_s),
        )
        await self.journal.record(job.collect_events())
        return job.job_id

    async def progress(self, job_id: str, status: str, percent: float | None, cause: AnyCause) -> None:
        """One step on, in words, and how much of the whole is done."""
        await self.change(job_id, lambda job: job.progress(status, percent, cause, self.clock()))

    async def end(self, job_id: str, outcome: Outcome, reason: str | None, cause: AnyCause) -> None:
        """It is over; a job that is over already stays as it is."""
        await self.change(job_id, lambda job: job.end(outcome, reason, cause, self.clock()))

    async def change(self, job_id: str, decide: Callable[[Job], None]) -> Job:
        """Decide on a job as it is now; returns it as it is then. Raises Refusal where the job says no."""
        for _ in range(TRIES):
            job = await self.read(job_id)
            decide(job)
            try:
                await self.journal.record(job.collect_events())
            except Fenced:
                continue
            return job
        raise Refusal("somebody else keeps changing this job; try again")

    async def read(self, job_id: str) -> Job:
        """A job as the history tells it; one without events when there is none."""
        job, rows = Job(stream(job_id)), await self.history.read_patiently(0, (), stream(job_id))
        while rows:
            job.replay(decoded(rows))
            rows = await self.history.read_patiently(rows[-1].position, (), job.id) if len(rows) == PAGE else ()
        return job


class Follower:
    """Reads what becomes of commands and what stations report, and tells it to the job that it belongs to.

    Every process with stations has one. They may all read the same report: a job takes it once, by its position.
    """

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.history = jobs.history
        self.open: dict[str, Job] = {}
        self.position = 0

    def load(self) -> None:
        """Find the jobs that are open, and where to begin to read for them."""
        after = head = self.history.head()
        position = self.history.position_at(self.jobs.clock() - 2 * LONGEST)
        begun: dict[str, int] = {}
        while batch := self.history.read(position, 5_000, JOB_TOPICS):
            for row in batch:
                begun.setdefault(row.stream, row.position)
                self.learn(CATALOG.decode(row.topic, row.state))
            position = batch[-1].position
        for job in self.open.values():
            after = min(after, max(job.heard, begun[job.id]))
        self.position = min(after, head)

    async def follow(self) -> None:
        async for batch in self.history.follow(self.position, TOPICS):
            await self.take(batch)

    async def take(self, batch: Sequence[Recorded]) -> None:
        """Read on."""
        for row in batch:
            event = CATALOG.decode(row.topic, row.state)
            if row.topic in JOB_TOPICS:
                self.learn(event)
            else:
                await self.hear(event, row.position)
            self.position = row.position

    def learn(self, event: Event) -> None:
        """Keep a copy of every open job; what we recorded ourselves comes back here and changes nothing."""
        if isinstance(event, Job.Requested):
            self.open.setdefault(event.originator_id, Job(event.originator_id))
        job = self.open.get(event.originator_id)
        if job is not None and event.originator_version > job.version:
            self.keep(job.replay([event]))

    def keep(self, job: Job) -> None:
        known = self.open.get(job.id)
        if known is not None and known.version > job.version:
            return
        self.open[job.id] = job
        if not job.open:
            del self.open[job.id]

    async def hear(self, event: Event, position: int) -> None:
        """Something happened that a job may care about."""
        if isinstance(event, FATES):
            await self.on_command(event, position)
            return
        job = self.meant(event)
        if job is not None:
            status, detail = event.status, getattr(event, "reason", None)  # type: ignore[attr-defined]
            cause = Timer(rule="report of the station")
            await self.change(job, lambda j: j.report(status, position, detail, cause, self.now()))

    def meant(self, event: Event) -> Job | None:
        """The job a report is about: the one it names; without a name the latest that the station was asked for."""
        station_id = event.originator_id.partition("/")[2]
        request_id = getattr(event, "request_id", None)
        known = [job for job in self.of(station_id, FAMILIES[type(event)]) if job.sent]
        if request_id is not None:
            known = [job for job in known if job.request_id == request_id]
        return known[-1] if known else None

    def of(self, station_id: str, kinds: Sequence[Kind]) -> list[Job]:
        """The open jobs of a station, the oldest first."""
        return [job for job in self.open.values() if job.station_id == station_id and job.kind in kinds]

    async def on_command(self, event: Event, position: int) -> None:
        """A job that has a command has its id."""
        command_id = event.originator_id.removeprefix("command/")
        job, cause = self.open.get(stream(command_id)), Order(command_id=command_id)
        match event:
            case _ if job is None:
                return
            case Command.Sent():
                number = msgspec.json.decode(event.payload).get("requestId")
                await self.change(job, lambda j: j.send(number, position, cause, self.now()))
            case Command.Answered(accepted=True):
                await self.accepted(job, msgspec.json.decode(event.answer), position, cause)
            case Command.Expired():
                reason = event.reason
                await self.change(job, lambda j: j.end("EXPIRED", reason, cause, self.now()))
            case Command.Failed():
                reason = event.reason
                await self.change(job, lambda j: j.end("FAILED", reason, cause, self.now()))
            case Command.Refused() | Command.Answered():
                reason = event.reason or "refused"
                await self.change(job, lambda j: j.end("REFUSED", reason, cause, self.now()))

    async def accepted(self, job: Job, answer: dict[str, Any], position: int, cause: AnyCause) -> None:
        """The station will do it, perhaps instead of what it was doing (L01.FR.24, L02.FR.15, N01.FR.12)."""
        name = answer.get("filename") or answer.get("fileName")
        await self.change(job, lambda j: j.accept(name, position, cause, self.now()))
        if job.kind == "DIAGNOSTICS" and "status" not in answer and not name:
            await self.change(job, lambda j: j.end("REFUSED", "the station has no diagnostics", cause, self.now()))
        for rival in self.of(job.station_id, next(kinds for kinds in ALONE if job.kind in kinds)):
            unnamed = rival.request_id is None and job.request_id is None
            if rival.id != job.id and rival.sent and (unnamed or answer.get("status") == "AcceptedCanceled"):
                await self.change(rival, lambda j: j.end("SUPERSEDED", INSTEAD, cause, self.now()))

    async def change(self, job: Job, decide: Callable[[Job], None]) -> None:
        self.keep(await self.jobs.change(job.job_id, decide))

    def now(self) -> datetime:
        return self.jobs.clock()

    async def expire(self, every_s: float = 0.5) -> None:
        """End what was never heard of again."""
        while True:
            await asyncio.sleep(every_s)
            await self.expire_due()

    async def expire_due(self) -> None:
        """End every job whose deadline has passed."""
        now = self.now()
        for job in [job for job in self.open.values() if now >= job.deadline]:
            await self.change(job, lambda j: j.expire(Timer(rule="job deadline"), now))


def decoded(rows: Iterable[Recorded]) -> Iterable[Event]:
    return (CATALOG.decode(row.topic, row.state) for row in rows)
