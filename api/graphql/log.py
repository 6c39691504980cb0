"""Logs: have a station send one."""

from __future__ import annotations

from enum import Enum

import strawberry

from api.graphql.command import Command, deadline, plain, requested, said
from api.graphql.context import asker
from api.graphql.firmware import FINISH, PAUSE, RETRIES
from api.graphql.scalar import DateTime


@strawberry.enum(description="Which log of a station.")
class LogType(Enum):
    DIAGNOSTICS_LOG = "DiagnosticsLog"
    SECURITY_LOG = "SecurityLog"
    DATA_COLLECTOR_LOG = "DataCollectorLog"


@strawberry.input(description="Have the station send its diagnostics.")
class GetDiagnosticsInput:
    station_id: strawberry.ID = said("The station.")
    location: str | None = said("Where to send them; to Bornier when absent.", default=None)
    oldest_at: DateTime | None = said("Nothing older.", default=None)
    latest_at: DateTime | None = said("Nothing newer.", default=None)
    retries: int | None = said(RETRIES, default=None)
    retry_interval_seconds: int | None = said(PAUSE, default=None)
    finish_within_seconds: int | None = said(FINISH, default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Have the station send a log.")
class GetLogInput:
    station_id: strawberry.ID = said("The station.")
    log_type: LogType = said("Which log; the data collector's is OCPP 2.1 only.", default=LogType.DIAGNOSTICS_LOG)
    location: str | None = said("Where to send it; to Bornier when absent.", default=None)
    oldest_at: DateTime | None = said("Nothing older.", default=None)
    latest_at: DateTime | None = said("Nothing newer.", default=None)
    retries: int | None = said(RETRIES, default=None)
    retry_interval_seconds: int | None = said(PAUSE, default=None)
    finish_within_seconds: int | None = said(FINISH, default=None)
    deadline_seconds: int | None = deadline()


@strawberry.type
class LogMutation:
    @strawberry.mutation(description="Have a station send its diagnostics, as a job with the id of the command.")
    async def get_diagnostics(self, info: strawberry.Info, input: GetDiagnosticsInput) -> Command:
        who, wish = asker(info), plain(input)
        station_id = wish.pop("station_id")
        return requested(
            *await who.parts.transfers.get_log(station_id, "getDiagnostics", "DIAGNOSTICS", wish, who.name)
        )

    @strawberry.mutation(description="Have a station send a log, as a job with the id of the command.")
    async def get_log(self, info: strawberry.Info, input: GetLogInput) -> Command:
        who, wish = asker(info), plain(input)
        station_id = wish.pop("station_id")
        return requested(*await who.parts.transfers.get_log(station_id, "getLog", "LOG", wish, who.name))
