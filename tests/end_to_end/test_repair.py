"""Tolerance over a real socket: strange frames, quirks in GraphQL and metrics, strict stations, garbage."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from adapters.ocpp.connection import GARBAGE
from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server

HUAWEI = {"timestamp": "2026-11-23T10:00:00Z", "sampledValue": [{"value": 0.5, "unit": "kWh"}]}
METER = {"connectorId": 1, "meterValue": HUAWEI}
QUIRKS = "query ($id: ID!) { station(id: $id) { quirks { rule firstSeenAt } } }"
COMMAND = "query ($id: ID!) { command(id: $id) { status answer error } }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"sqlite:///{tmp_path_factory.mktemp('repair')}/bornier.db") as running:
        yield running


async def test_a_repaired_message_gets_the_normal_answer_and_shows_as_a_quirk(server: Server) -> None:
    async with Station(server.ocpp, "QUIRKY") as station:
        await station.boot()
        assert await station.call("MeterValues", METER) == {}
        assert await station.call("MeterValues", METER) == {}
    data = await server.until(QUIRKS, lambda d: d["station"] and d["station"]["quirks"], id="QUIRKY")
    assert [quirk["rule"] for quirk in data["station"]["quirks"]] == ["object for list", "number for text"]
    query = '{ events(stream: "station/QUIRKY", topics: ["station.metered.v1"]) { edges { node { data } } } }'
    edges = (await server.ask(query))["events"]["edges"]
    assert [edge["node"]["data"]["cause"]["payload"] for edge in edges] == [METER, METER]
    assert edges[0]["node"]["data"]["readings"][0]["register_wh"] == 500
    assert 'bornier_ocpp_repairs_total{rule="object for list"} 2.0' in await metrics(server)


async def metrics(server: Server) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{server.http}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})).text


async def test_a_strict_station_is_taken_at_its_word(server: Server) -> None:
    await server.ask('mutation { registerStation(input: {id: "STRICT", strict: true}) { id } }')
    async with Station(server.ocpp, "STRICT") as station:
        await station.boot()
        assert (await station.frame("MeterValues", METER))[2] == "TypeConstraintViolation"


async def test_an_answer_that_is_not_valid_is_understood_and_kept_as_received(server: Server) -> None:
    async with Station(server.ocpp, "ANSWERS") as station:
        await station.boot()
        station.commands["GetConfiguration"] = {
            "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": 60}]
        }
        asked = await server.ask('mutation { getConfiguration(input: {stationId: "ANSWERS"}) { id } }')
        command = asked["getConfiguration"]["id"]
        data = await server.until(COMMAND, lambda d: d["command"]["status"] == "ACCEPTED", id=command)
        assert data["command"]["answer"]["configurationKey"][0]["value"] == "60"
    query = (
        f'{{ events(stream: "command/{command}", topics: ["command.answered.v1"]) {{ edges {{ node {{ data }} }} }} }}'
    )
    (edge,) = (await server.ask(query))["events"]["edges"]
    assert json.loads(edge["node"]["data"]["raw"])[2] == station.commands["GetConfiguration"]
    await server.until(QUIRKS, lambda d: d["station"] and d["station"]["quirks"], id="ANSWERS")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('[2,"' + "x" * 300 + '","Heartbeat",{}]', "x" * 300),
        ('[2,7053156,"Heartbeat",{}]', 7053156),
        ('[2,123456789012345678901234567890,"Heartbeat",{}]', None),
        ('\ufeff[2,"bom","Heartbeat",{}]', "bom"),
        ('[\n  2,\n  "pretty",\n  "Heartbeat",\n  {\n  }\n]\n', "pretty"),
        ('[2,"null","Heartbeat",null]', "null"),
        ('[2,"","Heartbeat",{}]', ""),
    ],
)
async def test_message_ids_and_frames_of_the_field(server: Server, text: str, answer: Any) -> None:
    protocols = [Subprotocol("ocpp1.6")]
    async with connect(f"{server.ocpp}/FRAMES", subprotocols=protocols, compression=None) as socket:
        await socket.send(text)
        async with asyncio.timeout(5):
            kind, message_id, said = json.loads(await socket.recv())
        assert kind == 3
        assert answer is None or message_id == answer
        assert "currentTime" in said


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_only_garbage_closes_the_connection_and_never_one_bad_frame(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"GARBAGE{version}", version) as station:
        await station.boot()
        for _ in range(2):
            for _ in range(GARBAGE - 1):
                await station.socket.send("garbage")
            assert "currentTime" in await station.call("Heartbeat", {})
        for _ in range(GARBAGE):
            await station.socket.send("garbage")
        async with asyncio.timeout(5):
            await station.socket.wait_closed()
        assert station.socket.close_code == 1008


async def test_a_result_error_of_two_one_is_a_fact(server: Server) -> None:
    async with Station(server.ocpp, "RESULT", "2.1") as station:
        await station.boot()
        await station.call("Heartbeat", {}, "h1")
        await station.socket.send('[5,"h1","FormatViolation","no time",{"a":1}]')
        assert "currentTime" in await station.call("Heartbeat", {})
    query = '{ events(stream: "station/RESULT", topics: ["station.answer_refused.v1"]) { edges { node { data } } } }'
    (edge,) = (await server.ask(query))["events"]["edges"]
    told = edge["node"]["data"]
    assert (told["message_id"], told["code"], told["description"], told["details"]) == (
        "h1", "FormatViolation", "no time", {"a": 1},
    )  # fmt: skip


async def test_a_send_with_a_quirk_is_heard_and_a_call_of_it_is_refused(server: Server) -> None:
    stream = {"id": 1, "pending": 0, "basetime": "2026-11-23T10:00:00Z", "data": [{"t": 0, "v": 230.4}]}
    async with Station(server.ocpp, "SEND", "2.1") as station:
        await station.boot()
        await station.socket.send(json.dumps([6, "s1", "NotifyPeriodicEventStream", stream]))
        assert "currentTime" in await station.call("Heartbeat", {})
        assert (await station.frame("NotifyPeriodicEventStream", stream))[2] == "NotSupported"
    await server.until(QUIRKS, lambda d: d["station"] and d["station"]["quirks"], id="SEND")
