"""Jobs follow the history: what commands and stations say reaches them once, whoever reads it, and time ends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from application.history import History
from application.job import LONGEST, TOPICS, Follower, Jobs
from application.journal import Journal
from application.store import Store
from domain.command import Command
from domain.event import Event, Order, Refusal
from domain.firmware import Firmware
from domain.job import Job, Kind, stream
from domain.station import Station
from tests.scenario import NOW, SOMEBODY


class World:
    """A store, a clock that somebody sets, and one gateway that follows."""

    def __init__(self, journal: Journal, history: History) -> None:
        self.journal, self.history = journal, history
        self.now = NOW
        self.jobs = Jobs(journal, history, lambda: self.now, 3_600)
        self.follower = Follower(self.jobs)

    async def ask(self, job_id: str, kind: Kind, answer: dict[str, Any] | None, number: int | None = None) -> None:
        """A job whose command goes out and is answered; None: not yet."""
        job, command = Job(stream(job_id)), Command(f"command/{job_id}")
        deadline = self.jobs.deadline(None)
        job.request(SOMEBODY, NOW, station_id="S", kind=kind, requested_by="a", deadline=deadline, command_id=job_id)
        command.request("S", "x", {}, "a", deadline, SOMEBODY, NOW)
        payload = msgspec.json.encode({} if number is None else {"requestId": number})
        command.send("c", "m", "X", msgspec.Raw(payload), Order(command_id=job_id), NOW)
        if answer is not None:
            command.answer(True, msgspec.Raw(msgspec.json.encode(answer)), None, Order(command_id=job_id), NOW)
        await self.journal.record([*job.collect_events(), *command.collect_events()])

    async def say(self, kind: type[Event], **facts: Any) -> None:
        """The station reports something."""
        aggregate = Firmware("firmware/S") if kind is Firmware.PublicationProgressed else Station("station/S")
        rows = await asyncio.to_thread(self.history.stream, aggregate.id)
        aggregate.version = len(rows)
        aggregate.record(kind, SOMEBODY, NOW, **facts)
        await self.journal.record(aggregate.collect_events())

    async def catch_up(self, *followers: Follower) -> None:
        """Everybody reads to the end, all at the same time."""
        await asyncio.gather(*(self.read(follower) for follower in followers or (self.follower,)))

    async def read(self, follower: Follower) -> None:
        while batch := await asyncio.to_thread(self.history.read, follower.position, 3, TOPICS):
            await follower.take(batch)

    async def outcome(self, job_id: str) -> str | None:
        return (await self.jobs.read(job_id)).outcome


@asynccontextmanager
async def opened(database: str) -> AsyncIterator[World]:
    store = Store(database)
    history = History(store.recorder)
    journal = Journal(store.recorder, store.mapper, history.advance)
    journal.start()
    try:
        yield World(journal, history)
    finally:
        await journal.stop()
        store.close()


@pytest.fixture
async def world(sqlite: str) -> AsyncIterator[World]:
    async with opened(sqlite) as made:
        yield made


REPORTS: list[tuple[Kind, type[Event], str, int | None]] = [
    ("FIRMWARE", Station.FirmwareProgressed, "Installed", None),
    ("SIGNED_FIRMWARE", Station.FirmwareProgressed, "Installed", 7),
    ("DIAGNOSTICS", Station.DiagnosticsProgressed, "Uploaded", None),
    ("DIAGNOSTICS", Station.LogUploadProgressed, "Uploaded", 7),
    ("LOG", Station.LogUploadProgressed, "Uploaded", 7),
    ("PUBLISH_FIRMWARE", Firmware.PublicationProgressed, "Published", 7),
]


@pytest.mark.parametrize(("kind", "report", "status", "number"), REPORTS)
async def test_a_report_reaches_the_job_it_is_about(
    world: World, kind: Kind, report: type[Event], status: str, number: int | None
) -> None:
    await world.ask("1", kind, {"status": "Accepted"}, number)
    said = {} if number is None else {"request_id": number}
    await world.say(report, status=status, **said)
    await world.catch_up()
    job = await world.jobs.read("1")
    assert (job.sent, job.accepted, job.outcome) == (True, True, status.upper())
    assert world.follower.open == {}


async def test_a_report_of_another_job_is_not_heard(world: World) -> None:
    await world.ask("1", "LOG", {"status": "Accepted"}, 7)
    await world.say(Station.LogUploadProgressed, status="UploadFailure", request_id=8)
    await world.say(Station.FirmwareProgressed, status="Installed", request_id=7)
    await world.catch_up()
    assert await world.outcome("1") is None


async def test_a_report_without_number_is_about_the_latest_job(world: World) -> None:
    for job_id in ("1", "2"):
        await world.ask(job_id, "LOG", {"status": "Accepted"}, int(job_id))
    await world.say(Station.LogUploadProgressed, status="UploadFailure")
    await world.catch_up()
    assert (await world.outcome("1"), await world.outcome("2")) == (None, "UPLOAD_FAILED")


async def test_a_newer_job_takes_the_place_of_an_older_one(world: World) -> None:
    await world.ask("1", "LOG", {"status": "Accepted"}, 7)
    await world.ask("2", "LOG", {"status": "AcceptedCanceled"}, 8)
    await world.ask("3", "FIRMWARE", {})
    await world.ask("4", "FIRMWARE", {})
    await world.catch_up()
    await world.ask("5", "DIAGNOSTICS", {"status": "AcceptedCanceled"}, 9)
    await world.catch_up()
    outcomes = [await world.outcome(job_id) for job_id in "12345"]
    assert outcomes == ["SUPERSEDED", "SUPERSEDED", "SUPERSEDED", None, None]


ENDS: list[tuple[Callable[[Command], None], str | None]] = [
    (lambda c: c.answer(False, msgspec.Raw(b"{}"), "Rejected", SOMEBODY, NOW), "REFUSED"),
    (lambda c: c.close(Command.Refused, "cannot", SOMEBODY, NOW), "REFUSED"),
    (lambda c: c.close(Command.Failed, "broke", SOMEBODY, NOW), "FAILED"),
    (lambda c: c.close(Command.Expired, "late", SOMEBODY, NOW), "EXPIRED"),
    (lambda c: c.close(Command.TimedOut, "silent", SOMEBODY, NOW), None),
]


@pytest.mark.parametrize(("end", "outcome"), ENDS)
async def test_a_command_that_ends_badly_ends_its_job_unless_the_station_may_still_do_it(
    world: World, end: Callable[[Command], None], outcome: str | None
) -> None:
    await world.ask("1", "LOG", None, 7)
    rows = await asyncio.to_thread(world.history.stream, "command/1")
    command = Command("command/1")
    command.version, command.status = len(rows), "sent"
    end(command)
    await world.journal.record(command.collect_events())
    await world.catch_up()
    assert await world.outcome("1") == outcome


async def test_two_gateways_that_hear_the_same_record_it_once(database: str) -> None:
    async with opened(database) as world:
        await world.ask("1", "LOG", {"status": "Accepted"}, 7)
        await world.say(Station.LogUploadProgressed, status="Uploading", request_id=7)
        await world.say(Station.LogUploadProgressed, status="PermissionDenied", request_id=7)
        await world.catch_up(world.follower, Follower(world.jobs))
        rows = await asyncio.to_thread(world.history.stream, "job/1")
    assert [row.topic.split(".")[1] for row in rows] == [
        "requested", "sent", "accepted", "progressed", "progressed", "ended",
    ]  # fmt: skip


async def test_a_gateway_that_starts_again_goes_on_where_it_was(world: World) -> None:
    await world.ask("done", "LOG", {"status": "Accepted"}, 6)
    await world.say(Station.LogUploadProgressed, status="BadMessage", request_id=6)
    await world.ask("1", "LOG", {"status": "Accepted"}, 7)
    await world.say(Station.LogUploadProgressed, status="Uploading", request_id=7)
    await world.catch_up()
    await world.say(Station.LogUploadProgressed, status="UploadFailure", request_id=7)
    reborn = Follower(world.jobs)
    await asyncio.to_thread(reborn.load)
    assert list(reborn.open) == ["job/1"]
    assert reborn.position == reborn.open["job/1"].heard
    await world.catch_up(reborn)
    assert await world.outcome("1") == "UPLOAD_FAILED"
    empty = Follower(world.jobs)
    await asyncio.to_thread(empty.load)
    assert (empty.open, empty.position) == ({}, await asyncio.to_thread(world.history.head))


async def test_time_ends_what_nobody_speaks_of(world: World) -> None:
    await world.ask("1", "FIRMWARE", {})
    await world.catch_up()
    world.now += timedelta(seconds=3_599)
    await world.follower.expire_due()
    assert await world.outcome("1") is None
    world.now += timedelta(seconds=1)
    await world.follower.expire_due()
    await world.follower.expire_due()
    assert await world.outcome("1") == "EXPIRED"


async def test_a_job_of_our_own_is_done_in_steps(world: World) -> None:
    job_id = await world.jobs.begin("LOCAL_LIST", "S", "anna", SOMEBODY, finish_s=60)
    await world.jobs.progress(job_id, "2 of 4 parts", 50.0, SOMEBODY)
    await world.jobs.end(job_id, "SYNCHRONISED", None, SOMEBODY)
    await world.jobs.end(job_id, "FAILED", "too late", SOMEBODY)
    job = await world.jobs.read(job_id)
    assert (job.kind, job.outcome, job.deadline) == ("LOCAL_LIST", "SYNCHRONISED", NOW + timedelta(seconds=60))


@pytest.mark.parametrize("seconds", [0, -1, int(LONGEST.total_seconds()) + 1, 10**15])
async def test_a_deadline_that_makes_no_sense_is_refused(world: World, seconds: int) -> None:
    with pytest.raises(Refusal):
        world.jobs.deadline(seconds)
