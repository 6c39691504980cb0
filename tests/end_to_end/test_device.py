"""The device model of stations, from their words and ours to GraphQL, in three versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.client import Answer, Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order

AT = "2026-11-23T10:00:00Z"
VARIABLES = """query ($id: ID!, $component: String, $variable: String) {
  variables(stationId: $id, component: $component, variable: $variable) { totalCount edges { node {
    component variable attribute value mutability unit dataType maxLimit valuesList supportsMonitoring status evseId
    rebootRequired persistent constant variableInstance } } } }"""
REPORTS = """query ($id: ID!) { reports(stationId: $id) { edges { node {
  kind requestId subject status complete missing lineCount parts { seqNo final } } } } }"""
V2 = ["2.0.1", "2.1"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("device") / "bornier.db"
    with Server(f"sqlite:///{path}", BORNIER_CALL_TIMEOUT_S="2") as running:
        yield running


def line(name: str, value: str, component: str = "Controller", **characteristics: Any) -> Answer:
    shape = {"dataType": "integer", "supportsMonitoring": True} | characteristics
    attribute = {"type": "Actual", "value": value, "mutability": "ReadWrite", "persistent": True}
    return {
        "component": {"name": component, "evse": {"id": 1}},
        "variable": {"name": name},
        "variableAttribute": [attribute, {"type": "Target", "mutability": "ReadOnly"}],
        "variableCharacteristics": shape,
    }


async def nodes(server: Server, query: str, wanted: Any, **variables: Any) -> list[dict[str, Any]]:
    """The rows of a list once they are as wanted."""

    def rows(data: dict[str, Any]) -> list[dict[str, Any]]:
        return [edge["node"] for edge in next(iter(data.values()))["edges"]]

    return rows(await server.until(query, lambda data: wanted(rows(data)), **variables))


@pytest.mark.parametrize("version", V2)
async def test_a_report_is_complete_only_when_every_part_has_come(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"REP{version}", version) as station:
        await station.boot()
        await order(server, f'getBaseReport(input: {{stationId: "{station.station_id}"}})')
        request_id = station.heard[-1][3]["requestId"]

        async def part(seq_no: int, *lines: Answer) -> None:
            said = {"requestId": request_id, "generatedAt": AT, "seqNo": seq_no, "tbc": seq_no < 2}
            assert await station.call("NotifyReport", said | ({"reportData": list(lines)} if lines else {})) == {}

        async def shown(parts: int) -> dict[str, Any]:
            found = await nodes(
                server, REPORTS, lambda rows: rows and len(rows[0]["parts"]) == parts, id=station.station_id
            )
            return found[0]

        await part(2, line("Third", "3", maxLimit=9.5, unit="s"))
        report = await shown(1)
        assert (report["complete"], report["missing"], report["subject"]) == (False, [0, 1], "FullInventory")
        await part(0, line("First", "1"), line("Other", "1", dataType="OptionList", valuesList="1,2"))
        await part(0, line("First", "1"), line("Other", "1", dataType="OptionList", valuesList="1,2"))
        report = await shown(2)
        assert (report["complete"], report["missing"], report["lineCount"]) == (False, [1], 3)
        await part(1)
        report = await shown(3)
        assert (report["complete"], report["missing"], report["status"]) == (True, [], "Accepted")
        known = await nodes(server, VARIABLES, lambda rows: len(rows) == 6, id=station.station_id)
        third = next(row for row in known if (row["variable"], row["attribute"]) == ("Third", "Actual"))
        assert (third["value"], third["unit"], third["maxLimit"], third["evseId"]) == ("3", "s", 9.5, 1)
        assert (third["mutability"], third["persistent"], third["supportsMonitoring"]) == ("ReadWrite", True, True)


async def test_variables_come_in_pages_and_by_name(server: Server) -> None:
    async with Station(server.ocpp, "PAGES", "2.0.1") as station:
        await station.boot()
        lines = [line(f"V{n}", str(n)) for n in range(5)]
        report = {"requestId": 0, "generatedAt": AT, "seqNo": 0, "reportData": lines}
        await station.call("NotifyReport", report)
        await nodes(server, VARIABLES, lambda rows: len(rows) == 10, id="PAGES")
        query = """query ($after: String) { variables(stationId: "PAGES", first: 4, after: $after) {
          totalCount pageInfo { hasNextPage endCursor } edges { node { variable attribute } } } }"""
        seen: list[Any] = []
        after = None
        for _ in range(3):
            page = (await server.ask(query, after=after))["variables"]
            seen += [tuple(edge["node"].values()) for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
        assert page["totalCount"] == len(seen) == len(set(seen)) == 10
        assert page["pageInfo"]["hasNextPage"] is False
        one = await nodes(server, VARIABLES, lambda rows: True, id="PAGES", component="Controller", variable="V3")
        assert [(row["attribute"], row["value"]) for row in one] == [("Actual", "3"), ("Target", None)]


@pytest.mark.parametrize("version", V2)
async def test_what_is_read_and_written_is_known(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"RW{version}", version) as station:
        await station.boot()
        named = f'stationId: "{station.station_id}"'
        names = [{"component": {"name": "C"}, "variable": {"name": name}} for name in ("A", "B", "X")]
        station.commands["GetVariables"] = {
            "getVariableResult": [
                names[0] | {"attributeStatus": "Accepted", "attributeValue": "1"},
                names[2] | {"attributeStatus": "UnknownVariable"},
            ]
        }
        wish = '[{component: "C", variable: "A"}, {component: "C", variable: "X"}]'
        asked = await order(server, f"getVariables(input: {{{named}, variables: {wish}}})")
        assert (asked["status"], asked["error"]) == ("REJECTED", "C.X: UnknownVariable")
        station.commands["SetVariables"] = {
            "setVariableResult": [
                names[1] | {"attributeStatus": "RebootRequired"},
                names[0] | {"attributeStatus": "Accepted"},
            ]
        }
        wish = '[{component: "C", variable: "A", value: "2"}, {component: "C", variable: "B", value: "3"}]'
        assert (await order(server, f"setVariables(input: {{{named}, variables: {wish}}})"))["status"] == "ACCEPTED"
        known = await nodes(server, VARIABLES, lambda rows: len(rows) == 3, id=station.station_id)
        assert [(row["variable"], row["value"], row["status"], row["rebootRequired"]) for row in known] == [
            ("A", "2", "Accepted", False), ("B", "3", "RebootRequired", True), ("X", None, "UnknownVariable", False),
        ]  # fmt: skip
        await station.boot()
        await nodes(server, VARIABLES, lambda rows: not any(r["rebootRequired"] for r in rows), id=station.station_id)


async def test_a_long_command_goes_in_calls_the_station_can_take_and_has_one_result(server: Server) -> None:
    async with Station(server.ocpp, "SPLIT", "2.0.1") as station:
        await station.boot()
        limit = line("ItemsPerMessage", "2", "DeviceDataCtrlr") | {
            "variable": {"name": "ItemsPerMessage", "instance": "SetVariables"}
        }
        await station.call("NotifyReport", {"requestId": 1, "generatedAt": AT, "seqNo": 0, "reportData": [limit]})
        await nodes(server, VARIABLES, lambda rows: rows, id="SPLIT")
        station.commands["SetVariables"] = lambda asked: {
            "setVariableResult": [
                {"component": each["component"], "variable": each["variable"], "attributeStatus": "Accepted"}
                for each in asked["setVariableData"]
            ]
        }
        values = ", ".join(f'{{component: "C", variable: "V{n}", value: "{n}"}}' for n in range(5))
        command = await order(server, f'setVariables(input: {{stationId: "SPLIT", variables: [{values}]}})')
        assert command["status"] == "ACCEPTED"
        assert [result["variable"]["name"] for result in command["answer"]["setVariableResult"]] == [
            f"V{n}" for n in range(5)
        ]
        assert [len(call[3]["setVariableData"]) for call in station.heard] == [2, 2, 1]
        assert len({call[1] for call in station.heard}) == 3
        known = await nodes(server, VARIABLES, lambda rows: len(rows) == 5, id="SPLIT", component="C")
        assert [row["value"] for row in known] == ["0", "1", "2", "3", "4"]


async def test_a_long_command_that_breaks_in_the_middle_fails_with_what_was_done_kept(server: Server) -> None:
    async with Station(server.ocpp, "HALF", "1.6") as station:
        await station.boot()
        station.commands["GetConfiguration"] = {
            "configurationKey": [{"key": "GetConfigurationMaxKeys", "readonly": True, "value": "1"}]
        }
        await order(server, 'getConfiguration(input: {stationId: "HALF", keys: ["GetConfigurationMaxKeys"]})')
        await nodes(server, VARIABLES, lambda rows: rows, id="HALF")
        answers: list[Answer] = [
            {"configurationKey": [{"key": "A", "readonly": False, "value": "1"}]},
            {"error": "InternalError"},
        ]
        station.commands["GetConfiguration"] = lambda asked: answers.pop(0)
        command = await order(server, 'getConfiguration(input: {stationId: "HALF", keys: ["A", "B", "C"]})')
        assert command["status"] == "FAILED"
        assert [call[3] for call in station.heard[1:]] == [{"key": ["A"]}, {"key": ["B"]}]
        known = await nodes(server, VARIABLES, lambda rows: len(rows) == 2, id="HALF")
        assert known[0]["value"] == "1"


async def test_configuration_keys_are_variables_without_a_component(server: Server) -> None:
    async with Station(server.ocpp, "KEYS") as station:
        await station.boot()
        station.commands["GetConfiguration"] = {
            "configurationKey": [
                {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
                {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
            ],
            "unknownKey": ["Colour"],
        }
        await order(server, 'getConfiguration(input: {stationId: "KEYS"})')
        station.commands["ChangeConfiguration"] = {"status": "RebootRequired"}
        wish = 'stationId: "KEYS", key: "HeartbeatInterval", value: "60"'
        assert (await order(server, f"changeConfiguration(input: {{{wish}}})"))["status"] == "ACCEPTED"
        known = await nodes(server, VARIABLES, lambda rows: any(r["rebootRequired"] for r in rows), id="KEYS")
        shown = [(row["component"], row["variable"], row["value"], row["mutability"], row["status"]) for row in known]
        assert shown == [
            ("", "Colour", None, None, "UnknownVariable"),
            ("", "HeartbeatInterval", "60", "ReadWrite", "RebootRequired"),
            ("", "NumberOfConnectors", "2", "ReadOnly", "Accepted"),
        ]


SECRET = "sesame-open-1234"


async def test_a_password_is_never_kept_wherever_a_station_tells_it(server: Server) -> None:
    async with Station(server.ocpp, "LOUD16") as station:
        await station.boot()
        told = {"key": "authorizationKey", "readonly": False, "value": SECRET}
        station.commands["GetConfiguration"] = {"configurationKey": [told]}
        assert (await order(server, 'getConfiguration(input: {stationId: "LOUD16"})'))["status"] == "ACCEPTED"
        station.commands["GetConfiguration"] = {"configurationKey": [told | {"readonly": "no"}]}
        assert (await order(server, 'getConfiguration(input: {stationId: "LOUD16"})'))["status"] == "FAILED"
    async with Station(server.ocpp, "LOUD201", "2.0.1") as station:
        await station.boot()
        password = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        attribute = [{"value": SECRET, "mutability": "WriteOnly"}]
        said = {"requestId": 1, "generatedAt": AT, "seqNo": 0}
        await station.call("NotifyReport", said | {"reportData": [password | {"variableAttribute": attribute}]})
        refused = await station.frame("NotifyReport", {"reportData": [password | {"variableAttribute": attribute}]})
        assert refused[0] == 4
        event = {"eventId": 1, "timestamp": AT, "trigger": "Delta", "actualValue": SECRET}
        event |= {"eventNotificationType": "CustomMonitor"}
        await station.call("NotifyEvent", {"generatedAt": AT, "seqNo": 0, "eventData": [password | event]})
        read = {"attributeStatus": "Accepted", "attributeValue": SECRET}
        station.commands["GetVariables"] = {"getVariableResult": [password | read]}
        wish = '{component: "SecurityCtrlr", variable: "BasicAuthPassword"}'
        command = await order(server, f'getVariables(input: {{stationId: "LOUD201", variables: [{wish}]}})')
        assert "attributeValue" not in command["answer"]["getVariableResult"][0]
    for station_id in ("LOUD16", "LOUD201"):
        known = await nodes(server, VARIABLES, lambda rows: rows, id=station_id)
        assert [(row["value"], row["status"]) for row in known] == [(None, "Accepted")]
    assert SECRET not in str(await server.ask("{ events(first: 500) { edges { node { data } } } }"))


@pytest.mark.parametrize(
    "mutation",
    [
        'changeConfiguration(input: {stationId: "S", key: "authorizationKEY", value: "%s"})',
        'setVariables(input: {stationId: "S", variables: [{component: "SecurityCtrlr", variable: "BasicAuthPassword",'
        ' value: "%s"}]})',
    ],
)
async def test_a_password_is_not_set_by_a_command_that_is_kept(server: Server, mutation: str) -> None:
    with pytest.raises(AssertionError, match="use setPassword"):
        await server.ask(f"mutation {{ {mutation % SECRET} {{ id }} }}")
    assert SECRET not in str(await server.ask("{ events(first: 500) { edges { node { data } } } }"))


@pytest.mark.parametrize(
    ("version", "mutation", "hint"),
    [
        ("1.6", 'getBaseReport(input: {stationId: "%s"})', "getConfiguration"),
        ("1.6", 'setMonitoringLevel(input: {stationId: "%s", severity: 1})', "no monitors"),
        ("1.6", 'customerInformation(input: {stationId: "%s", badge: "B"})', "clearCache"),
        ("1.6", 'clearDisplayMessage(input: {stationId: "%s", messageId: 1})', "no display"),
        ("2.0.1", 'getPeriodicEventStreams(input: {stationId: "%s"})', "OCPP 2.1"),
        ("2.0.1", 'getConfiguration(input: {stationId: "%s"})', "getVariables"),
        ("2.0.1", 'setDisplayMessage(input: {stationId: "%s", text: {content: "x", format: QRCODE}})', "QRCODE"),
    ],
)
async def test_what_a_version_cannot_say_is_rejected_with_a_reason(
    server: Server, version: str, mutation: str, hint: str
) -> None:
    async with Station(server.ocpp, f"CANNOT{version}", version) as station:
        await station.boot()
        command = await order(server, mutation % station.station_id)
        assert command["status"] == "REJECTED"
        assert hint in command["error"]
        assert station.heard == []


async def test_a_periodic_event_stream_is_welcome_and_its_values_are_kept(server: Server) -> None:
    query = """{ eventStreams(stationId: "STREAM") { edges { node { streamId monitorId intervalS valueCount pending
      openedAt closedAt samples { totalCount edges { node { at value } } } } } } }"""
    async with Station(server.ocpp, "STREAM", "2.1") as station:
        await station.boot()
        constant = {"id": 5, "variableMonitoringId": 8, "params": {"interval": 10}}
        opened = await station.call("OpenPeriodicEventStream", {"constantStreamData": constant})
        assert opened == {"status": "Accepted"}
        for number in range(3):
            samples = [{"t": 0.5, "v": str(number)}, {"t": 1.0, "v": "x"}]
            said = {"id": 5, "pending": number, "basetime": AT, "data": samples}
            await station.send_unanswered("NotifyPeriodicEventStream", said)
        wish = 'stationId: "STREAM", streamId: 5, intervalS: 2, values: 9'
        assert (await order(server, f"adjustPeriodicEventStream(input: {{{wish}}})"))["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["AdjustPeriodicEventStream", {"id": 5, "params": {"interval": 2, "values": 9}}]
        station.commands["GetPeriodicEventStream"] = {"constantStreamData": [constant | {"id": 6}]}
        assert (await order(server, 'getPeriodicEventStreams(input: {stationId: "STREAM"})'))["status"] == "ACCEPTED"
        assert await station.call("ClosePeriodicEventStream", {"id": 6}) == {}
        five, six = await nodes(server, query, lambda rows: len(rows) == 2 and rows[1]["closedAt"])
    assert (five["monitorId"], five["intervalS"], five["valueCount"], five["pending"]) == (8, 2, 9, 2)
    assert five["samples"]["totalCount"] == 6
    assert [edge["node"]["value"] for edge in five["samples"]["edges"]] == ["x", "2", "x", "1", "x", "0"]
    assert five["samples"]["edges"][1]["node"]["at"] == "2026-11-23T10:00:00.500000Z"
    assert (five["closedAt"], six["monitorId"]) == (None, 8)
