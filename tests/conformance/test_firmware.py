"""Firmware (OCPP 1.6 with the security whitepaper; OCPP 2.0.1 block L)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.transfer import IMAGE, SIGNED, ask, begun, bring, download, job, report

AT = "2026-11-23T10:00:00Z"
WHOLE = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "boot", "Installed"]


async def availability(station: Station, state: str) -> None:
    """The state of a connector, told twice as the test cases do."""
    status = {"timestamp": AT, "connectorStatus": state, "evseId": 1, "connectorId": 1}
    assert await station.call("StatusNotification", status) == {}
    event = {
        "eventId": 1, "timestamp": AT, "trigger": "Delta", "actualValue": state,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
        "variable": {"name": "AvailabilityState"},
    }  # fmt: skip
    assert await station.call("NotifyEvent", {"generatedAt": AT, "seqNo": 0, "eventData": [event]}) == {}


async def reboot(station: Station) -> None:
    """The station comes back with the new firmware and is accepted."""
    if station.version == "1.6":
        assert (await station.boot())["status"] == "Accepted"
        return
    hardware = {"vendorName": "V", "model": "M"}
    answer = await station.call("BootNotification", {"reason": "FirmwareUpdate", "chargingStation": hardware})
    assert answer["status"] == "Accepted"
    await availability(station, "Available")


async def transaction(station: Station, kind: str, seq_no: int) -> None:
    payload = {
        "eventType": kind, "timestamp": AT, "triggerReason": "Authorized", "seqNo": seq_no,
        "transactionInfo": {"transactionId": "during-update"}, "evse": {"id": 1, "connectorId": 1},
    }  # fmt: skip
    await station.call("TransactionEvent", payload)


async def follow(station: Station, payload: dict[str, Any], steps: list[str]) -> None:
    for step in steps:
        match step:
            case "boot":
                await reboot(station)
            case "unavailable":
                await availability(station, "Unavailable")
            case "stop":
                await transaction(station, "Ended", 1)
            case "Downloading":
                await report(station, step, payload)
                assert await download(payload) == IMAGE
            case "security":
                event = {"type": "InvalidFirmwareSignature", "timestamp": AT}
                assert await station.call("SecurityEventNotification", event) == {}
            case _:
                await report(station, step, payload)


UPDATES = {
    "TC_044_1_CSMS": (["Downloading", "Downloaded", "Installing", "boot", "Installed"], "INSTALLED"),
    "TC_044_2_CSMS": (["Downloading", "DownloadFailed"], "DOWNLOAD_FAILED"),
    "TC_044_3_CSMS": (["Downloading", "Downloaded", "Installing", "InstallationFailed"], "INSTALL_FAILED"),
}


@pytest.mark.octt("1.6", "TC_044_1_CSMS", "TC_044_2_CSMS", "TC_044_3_CSMS")
@pytest.mark.parametrize("case", UPDATES)
async def test_firmware_is_updated(server: Server, case: str) -> None:
    steps, outcome = UPDATES[case]
    async with Station(server.ocpp, case) as station:
        station.commands["UpdateFirmware"] = {}
        await station.boot()
        job_id, payload = await begun(server, station, "updateFirmware", file=await bring(server))
        assert station.heard[-1][2] == "UpdateFirmware"
        assert datetime.fromisoformat(payload["retrieveDate"]) <= datetime.now(UTC)
        await follow(station, payload, steps)
        await job(server, job_id, outcome)


SECURE = {
    "TC_080_CSMS": (WHOLE, "INSTALLED"),
    "TC_081_CSMS": (["Downloading", "Downloaded", "InvalidSignature", "security"], "INVALID_SIGNATURE"),
}


@pytest.mark.octt("1.6", "TC_080_CSMS", "TC_081_CSMS")
@pytest.mark.parametrize("case", SECURE)
async def test_signed_firmware_is_updated(server: Server, case: str) -> None:
    steps, outcome = SECURE[case]
    async with Station(server.ocpp, case) as station:
        await station.boot()
        job_id, payload = await begun(server, station, "updateFirmware", file=await bring(server), **SIGNED)
        assert station.heard[-1][2] == "SignedUpdateFirmware"
        assert payload["firmware"]["signature"] == SIGNED["signature"]
        assert payload["firmware"]["signingCertificate"] == SIGNED["signingCertificate"]
        await follow(station, payload, steps)
        await job(server, job_id, outcome)


LATER = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
SCHEDULED: list[str] = ["Downloading", "Downloaded", "SignatureVerified", "InstallScheduled", *WHOLE[3:]]
CASES: dict[str, tuple[dict[str, str], list[str], str]] = {
    "TC_L_01_CSMS": ({}, WHOLE, "INSTALLED"),
    "TC_L_02_CSMS": ({"installAt": LATER.isoformat()}, SCHEDULED, "INSTALLED"),
    "TC_L_03_CSMS": ({"retrieveAt": LATER.isoformat()}, ["DownloadScheduled", *WHOLE], "INSTALLED"),
    "TC_L_06_CSMS": ({}, ["Downloading", "Downloaded", "InvalidSignature", "security"], "INVALID_SIGNATURE"),
    "TC_L_07_CSMS": ({}, ["Downloading", "DownloadFailed"], "DOWNLOAD_FAILED"),
    "TC_L_08_CSMS": ({}, [*WHOLE[:4], "InstallVerificationFailed"], "INSTALL_FAILED"),
    "TC_L_09_CSMS": ({}, [*WHOLE[:-1], "InstallationFailed"], "INSTALL_FAILED"),
    "TC_L_13_CSMS": ({}, ["DownloadScheduled", "unavailable", "stop", *WHOLE], "INSTALLED"),
}


@pytest.mark.octt(
    "2.0.1", "TC_L_01_CSMS", "TC_L_02_CSMS", "TC_L_03_CSMS", "TC_L_06_CSMS", "TC_L_07_CSMS", "TC_L_08_CSMS",
    "TC_L_09_CSMS", "TC_L_13_CSMS",
)  # fmt: skip
@pytest.mark.parametrize("case", CASES)
async def test_a_secure_update_is_followed_to_its_end(server: Server, case: str) -> None:
    wish, steps, outcome = CASES[case]
    async with Station(server.ocpp, case, "2.0.1") as station:
        await station.boot()
        if "stop" in steps:
            await transaction(station, "Started", 0)
        job_id, payload = await begun(server, station, "updateFirmware", file=await bring(server), **SIGNED, **wish)
        image = payload["firmware"]
        assert image["signingCertificate"] == SIGNED["signingCertificate"]
        assert image["signature"] == SIGNED["signature"]
        for name, field in (("installAt", "installDateTime"), ("retrieveAt", "retrieveDateTime")):
            if name in wish:
                assert datetime.fromisoformat(image[field]) == LATER > datetime.now(UTC)
        await follow(station, payload, steps)
        await job(server, job_id, outcome)


@pytest.mark.octt("2.0.1", "TC_L_04_CSMS", "TC_L_05_CSMS")
@pytest.mark.parametrize("status", ["RevokedCertificate", "InvalidCertificate"])
async def test_a_certificate_that_the_station_does_not_take_ends_the_update(server: Server, status: str) -> None:
    async with Station(server.ocpp, f"TCL05{status}", "2.0.1") as station:
        station.commands["UpdateFirmware"] = {"status": status}
        await station.boot()
        asked = await ask(server, "updateFirmware", stationId=station.station_id, file=await bring(server), **SIGNED)
        refused = await job(server, asked, "REFUSED")
        event = {"type": "InvalidFirmwareSigningCertificate", "timestamp": AT}
        assert await station.call("SecurityEventNotification", event) == {}
    assert refused["error"] == status


@pytest.mark.octt("2.0.1", "TC_L_10_CSMS", "TC_L_11_CSMS")
@pytest.mark.parametrize("second", ["AcceptedCanceled", "Rejected"])
async def test_a_second_update_takes_the_place_of_the_first_or_is_refused(server: Server, second: str) -> None:
    async with Station(server.ocpp, f"TCL10{second}", "2.0.1") as station:
        await station.boot()
        file = await bring(server)
        first_id, first = await begun(server, station, "updateFirmware", file=file, **SIGNED)
        await report(station, "Downloading", first)
        station.commands["UpdateFirmware"] = {"status": second}
        second_id = await ask(server, "updateFirmware", stationId=station.station_id, file=file, **SIGNED)
        if second == "Rejected":
            await job(server, second_id, "REFUSED")
            await follow(station, first, WHOLE[1:])
            await job(server, first_id, "INSTALLED")
            return
        await job(server, second_id, "RUNNING")
        await job(server, first_id, "SUPERSEDED")
        payload = station.heard[-1][3]
        assert payload["requestId"] != first["requestId"]
        await follow(station, payload, WHOLE)
        await job(server, second_id, "INSTALLED")


PUBLISHED = ["http://lc.example/fw.bin", "https://lc.example/fw.bin"]
PUBLICATIONS = {
    "TC_L_17_CSMS": (["Downloading", "Downloaded", "ChecksumVerified", "Published"], "PUBLISHED"),
    "TC_L_19_CSMS": (["Downloading", "Downloaded", "InvalidChecksum"], "INVALID_CHECKSUM"),
    "TC_L_20_CSMS": (["Downloading", "Downloaded", "ChecksumVerified", "PublishFailed"], "PUBLISH_FAILED"),
    "TC_L_24_CSMS": (["Downloading", "DownloadFailed"], "DOWNLOAD_FAILED"),
}


@pytest.mark.octt("2.0.1", "TC_L_17_CSMS", "TC_L_19_CSMS", "TC_L_20_CSMS", "TC_L_24_CSMS")
@pytest.mark.parametrize("case", PUBLICATIONS)
async def test_a_local_controller_publishes_firmware(server: Server, case: str) -> None:
    steps, outcome = PUBLICATIONS[case]
    async with Station(server.ocpp, case, "2.0.1") as station:
        await station.boot()
        job_id, payload = await begun(server, station, "publishFirmware", file=await bring(server))
        assert payload["checksum"] == hashlib.md5(IMAGE, usedforsecurity=False).hexdigest()
        for status in steps:
            if status == "Downloading":
                assert await download(payload) == IMAGE
            said = {"status": status, "requestId": payload["requestId"]}
            said |= {"location": PUBLISHED} if status == "Published" else {}
            assert await station.call("PublishFirmwareStatusNotification", said) == {}
        await job(server, job_id, outcome)


@pytest.mark.octt("2.0.1", "TC_L_21_CSMS", "TC_L_22_CSMS", "TC_L_23_CSMS")
@pytest.mark.parametrize(
    ("answer", "status"), [("Unpublished", "ACCEPTED"), ("NoFirmware", "REJECTED"), ("DownloadOngoing", "REJECTED")]
)
async def test_a_local_controller_stops_publishing_firmware(server: Server, answer: str, status: str) -> None:
    async with Station(server.ocpp, f"TCL21{answer}", "2.0.1") as station:
        station.commands["UnpublishFirmware"] = {"status": answer}
        await station.boot()
        checksum = hashlib.md5(IMAGE, usedforsecurity=False).hexdigest()
        asked = await ask(server, "unpublishFirmware", stationId=station.station_id, checksum=checksum)
        query = "query ($id: ID!) { command(id: $id) { status error } }"
        data = await server.until(query, lambda d: d["command"] and d["command"]["status"] == status, id=asked)
        assert station.heard[-1][2:] == ["UnpublishFirmware", {"checksum": checksum}]
    assert data["command"]["error"] == (None if status == "ACCEPTED" else answer)
