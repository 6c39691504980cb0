"""Diagnostics and logs (OCPP 1.6 with the security whitepaper; OCPP 2.0.1 use case N01)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.transfer import ask, begun, job, report_log, upload


async def send(station: Station, payload: dict[str, Any]) -> None:
    """Upload the log, and say so."""
    await report_log(station, "Uploading", payload)
    await upload(payload)
    await report_log(station, "Uploaded", payload)


@pytest.mark.octt("1.6", "TC_045_1_CSMS")
async def test_diagnostics_are_sent(server: Server) -> None:
    async with Station(server.ocpp, "TC045") as station:
        station.commands["GetDiagnostics"] = {"fileName": "diagnostics.zip"}
        await station.boot()
        job_id, payload = await begun(server, station, "getDiagnostics")
        assert station.heard[-1][2] == "GetDiagnostics"
        await send(station, payload)
        await job(server, job_id, "UPLOADED")


LOGS = {
    "TC_079_CSMS": ("1.6", "SecurityLog"),
    "TC_N_25_CSMS": ("2.0.1", "DiagnosticsLog"),
    "TC_N_35_CSMS": ("2.0.1", "SecurityLog"),
}
NAMES = {"SecurityLog": "SECURITY_LOG", "DiagnosticsLog": "DIAGNOSTICS_LOG"}


@pytest.mark.octt("1.6", "TC_079_CSMS")
@pytest.mark.octt("2.0.1", "TC_N_25_CSMS", "TC_N_35_CSMS")
@pytest.mark.parametrize("case", LOGS)
async def test_a_log_is_sent(server: Server, case: str) -> None:
    version, log = LOGS[case]
    async with Station(server.ocpp, case, version) as station:
        station.commands["GetLog"] = {"status": "Accepted", "filename": "log.zip"}
        await station.boot()
        job_id, payload = await begun(server, station, "getLog", logType=NAMES[log])
        assert payload["logType"] == log
        await send(station, payload)
        await job(server, job_id, "UPLOADED")


@pytest.mark.octt("2.0.1", "TC_N_34_CSMS")
async def test_a_log_that_the_station_does_not_have_is_refused(server: Server) -> None:
    async with Station(server.ocpp, "TCN34", "2.0.1") as station:
        station.commands["GetLog"] = {"status": "Rejected"}
        await station.boot()
        asked = await ask(server, "getLog", stationId="TCN34")
        assert (await job(server, asked, "REFUSED"))["error"] == "Rejected"


@pytest.mark.octt("2.0.1", "TC_N_36_CSMS")
async def test_a_second_log_takes_the_place_of_the_first(server: Server) -> None:
    async with Station(server.ocpp, "TCN36", "2.0.1") as station:
        await station.boot()
        first_id, first = await begun(server, station, "getLog")
        await report_log(station, "Uploading", first)
        station.commands["GetLog"] = {"status": "AcceptedCanceled"}
        second_id, second = await begun(server, station, "getLog")
        await report_log(station, "AcceptedCanceled", first)
        await job(server, first_id, "SUPERSEDED")
        await send(station, second)
        await job(server, second_id, "UPLOADED")
