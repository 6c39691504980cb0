"""What went over the wire can be told again from the history alone, frame by frame."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.end_to_end.server import ROOT, Server

VERSIONS = ["1.6", "2.0.1", "2.1"]
AT = "2026-11-23T10:00:00Z"
Frame = tuple[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"sqlite:///{tmp_path_factory.mktemp('trace')}/bornier.db") as running:
        yield running


class Witness:
    """A station by hand that writes down every text it sends and hears, in order."""

    def __init__(self, server: Server, station_id: str, version: str) -> None:
        self.server, self.station_id, self.version = server, station_id, version
        self.seen: list[Frame] = []
        self.socket: ClientConnection
        self.number = 0

    async def open(self) -> None:
        protocol = Subprotocol(f"ocpp{self.version}")
        self.socket = await connect(f"{self.server.ocpp}/{self.station_id}", subprotocols=[protocol], compression=None)
        self.seen.append(("open", [protocol, f"/ocpp/{self.station_id}", None]))

    async def close(self, code: int) -> None:
        await self.socket.close(code)
        self.seen.append(("close", [code]))

    async def send(self, text: str) -> None:
        self.seen.append(("in", parsed(text)))
        await self.socket.send(text)

    async def hear(self) -> Any:
        async with asyncio.timeout(20):
            frame = json.loads(await self.socket.recv())
        self.seen.append(("out", frame))
        return frame

    async def call(self, action: str, payload: Any) -> Any:
        self.number += 1
        await self.send(json.dumps([2, f"m{self.number}", action, payload], indent=self.number % 3 or None))
        return (await self.hear())[2]

    async def order(self, mutation: str, answer: str) -> None:
        """An operator asks; the station answers with `answer`, where ID is the message id."""
        asked = await self.server.ask(f"mutation {{ {mutation} {{ id }} }}")
        (command,) = asked.values()
        message_id = (await self.hear())[1]
        await self.send(answer.replace("ID", message_id))
        query = "query ($id: ID!) { command(id: $id) { status } }"
        await self.server.until(query, lambda d: d["command"]["status"] not in ("REQUESTED", "SENT"), id=command["id"])


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


async def converse(station: Witness) -> None:
    """Everything that can happen on a wire: calls, refusals, commands, errors, late answers, two connections."""
    await station.open()
    if station.version == "1.6":
        await station.call("BootNotification", {"chargePointVendor": "V\u00e9", "chargePointModel": "M"})
        started = {"connectorId": 1, "idTag": "B", "meterStart": 10, "timestamp": AT}
        number = (await station.call("StartTransaction", started))["transactionId"]
        sample = [{"timestamp": AT, "sampledValue": [{"value": "20.50"}]}]
        await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": sample})
        await station.call("StopTransaction", {"transactionId": number, "meterStop": 30, "timestamp": AT})
    else:
        boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "V\u00e9", "model": "M"}}
        await station.call("BootNotification", boot)
        for seq_no, kind in enumerate(("Started", "Updated", "Ended")):
            await station.call("TransactionEvent", event(kind, seq_no))
    await station.call("Authorize", authorize(station.version))
    await station.call("MakeCoffee", {"strong": True})
    await station.call("Heartbeat", {"not": "allowed"})
    await station.send("garbage \u2603")
    if station.version != "1.6":
        await station.hear()
    if station.version == "2.1":
        stream = {"id": 1, "pending": 0, "basetime": AT, "data": [{"t": 0, "v": "1"}]}
        await station.send(json.dumps([6, "s1", "NotifyPeriodicEventStream", stream]))
    name = station.station_id
    await station.order(f'reset(input: {{stationId: "{name}"}})', '[3, "ID", {"status": "Accepted"}]')
    await station.order(f'reset(input: {{stationId: "{name}"}})', '[4,"ID","InternalError","no",{"detail": 1}]')
    await station.order(f'reset(input: {{stationId: "{name}"}})', '[3,"ID",{"status":"Perhaps"}]')
    await station.send('[3,"nobody-asked",{}]')
    await station.call("Heartbeat", {})
    await station.close(1001)
    await station.open()
    await station.call("Heartbeat", {})
    await station.close(1000)


def event(kind: str, seq_no: int) -> dict[str, Any]:
    return {
        "eventType": kind,
        "timestamp": AT,
        "triggerReason": "Authorized",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "mine"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": AT, "sampledValue": [{"value": 20.5 + seq_no}]}],
    }


def authorize(version: str) -> dict[str, Any]:
    return {"idTag": "B"} if version == "1.6" else {"idToken": {"idToken": "B", "type": "ISO14443"}}


def told(server: Server, *arguments: str) -> list[dict[str, Any]]:
    """What `bornier events --as-ocpp` prints."""
    database = server.command[server.command.index("--database") + 1]
    command = [sys.executable, "-m", "api.cli", "events", "--database", database, "--as-ocpp", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


async def ended(server: Server, station_id: str) -> None:
    query = "query ($id: ID!) { station(id: $id) { connected } }"
    await server.until(query, lambda data: not data["station"]["connected"], id=station_id)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_conversation_is_told_again_frame_by_frame(server: Server, version: str) -> None:
    station = Witness(server, f"WIRE-{version}", version)
    await converse(station)
    await ended(server, station.station_id)
    lines = told(server, "--station", station.station_id)
    assert [(line["dir"], line["frame"]) for line in lines] == station.seen
    assert {(line["cp"], line["v"]) for line in lines} == {(station.station_id, version)}
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)


async def test_a_part_of_a_conversation_is_told_by_time(server: Server) -> None:
    station = Witness(server, "PART", "2.0.1")
    await converse(station)
    await ended(server, "PART")
    everything = told(server, "--station", "PART")
    middle = everything[8]["t"]
    at = (datetime.fromtimestamp(middle, UTC) - timedelta(microseconds=1)).isoformat()
    early, late = told(server, "--station", "PART", "--to", at), told(server, "--station", "PART", "--from", at)
    assert early + late == everything
    assert early
    assert late[0]["t"] == middle
    assert late[0]["v"] == "2.0.1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--as-ocpp"], "--as-ocpp needs --station"),
        (["--as-ocpp", "--station", "NOBODY"], "never heard of station NOBODY"),
        (["--station", "PART", "--follow"], "--follow goes with"),
        (["--as-ocpp", "--station", "PART", "--from", "noon"], "'noon' is no time"),
        (["--database", "sqlite:////no/such/place.db"], "there is no history at /no/such/place.db"),
    ],
)
def test_a_question_that_makes_no_sense_ends_with_one_line(server: Server, arguments: list[str], words: str) -> None:
    database = server.command[server.command.index("--database") + 1]
    command = [sys.executable, "-m", "api.cli", "events", "--database", database, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
