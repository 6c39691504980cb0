"""The device model: configuration keys (OCPP 1.6); variables, reports, monitors and events (2.0.1 blocks B and N)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.client import Answer, Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order
from tests.end_to_end.test_device import AT, REPORTS, VARIABLES, nodes

MONITORS = """query ($id: ID!) { monitors(stationId: $id) { edges { node {
  monitorId component variable evseId kind value severity present } } } }"""
EVENTS = """query ($id: ID!) { deviceEvents(stationId: $id) { edges { node {
  eventId trigger component variable value cleared monitorId } } } }"""
ACCEPTED = {"status": "Accepted"}
THRESHOLD = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
REMOTE = {"component": {"name": "AuthCtrlr"}, "variable": {"name": "AuthorizeRemoteStart"}}
STATION = {"component": {"name": "ChargingStation"}, "variable": {"name": "AvailabilityState"}}
EVSE = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
POWER = {"component": {"name": "ChargingStation"}, "variable": {"name": "Power"}}
POWER_INPUT = '{component: "ChargingStation", variable: "Power"}'
STATION_INPUT = '{component: "ChargingStation", variable: "AvailabilityState"}'
EVSE_INPUT = '{component: "EVSE", evseId: 1, variable: "AvailabilityState"}'


async def ask(server: Server, station: Station, mutation: str, wish: str, answer: Answer) -> dict[str, Any]:
    """Have the CSMS send one command; the station answers so. Returns what became of it."""
    action = mutation[0].upper() + mutation[1:]
    station.commands[action] = answer
    wish = f", {wish}" if wish else ""
    return await order(server, f'{mutation}(input: {{stationId: "{station.station_id}"{wish}}})')


@pytest.mark.octt("1.6", "TC_019_1_CSMS", "TC_019_2_CSMS")
@pytest.mark.parametrize(("wish", "said"), [("", {}), ('keys: ["SupportedFeatureProfiles"]', None)])
async def test_configuration_keys_are_retrieved_and_shown(server: Server, wish: str, said: Answer | None) -> None:
    async with Station(server.ocpp, f"TC019{len(wish)}") as station:
        await station.boot()
        known = {"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core"}
        command = await ask(server, station, "getConfiguration", wish, {"configurationKey": [known]})
        assert command["status"] == "ACCEPTED"
        expected = {"key": ["SupportedFeatureProfiles"]} if said is None else said
        assert station.heard[-1][2:] == ["GetConfiguration", expected]
        rows = await nodes(server, VARIABLES, lambda rows: rows, id=station.station_id)
        assert [(row["variable"], row["value"], row["mutability"]) for row in rows] == [
            ("SupportedFeatureProfiles", "Core", "ReadOnly")
        ]


@pytest.mark.octt("1.6", "TC_021_CSMS", "TC_040_1_CSMS", "TC_040_2_CSMS")
@pytest.mark.parametrize(
    ("answer", "fate", "value"),
    [("Accepted", "ACCEPTED", "15"), ("NotSupported", "REJECTED", None), ("Rejected", "REJECTED", None)],
)
async def test_a_configuration_key_is_set_or_the_refusal_is_shown(
    server: Server, answer: str, fate: str, value: str | None
) -> None:
    async with Station(server.ocpp, f"TC021{answer}") as station:
        await station.boot()
        wish = 'key: "MeterValueSampleInterval", value: "15"'
        command = await ask(server, station, "changeConfiguration", wish, {"status": answer})
        assert station.heard[-1][2:] == ["ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "15"}]
        assert (command["status"], command["error"]) == (fate, None if fate == "ACCEPTED" else answer)
        rows = await nodes(server, VARIABLES, lambda rows: rows, id=station.station_id)
        assert [row["value"] for row in rows] == [value]


@pytest.mark.octt("2.0.1", "TC_B_06_CSMS", "TC_B_07_CSMS")
@pytest.mark.parametrize("lines", [[THRESHOLD], [THRESHOLD, REMOTE]])
async def test_variables_are_read_and_shown(server: Server, lines: list[Answer]) -> None:
    async with Station(server.ocpp, f"TCB06{len(lines)}", "2.0.1") as station:
        await station.boot()
        wish = ", ".join(
            f'{{component: "{line["component"]["name"]}", variable: "{line["variable"]["name"]}"}}' for line in lines
        )
        read = {"attributeStatus": "Accepted", "attributeValue": "7"}
        answer = {"getVariableResult": [line | read for line in lines]}
        command = await ask(server, station, "getVariables", f"variables: [{wish}]", answer)
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["GetVariables", {"getVariableData": lines}]
        rows = await nodes(server, VARIABLES, lambda rows: len(rows) == len(lines), id=station.station_id)
        assert {row["value"] for row in rows} == {"7"}


@pytest.mark.octt("2.0.1", "TC_B_08_CSMS")
async def test_no_more_variables_are_read_at_once_than_the_station_takes(server: Server) -> None:
    async with Station(server.ocpp, "TCB08", "2.0.1") as station:
        await station.boot()
        named = '{component: "DeviceDataCtrlr", variable: "%sPerMessage", variableInstance: "%s"}'

        def answer(asked: Answer) -> Answer:
            read = {"attributeStatus": "Accepted", "attributeValue": "4"}
            return {"getVariableResult": [line | read for line in asked["getVariableData"]]}

        station.commands["GetVariables"] = answer
        limit = named % ("Items", "GetVariables")
        await order(server, f'getVariables(input: {{stationId: "TCB08", variables: [{limit}]}})')
        await nodes(server, VARIABLES, lambda rows: rows, id="TCB08")
        wish = [named % (what, which) for what in ("Items", "Bytes") for which in ("GetReport", "GetVariables")]
        wish.append('{component: "AuthCtrlr", variable: "AuthorizeRemoteStart"}')
        command = await order(server, f'getVariables(input: {{stationId: "TCB08", variables: [{", ".join(wish)}]}})')
        assert command["status"] == "ACCEPTED"
        assert len(command["answer"]["getVariableResult"]) == 5
        assert [len(call[3]["getVariableData"]) for call in station.heard[1:]] == [4, 1]


@pytest.mark.octt("2.0.1", "TC_B_09_CSMS", "TC_B_10_CSMS")
@pytest.mark.parametrize("values", [["123"], ["123", "false"]])
async def test_variables_are_written_and_shown(server: Server, values: list[str]) -> None:
    async with Station(server.ocpp, f"TCB09{len(values)}", "2.0.1") as station:
        await station.boot()
        lines = list(zip((THRESHOLD, REMOTE), values, strict=False))
        wish = ", ".join(
            f'{{component: "{line["component"]["name"]}", variable: "{line["variable"]["name"]}", value: "{value}"}}'
            for line, value in lines
        )
        answer = {"setVariableResult": [line | {"attributeStatus": "Accepted"} for line, _ in lines]}
        command = await ask(server, station, "setVariables", f"variables: [{wish}]", answer)
        assert command["status"] == "ACCEPTED"
        said = [line | {"attributeValue": value} for line, value in lines]
        assert station.heard[-1][2:] == ["SetVariables", {"setVariableData": said}]
        rows = await nodes(server, VARIABLES, lambda rows: len(rows) == len(lines), id=station.station_id)
        assert sorted(row["value"] for row in rows) == sorted(values)


async def report(station: Station, request_id: int, *parts: list[Answer]) -> None:
    """NotifyReport in as many parts."""
    for seq_no, lines in enumerate(parts):
        said = {"requestId": request_id, "generatedAt": AT, "seqNo": seq_no, "tbc": seq_no < len(parts) - 1}
        said["reportData"] = [line | {"variableAttribute": [{"value": "1"}]} for line in lines]
        assert await station.call("NotifyReport", said) == {}


@pytest.mark.octt("2.0.1", "TC_B_12_CSMS", "TC_B_13_CSMS", "TC_B_14_CSMS")
@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("CONFIGURATION_INVENTORY", "ConfigurationInventory"),
        ("FULL_INVENTORY", "FullInventory"),
        ("SUMMARY_INVENTORY", "SummaryInventory"),
    ],
)
async def test_a_base_report_is_received_whole_and_shown(server: Server, base: str, said: str) -> None:
    async with Station(server.ocpp, f"TCB12{said}", "2.0.1") as station:
        await station.boot()
        assert (await ask(server, station, "getBaseReport", f"base: {base}", ACCEPTED))["status"] == "ACCEPTED"
        asked = station.heard[-1][3]
        assert asked["reportBase"] == said
        assert asked["requestId"] >= 0
        await report(station, asked["requestId"], [THRESHOLD], [REMOTE])
        (shown,) = await nodes(server, REPORTS, lambda rows: rows and rows[0]["complete"], id=station.station_id)
        assert (shown["requestId"], shown["subject"], shown["lineCount"]) == (asked["requestId"], said, 2)
        assert len(await nodes(server, VARIABLES, lambda rows: len(rows) == 2, id=station.station_id)) == 2


@pytest.mark.octt("2.0.1", "TC_B_18_CSMS")
async def test_a_custom_report_may_find_nothing_or_something(server: Server) -> None:
    async with Station(server.ocpp, "TCB18", "2.0.1") as station:
        await station.boot()
        wish, nothing = f"criteria: [PROBLEM], variables: [{EVSE_INPUT}]", {"status": "EmptyResultSet"}
        empty = await ask(server, station, "getReport", wish, nothing)
        assert (empty["status"], empty["error"]) == ("REJECTED", "EmptyResultSet")
        await ask(server, station, "getReport", f"criteria: [AVAILABLE], variables: [{EVSE_INPUT}]", ACCEPTED)
        for call, criterion in zip(station.heard, ("Problem", "Available"), strict=True):
            assert call[3]["componentCriteria"] == [criterion]
            assert call[3]["componentVariable"] == [EVSE]
        await report(station, station.heard[-1][3]["requestId"], [EVSE])
        shown = await nodes(
            server, REPORTS, lambda rows: len(rows) == 2 and all(r["complete"] for r in rows), id="TCB18"
        )
        assert {(row["status"], row["lineCount"]) for row in shown} == {("EmptyResultSet", 0), ("Accepted", 1)}


CRITERIA: dict[str, tuple[str, str, list[Answer]]] = {
    "TCN01": ("criteria: [DELTA_MONITORING]", "criteria: [THRESHOLD_MONITORING]", [POWER]),
    "TCN02": (f"variables: [{POWER_INPUT}]", f"variables: [{EVSE_INPUT}]", [EVSE]),
    "TCN03": (
        f"criteria: [DELTA_MONITORING], variables: [{EVSE_INPUT}]",
        f"criteria: [THRESHOLD_MONITORING], variables: [{POWER_INPUT}]",
        [POWER],
    ),
    "TCN60": (
        f"criteria: [THRESHOLD_MONITORING], variables: [{STATION_INPUT}, {EVSE_INPUT}]",
        f"criteria: [DELTA_MONITORING], variables: [{STATION_INPUT}, {EVSE_INPUT}]",
        [STATION, EVSE],
    ),
}
SAID: dict[str, list[Answer]] = {
    "TCN01": [{"monitoringCriteria": ["DeltaMonitoring"]}, {"monitoringCriteria": ["ThresholdMonitoring"]}],
    "TCN02": [{"componentVariable": [POWER]}, {"componentVariable": [EVSE]}],
    "TCN03": [
        {"monitoringCriteria": ["DeltaMonitoring"], "componentVariable": [EVSE]},
        {"monitoringCriteria": ["ThresholdMonitoring"], "componentVariable": [POWER]},
    ],
    "TCN60": [
        {"monitoringCriteria": ["ThresholdMonitoring"], "componentVariable": [STATION, EVSE]},
        {"monitoringCriteria": ["DeltaMonitoring"], "componentVariable": [STATION, EVSE]},
    ],
}


async def monitoring_report(station: Station, lines: list[Answer]) -> None:
    """NotifyMonitoringReport with a monitor on each of these variables, one a part."""
    request_id = station.heard[-1][3]["requestId"]
    for seq_no, line in enumerate(lines):
        rule = {"id": seq_no + 1, "transaction": False, "value": 7.5, "type": "UpperThreshold", "severity": 5}
        said = {"requestId": request_id, "seqNo": seq_no, "generatedAt": AT, "tbc": seq_no < len(lines) - 1}
        said["monitor"] = [line | {"variableMonitoring": [rule]}]
        assert await station.call("NotifyMonitoringReport", said) == {}


@pytest.mark.octt("2.0.1", "TC_N_01_CSMS", "TC_N_02_CSMS", "TC_N_03_CSMS", "TC_N_60_CSMS")
@pytest.mark.parametrize("case", CRITERIA)
async def test_a_monitoring_report_may_find_nothing_or_monitors_that_are_shown(server: Server, case: str) -> None:
    async with Station(server.ocpp, case, "2.0.1") as station:
        await station.boot()
        nothing, something, lines = CRITERIA[case]
        empty = await ask(server, station, "getMonitoringReport", nothing, {"status": "EmptyResultSet"})
        assert empty["error"] == "EmptyResultSet"
        assert (await ask(server, station, "getMonitoringReport", something, ACCEPTED))["status"] == "ACCEPTED"
        for call, said in zip(station.heard, SAID[case], strict=True):
            assert {name: value for name, value in call[3].items() if name != "requestId"} == said
        await monitoring_report(station, lines)
        shown = await nodes(server, MONITORS, lambda rows: len(rows) == len(lines), id=case)
        assert [row["variable"] for row in shown] == [line["variable"]["name"] for line in lines]
        assert all(row["present"] for row in shown)
        assert (await nodes(server, REPORTS, lambda rows: rows[0]["complete"], id=case))[0]["kind"] == "MONITORS"


@pytest.mark.octt("2.0.1", "TC_N_47_CSMS")
async def test_all_monitors_are_asked_for_with_nothing_but_a_number(server: Server) -> None:
    async with Station(server.ocpp, "TCN47", "2.0.1") as station:
        await station.boot()
        await ask(server, station, "getMonitoringReport", "", ACCEPTED)
        assert list(station.heard[-1][3]) == ["requestId"]
        await monitoring_report(station, [STATION, EVSE, POWER])
        assert len(await nodes(server, MONITORS, lambda rows: len(rows) == 3, id="TCN47")) == 3


@pytest.mark.octt("2.0.1", "TC_N_05_CSMS")
async def test_the_monitoring_base_is_set_and_shown(server: Server) -> None:
    query = '{ monitoring(stationId: "TCN05") { base resetAt } }'
    async with Station(server.ocpp, "TCN05", "2.0.1") as station:
        await station.boot()
        for base, said in (("ALL", "All"), ("FACTORY_DEFAULT", "FactoryDefault"), ("HARD_WIRED_ONLY", "HardWiredOnly")):
            assert (await ask(server, station, "setMonitoringBase", f"base: {base}", ACCEPTED))["status"] == "ACCEPTED"
            assert station.heard[-1][2:] == ["SetMonitoringBase", {"monitoringBase": said}]
            await server.until(query, lambda d, said=said: d["monitoring"] and d["monitoring"]["base"] == said)


@pytest.mark.octt("2.0.1", "TC_N_08_CSMS", "TC_N_09_CSMS")
@pytest.mark.parametrize("lines", [[EVSE], [EVSE, STATION]])
async def test_monitors_are_set_and_shown(server: Server, lines: list[Answer]) -> None:
    async with Station(server.ocpp, f"TCN08{len(lines)}", "2.0.1") as station:
        await station.boot()
        rule = "kind: DELTA, value: 1, severity: 8}"
        wish = ", ".join(f"{text[:-1]}, {rule}" for text in (EVSE_INPUT, STATION_INPUT)[: len(lines)])
        delta = {"type": "Delta", "severity": 8}
        answer = [line | delta | {"status": "Accepted", "id": n} for n, line in enumerate(lines, 1)]
        command = await ask(
            server, station, "setVariableMonitoring", f"monitors: [{wish}]", {"setMonitoringResult": answer}
        )
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][3] == {"setMonitoringData": [line | delta | {"value": 1} for line in lines]}
        shown = await nodes(server, MONITORS, lambda rows: len(rows) == len(lines), id=station.station_id)
        assert [(row["kind"], row["value"], row["severity"], row["present"]) for row in shown] == [
            ("Delta", 1.0, 8, True) for _ in lines
        ]


@pytest.mark.octt("2.0.1", "TC_N_16_CSMS", "TC_N_17_CSMS")
@pytest.mark.parametrize(("answer", "fate"), [("Accepted", "ACCEPTED"), ("Rejected", "REJECTED")])
async def test_the_monitoring_level_is_set_or_out_of_range(server: Server, answer: str, fate: str) -> None:
    async with Station(server.ocpp, f"TCN16{answer}", "2.0.1") as station:
        await station.boot()
        assert (await ask(server, station, "setMonitoringLevel", "severity: 4", {"status": answer}))["status"] == fate
        assert station.heard[-1][2:] == ["SetMonitoringLevel", {"severity": 4}]


@pytest.mark.octt("2.0.1", "TC_N_18_CSMS")
async def test_no_more_monitors_are_cleared_at_once_than_the_station_takes(server: Server) -> None:
    async with Station(server.ocpp, "TCN18", "2.0.1") as station:
        await station.boot()
        limit = {
            "component": {"name": "MonitoringCtrlr"},
            "variable": {"name": "ItemsPerMessage", "instance": "ClearVariableMonitoring"},
        }
        wish = 'variables: [{component: "MonitoringCtrlr", variable: "ItemsPerMessage",'
        wish += ' variableInstance: "ClearVariableMonitoring"}]'
        read = limit | {"attributeStatus": "Accepted", "attributeValue": "2"}
        await ask(server, station, "getVariables", wish, {"getVariableResult": [read]})
        await nodes(server, VARIABLES, lambda rows: rows, id="TCN18")
        station.commands["ClearVariableMonitoring"] = lambda asked: {
            "clearMonitoringResult": [{"id": number, "status": "NotFound"} for number in asked["id"]]
        }
        command = await order(server, 'clearVariableMonitoring(input: {stationId: "TCN18", monitorIds: [1, 2, 3]})')
        assert len(command["answer"]["clearMonitoringResult"]) == 3
        assert [call[3]["id"] for call in station.heard[1:]] == [[1, 2], [3]]


@pytest.mark.octt("2.0.1", "TC_N_44_CSMS")
async def test_a_monitor_that_cannot_be_cleared_is_told(server: Server) -> None:
    async with Station(server.ocpp, "TCN44", "2.0.1") as station:
        await station.boot()
        answer = {"clearMonitoringResult": [{"id": 1, "status": "Rejected"}]}
        command = await ask(server, station, "clearVariableMonitoring", "monitorIds: [1]", answer)
        assert station.heard[-1][2:] == ["ClearVariableMonitoring", {"id": [1]}]
        assert (command["status"], command["error"]) == ("REJECTED", "monitor 1: Rejected")


HAPPENED: dict[str, Answer] = {
    "TCN21": {"trigger": "Alerting", "eventNotificationType": "HardWiredNotification", "actualValue": "Faulted"},
    "TCN24": {"trigger": "Periodic", "eventNotificationType": "CustomMonitor", "actualValue": "1"},
    "TCN48": {"trigger": "Delta", "eventNotificationType": "CustomMonitor", "actualValue": ""},
    "TCN49": {"trigger": "Alerting", "eventNotificationType": "CustomMonitor", "actualValue": "1", "cleared": True},
    "TCN50": {"trigger": "Periodic", "eventNotificationType": "PreconfiguredMonitor", "actualValue": "1"},
}


@pytest.mark.octt("2.0.1", "TC_N_21_CSMS", "TC_N_24_CSMS", "TC_N_48_CSMS", "TC_N_49_CSMS", "TC_N_50_CSMS")
@pytest.mark.parametrize("case", HAPPENED)
async def test_events_are_answered_with_nothing_and_shown(server: Server, case: str) -> None:
    async with Station(server.ocpp, case, "2.0.1") as station:
        await station.boot()
        for event_id in (1, 2, 3):
            event = EVSE | HAPPENED[case] | {"eventId": event_id, "timestamp": AT, "variableMonitoringId": 7}
            said = {"generatedAt": AT, "seqNo": event_id - 1, "tbc": event_id < 3, "eventData": [event]}
            assert await station.call("NotifyEvent", said) == {}
        shown = await nodes(server, EVENTS, lambda rows: len(rows) == 3, id=case)
    assert [row["eventId"] for row in shown] == [3, 2, 1]
    expected = HAPPENED[case]
    assert (shown[0]["trigger"], shown[0]["value"]) == (expected["trigger"], expected["actualValue"])
    assert shown[0]["cleared"] is expected.get("cleared", False)
