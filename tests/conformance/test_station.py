"""The station itself: boot, status, availability, reset, vendor data (OCPP 1.6; OCPP 2.0.1 blocks B, G and P)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.flow import Charge, connector, ended, now, order, restart, status
from tests.end_to_end.client import Station
from tests.end_to_end.server import Server

NETWORK = {
    "slot": 1, "url": "wss://csms.example/ocpp", "messageTimeoutS": 30, "interface": "Wired0", "securityProfile": 2,
    "ocppVersion": "OCPP201",
}  # fmt: skip


@pytest.fixture(scope="module")
def cautious(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tells unknown stations to wait."""
    place = tmp_path_factory.mktemp("pending") / "bornier.db"
    with Server(f"sqlite:///{place}", BORNIER_UNKNOWN_STATIONS="pending", BORNIER_HEARTBEAT_S="1") as running:
        yield running


async def register(server: Server, station_id: str) -> None:
    await server.ask(f'mutation {{ registerStation(input: {{id: "{station_id}"}}) {{ id }} }}')


@pytest.mark.octt("1.6", "TC_001_CSMS")
async def test_a_cold_boot_is_accepted(server: Server) -> None:
    async with Station(server.ocpp, "TC001") as station:
        answer = await station.boot()
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        for number in (0, 1, 2):
            await status(station, "Available", number)
        assert "currentTime" in await station.call("Heartbeat", {})


@pytest.mark.octt("2.0.1", "TC_B_01_CSMS")
async def test_a_cold_boot_of_a_known_station_is_accepted(server: Server) -> None:
    async with Station(server.ocpp, "TCB01", "2.0.1") as station:
        answer = await station.boot()
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        await status(station, "Available")
        assert "currentTime" in await station.call("Heartbeat", {})


@pytest.mark.octt("2.0.1", "TC_B_02_CSMS")
async def test_a_pending_station_is_accepted_at_its_next_boot(cautious: Server) -> None:
    async with Station(cautious.ocpp, "TCB02", "2.0.1") as station:
        answer = await station.boot()
        assert (answer["status"], answer["interval"]) == ("Pending", 1)
        station.commands["GetVariables"] = {
            "getVariableResult": [
                {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"},
                 "attributeStatus": "Accepted", "attributeValue": "60"}
            ]
        }  # fmt: skip
        wanted = {"component": "OCPPCommCtrlr", "variable": "HeartbeatInterval"}
        assert (await order(cautious, "getVariables", stationId="TCB02", variables=[wanted]))["status"] == "ACCEPTED"
        await register(cautious, "TCB02")
        assert (await station.boot())["status"] == "Accepted"
        await status(station, "Available")


