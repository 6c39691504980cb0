"""Remote control: start, stop, unlock, trigger, cost (OCPP 1.6; OCPP 2.0.1 blocks F and I)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.flow import BADGE, TOKEN, Charge, connector, ended, now, order, status, transaction
from tests.end_to_end.client import Station
from tests.end_to_end.server import Server


async def start16(station: Station, connector_id: int = 1) -> int:
    said = {"connectorId": connector_id, "idTag": BADGE, "meterStart": 100, "timestamp": now()}
    answer = await station.call("StartTransaction", said)
    assert answer["idTagInfo"]["status"] == "Accepted"
    await status(station, "Charging")
    return int(answer["transactionId"])


async def stop16(station: Station, number: int, reason: str) -> None:
    said = {"transactionId": number, "meterStop": 200, "timestamp": now(), "reason": reason}
    assert "idTagInfo" not in await station.call("StopTransaction", said)
    await status(station, "Finishing")
    await status(station, "Available")


@pytest.mark.octt("1.6", "TC_010_CSMS", "TC_011_1_CSMS")
@pytest.mark.parametrize("plugged_first", [True, False], ids=["cable first", "remote start first"])
async def test_a_charge_of_ocpp_16_is_started_from_afar(server: Server, badge: str, plugged_first: bool) -> None:
    async with Station(server.ocpp, f"TC010{plugged_first}") as station:
        await station.boot()
        await status(station, "Preparing" if plugged_first else "Available")
        command = await order(server, "remoteStart", stationId=station.station_id, badge=badge, evseId=1)
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["RemoteStartTransaction", {"idTag": badge, "connectorId": 1}]
        assert (await station.call("Authorize", {"idTag": badge}))["idTagInfo"]["status"] == "Accepted"
        await status(station, "Preparing")
        await start16(station)
        await connector(server, station, "CHARGING")


@pytest.mark.octt("1.6", "TC_011_2_CSMS")
async def test_nobody_plugs_in_after_a_remote_start(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TC0112") as station:
        await station.boot()
        command = await order(server, "remoteStart", stationId="TC0112", badge=badge, evseId=1)
        assert command["status"] == "ACCEPTED"
        assert (await station.call("Authorize", {"idTag": badge}))["idTagInfo"]["status"] == "Accepted"
        await status(station, "Preparing")
        await status(station, "Available")
        await connector(server, station, "AVAILABLE")


@pytest.mark.octt("1.6", "TC_012_CSMS")
async def test_a_charge_of_ocpp_16_is_stopped_from_afar(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TC012") as station:
        await station.boot()
        number = await start16(station)
        known = await transaction(server, station)
        assert (await order(server, "remoteStop", transactionId=known["id"]))["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["RemoteStopTransaction", {"transactionId": number}]
        await stop16(station, number, "Remote")
        assert (await ended(server, station))["stopReason"] == "Remote"


@pytest.mark.octt("1.6", "TC_026_CSMS")
async def test_a_remote_start_is_rejected(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TC026") as station:
        await station.boot()
        station.commands["RemoteStartTransaction"] = {"status": "Rejected"}
        command = await order(server, "remoteStart", stationId="TC026", badge=badge, evseId=1)
        assert (command["status"], command["error"]) == ("REJECTED", "Rejected")


@pytest.mark.octt("1.6", "TC_028_CSMS")
async def test_a_remote_stop_is_rejected(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TC028") as station:
        await station.boot()
        await start16(station)
        known = await transaction(server, station)
        station.commands["RemoteStopTransaction"] = {"status": "Rejected"}
        assert (await order(server, "remoteStop", transactionId=known["id"]))["error"] == "Rejected"


@pytest.mark.octt("1.6", "TC_017_1_CSMS", "TC_017_2_CSMS", "TC_030_CSMS", "TC_031_CSMS")
@pytest.mark.parametrize(
    ("number", "answer", "fate"),
    [(1, "Unlocked", "ACCEPTED"), (1, "NotSupported", "REJECTED"), (1, "UnlockFailed", "REJECTED"),
     (9, "NotSupported", "REJECTED")],
    ids=["loose cable", "fixed cable", "failure", "unknown connector"],
)  # fmt: skip
async def test_a_connector_is_unlocked_or_not(server: Server, number: int, answer: str, fate: str) -> None:
    async with Station(server.ocpp, f"TC017{answer}{number}") as station:
        await station.boot()
        station.commands["UnlockConnector"] = {"status": answer}
        command = await order(server, "unlockConnector", stationId=station.station_id, evseId=number)
        assert command["status"] == fate
        assert station.heard[-1][2:] == ["UnlockConnector", {"connectorId": number}]


@pytest.mark.octt("1.6", "TC_018_1_CSMS")
async def test_unlocking_a_busy_connector_ends_the_charge(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TC018") as station:
        await station.boot()
        number = await start16(station)
        station.commands["UnlockConnector"] = {"status": "Unlocked"}
        assert (await order(server, "unlockConnector", stationId="TC018", evseId=1))["status"] == "ACCEPTED"
        await stop16(station, number, "UnlockCommand")
        assert (await ended(server, station))["stopReason"] == "UnlockCommand"


TRIGGERED: list[tuple[str, dict[str, Any]]] = [
    ("MeterValues", {"connectorId": 1, "meterValue": [
        {"timestamp": now(), "sampledValue": [{"value": "100", "context": "Trigger"}]}]}),
    ("Heartbeat", {}),
    ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
    ("DiagnosticsStatusNotification", {"status": "Idle"}),
    ("FirmwareStatusNotification", {"status": "Idle"}),
]  # fmt: skip


@pytest.mark.octt("1.6", "TC_054_CSMS")
async def test_messages_of_ocpp_16_are_triggered(server: Server) -> None:
    async with Station(server.ocpp, "TC054") as station:
        await station.boot()
        for message, said in TRIGGERED:
            where = {"evseId": 1} if "connectorId" in said else {}
            command = await order(server, "triggerMessage", stationId="TC054", message=message, **where)
            assert command["status"] == "ACCEPTED"
            named = {"connectorId": 1} if where else {}
            assert station.heard[-1][2:] == ["TriggerMessage", {"requestedMessage": message} | named]
            await station.call(message, said)


@pytest.mark.octt("1.6", "TC_055_CSMS")
async def test_a_trigger_is_rejected(server: Server) -> None:
    async with Station(server.ocpp, "TC055") as station:
        await station.boot()
        station.commands["TriggerMessage"] = {"status": "Rejected"}
        command = await order(server, "triggerMessage", stationId="TC055", message="MeterValues", evseId=1)
        assert (command["status"], command["error"]) == ("REJECTED", "Rejected")


async def remote_start(server: Server, station: Station, **answer: Any) -> int:
    """RequestStartTransaction with the configured token; returns its remote start id."""
    station.commands["RequestStartTransaction"] = {"status": "Accepted"} | answer
    command = await order(server, "remoteStart", stationId=station.station_id, badge=BADGE, evseId=1)
    assert command["status"] == "ACCEPTED"
    said = station.heard[-1][3]
    assert (said["idToken"], said["evseId"]) == (TOKEN, 1)
    return int(said["remoteStartId"])


@pytest.mark.octt("2.0.1", "TC_F_01_CSMS")
async def test_a_plugged_car_is_started_from_afar(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCF01", "2.0.1") as station:
        await station.boot()
        charge = Charge(station)
        await charge.plugged()
        number = await remote_start(server, station, transactionId=charge.info["transactionId"])
        answer = await charge.event("Updated", "RemoteStart", info={"remoteStartId": number}, idToken=TOKEN)
        assert answer["idTokenInfo"]["status"] == "Accepted"
        await charge.charging()
        query = '{ transactions(stationId: "TCF01") { edges { node { badge } } } }'
        await server.until(query, lambda d: d["transactions"]["edges"] == [{"node": {"badge": BADGE}}])


@pytest.mark.octt("2.0.1", "TC_F_02_CSMS", "TC_F_03_CSMS")
@pytest.mark.parametrize("authorizes", [True, False], ids=["authorize first", "start at once"])
async def test_a_charge_is_started_from_afar_before_the_cable_is_in(
    server: Server, badge: str, authorizes: bool
) -> None:
    async with Station(server.ocpp, f"TCF02{authorizes}", "2.0.1") as station:
        await station.boot()
        charge = Charge(station, remote_start_id=await remote_start(server, station))
        if authorizes:
            assert (await station.call("Authorize", {"idToken": TOKEN}))["idTokenInfo"]["status"] == "Accepted"
        answer = await charge.event("Started", "RemoteStart", "Idle", idToken=TOKEN)
        assert answer["idTokenInfo"]["status"] == "Accepted"
        await status(station, "Occupied")
        await charge.event("Updated", "CablePluggedIn", "EVConnected")
        await charge.charging()
        await connector(server, station, "CHARGING")


@pytest.mark.octt("2.0.1", "TC_F_04_CSMS")
async def test_nobody_plugs_in_after_a_remote_start_of_ocpp_201(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCF04", "2.0.1") as station:
        await station.boot()
        charge = Charge(station, remote_start_id=await remote_start(server, station))
        await charge.event("Started", "RemoteStart", "Idle", idToken=TOKEN)
        await charge.event("Ended", "EVConnectTimeout", "Idle", info={"stoppedReason": "Timeout"})
        assert (await ended(server, station))["stopReason"] == "Timeout"


@pytest.mark.octt("2.0.1", "TC_F_06_CSMS")
async def test_a_free_connector_is_unlocked(server: Server) -> None:
    async with Station(server.ocpp, "TCF06", "2.0.1") as station:
        await station.boot()
        station.commands["UnlockConnector"] = {"status": "Unlocked"}
        command = await order(server, "unlockConnector", stationId="TCF06", evseId=1, connectorId=1)
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["UnlockConnector", {"evseId": 1, "connectorId": 1}]


TRIGGER = [{"timestamp": now(), "sampledValue": [{"value": 100, "context": "Trigger"}]}]
EVSE = {"evse": {"id": 1}}
SOCKET = {"evse": {"id": 1, "connectorId": 1}}
STATUS = {"timestamp": now(), "evseId": 1, "connectorId": 1}
TRIGGERED2: dict[str, tuple[str, dict[str, int], dict[str, Any], dict[str, Any]]] = {
    "TC_F_11": ("MeterValues", {"evseId": 1}, EVSE, {"evseId": 1, "meterValue": TRIGGER}),
    "TC_F_12": ("MeterValues", {}, {}, {"evseId": 1, "meterValue": TRIGGER}),
    "TC_F_15": ("LogStatusNotification", {}, {}, {"status": "Idle"}),
    "TC_F_18": ("FirmwareStatusNotification", {}, {}, {"status": "Idle"}),
    "TC_F_20": ("Heartbeat", {}, {}, {}),
    "TC_F_23": ("StatusNotification", {"evseId": 1}, SOCKET, STATUS | {"connectorStatus": "Available"}),
    "TC_F_24": ("StatusNotification", {"evseId": 1}, SOCKET, STATUS | {"connectorStatus": "Occupied"}),
}


@pytest.mark.octt(
    "2.0.1", "TC_F_11_CSMS", "TC_F_12_CSMS", "TC_F_15_CSMS", "TC_F_18_CSMS", "TC_F_20_CSMS", "TC_F_23_CSMS",
    "TC_F_24_CSMS",
)  # fmt: skip
@pytest.mark.parametrize("case", TRIGGERED2)
async def test_messages_of_ocpp_201_are_triggered(server: Server, case: str) -> None:
    message, wish, named, said = TRIGGERED2[case]
    async with Station(server.ocpp, case, "2.0.1") as station:
        await station.boot()
        command = await order(server, "triggerMessage", stationId=case, message=message, **wish)
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["TriggerMessage", {"requestedMessage": message} | named]
        await station.call(message, said)


@pytest.mark.octt("2.0.1", "TC_F_13_CSMS", "TC_F_14_CSMS")
@pytest.mark.parametrize("wish", [{"evseId": 1}, {}], ids=["one EVSE", "all"])
async def test_an_event_of_a_running_charge_is_triggered(server: Server, badge: str, wish: dict[str, int]) -> None:
    async with Station(server.ocpp, f"TCF13{len(wish)}", "2.0.1") as station:
        await station.boot()
        charge = Charge(station)
        await charge.started()
        command = await order(
            server, "triggerMessage", stationId=station.station_id, message="TransactionEvent", **wish
        )
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][3] == {"requestedMessage": "TransactionEvent"} | (EVSE if wish else {})
        await charge.event("Updated", "Trigger", "Charging", meterValue=TRIGGER)


@pytest.mark.octt("2.0.1", "TC_F_27_CSMS")
async def test_a_trigger_is_not_implemented(server: Server) -> None:
    async with Station(server.ocpp, "TCF27", "2.0.1") as station:
        await station.boot()
        station.commands["TriggerMessage"] = {"status": "NotImplemented"}
        command = await order(server, "triggerMessage", stationId="TCF27", message="LogStatusNotification")
        assert (command["status"], command["error"]) == ("REJECTED", "NotImplemented")


@pytest.mark.octt("2.0.1", "TC_I_01_CSMS")
async def test_the_running_cost_is_shown(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCI01", "2.0.1") as station:
        await station.boot()
        charge = Charge(station)
        await charge.started()
        station.commands["CostUpdated"] = {}
        known = await transaction(server, station)
        command = await order(server, "costUpdated", transactionId=known["id"], totalCost="1.25")
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][3] == {"totalCost": 1.25, "transactionId": charge.info["transactionId"]}


@pytest.mark.octt("2.0.1", "TC_I_02_CSMS")
async def test_the_final_cost_is_shown(server: Server, badge: str) -> None:
    flat = {"price_components": [{"type": "FLAT", "price": 2.5, "vat": 20, "step_size": 1}]}
    tariff = {"id": "TCI02", "currency": "EUR", "elements": [flat]}
    await server.ask(
        """mutation ($tariff: PublishTariffInput!, $place: AssignTariffInput!) {
          publishTariff(input: $tariff) { id } assignTariff(input: $place) { id } }""",
        tariff={"ocpi": tariff},
        place={"tariffId": "TCI02", "stationId": "TCI02"},
    )
    async with Station(server.ocpp, "TCI02", "2.0.1") as station:
        await station.boot()
        charge = Charge(station)
        await charge.started()
        answer = await charge.event("Ended", "EVDeparted", info={"stoppedReason": "EVDisconnected"})
        assert answer["totalCost"] == 3.0
