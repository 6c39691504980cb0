"""Distributed energy from GraphQL to a station and back (OCPP 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order

AT = "2026-11-23T10:00:00Z"
SHOWN = """query ($id: ID!) {
  derControls(stationId: $id, set: null) { edges { node {
    id controlType default superseded settings status active activeSince } } }
  derAlarms(stationId: $id) { edges { node { controlType fault raisedAt endedAt detail } } }
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("der") / "bornier.db"
    with Server(f"sqlite:///{path}") as running:
        yield running


def nodes(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [edge["node"] for edge in data[name]["edges"]]


def control(station_id: str, kind: str, settings: str, more: str) -> str:
    facts = f'stationId: "{station_id}", controlType: {kind}, settings: {{{settings}}}, {more}'
    return f"setDERControl(input: {{{facts}}})"


SAID: list[tuple[str, str, str, dict[str, Any]]] = [
    ("VoltVar", "curve: {priority: 2, unit: PCT_MAX_VAR, points: [{x: 92.5, y: 44.25}, {x: 108, y: -44}], "
     "hysteresis: {delaySeconds: 1.25}, reactivePower: {autonomous: true}}", "default: true",
     {"isDefault": True, "controlId": "c", "controlType": "VoltVar", "curve": {
         "priority": 2, "curveData": [{"x": 92.5, "y": 44.25}, {"x": 108.0, "y": -44.0}], "yUnit": "PctMaxVar",
         "hysteresis": {"hysteresisDelay": 1.25}, "reactivePowerParams": {"autonomousVRefEnable": True}}}),
    ("FixedPFInject", "fixedPowerFactor: {priority: 1, displacement: 0.95, excitation: false, "
     f'startsAt: "{AT}", durationSeconds: 60}}', "default: false",
     {"isDefault": False, "controlId": "c", "controlType": "FixedPFInject", "fixedPFInject": {
         "priority": 1, "displacement": 0.95, "excitation": False, "startTime": "2026-11-23T10:00:00.000Z",
         "duration": 60.0}}),
    ("Gradients", "gradient: {priority: 0, gradient: 100, softGradient: 10}", "default: true",
     {"isDefault": True, "controlId": "c", "controlType": "Gradients",
      "gradient": {"priority": 0, "gradient": 100.0, "softGradient": 10.0}}),
    ("LimitMaxDischarge", "dischargeLimit: {percent: 33.333}", "default: true",
     {"isDefault": True, "controlId": "c", "controlType": "LimitMaxDischarge",
      "limitMaxDischarge": {"priority": 0, "pctMaxDischargePower": 33.333}}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "settings", "more", "payload"), SAID, ids=lambda case: str(case)[:20])
async def test_a_control_is_said_as_it_was_asked_for(
    server: Server, kind: str, settings: str, more: str, payload: dict[str, Any]
) -> None:
    async with Station(server.ocpp, f"SET{kind}", "2.1") as charger:
        await charger.boot()
        command = await order(server, control(charger.station_id, kind, settings, f'{more}, controlId: "c"'))
        assert (command["status"], command["error"]) == ("ACCEPTED", None)
        assert charger.heard[-1][2:] == ["SetDERControl", payload]
        data = await server.until(SHOWN, lambda d: nodes(d, "derControls"), id=charger.station_id)
    (known,) = nodes(data, "derControls")
    assert (known["id"], known["controlType"], known["status"], known["active"]) == ("c", kind, "SET", False)


CURVE = "curve: {unit: PCT_MAX_W, points: [{x: 1, y: 1}]}"
REFUSED = [
    ("VoltVar", "gradient: {gradient: 1, softGradient: 1}", "default: true", "has curve"),
    ("VoltVar", CURVE, "default: false", "start and a duration"),
    ("Gradients", "gradient: {gradient: 1, softGradient: 1}", "default: false", "default control only"),
    ("FixedVar", f'fixedVar: {{setpoint: 1, unit: PCT_MAX_VAR, startsAt: "{AT}"}}', "default: false", "both"),
]


@pytest.mark.parametrize(("kind", "settings", "more", "reason"), REFUSED)
async def test_a_control_that_makes_no_sense_is_never_sent(
    server: Server, kind: str, settings: str, more: str, reason: str
) -> None:
    async with Station(server.ocpp, "NONSENSE", "2.1") as charger:
        await charger.boot()
        command = await order(server, control("NONSENSE", kind, settings, more))
        assert (command["status"], reason in command["error"]) == ("REJECTED", True), command
        assert charger.heard == []


async def test_controls_begin_supersede_each_other_and_end(server: Server) -> None:
    async with Station(server.ocpp, "LIFE", "2.1") as charger:
        await charger.boot()
        await order(server, control("LIFE", "VoltVar", CURVE, 'default: true, controlId: "old"'))
        charger.commands["SetDERControl"] = {"status": "Accepted", "supersededIds": ["old"]}
        await order(server, control("LIFE", "VoltVar", CURVE, 'default: true, controlId: "new"'))
        said = {"controlId": "new", "started": True, "timestamp": AT}
        assert await charger.call("NotifyDERStartStop", said) == {}
        data = await server.until(SHOWN, lambda d: "true" in str(nodes(d, "derControls")).lower(), id="LIFE")
        data = await server.until(SHOWN, lambda d: any(n["active"] for n in nodes(d, "derControls")), id="LIFE")
        new, old = nodes(data, "derControls")
        assert (new["id"], new["superseded"], new["activeSince"]) == ("new", False, AT)
        assert (old["id"], old["superseded"], old["active"]) == ("old", True, False)
        await charger.call("NotifyDERStartStop", said | {"started": False})
        await server.until(SHOWN, lambda d: not any(n["active"] for n in nodes(d, "derControls")), id="LIFE")
        await order(server, 'clearDERControl(input: {stationId: "LIFE", default: true, controlId: "new"})')
        assert charger.heard[-1][3] == {"isDefault": True, "controlId": "new"}
        data = await server.until(SHOWN, lambda d: nodes(d, "derControls")[0]["status"] == "CLEARED", id="LIFE")
        assert nodes(data, "derControls")[1]["status"] == "SET"


async def test_a_report_in_parts_shows_what_is_there_and_what_is_lost(server: Server) -> None:
    async with Station(server.ocpp, "PARTS", "2.1") as charger:
        await charger.boot()
        await order(server, control("PARTS", "VoltVar", CURVE, 'default: true, controlId: "gone"'))
        await order(server, 'getDERControl(input: {stationId: "PARTS", default: true})')
        number = charger.heard[-1][3]["requestId"]
        assert charger.heard[-1][3] == {"requestId": number, "isDefault": True}
        shape = {"priority": 1, "yUnit": "PctMaxW", "curveData": [{"x": 50.2, "y": 100}]}
        curve = {"id": "a", "curveType": "FreqWatt", "isDefault": True, "isSuperseded": False, "curve": shape}
        first = {"requestId": number, "tbc": True, "curve": [curve]}
        assert await charger.call("ReportDERControl", first) == {}
        ramp = {"id": "b", "gradient": {"priority": 1, "gradient": 5, "softGradient": 2}}
        await charger.call("ReportDERControl", {"requestId": number, "gradient": [ramp]})
        data = await server.until(SHOWN, lambda d: len(nodes(d, "derControls")) == 3, id="PARTS")
        data = await server.until(SHOWN, lambda d: nodes(d, "derControls")[2]["status"] == "LOST", id="PARTS")
    a, b, gone = nodes(data, "derControls")
    assert (a["controlType"], a["settings"]["curve"]["points"]) == ("FreqWatt", [{"x": "50.2", "y": "100"}])
    assert (b["controlType"], b["default"], gone["id"]) == ("Gradients", True, "gone")


async def test_an_alarm_lasts_until_the_station_ends_it(server: Server) -> None:
    async with Station(server.ocpp, "ALARM", "2.1") as charger:
        await charger.boot()
        said = {"controlType": "HVMustTrip", "gridEventFault": "OverVoltage", "timestamp": AT, "extraInfo": "262 V"}
        assert await charger.call("NotifyDERAlarm", said) == {}
        data = await server.until(SHOWN, lambda d: nodes(d, "derAlarms"), id="ALARM")
        assert nodes(data, "derAlarms") == [
            {"controlType": "HVMustTrip", "fault": "OverVoltage", "raisedAt": AT, "endedAt": None, "detail": "262 V"}
        ]
        await charger.call("NotifyDERAlarm", said | {"alarmEnded": True, "timestamp": "2026-11-23T10:05:00Z"})
        await server.until(SHOWN, lambda d: nodes(d, "derAlarms")[0]["endedAt"], id="ALARM")


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_an_older_version_says_why_it_cannot(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"OLD{version}", version) as charger:
        await charger.boot()
        command = await order(server, control(charger.station_id, "VoltVar", CURVE, "default: true"))
        assert (command["status"], "2.1" in command["error"]) == ("REJECTED", True)