@pytest.mark.octt("2.0.1", "TC_B_30_CSMS")
async def test_a_station_that_is_not_accepted_gets_a_security_error(cautious: Server) -> None:
    async with Station(cautious.ocpp, "TCB30", "2.0.1") as station:
        assert (await station.boot())["status"] == "Pending"
        said = {"timestamp": now(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        assert (await station.frame("StatusNotification", said))[:3:2] == [4, "SecurityError"]
        await register(cautious, "TCB30")
        assert (await station.boot())["status"] == "Accepted"
        await status(station, "Available")


@pytest.mark.octt("2.0.1", "TC_B_31_CSMS")
async def test_a_pending_station_is_triggered_to_boot_again(cautious: Server) -> None:
    async with Station(cautious.ocpp, "TCB31", "2.0.1") as station:
        assert (await station.boot())["status"] == "Pending"
        await register(cautious, "TCB31")
        command = await order(cautious, "triggerMessage", stationId="TCB31", message="BootNotification")
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]
        said = {"reason": "Triggered", "chargingStation": {"vendorName": "V", "model": "M"}}
        assert (await station.call("BootNotification", said))["status"] == "Accepted"
        await status(station, "Available")


@pytest.mark.octt("1.6", "TC_013_CSMS", "TC_014_CSMS")
@pytest.mark.parametrize(("kind", "word"), [("HARD", "Hard"), ("SOFT", "Soft")])
async def test_a_station_of_ocpp_16_restarts(server: Server, kind: str, word: str) -> None:
    async with Station(server.ocpp, f"TC013{word}") as station:
        await station.boot()
        assert (await order(server, "reset", stationId=station.station_id, kind=kind))["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["Reset", {"type": word}]
        await restart(station)


@pytest.mark.octt("2.0.1", "TC_B_20_CSMS", "TC_B_25_CSMS")
@pytest.mark.parametrize("evse", [{}, {"evseId": 1}], ids=["station", "EVSE"])
async def test_what_is_idle_restarts(server: Server, evse: dict[str, int]) -> None:
    async with Station(server.ocpp, f"TCB20{len(evse)}", "2.0.1") as station:
        await station.boot()
        command = await order(server, "reset", stationId=station.station_id, kind="SOFT", **evse)
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["Reset", {"type": "OnIdle"} | evse]
        if evse:
            await status(station, "Available")
        else:
            await restart(station)


@pytest.mark.octt("2.0.1", "TC_B_21_CSMS", "TC_B_26_CSMS")
@pytest.mark.parametrize("evse", [{}, {"evseId": 1}], ids=["station", "EVSE"])
async def test_what_is_busy_restarts_when_it_is_idle(server: Server, badge: str, evse: dict[str, int]) -> None:
    async with Station(server.ocpp, f"TCB21{len(evse)}", "2.0.1") as station:
        await station.boot()
        charge = Charge(station)
        await charge.started()
        station.commands["Reset"] = {"status": "Scheduled"}
        command = await order(server, "reset", stationId=station.station_id, kind="SOFT", **evse)
        assert (command["status"], command["answer"]) == ("ACCEPTED", {"status": "Scheduled"})
        assert station.heard[-1][2:] == ["Reset", {"type": "OnIdle"} | evse]
        await charge.stopped()
        assert (await ended(server, station))["stopReason"] == "EVDisconnected"
        if not evse:
            await restart(station)


@pytest.mark.octt("2.0.1", "TC_B_22_CSMS", "TC_B_27_CSMS")
@pytest.mark.parametrize("evse", [{}, {"evseId": 1}], ids=["station", "EVSE"])
async def test_a_reset_at_once_ends_the_charge(server: Server, badge: str, evse: dict[str, int]) -> None:
    async with Station(server.ocpp, f"TCB22{len(evse)}", "2.0.1") as station:
        await station.boot()
        charge = Charge(station)
        await charge.started()
        command = await order(server, "reset", stationId=station.station_id, kind="HARD", **evse)
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["Reset", {"type": "Immediate"} | evse]
        await charge.event("Ended", "ResetCommand", "EVConnected", info={"stoppedReason": "ImmediateReset"})
        assert (await ended(server, station))["stopReason"] == "ImmediateReset"
        if not evse:
            await restart(station, "Occupied")


@pytest.mark.octt("2.0.1", "TC_B_42_CSMS", "TC_B_44_CSMS")
@pytest.mark.parametrize(("answer", "fate"), [("Accepted", "ACCEPTED"), ("Failed", "REJECTED")])
async def test_a_network_profile_is_set_or_not(server: Server, answer: str, fate: str) -> None:
    async with Station(server.ocpp, f"TCB42{answer}", "2.0.1") as station:
        await station.boot()
        station.commands["SetNetworkProfile"] = {"status": answer}
        command = await order(server, "setNetworkProfile", stationId=station.station_id, **NETWORK)
        assert command["status"] == fate
        assert station.heard[-1][3] == {
            "configurationSlot": 1,
            "connectionData": {
                "messageTimeout": 30, "ocppCsmsUrl": "wss://csms.example/ocpp", "ocppInterface": "Wired0",
                "ocppTransport": "JSON", "ocppVersion": "OCPP20", "securityProfile": 2,
            },
        }  # fmt: skip


PLACES: dict[str, tuple[dict[str, int], dict[str, Any]]] = {
    "EVSE": ({"evseId": 1}, {"evse": {"id": 1}}),
    "station": ({}, {}),
    "connector": ({"evseId": 1, "connectorId": 1}, {"evse": {"id": 1, "connectorId": 1}}),
}


@pytest.mark.octt(
    "2.0.1", "TC_G_03_CSMS", "TC_G_04_CSMS", "TC_G_05_CSMS", "TC_G_06_CSMS", "TC_G_07_CSMS", "TC_G_08_CSMS"
)
@pytest.mark.parametrize("place", PLACES)
async def test_something_is_taken_out_of_service_and_back(server: Server, place: str) -> None:
    wish, said = PLACES[place]
    async with Station(server.ocpp, f"TCG03{place}", "2.0.1") as station:
        await station.boot()
        await status(station, "Available")
        for operative, word, shown in ((False, "Inoperative", "Unavailable"), (True, "Operative", "Available")):
            command = await order(
                server, "changeAvailability", stationId=station.station_id, operative=operative, **wish
            )
            assert command["status"] == "ACCEPTED"
            assert station.heard[-1][3] == {"operationalStatus": word} | said
            await status(station, shown)
            await connector(server, station, shown.upper())


@pytest.mark.octt("2.0.1", "TC_G_11_CSMS", "TC_G_14_CSMS", "TC_G_17_CSMS")
@pytest.mark.parametrize("place", PLACES)
async def test_something_busy_is_taken_out_of_service_after_the_charge(server: Server, badge: str, place: str) -> None:
    wish, said = PLACES[place]
    async with Station(server.ocpp, f"TCG11{place}", "2.0.1") as station:
        await station.boot()
        charge = Charge(station)
        await charge.started()
        station.commands["ChangeAvailability"] = {"status": "Scheduled"}
        command = await order(server, "changeAvailability", stationId=station.station_id, operative=False, **wish)
        assert (command["status"], command["answer"]["status"]) == ("ACCEPTED", "Scheduled")
        assert station.heard[-1][3] == {"operationalStatus": "Inoperative"} | said
        await charge.stopped()
        await status(station, "Unavailable")
        await connector(server, station, "UNAVAILABLE")


@pytest.mark.octt("2.0.1", "TC_G_20_CSMS")
async def test_a_lock_that_fails_is_told(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCG20", "2.0.1") as station:
        await station.boot()
        await Charge(station).plugged()
        problem = {
            "eventId": 1, "timestamp": now(), "trigger": "Alerting", "actualValue": "true",
            "eventNotificationType": "HardWiredNotification", "techCode": "LockFailure",
            "component": {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": 1}},
            "variable": {"name": "Problem"},
        }  # fmt: skip
        said = {"generatedAt": now(), "seqNo": 0, "eventData": [problem]}
        assert await station.call("NotifyEvent", said) == {}


@pytest.mark.octt("1.6", "TC_064_CSMS")
async def test_vendor_data_of_ocpp_16_is_answered_as_unknown(server: Server) -> None:
    async with Station(server.ocpp, "TC064") as station:
        await station.boot()
        answer = await station.call("DataTransfer", {"vendorId": "com.example", "messageId": "m", "data": "text"})
        assert answer["status"] in ("Rejected", "UnknownVendorId", "UnknownMessageId")


@pytest.mark.octt("2.0.1", "TC_P_02_CSMS")
async def test_vendor_data_of_ocpp_201_is_answered_as_unknown(server: Server) -> None:
    async with Station(server.ocpp, "TCP02", "2.0.1") as station:
        await station.boot()
        answer = await station.call("DataTransfer", {"vendorId": "com.example", "messageId": "m"})
        assert answer["status"] in ("Rejected", "UnknownVendorId", "UnknownMessageId")


@pytest.mark.octt("2.0.1", "TC_P_03_CSMS")
async def test_custom_data_does_no_harm(server: Server) -> None:
    custom = {"vendorId": "com.example", "colour": {"red": 1}}
    async with Station(server.ocpp, "TCP03", "2.0.1") as station:
        await station.boot()
        await status(station, "Occupied", customData=custom)
        charge = Charge(station)
        await charge.event("Started", "CablePluggedIn", "EVConnected", customData=custom, info={"customData": custom})
        await connector(server, station, "OCCUPIED")
