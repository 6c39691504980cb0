"""Jobs that last: what is going on at the stations, how far is it, and how did it end?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Float, Index, Integer, Row, Table, Text, and_, func, or_, select

from domain.event import Event
from domain.job import Job
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection
from projections.table import METADATA, UtcTime

JOB = Table(
    "job",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("station_id", Text),
    Column("kind", Text),
    Column("status", Text),
    Column("station_status", Text),
    Column("percent", Float),
    Column("command_id", Text),
    Column("request_id", BigInteger),
    Column("location", Text),
    Column("log_type", Text),
    Column("file_id", Text),
    Column("file_name", Text),
    Column("size_bytes", BigInteger),
    Column("sha256", Text),
    Column("next_byte", BigInteger),
    Column("requested_by", Text),
    Column("requested_at", UtcTime),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("deadline", UtcTime),
    Column("error", Text),
    Column("position", BigInteger),
    Index("job_by_time", "requested_at", "id"),
    Index("job_by_station", "station_id", "requested_at", "id"),
)
STEP = Table(
    "job_step",
    METADATA,
    Column("job_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("status", Text),
    Column("detail", Text),
    Column("percent", Float),
    Column("at", UtcTime),
)


def requested(changes: Changes, event: Job.Requested, position: int) -> None:
    names = ("station_id", "kind", "command_id", "location", "log_type", "file_id", "file_name", "size_bytes", "sha256")
    facts = {name: getattr(event, name) for name in (*names, "requested_by", "deadline")}
    put(changes, event, position, status="REQUESTED", requested_at=event.recorded_at, **facts)
    step(changes, event, "Requested")


def sent(changes: Changes, event: Job.Sent, position: int) -> None:
    put(changes, event, position, status="SENT", request_id=event.request_id)
    step(changes, event, "Sent")


def accepted(changes: Changes, event: Job.Accepted, position: int) -> None:
    name = {"file_name": event.file_name} if event.file_name else {}
    put(changes, event, position, status="RUNNING", **name)
    started(changes, event)
    step(changes, event, "Accepted")


def progressed(changes: Changes, event: Job.Progressed, position: int) -> None:
    known = {} if event.percent is None else {"percent": event.percent}
    put(changes, event, position, status="RUNNING", station_status=event.status, **known)
    started(changes, event)
    step(changes, event, event.status, event.detail, event.percent)


def download_began(changes: Changes, event: Job.DownloadBegan, position: int) -> None:
    put(changes, event, position, next_byte=event.first_byte)
    step(changes, event, "Download began", f"at byte {event.first_byte}" if event.first_byte else None)


def download_ended(changes: Changes, event: Job.DownloadEnded, position: int) -> None:
    put(changes, event, position, next_byte=event.next_byte)
    words = "Download complete" if event.complete else "Download broke off"
    step(changes, event, words, f"at byte {event.next_byte}")


def file_received(changes: Changes, event: Job.FileReceived, position: int) -> None:
    names = ("file_id", "file_name", "size_bytes", "sha256")
    put(changes, event, position, **{name: getattr(event, name) for name in names})
    step(changes, event, "File received", event.file_name)


def upload_refused(changes: Changes, event: Job.UploadRefused, position: int) -> None:
    put(changes, event, position, error=event.reason)
    step(changes, event, "Upload refused", event.reason)


def ended(changes: Changes, event: Job.Ended, position: int) -> None:
    put(changes, event, position, status=event.outcome, ended_at=event.recorded_at, error=event.reason)
    step(changes, event, event.outcome, event.reason)


def put(changes: Changes, event: Event, position: int, **values: Any) -> None:
    changes.put("job", (job_of(event),), position=position, **values)


def started(changes: Changes, event: Event) -> None:
    changes.first("job", (job_of(event),), "started_at", event.recorded_at)


def step(changes: Changes, event: Event, status: str, detail: str | None = None, percent: float | None = None) -> None:
    key = (job_of(event), event.originator_version)
    changes.add("job_step", key, status=status, detail=detail, percent=percent, at=event.recorded_at)


def job_of(event: Event) -> str:
    return event.originator_id.removeprefix("job/")


PROJECTION = Projection(
    name="job",
    tables={"job": JOB, "job_step": STEP},
    handlers={
        Job.Requested: requested,
        Job.Sent: sent,
        Job.Accepted: accepted,
        Job.Progressed: progressed,
        Job.DownloadBegan: download_began,
        Job.DownloadEnded: download_ended,
        Job.FileReceived: file_received,
        Job.UploadRefused: upload_refused,
        Job.Ended: ended,
    },
)


def jobs(
    connection: Connection,
    first: int,
    after: str | None = None,
    station_id: str | None = None,
    kind: str | None = None,
    running: bool | None = None,
) -> Page:
    """Jobs, the newest first."""
    query = select(JOB).where(*conditions(station_id, kind, running))
    if after is not None:
        at, id_ = key(after, tuple[datetime, str])
        same = and_(JOB.c.requested_at == at, JOB.c.id < id_)
        query = query.where(JOB.c.requested_at <= at, or_(JOB.c.requested_at < at, same))
    query = query.order_by(JOB.c.requested_at.desc(), JOB.c.id.desc()).limit(first + 1)
    return page(list(connection.execute(query)), first)


def count(
    connection: Connection, station_id: str | None = None, kind: str | None = None, running: bool | None = None
) -> int:
    query = select(func.count()).select_from(JOB).where(*conditions(station_id, kind, running))
    return int(connection.execute(query).scalar() or 0)


def conditions(station_id: str | None, kind: str | None, running: bool | None) -> list[Any]:
    wanted: list[Any] = []
    if station_id is not None:
        wanted.append(JOB.c.station_id == station_id)
    if kind is not None:
        wanted.append(JOB.c.kind == kind)
    if running is not None:
        wanted.append(JOB.c.ended_at.is_(None) if running else JOB.c.ended_at.is_not(None))
    return wanted


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(select(JOB).where(JOB.c.id.in_(ids)))}


def steps(connection: Connection, job_ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """What happened to several jobs, each in the order of its life."""
    found: dict[str, list[Row[Any]]] = {job_id: [] for job_id in job_ids}
    query = select(STEP).where(STEP.c.job_id.in_(job_ids)).order_by(STEP.c.job_id, STEP.c.number)
    for row in connection.execute(query):
        found[row.job_id].append(row)
    return found
