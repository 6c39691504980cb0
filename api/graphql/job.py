"""Jobs that last: firmware updates, logs that stations send, local lists that are brought up to date."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from enum import Enum
from types import SimpleNamespace
from typing import Any

import strawberry

from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Position
from domain.catalog import CATALOG
from domain.job import stream
from projections import job as view
from projections.page import cursor
from projections.projection import fold

TOPICS = tuple(view.PROJECTION.topics)


@strawberry.enum(description="What a job is about.")
class JobKind(Enum):
    FIRMWARE = "FIRMWARE"
    SIGNED_FIRMWARE = "SIGNED_FIRMWARE"
    PUBLISH_FIRMWARE = "PUBLISH_FIRMWARE"
    DIAGNOSTICS = "DIAGNOSTICS"
    LOG = "LOG"
    LOCAL_LIST = "LOCAL_LIST"


@strawberry.enum(description="Where a job is: the first three are on the way, all others are final.")
class JobStatus(Enum):
    REQUESTED = "REQUESTED"
    SENT = "SENT"
    RUNNING = "RUNNING"
    INSTALLED = "INSTALLED"
    PUBLISHED = "PUBLISHED"
    UPLOADED = "UPLOADED"
    SYNCHRONISED = "SYNCHRONISED"
    DOWNLOAD_FAILED = "DOWNLOAD_FAILED"
    INVALID_SIGNATURE = "INVALID_SIGNATURE"
    INSTALL_FAILED = "INSTALL_FAILED"
    INVALID_CHECKSUM = "INVALID_CHECKSUM"
    PUBLISH_FAILED = "PUBLISH_FAILED"
    UPLOAD_FAILED = "UPLOAD_FAILED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    SUPERSEDED = "SUPERSEDED"
    EXPIRED = "EXPIRED"


@strawberry.type(description="One thing that happened to a job.")
class JobStep:
    status: str = strawberry.field(description="What happened; what a station reports in its own words.")
    detail: str | None = strawberry.field(description="What else is known of it.")
    percent: float | None = strawberry.field(description="How much was done then, where that is known.")
    at: DateTime = strawberry.field(description="When it was recorded.")


@strawberry.type(description="Something asked of a station that lasts, followed to its end.")
class Job:
    id: strawberry.ID = strawberry.field(description="Its id; that of its command, if it has one.")
    station_id: strawberry.ID = strawberry.field(description="The station.")
    kind: JobKind = strawberry.field(description="What it is about.")
    status: JobStatus = strawberry.field(description="Where it is.")
    station_status: str | None = strawberry.field(description="What the station said last, in its own words.")
    percent: float | None = strawberry.field(description="How much is done, where that is known.")
    command_id: strawberry.ID | None = strawberry.field(description="The command that asked the station.")
    request_id: int | None = strawberry.field(description="How the station's reports name the job.")
    location: str | None = strawberry.field(description="Where the file comes from or goes to, if not from or to us.")
    log_type: str | None = strawberry.field(description="Which log.")
    file_id: strawberry.ID | None = strawberry.field(description="The file of ours that is fetched, or that arrived.")
    file_name: str | None = strawberry.field(description="Its name.")
    size_bytes: float | None = strawberry.field(description="Its size.")
    sha256: str | None = strawberry.field(description="Its SHA-256, in hexadecimal.")
    requested_by: str = strawberry.field(description="Who asked.")
    requested_at: DateTime = strawberry.field(description="When.")
    started_at: DateTime | None = strawberry.field(description="When the station agreed to it.")
    ended_at: DateTime | None = strawberry.field(description="When it was over.")
    deadline: DateTime = strawberry.field(description="When it ends by itself, if nothing more is heard.")
    error: str | None = strawberry.field(description="What went wrong, in words.")
    position: Position = strawberry.field(description="The latest event that changed it.")
    known: strawberry.Private[list[Any] | None] = None

    @strawberry.field(description="What happened to it, in order; at most a few hundred steps.")
    async def steps(self, info: strawberry.Info) -> list[JobStep]:
        rows = self.known if self.known is not None else await asker(info).reads.steps.load(self.id)
        return [JobStep(status=row.status, detail=row.detail, percent=row.percent, at=row.at) for row in rows]


NAMES = (
    "id", "station_id", "station_status", "command_id", "request_id", "location", "log_type", "file_id", "file_name",
    "size_bytes", "sha256", "requested_by", "requested_at", "started_at", "ended_at", "deadline", "error", "position",
)  # fmt: skip


def job(row: Any, known: list[Any] | None = None) -> Job:
    return Job(
        kind=JobKind(row.kind),
        status=JobStatus(row.status),
        percent=percent(row),
        known=known,
        **{name: getattr(row, name) for name in NAMES},
    )


def percent(row: Any) -> float | None:
    """What was said, else how much of the file has gone out."""
    if row.percent is not None or not row.size_bytes or row.next_byte is None:
        return float(row.percent) if row.percent is not None else None
    return float(min(100 * row.next_byte / row.size_bytes, 100))


async def just_asked(who: Asker, job_id: str) -> Job | None:
    """A job the read model does not show yet, told by the history."""
    rows = await who.reads.told(stream(job_id))
    changes = fold(view.PROJECTION, [(row.position, CATALOG.decode(row.topic, row.state)) for row in rows])
    values = changes.rows("job").get((job_id,))
    if values is None:
        return None
    blank = dict.fromkeys(view.JOB.columns.keys())
    steps = [SimpleNamespace(**step) for _, step in sorted(changes.rows("job_step").items())]
    return job(SimpleNamespace(**(blank | values | {"id": job_id})), steps)


@strawberry.type
class JobQuery:
    @strawberry.field(description="One job, by its id or that of its command.")
    async def job(self, info: strawberry.Info, id: strawberry.ID) -> Job | None:
        row = (await asker(info).reads.run(lambda c: view.by_id(c, [id]))).get(id)
        return job(row) if row is not None else await just_asked(asker(info), id)

    @strawberry.field(description="Jobs, the newest first.")
    async def jobs(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
        kind: JobKind | None = None,
        open: bool | None = None,
    ) -> Connection[Job]:
        reads, limit = asker(info).reads, bounded(first)
        wanted = (station_id, kind.value if kind else None, open)
        position = await reads.position("job")
        found = await reads.run(lambda c: view.jobs(c, limit, after, *wanted))
        nodes = [(cursor(row.requested_at, row.id), job(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, *wanted)))


@strawberry.type
class JobSubscription:
    @strawberry.subscription(description="A job whenever something happens to it, from a position on.")
    async def job_changed(
        self,
        info: strawberry.Info,
        id: strawberry.ID | None = None,
        after: Position | None = None,
    ) -> AsyncGenerator[Job, None]:
        who = asker(info)
        history = who.parts.history
        start = after if after is not None else await asyncio.to_thread(history.head)
        async for batch in history.follow(start, TOPICS, stream(id) if id is not None else None):
            await who.reads.caught_up("job", batch[-1].position)
            ids = list(dict.fromkeys(row.stream.removeprefix("job/") for row in batch))
            rows = await who.reads.run(lambda c, ids=ids: view.by_id(c, ids))  # type: ignore[misc]
            for row in (rows[found] for found in ids if found in rows):
                yield job(row)
