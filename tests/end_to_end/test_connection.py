"""How a station comes in, and what it is told when it talks nonsense."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server

REFUSED = """query ($stream: ID!) { events(stream: $stream, topics: ["station.message_refused.v1"], first: 500) {
  edges { node { data } } } }"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"sqlite:///{tmp_path_factory.mktemp('connection')}/bornier.db") as running:
        yield running


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("strict")
    policy = {"BORNIER_UNKNOWN_STATIONS": "reject", "BORNIER_UNKNOWN_BADGES": "reject"}
    with Server(f"sqlite:///{path}/bornier.db", **policy) as running:
        yield running


def protocols(*names: str) -> list[Subprotocol]:
    return [Subprotocol(name) for name in names]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["ocpp1.6"], "ocpp1.6"),
        (["ocpp1.6", "ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp1.6", "ocpp2.1", "ocpp2.0.1"], "ocpp2.1"),
        (["soap", "ocpp1.6"], "ocpp1.6"),
    ],
)
async def test_the_best_common_version_wins(server: Server, offered: list[str], chosen: str) -> None:
    async with connect(f"{server.ocpp}/CP", subprotocols=protocols(*offered)) as socket_:
        assert socket_.subprotocol == chosen


@pytest.mark.parametrize("offered", [["ocpp1.5"], None])
async def test_without_a_common_version_the_handshake_completes_and_the_socket_closes(
    server: Server, offered: list[str] | None
) -> None:
    async with connect(f"{server.ocpp}/CP", subprotocols=protocols(*offered) if offered else None) as socket_:
        assert socket_.subprotocol is None
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket_.recv(), 5)


async def test_the_last_segment_is_the_station_decoded(server: Server) -> None:
    async with Station(server.ocpp, "CP%20%C3%A9t%C3%A9%2F1") as _:
        pass
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{server.ocpp}/", subprotocols=protocols("ocpp1.6")):
            pass
    assert refused.value.response.status_code == 404


async def test_a_station_nobody_registered_is_not_found_until_it_is(strict: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with Station(strict.ocpp, "NEW"):
            pass
    assert refused.value.response.status_code == 404
    await strict.ask('mutation { registerStation(input: {id: "NEW"}) { id } }')
    async with Station(strict.ocpp, "NEW") as station:
        assert (await station.boot())["status"] == "Accepted"


async def test_a_wrong_password_is_401_and_the_right_one_lets_in(strict: Server) -> None:
    await strict.ask('mutation { registerStation(input: {id: "SAFE", password: "s3cret-pass:word"}) { id } }')
    for password in (None, "wrong", ""):
        with pytest.raises(InvalidStatus) as refused:
            async with Station(strict.ocpp, "SAFE", password=password):
                pass
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["WWW-Authenticate"].startswith("Basic")
    async with Station(strict.ocpp, "SAFE", password="s3cret-pass:word") as station:
        assert (await station.boot())["status"] == "Accepted"
    history = await strict.ask('{ events(stream: "station/SAFE") { edges { node { data } } } }')
    assert "s3cret" not in json.dumps(history)


async def test_somebody_elses_name_in_the_credentials_is_refused(server: Server) -> None:
    pair = base64.b64encode(b"OTHER:x").decode()
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"{server.ocpp}/CP",
            subprotocols=protocols("ocpp1.6"),
            additional_headers={"Authorization": f"Basic {pair}"},
        ):
            pass
    assert refused.value.response.status_code == 401


async def test_badges_are_judged_by_the_registry(strict: Server) -> None:
    await strict.ask('mutation { registerStation(input: {id: "READER"}) { id } }')
    async with Station(strict.ocpp, "READER") as station:
        await station.boot()

        async def verdict() -> str:
            return str((await station.call("Authorize", {"idTag": "abc"}))["idTagInfo"]["status"])

        assert await verdict() == "Invalid"
        await strict.ask('mutation { registerBadge(input: {badge: "ABC"}) { badge } }')
        assert await verdict() == "Accepted"
        await strict.ask('mutation { blockBadge(input: {badge: "ABC", reason: "lost"}) { badge } }')
        assert await verdict() == "Blocked"


async def test_a_pending_station_of_ocpp_2_may_only_boot(tmp_path: Any) -> None:
    with Server(f"sqlite:///{tmp_path}/bornier.db", BORNIER_UNKNOWN_STATIONS="pending") as server:
        async with Station(server.ocpp, "P", "2.0.1") as station:
            assert (await station.boot())["status"] == "Pending"
            assert (await station.frame("Heartbeat", {}))[2] == "SecurityError"
        async with Station(server.ocpp, "Q") as station:
            assert (await station.boot())["status"] == "Pending"
            assert "currentTime" in await station.call("Heartbeat", {})
            await server.ask('mutation { registerStation(input: {id: "Q"}) { id } }')
            assert (await station.boot())["status"] == "Accepted"


