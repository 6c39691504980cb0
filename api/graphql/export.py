"""Exports: what can be exported, and what is delivered on a schedule."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import select

from api.graphql.context import Asker, asker
from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime, Json, Position
from domain.export import Export
from projections import export as view
from projections.dataset import DATASETS
from projections.dataset import Dataset as Kept


@strawberry.enum(description="How often a file is made.")
class ExportPeriod(Enum):
    DAY = "DAY"
    WEEK = strawberry.enum_value("WEEK", description="From Monday.")
    MONTH = "MONTH"


@strawberry.enum(description="The format of a file.")
class ExportFormat(Enum):
    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
    PARQUET = "parquet"


@strawberry.type(description="A column of an export; its name, unit and meaning stay for ever.")
class DatasetColumn:
    name: str = strawberry.field(description="Its name, with its unit.")
    kind: str = strawberry.field(description="text, time, integer, number, boolean or money.")
    words: str = strawberry.field(description="What it holds.")


@strawberry.type(description="What can be exported: `GET /api/exports/<name>.<format>`, or on a schedule.")
class Dataset:
    name: str = strawberry.field(description="Its name.")
    words: str = strawberry.field(description="What its rows are.")
    columns: list[DatasetColumn] = strawberry.field(description="Its columns, in order.")


def dataset(kept: Kept) -> Dataset:
    columns = [DatasetColumn(name=field.name, kind=field.kind, words=field.words) for field in kept.fields]
    return Dataset(name=kept.name, words=kept.words, columns=columns)


@strawberry.type(description="An export on a schedule.")
class ExportSchedule:
    id: strawberry.ID = strawberry.field(description="Its id.")
    dataset: str = strawberry.field(description="What is exported.")
    format: ExportFormat = strawberry.field(description="The format of the files.")
    period: ExportPeriod = strawberry.field(description="One file for each.")
    at: str = strawberry.field(description="The time of day when a file is made, after the period is over.")
    timezone: str = strawberry.field(description="Where that clock hangs; days and months begin there, too.")
    place: str = strawberry.field(description="Where files go.")
    options: Json = strawberry.field(description="How a file is written, such as preset or delimiter.")
    site: strawberry.ID | None = strawberry.field(description="Only stations of this site.")
    scheduled_at: DateTime = strawberry.field(description="Since when.")
    stopped_at: DateTime | None = strawberry.field(description="When it was stopped; null while it goes on.")
    delivered_until: DateTime | None = strawberry.field(description="Everything before this time has been delivered.")
    file: str | None = strawberry.field(description="The latest file.")
    rows: int | None = strawberry.field(description="Rows of the latest file.")
    size_bytes: int | None = strawberry.field(description="Size of the latest file.")
    sha256: str | None = strawberry.field(description="SHA-256 of the latest file.")
    reflects: Position | None = strawberry.field(description="The latest file knows the history up to here, at least.")
    failure: str | None = strawberry.field(description="Why the next file has not arrived yet; it is tried again.")
    attempt: int = strawberry.field(description="How often that was tried.")


NAMES = (
    "id", "dataset", "at", "timezone", "place", "options", "site", "scheduled_at", "stopped_at", "delivered_until",
    "file", "rows", "size_bytes", "sha256", "reflects", "failure", "attempt",
)  # fmt: skip


def schedule(row: Any) -> ExportSchedule:
    facts = {name: getattr(row, name) for name in NAMES}
    return ExportSchedule(format=ExportFormat(row.format), period=ExportPeriod(row.period), **facts)


async def told(who: Asker, export: Export) -> ExportSchedule:
    """A schedule as the history tells it: the read model is a moment behind."""
    return schedule(await who.reads.retold(view.PROJECTION, view.EXPORT, export.id))


@strawberry.type
class ExportQuery:
    @strawberry.field(description="What can be exported.")
    def datasets(self) -> list[Dataset]:
        return [dataset(kept) for kept in DATASETS.values()]

    @strawberry.field(description="Exports on a schedule.")
    async def export_schedules(
        self, info: strawberry.Info, first: int | None = 50, after: str | None = None
    ) -> Connection[ExportSchedule]:
        return await listed(info, "export", select(view.EXPORT), view.EXPORT, schedule, first, after)


@strawberry.input(description="Deliver a dataset again and again.")
class ScheduleExportInput:
    dataset: str = strawberry.field(description="transactions, readings, stations, alarms or uptime; see `datasets`.")
    format: ExportFormat = strawberry.field(description="The format of the files.")
    place: str = strawberry.field(
        description="A folder name under BORNIER_EXPORTS, sftp://user@host/folder or s3://bucket/prefix."
    )
    period: ExportPeriod = strawberry.field(default=ExportPeriod.DAY, description="One file for each.")
    at: str = strawberry.field(default="03:00", description="When a file is made, after the period is over: HH:MM.")
    timezone: str = strawberry.field(default="Europe/Paris", description="Whose days and months; IANA name.")
    preset: str | None = strawberry.field(default=None, description="plain or excel-fr.")
    delimiter: str | None = strawberry.field(default=None, description="CSV: comma, semicolon, tab or |.")
    decimal: str | None = strawberry.field(default=None, description="CSV: a point or a comma.")
    encoding: str | None = strawberry.field(default=None, description="CSV: utf-8, utf-8-sig, cp1252, ….")
    site: strawberry.ID | None = strawberry.field(default=None, description="Only stations of this site.")


@strawberry.input(description="End an export on a schedule.")
class StopExportInput:
    id: strawberry.ID = strawberry.field(description="The schedule.")


WRITTEN = ("preset", "delimiter", "decimal", "encoding")


@strawberry.type
class ExportMutation:
    @strawberry.mutation(description="Deliver a dataset after every day, week or month.")
    async def schedule_export(self, info: strawberry.Info, input: ScheduleExportInput) -> ExportSchedule:
        who = asker(info)
        options = {name: value for name in WRITTEN if (value := getattr(input, name)) is not None}
        made = await who.parts.exports.schedule(
            input.dataset, input.format.value, input.period.value, input.at, input.timezone, input.place,
            options | {"timezone": input.timezone}, input.site, who.name,
        )  # fmt: skip
        return await told(who, made)

    @strawberry.mutation(description="End an export on a schedule; what was delivered stays where it is.")
    async def stop_export(self, info: strawberry.Info, input: StopExportInput) -> ExportSchedule:
        who = asker(info)
        return await told(who, await who.parts.exports.stop(input.id, who.name))
