"""The API as a client meets it: a real server, real rows, a real WebSocket."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from migrations.migrate import upgrade
from tests.end_to_end.client import Station
from tests.end_to_end.server import ROOT, TOKEN, Server
from tests.history import busy_day

VIEWER = "token-of-a-viewer-12"
HOOKS = {"SCHEMATHESIS_HOOKS": "tests.api.scalar", "PYTHONPATH": str(ROOT)}
HEAD = "{ events(first: 1) { position } }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    database = f"sqlite:///{tmp_path_factory.mktemp('live')}/bornier.db"
    upgrade(database)
    busy_day().save(database)
    limits = {"BORNIER_REQUESTS_PER_MINUTE": "1000000", "BORNIER_ADDRESS_REQUESTS_PER_MINUTE": "1000000"}
    with Server(database, BORNIER_TOKENS=f"vera:viewer:{VIEWER}", **limits) as running:
        yield running


async def post(server: Server, query: str, token: str | None = TOKEN, **variables: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient() as client:
        body = json.dumps({"query": query, "variables": variables})
        return await client.post(
            f"{server.http}/graphql", content=body, headers={"Content-Type": "application/json"} | headers
        )


async def fails(server: Server, query: str, code: str, token: str = TOKEN) -> str:
    """The message of the error that a query ends with."""
    answer = (await post(server, query, token)).json()
    assert answer["errors"][0]["extensions"]["code"] == code, answer
    return str(answer["errors"][0]["message"])


@asynccontextmanager
async def following(server: Server, token: str | None = TOKEN) -> AsyncIterator[ClientConnection]:
    address = server.http.replace("http", "ws", 1)
    async with connect(f"{address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        payload = {"authorization": f"Bearer {token}"} if token else {}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        yield socket


async def subscribe(socket: ClientConnection, query: str, number: str = "1") -> None:
    await socket.send(json.dumps({"id": number, "type": "subscribe", "payload": {"query": query}}))


async def following_events(socket: ClientConnection, count: int) -> list[Any]:
    found: list[Any] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            message = json.loads(await socket.recv())
            if message["type"] == "next":
                assert "errors" not in message["payload"], message
                (value,) = message["payload"]["data"].values()
                found.append(value)
    return found


async def test_without_a_token_there_is_401_and_no_data(server: Server) -> None:
    response = await post(server, "{ me { name } }", None)
    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_viewer_may_read_but_neither_command_nor_audit(server: Server) -> None:
    assert (await server.ask("{ me { name roles } }", VIEWER))["me"] == {"name": "vera", "roles": ["viewer"]}
    await fails(server, 'mutation { reset(input: {stationId: "OLD"}) { id } }', "FORBIDDEN", VIEWER)
    await fails(server, "{ events { totalCount } }", "FORBIDDEN", VIEWER)


async def test_a_page_of_stations_follows_the_one_before(server: Server) -> None:
    query = """query ($after: String) { stations(first: 1, after: $after) { totalCount
      edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }"""
    first = (await server.ask(query))["stations"]
    second = (await server.ask(query, after=first["pageInfo"]["endCursor"]))["stations"]
    assert first["totalCount"] >= 2
    assert first["pageInfo"]["hasNextPage"]
    assert first["edges"][0]["node"]["id"] < second["edges"][0]["node"]["id"]


async def test_the_past_is_shown_as_the_history_knew_it_then(server: Server) -> None:
    query = """query ($at: DateTime!) { station(id: "OLD", asOf: $at) { connected vendor connectors { status } } }"""
    assert (await server.ask(query, at="2026-11-23T09:00:00Z"))["station"] is None
    early = (await server.ask(query, at="2026-11-23T11:00:04Z"))["station"]
    assert (early["vendor"], early["connectors"]) == ("V", [{"status": "PREPARING"}])
    late = (await server.ask(query, at="2026-11-24T10:00:00Z"))["station"]
    assert late["connectors"] == [{"status": "AVAILABLE"}] * 2


async def test_a_transaction_of_the_past_is_open_and_has_the_readings_of_then(server: Server) -> None:
    rows = await server.until(
        '{ transactions(badge: "B1") { edges { node { id } } } }', lambda d: d["transactions"]["edges"]
    )
    query = """query ($id: ID!, $at: DateTime) { transaction(id: $id, asOf: $at) {
      endedAt energyWh readings { totalCount edges { node { registerWh } } } } }"""
    known = rows["transactions"]["edges"][0]["node"]["id"]
    then = (await server.ask(query, id=known, at="2026-11-23T11:00:06Z"))["transaction"]
    assert (then["endedAt"], then["energyWh"], then["readings"]["totalCount"]) == (None, 500.0, 1)
    now = (await server.ask(query, id=known))["transaction"]
    assert (now["energyWh"], now["readings"]["totalCount"]) == (1000.0, 3)


@pytest.mark.parametrize(
    "query",
    [
        "{ stations(first: 0) { totalCount } }",
        "{ stations(first: 501) { totalCount } }",
        '{ stations(after: "nonsense") { totalCount } }',
        '{ transactions(after: "WzFd") { totalCount } }',
        '{ transactions(from: "yesterday") { totalCount } }',
        "{ events(after: -1) { totalCount } }",
        "{ nothing }",
        "{ stations(first: 500) { edges { node { transactions(first: 500) { totalCount } } } } }",
    ],
)
async def test_bad_input_is_named(server: Server, query: str) -> None:
    await fails(server, query, "BAD_USER_INPUT")


async def test_hostile_text_finds_nothing_and_breaks_nothing(server: Server) -> None:
    for text in ("\0", "%", "'; drop table station; --", "x" * 100_000, "\ud83d"):
        response = await post(server, "query ($s: String) { stations(search: $s) { totalCount } }", s=text)
        assert response.status_code == 200
        assert response.json().get("errors", [{}])[0].get("extensions", {}).get("code") != "INTERNAL", repr(text[:20])


async def test_a_query_that_is_too_deep_or_too_wide_is_refused(server: Server) -> None:
    deep = "{ stations { edges { node { transactions { edges { node { readings { edges { node { at } } } } } } } } } }"
    assert "errors" not in (await post(server, deep)).json()
    wide = "{ " + " ".join(f"a{n}: me {{ name }}" for n in range(40)) + " }"
    await fails(server, wide, "BAD_USER_INPUT")
    assert (await post(server, " " * 2_000_000 + "{ me { name } }")).status_code == 413


async def test_a_command_for_an_unknown_station_is_rejected_with_a_reason_and_kept(server: Server) -> None:
    asked = (await server.ask('mutation { reset(input: {stationId: "NOWHERE"}) { id status error } }'))["reset"]
    assert (asked["status"], asked["error"]) == ("REJECTED", "there is no station NOWHERE")
    query = "query ($id: ID!) { command(id: $id) { status error } }"
    kept = await server.until(query, lambda d: d["command"], id=asked["id"])
    assert kept["command"]["status"] == "REJECTED"


async def test_events_replay_from_a_position_and_then_follow(server: Server) -> None:
    head = (await server.ask(HEAD))["events"]["position"]
    async with following(server) as socket:
        await subscribe(socket, f"subscription {{ events(after: {head - 5}) {{ position topic }} }}")
        old = await following_events(socket, 5)
        assert [event["position"] for event in old] == list(range(head - 4, head + 1))
        async with Station(server.ocpp, "LIVE") as station:
            await station.boot()
        new = await following_events(socket, 3)
    assert [event["topic"] for event in new] == [
        "station.connected.v1", "station.booted.v1", "station.disconnected.v1",
    ]  # fmt: skip


async def test_a_follower_that_comes_back_misses_nothing_and_sees_nothing_twice(server: Server) -> None:
    start = (await server.ask(HEAD))["events"]["position"]
    async with Station(server.ocpp, "BACK") as station:
        await station.boot()
        seen: list[int] = []
        for _ in range(4):
            async with following(server) as socket:
                last = seen[-1] if seen else start
                await subscribe(
                    socket, f'subscription {{ events(after: {last}, stream: "station/BACK") {{ position }} }}'
                )
                await station.call("Heartbeat", {})
                seen += [event["position"] for event in await following_events(socket, 1)]
        for _ in range(3):
            await station.call("Heartbeat", {})
    query = f'{{ events(after: {start}, stream: "station/BACK", first: 500) {{ edges {{ node {{ position }} }} }} }}'
    rows = (await server.ask(query))["events"]["edges"]
    assert seen == [row["node"]["position"] for row in rows][: len(seen)]


async def test_a_changed_station_is_told_with_the_change_in_it(server: Server) -> None:
    async with following(server) as socket, Station(server.ocpp, "CHANGED") as station:
        await station.boot()
        position = (await server.ask(HEAD))["events"]["position"]
        query = f'stationChanged(id: "CHANGED", after: {position}) {{ id position connectors {{ status }} }}'
        await subscribe(socket, f"subscription {{ {query} }}")
        await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Faulted"})
        (told,) = await following_events(socket, 1)
    assert told["connectors"] == [{"status": "FAULTED"}]
    assert told["position"] > position


async def test_a_follower_without_a_token_is_shown_the_door(server: Server) -> None:
    with pytest.raises(ConnectionClosed):
        async with following(server, "wrong"):
            raise AssertionError("it was let in")


async def test_a_browser_trades_its_token_for_a_cookie(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http) as client:
        refused = await client.post("/api/session", headers={"Origin": "http://evil.example", "Authorization": "x"})
        assert refused.status_code == 403
        begun = await client.post("/api/session", headers={"Authorization": f"Bearer {TOKEN}", "Origin": server.http})
        assert begun.status_code == 201
        cookie = begun.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        asked = await client.post("/graphql", json={"query": "{ me { name } }"})
        assert asked.json()["data"]["me"]["name"] == "admin"
        await client.delete("/api/session")
        assert (await client.post("/graphql", json={"query": "{ me { name } }"})).status_code == 401


async def test_graphiql_is_a_page_for_browsers(server: Server) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{server.http}/graphql", headers={"Accept": "text/html"})
    assert response.status_code == 200
    assert "graphiql" in response.text.lower()


async def test_probes_and_figures_need_no_token(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http) as client:
        assert (await client.get("/health/live")).status_code == 200
        ready = (await client.get("/health/ready")).json()
        assert (ready["status"], ready["unwell"]) == ("ready", {})
        assert ready["ocpp"][0].startswith("ws://127.0.0.1:")
        figures = (await client.get("/metrics")).text
    for name in ("bornier_projection_lag_events", "bornier_journal_queue_events", "bornier_ocpp_calls_total"):
        assert name in figures


async def test_the_history_is_exported_line_by_line(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        lines = (await client.get("/api/events", params={"stream": "station/OLD"})).text.splitlines()
        assert [json.loads(text)["version"] for text in lines] == list(range(1, len(lines) + 1))
        assert (await client.get("/api/events", params={"after": "x"})).status_code == 400


@pytest.mark.parametrize(
    ("path", "seconds"), [("graphql", "12"), ("api/openapi.json", "8")], ids=["graphql", "openapi"]
)
def test_no_generated_request_breaks_the_server(server: Server, path: str, seconds: str, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.http}/{path}",
        "--checks", "not_a_server_error", "--max-time", seconds, "--max-examples", "20", "--seed", "1",
        "--header", f"Authorization: Bearer {TOKEN}", "--no-color", "--generation-database", "none",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=100, cwd=tmp_path, env=os.environ | HOOKS, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