async def test_a_newer_connection_takes_over_and_the_station_stays_connected(server: Server) -> None:
    async with Station(server.ocpp, "TWICE") as first:
        await first.boot()
        async with Station(server.ocpp, "TWICE") as second:
            await asyncio.wait_for(first.socket.wait_closed(), 5)
            await second.boot()
            await server.until(
                '{ station(id: "TWICE") { connected } }', lambda d: d["station"] and d["station"]["connected"]
            )
    query = '{ events(stream: "station/TWICE") { edges { node { topic } } } }'
    topics = [edge["node"]["topic"] for edge in (await server.ask(query))["events"]["edges"]]
    assert topics.count("station.connected.v1") == 2
    assert topics.index("station.disconnected.v1") < topics.index("station.connected.v1", 1)


@pytest.fixture(scope="module")
def literal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes OCPP at its word."""
    with Server(f"sqlite:///{tmp_path_factory.mktemp('literal')}/bornier.db", BORNIER_STRICT="true") as running:
        yield running


BAD = [
    ("1.6", "not json", None),
    ("1.6", "{}", None),
    ("1.6", '[2,"i","Heartbeat"]', "FormationViolation"),
    ("1.6", '[2,"i","Explode",{}]', "NotImplemented"),
    ("1.6", '[2,"i","Reset",{"type":"Hard"}]', "NotSupported"),
    ("1.6", '[2,"i","MeterValues",{}]', "ProtocolError"),
    ("1.6", '[2,"i","Heartbeat",{"x":1}]', "FormationViolation"),
    ("1.6", '[2,"i","MeterValues",{"connectorId":"1","meterValue":[]}]', "TypeConstraintViolation"),
    ("1.6", '[2,"i","Authorize",{"idTag":"a\\u0000b"}]', "PropertyConstraintViolation"),
    ("2.0.1", "not json", "RpcFrameworkError"),
    ("2.0.1", '[2,"i","Explode",{}]', "NotImplemented"),
    ("2.0.1", '[2,"i","Heartbeat",{"x":1}]', "FormatViolation"),
    ("2.0.1", '[9,"i","x",{}]', "MessageTypeNotSupported"),
    ("2.1", '[2,"i","StatusNotification",{}]', "ProtocolError"),
    ("2.1", '[2,"i","StatusNotification",{"timestamp":"2026-01-01T00:00:00Z","connectorStatus":"Sleeping",'
     '"evseId":1,"connectorId":1}]', "PropertyConstraintViolation"),
]  # fmt: skip


@pytest.mark.parametrize(("version", "text", "code"), BAD)
async def test_nonsense_is_kept_with_its_raw_text_and_answered_with_the_right_code(
    literal: Server, version: str, text: str, code: str | None
) -> None:
    name = f"BAD{abs(hash((version, text)))}"
    async with Station(literal.ocpp, name, version) as station:
        await station.boot()
        station.listener.cancel()
        await asyncio.gather(station.listener, return_exceptions=True)
        await station.socket.send(text)
        if code is not None:
            answer = json.loads(await asyncio.wait_for(station.socket.recv(), 5))
            assert (answer[0], answer[2]) == (4, code)
        await station.socket.send('[2,"after","Heartbeat",{}]')
        assert json.loads(await asyncio.wait_for(station.socket.recv(), 5))[1] == "after"
    kept = await literal.ask(REFUSED, stream=f"station/{name}")
    assert [edge["node"]["data"]["raw"] for edge in kept["events"]["edges"]] == [text]


async def test_the_payload_of_a_message_is_kept_as_received(server: Server) -> None:
    async with Station(server.ocpp, "REPORT", "2.0.1") as station:
        await station.boot()
        report = {"requestId": 1, "generatedAt": "2026-11-23T10:00:00Z", "seqNo": 0}
        assert await station.call("NotifyReport", report) == {}
    query = '{ events(stream: "device/REPORT") { edges { node { data } } } }'
    (edge,) = (await server.ask(query))["events"]["edges"]
    assert edge["node"]["data"]["cause"]["payload"] == report


async def test_a_message_in_pieces_a_ping_and_a_huge_one(server: Server) -> None:
    async with Station(server.ocpp, "PIECES") as station:
        await station.boot()
        station.waiting["p"] = asyncio.get_running_loop().create_future()
        await station.socket.send(['[2,"p",', '"Heartbeat"', ",{}]"])
        assert (await asyncio.wait_for(station.waiting["p"], 5))[0] == 3
        await asyncio.wait_for(await station.socket.ping(), 5)
        with contextlib.suppress(ConnectionClosed):  # Bornier may hang up before all of it is sent
            await station.socket.send('[2,"h","DataTransfer",{"vendorId":"x","data":"' + "x" * 2_000_000 + '"}]')
        await asyncio.wait_for(station.socket.wait_closed(), 5)
        assert station.socket.close_code in (1006, 1009)


async def test_a_station_that_hangs_up_without_closing_is_disconnected(server: Server) -> None:
    async with Station(server.ocpp, "CABLE") as station:
        await station.boot()
        station.socket.transport.abort()
        await server.until(
            '{ station(id: "CABLE") { connected } }', lambda d: d["station"] and not d["station"]["connected"]
        )


def test_half_a_handshake_harms_nobody(server: Server) -> None:
    place = urlsplit(server.ocpp)
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=5) as raw:
        raw.sendall(b"GET /ocpp/CP HTTP/1.1\r\nHost: x\r\nUpgr")
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=5) as raw:
        raw.sendall(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
        assert raw.recv(100)[:12] in (b"HTTP/1.1 400", b"")
