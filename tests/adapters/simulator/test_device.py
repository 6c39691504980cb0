"""A simulated station tells what it is made of, and takes what can be set."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.simulator.desk import Desk, at_desk, charging, until

V2 = ["2.0.1", "2.1"]


def variable(component: str, name: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": name}} | more


async def test_configuration_keys_are_read_and_changed() -> None:
    async with at_desk("1.6") as (desk, station):
        whole = await desk.ask("GetConfiguration")
        keys = {row["key"]: row for row in whole["configurationKey"]}
        assert keys["NumberOfConnectors"] == {"key": "NumberOfConnectors", "readonly": True, "value": "1"}
        assert "value" not in keys["AuthorizationKey"]
        some = await desk.ask("GetConfiguration", {"key": ["HeartbeatInterval", "Nope"]})
        assert [row["value"] for row in some["configurationKey"]] == ["300"]
        assert some["unknownKey"] == ["Nope"]
        for key, value, status in (
            ("HeartbeatInterval", "60", "Accepted"),
            ("HeartbeatInterval", "soon", "Rejected"),
            ("NumberOfConnectors", "2", "Rejected"),
            ("Nope", "1", "NotSupported"),
        ):
            assert await desk.ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": status}
        assert station.heartbeat_s == 60


@pytest.mark.parametrize("version", V2)
async def test_variables_are_read_and_set_each_with_its_own_status(version: str) -> None:
    async with at_desk(version) as (desk, station):
        asked = [
            variable("OCPPCommCtrlr", "HeartbeatInterval"),
            variable("OCPPCommCtrlr", "Nope"),
            variable("Kettle", "Nope"),
            variable("SecurityCtrlr", "BasicAuthPassword"),
            variable("OCPPCommCtrlr", "HeartbeatInterval", attributeType="MaxSet"),
        ]
        read = (await desk.ask("GetVariables", {"getVariableData": asked}))["getVariableResult"]
        assert [row["attributeStatus"] for row in read] == [
            "Accepted", "UnknownVariable", "UnknownComponent", "Rejected", "NotSupportedAttributeType",
        ]  # fmt: skip
        assert read[0]["attributeValue"] == "300"
        wanted = [
            variable("OCPPCommCtrlr", "HeartbeatInterval", attributeValue="7"),
            variable("OCPPCommCtrlr", "NetworkConfigurationPriority", attributeValue="1"),
            variable("ChargingStation", "Model", attributeValue="x"),
            variable("Kettle", "Nope", attributeValue="x"),
        ]
        put = (await desk.ask("SetVariables", {"setVariableData": wanted}))["setVariableResult"]
        assert [row["attributeStatus"] for row in put] == ["Accepted", "RebootRequired", "Rejected", "UnknownComponent"]
        assert station.heartbeat_s == 7


@pytest.mark.parametrize("version", V2)
async def test_reports_come_in_numbered_parts_after_the_answer(version: str) -> None:
    async with at_desk(version) as (desk, station):
        assert await desk.ask("GetBaseReport", {"requestId": 5, "reportBase": "FullInventory"}) == {
            "status": "Accepted"
        }
        await desk.hears("NotifyReport", lambda part: not part["tbc"])
        parts = desk.said("NotifyReport")
        assert [part["seqNo"] for part in parts] == list(range(len(parts)))
        assert len(parts) > 1
        assert {part["requestId"] for part in parts} == {5}
        assert sum(len(part["reportData"]) for part in parts) == len(station.device.variables)
        desk.calls.clear()
        one = [{"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}]
        assert await desk.ask("GetReport", {"requestId": 6, "componentVariable": one}) == {"status": "Accepted"}
        part = await desk.hears("NotifyReport")
        assert [row["variable"]["name"] for row in part["reportData"]] == ["HeartbeatInterval"]
        problem = {"requestId": 7, "componentCriteria": ["Problem"]}
        assert await desk.ask("GetReport", problem) == {"status": "EmptyResultSet"}


@pytest.mark.parametrize(("version", "value", "secret"), [("1.6", "616263", b"S1:abc"), ("2.0.1", "abc", b"S1:abc")])
async def test_a_new_password_counts_from_the_next_connection(version: str, value: str, secret: bytes) -> None:
    import base64

    async with at_desk(version, password="old") as (desk, _):
        if version == "1.6":
            asked = {"key": "AuthorizationKey", "value": value}
            assert await desk.ask("ChangeConfiguration", asked) == {"status": "Accepted"}
        else:
            line = variable("SecurityCtrlr", "BasicAuthPassword", attributeValue=value)
            await desk.ask("SetVariables", {"setVariableData": [line]})
        await until(lambda: len(desk.authorizations) == 2)
        assert [base64.b64decode((word or "").removeprefix("Basic ")) for word in desk.authorizations] == [
            b"S1:old", secret,
        ]  # fmt: skip


def monitor(kind: str, value: float, severity: int = 3, **more: Any) -> dict[str, Any]:
    return variable("EVSE", "Power") | {"type": kind, "value": value, "severity": severity} | more


async def set_monitors(desk: Desk, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await desk.ask("SetVariableMonitoring", {"setMonitoringData": list(lines)})
    rows: list[dict[str, Any]] = answer["setMonitoringResult"]
    return rows


@pytest.mark.parametrize("version", V2)
async def test_a_threshold_is_told_when_it_is_passed_and_when_it_is_over(version: str) -> None:
    async with at_desk(version) as (desk, station):
        rows = await set_monitors(
            desk,
            monitor("UpperThreshold", 1000),
            monitor("UpperThreshold", 2000),
            variable("Kettle", "Heat") | {"type": "Delta", "value": 1, "severity": 1},
            variable("ChargingStation", "Model") | {"type": "UpperThreshold", "value": 1, "severity": 1},
        )
        statuses = [row["status"] for row in rows]
        assert statuses == ["Accepted", "Duplicate", "UnknownComponent", "UnsupportedMonitorType"]
        await charging(desk, station)
        alarm = await desk.hears("NotifyEvent")
        assert (alarm["eventData"][0]["trigger"], alarm["eventData"][0]["cleared"]) == ("Alerting", False)
        assert station.stop("Local")
        over = await desk.hears("NotifyEvent", lambda event: event["eventData"][0]["cleared"])
        assert over["eventData"][0]["variableMonitoringId"] == rows[0]["id"]
        asked = {"requestId": 9}
        assert await desk.ask("GetMonitoringReport", asked) == {"status": "Accepted"}
        report = await desk.hears("NotifyMonitoringReport")
        assert [m["id"] for row in report["monitor"] for m in row["variableMonitoring"]] == [rows[0]["id"]]
        cleared = await desk.ask("ClearVariableMonitoring", {"id": [rows[0]["id"], 4711]})
        assert [row["status"] for row in cleared["clearMonitoringResult"]] == ["Accepted", "NotFound"]
        assert await desk.ask("GetMonitoringReport", asked) == {"status": "EmptyResultSet"}


async def test_less_severe_events_are_kept_quiet_and_the_factory_has_none() -> None:
    async with at_desk("2.0.1") as (desk, station):
        assert await desk.ask("SetMonitoringLevel", {"severity": 2}) == {"status": "Accepted"}
        assert await desk.ask("SetMonitoringLevel", {"severity": 10}) == {"status": "Rejected"}
        await set_monitors(desk, monitor("UpperThreshold", 1000, severity=5), monitor("Delta", 1000, severity=1))
        await charging(desk, station)
        event = await desk.hears("NotifyEvent")
        assert [line["trigger"] for line in event["eventData"]] == ["Delta"]
        assert await desk.ask("SetMonitoringBase", {"monitoringBase": "FactoryDefault"}) == {"status": "Accepted"}
        assert station.monitors.rows == {}


async def test_a_stream_sends_its_monitor_s_values_until_it_is_closed() -> None:
    async with at_desk("2.1") as (desk, _):
        (row,) = await set_monitors(desk, monitor("Periodic", 1, periodicEventStream={"interval": 1, "values": 2}))
        opened = await desk.hears("OpenPeriodicEventStream")
        assert opened["constantStreamData"]["variableMonitoringId"] == row["id"]
        await until(lambda: desk.sends)
        action, payload = desk.sends[0]
        assert (action, payload["id"], len(payload["data"])) == ("NotifyPeriodicEventStream", row["id"], 2)
        listed = await desk.ask("GetPeriodicEventStream")
        assert [stream["id"] for stream in listed["constantStreamData"]] == [row["id"]]
        adjust = {"id": row["id"], "params": {"values": 1}}
        assert await desk.ask("AdjustPeriodicEventStream", adjust) == {"status": "Accepted"}
        await until(lambda: any(len(payload["data"]) == 1 for _, payload in desk.sends))
        await desk.ask("ClearVariableMonitoring", {"id": [row["id"]]})
        assert await desk.hears("ClosePeriodicEventStream") == {"id": row["id"]}
        assert await desk.ask("GetPeriodicEventStream") == {}
