"""Commands from GraphQL to a station and back, in three versions, and every way they can end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server

COMMAND = "query ($id: ID!) { command(id: $id) { status error answer answeredAt stationId action } }"
FINAL = {"ACCEPTED", "REJECTED", "FAILED", "TIMED_OUT", "EXPIRED"}
VERSIONS = ["1.6", "2.0.1", "2.1"]
VARIABLE = {"component": {"name": "C"}, "variable": {"name": "V"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("command") / "bornier.db"
    with Server(f"sqlite:///{path}", BORNIER_CALL_TIMEOUT_S="1") as running:
        yield running


async def order(server: Server, mutation: str) -> dict[str, Any]:
    """Ask, and wait for the end."""
    data = await server.ask(f"mutation {{ {mutation} {{ id status }} }}")
    (asked,) = data.values()
    assert asked["status"] == "REQUESTED"
    data = await server.until(COMMAND, lambda d: d["command"] and d["command"]["status"] in FINAL, id=asked["id"])
    command: dict[str, Any] = data["command"]
    return command


SAID: list[tuple[str, str, str, dict[str, Any]]] = [
    ("1.6", 'remoteStart(input: {stationId: "%s", evseId: 1, badge: "B"})', "RemoteStartTransaction",
     {"idTag": "B", "connectorId": 1}),
    ("1.6", 'reset(input: {stationId: "%s", kind: HARD})', "Reset", {"type": "Hard"}),
    ("1.6", 'changeAvailability(input: {stationId: "%s", operative: false})', "ChangeAvailability",
     {"connectorId": 0, "type": "Inoperative"}),
    ("1.6", 'triggerMessage(input: {stationId: "%s", message: "Heartbeat"})', "TriggerMessage",
     {"requestedMessage": "Heartbeat"}),
    ("1.6", 'changeConfiguration(input: {stationId: "%s", key: "K", value: "1"})', "ChangeConfiguration",
     {"key": "K", "value": "1"}),
    ("2.0.1", 'reset(input: {stationId: "%s", kind: SOFT, evseId: 1})', "Reset", {"type": "OnIdle", "evseId": 1}),
    ("2.0.1", 'changeAvailability(input: {stationId: "%s", operative: true, evseId: 1})', "ChangeAvailability",
     {"operationalStatus": "Operative", "evse": {"id": 1}}),
    ("2.0.1", 'triggerMessage(input: {stationId: "%s", message: "StatusNotification", evseId: 1})', "TriggerMessage",
     {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}}),
    ("2.1", 'reset(input: {stationId: "%s", kind: HARD})', "Reset", {"type": "Immediate"}),
    ("2.1", 'reset(input: {stationId: "%s", kind: IMMEDIATE_AND_RESUME, evseId: 2})', "Reset",
     {"type": "ImmediateAndResume", "evseId": 2}),
    ("1.6", 'triggerMessage(input: {stationId: "%s", message: "LogStatusNotification"})', "ExtendedTriggerMessage",
     {"requestedMessage": "LogStatusNotification"}),
    ("1.6", 'triggerMessage(input: {stationId: "%s", message: "Heartbeat", extended: true})', "ExtendedTriggerMessage",
     {"requestedMessage": "Heartbeat"}),
    ("1.6", 'triggerMessage(input: {stationId: "%s", message: "SignChargingStationCertificate"})',
     "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}),
    ("2.0.1", 'triggerMessage(input: {stationId: "%s", message: "SignChargePointCertificate"})', "TriggerMessage",
     {"requestedMessage": "SignChargingStationCertificate"}),
    ("2.1", 'triggerMessage(input: {stationId: "%s", message: "CustomTrigger", customTrigger: "fan"})',
     "TriggerMessage", {"requestedMessage": "CustomTrigger", "customTrigger": "fan"}),
    ("1.6", 'dataTransfer(input: {stationId: "%s", vendorId: "com.x", messageId: "m", data: {a: [1]}})',
     "DataTransfer", {"vendorId": "com.x", "messageId": "m", "data": '{"a":[1]}'}),
    ("1.6", 'dataTransfer(input: {stationId: "%s", vendorId: "com.x", data: "text"})', "DataTransfer",
     {"vendorId": "com.x", "data": "text"}),
    ("2.0.1", 'dataTransfer(input: {stationId: "%s", vendorId: "com.x", data: {a: [1]}})', "DataTransfer",
     {"vendorId": "com.x", "data": {"a": [1]}}),
    ("2.0.1", 'setNetworkProfile(input: {stationId: "%s", slot: 1, url: "wss://csms/ocpp", securityProfile: 2, '
     'ocppVersion: "OCPP201", apn: {name: "iot", user: "u"}})', "SetNetworkProfile",
     {"configurationSlot": 1, "connectionData": {
         "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": "wss://csms/ocpp", "messageTimeout": 30,
         "securityProfile": 2, "ocppInterface": "Wired0",
         "apn": {"apn": "iot", "apnUserName": "u", "apnAuthentication": "AUTO"}}}),
    ("2.1", 'setNetworkProfile(input: {stationId: "%s", slot: 1, url: "wss://csms/ocpp", securityProfile: 2, '
     'interface: "Any", identity: "other"})', "SetNetworkProfile",
     {"configurationSlot": 1, "connectionData": {
         "ocppTransport": "JSON", "ocppCsmsUrl": "wss://csms/ocpp", "messageTimeout": 30, "securityProfile": 2,
         "ocppInterface": "Any", "identity": "other"}}),
    ("2.0.1", 'getTransactionStatus(input: {stationId: "%s"})', "GetTransactionStatus", {}),
]  # fmt: skip
REFUSED = [
    ("1.6", 'reset(input: {stationId: "%s", evseId: 1})', "whole station"),
    ("1.6", 'reset(input: {stationId: "%s", kind: IMMEDIATE_AND_RESUME})', "resume"),
    ("2.0.1", 'reset(input: {stationId: "%s", kind: IMMEDIATE_AND_RESUME})', "2.1"),
    ("1.6", 'triggerMessage(input: {stationId: "%s", message: "TransactionEvent"})', "can trigger"),
    ("2.0.1", 'triggerMessage(input: {stationId: "%s", message: "CustomTrigger"})', "can trigger"),
    ("2.0.1", 'triggerMessage(input: {stationId: "%s", message: "StatusNotification"})', "EVSE"),
    ("1.6", 'remoteStart(input: {stationId: "%s", badge: "B", groupBadge: "G"})', "group"),
    ("2.0.1", 'remoteStart(input: {stationId: "%s", badge: "B", connectorId: 1})', "connector"),
    ("1.6", 'getTransactionStatus(input: {stationId: "%s"})', "MeterValues"),
    ("1.6", 'setNetworkProfile(input: {stationId: "%s", slot: 1, url: "ws://x", securityProfile: 0})', "profiles"),
]


@pytest.mark.parametrize(("version", "mutation", "action", "payload"), SAID)
async def test_a_command_is_said_in_the_words_of_the_version(
    server: Server, version: str, mutation: str, action: str, payload: dict[str, Any]
) -> None:
    async with Station(server.ocpp, f"S{version}", version) as charger:
        await charger.boot()
        charger.commands["GetTransactionStatus"] = {"messagesInQueue": False}
        command = await order(server, mutation % charger.station_id)
        assert (command["status"], command["error"]) == ("ACCEPTED", None)
        assert charger.heard[-1][2:] == [action, payload]


@pytest.mark.parametrize(("version", "mutation", "reason"), REFUSED)
async def test_what_a_version_cannot_say_is_never_sent(
    server: Server, version: str, mutation: str, reason: str
) -> None:
    async with Station(server.ocpp, f"N{version}", version) as charger:
        await charger.boot()
        command = await order(server, mutation % charger.station_id)
        assert command["status"] == "REJECTED"
        assert reason in command["error"]
        assert charger.heard == []


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_remote_start_has_a_token_and_an_id_of_its_own(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"R{version}", version) as charger:
        await charger.boot()
        for _ in range(2):
            await order(server, f'remoteStart(input: {{stationId: "{charger.station_id}", badge: "B", evseId: 1}})')
        first, second = (message[3] for message in charger.heard)
        assert first["idToken"] == {"idToken": "B", "type": "ISO14443"}
        assert first["remoteStartId"] != second["remoteStartId"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_unlock_is_accepted_when_the_cable_is_free(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"U{version}", version) as charger:
        await charger.boot()
        unlock = f'unlockConnector(input: {{stationId: "{charger.station_id}", evseId: 1}})'
        charger.commands["UnlockConnector"] = {"status": "Unlocked"}
        assert (await order(server, unlock))["status"] == "ACCEPTED"
        charger.commands["UnlockConnector"] = {"status": "UnlockFailed"}
        failed = await order(server, unlock)
        assert (failed["status"], failed["error"]) == ("REJECTED", "UnlockFailed")


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_variables_are_read_and_written(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"V{version}", version) as charger:
        await charger.boot()
        named = f'stationId: "{charger.station_id}"'
        charger.commands["GetVariables"] = {
            "getVariableResult": [VARIABLE | {"attributeStatus": "Accepted", "attributeValue": "7"}]
        }
        got = await order(server, f'getVariables(input: {{{named}, variables: [{{component: "C", variable: "V"}}]}})')
        assert got["status"] == "ACCEPTED"
        assert got["answer"]["getVariableResult"][0]["attributeValue"] == "7"
        charger.commands["SetVariables"] = {"setVariableResult": [VARIABLE | {"attributeStatus": "Rejected"}]}
        values = '[{component: "C", variable: "V", value: "8"}]'
        put = await order(server, f"setVariables(input: {{{named}, variables: {values}}})")
        assert (put["status"], put["error"]) == ("REJECTED", "C.V: Rejected")


async def test_configuration_keys_are_read_in_ocpp_16(server: Server) -> None:
    async with Station(server.ocpp, "K") as charger:
        await charger.boot()
        charger.commands["GetConfiguration"] = {"configurationKey": [{"key": "K", "readonly": False, "value": "1"}]}
        command = await order(server, 'getConfiguration(input: {stationId: "K", keys: ["K"]})')
        assert command["status"] == "ACCEPTED"
        assert command["answer"]["configurationKey"][0]["value"] == "1"


async def test_the_answer_has_a_type(server: Server) -> None:
    query = """query ($id: ID!) { command(id: $id) { result { __typename status
      ... on ConfigurationResult { keys { key value } unknownKeys } } } }"""
    async with Station(server.ocpp, "Y") as charger:
        await charger.boot()
        charger.commands["GetConfiguration"] = {
            "configurationKey": [{"key": "K", "readonly": False, "value": "1"}], "unknownKey": ["U"],
        }  # fmt: skip
        asked = await server.ask('mutation { getConfiguration(input: {stationId: "Y"}) { id result { status } } }')
        assert asked["getConfiguration"]["result"] is None
        told = await server.until(query, lambda d: d["command"]["result"], id=asked["getConfiguration"]["id"])
    assert told["command"]["result"] == {
        "__typename": "ConfigurationResult", "status": "Accepted",
        "keys": [{"key": "K", "value": "1"}], "unknownKeys": ["U"],
    }  # fmt: skip


async def test_what_a_version_cannot_say_is_rejected_with_a_reason(server: Server) -> None:
    async with Station(server.ocpp, "W") as charger:
        await charger.boot()
        command = await order(server, 'getVariables(input: {stationId: "W", variables: []})')
        assert command["status"] == "REJECTED"
        assert "getConfiguration" in command["error"]
        assert charger.heard == []


async def test_a_rejection_of_the_station_is_a_rejection(server: Server) -> None:
    async with Station(server.ocpp, "X") as charger:
        await charger.boot()
        charger.commands["Reset"] = {"status": "Rejected"}
        command = await order(server, 'reset(input: {stationId: "X"})')
        assert (command["status"], command["error"]) == ("REJECTED", "Rejected")


async def test_an_error_of_the_station_is_a_failure(server: Server) -> None:
    async with Station(server.ocpp, "E") as charger:
        await charger.boot()
        charger.commands["Reset"] = {"error": "NotImplemented"}
        command = await order(server, 'reset(input: {stationId: "E"})')
        assert command["status"] == "FAILED"
        assert "NotImplemented" in command["error"]


async def test_an_answer_that_does_not_fit_the_schema_is_a_failure(server: Server) -> None:
    async with Station(server.ocpp, "A") as charger:
        await charger.boot()
        charger.commands["Reset"] = {"status": "Maybe"}
        command = await order(server, 'reset(input: {stationId: "A"})')
        assert command["status"] == "FAILED"
        assert "not valid" in command["error"]


async def test_silence_times_out(server: Server) -> None:
    async with Station(server.ocpp, "T") as charger:
        await charger.boot()
        charger.commands["Reset"] = None
        command = await order(server, 'reset(input: {stationId: "T"})')
        assert command["status"] == "TIMED_OUT"
        assert "1 s" in command["error"]


async def test_a_connection_that_breaks_in_mid_call_is_a_failure(server: Server) -> None:
    async with Station(server.ocpp, "D") as charger:
        await charger.boot()
        charger.commands["Reset"] = None
        asked = await server.ask('mutation { reset(input: {stationId: "D"}) { id } }')
        while not charger.heard:
            await asyncio.sleep(0.01)
    ended = await server.until(COMMAND, lambda d: d["command"]["status"] in FINAL, id=asked["reset"]["id"])
    assert ended["command"]["status"] == "FAILED"
    assert "broke" in ended["command"]["error"]


async def test_a_command_for_an_absent_station_expires_at_its_deadline(server: Server) -> None:
    async with Station(server.ocpp, "O") as charger:
        await charger.boot()
    command = await order(server, 'reset(input: {stationId: "O", deadlineSeconds: 1})')
    assert command["status"] == "EXPIRED"
    assert "not connected" in command["error"]


async def test_a_command_waits_for_a_station_that_comes_back_in_time(server: Server) -> None:
    async with Station(server.ocpp, "B") as charger:
        await charger.boot()
    asked = await server.ask('mutation { reset(input: {stationId: "B", deadlineSeconds: 20}) { id } }')
    async with Station(server.ocpp, "B") as charger:
        ended = await server.until(COMMAND, lambda d: d["command"]["status"] in FINAL, id=asked["reset"]["id"])
    assert ended["command"]["status"] == "ACCEPTED"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_remote_stop_names_the_transaction_as_the_station_knows_it(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"P{version}", version) as charger:
        await charger.boot()
        known = await start(charger)
        query = f'{{ transactions(stationId: "{charger.station_id}") {{ edges {{ node {{ id }} }} }} }}'
        data = await server.until(query, lambda d: d["transactions"]["edges"])
        transaction_id = data["transactions"]["edges"][0]["node"]["id"]
        command = await order(server, f'remoteStop(input: {{transactionId: "{transaction_id}"}})')
        assert command["status"] == "ACCEPTED"
        assert charger.heard[-1][3] == {"transactionId": known}


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_running_cost_is_shown_where_the_version_can(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"C{version}", version) as charger:
        await charger.boot()
        known = await start(charger)
        query = f'{{ transactions(stationId: "{charger.station_id}") {{ edges {{ node {{ id }} }} }} }}'
        data = await server.until(query, lambda d: d["transactions"]["edges"])
        named = f'transactionId: "{data["transactions"]["edges"][0]["node"]["id"]}"'
        charger.commands["CostUpdated"] = {}
        cost = await order(server, f'costUpdated(input: {{{named}, totalCost: "12.35"}})')
        if version == "1.6":
            assert (cost["status"], charger.heard) == ("REJECTED", [])
            return
        assert cost["status"] == "ACCEPTED"
        assert charger.heard[-1][3] == {"totalCost": 12.35, "transactionId": known}
        charger.commands["GetTransactionStatus"] = {"messagesInQueue": True, "ongoingIndicator": True}
        assert (await order(server, f"getTransactionStatus(input: {{{named}}})"))["status"] == "ACCEPTED"
        assert charger.heard[-1][3] == {"transactionId": known}


async def start(charger: Station) -> int | str:
    """Begin a charge; the id station and CSMS share."""
    at = "2026-11-23T10:00:00Z"
    if charger.version == "1.6":
        payload = {"connectorId": 1, "idTag": "B", "meterStart": 0, "timestamp": at}
        answer = await charger.call("StartTransaction", payload)
        return int(answer["transactionId"])
    await charger.call(
        "TransactionEvent",
        {
            "eventType": "Started",
            "timestamp": at,
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "mine"},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": {"idToken": "B", "type": "ISO14443"},
        },
    )
    return "mine"
