"""The web side under bad manners: broken requests, foreign pages, endless messages, followers that do not read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest
from starlette.routing import Route
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from api.access import Principal
from api.doorman import Doorman, Stranger
from api.rest.description import OPENAPI
from api.settings import Settings
from api.web import routes
from migrations.migrate import upgrade
from tests.end_to_end.client import Station
from tests.end_to_end.server import ROOT, TOKEN, Server

VIEWER = "token-of-a-viewer-12"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}
ASK_ME = json.dumps({"query": "{ me { name } }"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    database = f"sqlite:///{tmp_path_factory.mktemp('web')}/bornier.db"
    upgrade(database)
    with Server(database, BORNIER_TOKENS=f"vera:viewer:{VIEWER}") as running:
        yield running


@asynccontextmanager
async def line(server: Server, token: str | None = TOKEN, **more: Any) -> AsyncIterator[ClientConnection]:
    """A WebSocket whose first message is sent; the answer is still to be read."""
    address = server.http.replace("http", "ws", 1)
    async with connect(f"{address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")], **more) as socket:
        payload = {"authorization": f"Bearer {token}"} if token else {}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        yield socket


async def closed(socket: ClientConnection) -> int:
    """The code that the server closes with."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionClosed):
            async for _ in socket:
                pass
    assert socket.close_code is not None
    return socket.close_code


async def session(server: Server, client: httpx.AsyncClient) -> str:
    begun = await client.post("/api/session", headers=BEARER)
    return begun.headers["set-cookie"].split(";")[0]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b'{"query": 1}', b'{"query": "{me{name}}", "variables": []}', b"\xff\xfe",
     b'{"query": "{me{name}}", "variables": {"a": ' + b"9" * 5_000 + b"}}", b"[" * 100_000],
    ids=["empty", "cut", "list", "text", "number", "variables", "no UTF-8", "endless number", "endless nesting"],
)  # fmt: skip
async def test_a_broken_request_is_answered_in_json(server: Server, body: bytes) -> None:
    async with httpx.AsyncClient(base_url=server.http) as client:
        response = await client.post("/graphql", content=body, headers=BEARER | JSON)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_broken_address_is_answered_in_json(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http, headers=BEARER) as client:
        for asked in (
            {"query": "{"},
            {"query": "{me{name}}", "variables": "["},
            {"query": "{me{name}}", "variables": "9"},
        ):
            response = await client.get("/graphql", params=asked)
            assert response.status_code in (200, 400)
            assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_errors_of_the_rest_side_are_problem_details(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http) as client:
        answers = [
            await client.get("/nowhere"),
            await client.post("/api/events"),
            await client.get("/api/events"),
            await client.get("/api/events", headers={"Authorization": f"Bearer {VIEWER}"}),
            await client.get("/api/events", params={"stream": "\0"}, headers=BEARER),
        ]
    assert [answer.status_code for answer in answers] == [404, 405, 401, 403, 400]
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.json()["status"] == answer.status_code


async def test_a_page_of_another_origin_has_no_session_even_with_the_cookie(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http) as client:
        cookie = {"Cookie": await session(server, client)}
        client.cookies.clear()
        for origin, status in (("http://127.0.0.1:1", 401), ("null", 401), (server.http, 200)):
            sent = await client.post("/graphql", content=ASK_ME, headers=cookie | JSON | {"Origin": origin})
            assert sent.status_code == status
    with pytest.raises(InvalidStatus):
        async with line(server, None, additional_headers=cookie, origin=Origin("http://127.0.0.1:1")):
            raise AssertionError("it was let in")
    async with line(server, None, additional_headers=cookie, origin=Origin(server.http)) as socket:
        assert json.loads(await socket.recv())["type"] == "connection_ack"


async def test_a_session_ends_after_its_time_and_is_forgotten() -> None:
    now = 0.0
    doorman = Doorman(Settings(admin_token="secret"), clock=lambda: now)
    anna = Principal("anna", frozenset({"viewer"}))
    cookies = {Doorman.COOKIE: doorman.admit(anna)}
    now = Doorman.SESSION_S - 1.0
    assert await doorman.recognise({}, cookies) == anna
    now = Doorman.SESSION_S + 1.0
    with pytest.raises(Stranger):
        await doorman.recognise({}, cookies)
    doorman.admit(anna)
    assert len(doorman.sessions) == 1


@pytest.mark.parametrize(
    "message",
    ["[1]", "{}", "x", '{"type": 1}', '{"type": "complete", "id": []}', '{"type": "subscribe", "id": "1"}',
     '{"type": "subscribe", "id": "1", "payload": {"query": "{me{name}}", "variables": [1]}}', "[" * 50_000],
)  # fmt: skip
async def test_what_is_no_message_of_the_protocol_closes_the_line(server: Server, message: str) -> None:
    async with line(server) as socket:
        await socket.send(message)
        assert await closed(socket) == 4400


async def test_a_follower_is_told_why_it_is_not_let_in(server: Server) -> None:
    for token in (None, "wrong"):
        async with line(server, token) as socket:
            assert await closed(socket) == 4403


async def test_a_message_that_is_too_long_closes_the_line(server: Server) -> None:
    async with line(server) as socket:
        query = "{ me { name } }" + " " * 1_100_000
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
        assert await closed(socket) == 1009


async def test_a_viewer_who_follows_the_history_is_refused_once(server: Server) -> None:
    async with line(server, VIEWER) as socket, asyncio.timeout(10):
        await socket.recv()
        query = "subscription { events { position } }"
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
        message = json.loads(await socket.recv())
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")


async def test_a_follower_that_does_not_read_holds_up_nobody_and_no_memory(server: Server) -> None:
    async with Station(server.ocpp, "BUSY") as station:
        await station.boot()
        for _ in range(400):
            await station.call("Heartbeat", {})
        process = psutil.Process(server.process.pid)
        async with line(server, max_queue=1) as lazy:
            query = "subscription { events { position topic data } }"
            for number in range(60):
                message = {"type": "subscribe", "id": str(number), "payload": {"query": query}}
                await lazy.send(json.dumps(message))
            await asyncio.sleep(1)
            before = process.memory_info().rss
            for _ in range(300):
                await station.call("Heartbeat", {})
            async with line(server) as eager:
                await eager.recv()
                await eager.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
                async with asyncio.timeout(20):
                    while json.loads(await eager.recv())["payload"]["data"]["events"]["position"] < 700:
                        pass
            assert process.memory_info().rss - before < 60_000_000
            assert (await server.ask("{ me { name } }"))["me"]["name"] == "admin"


METHODS = {"get", "put", "post", "delete", "patch"}


def test_every_address_is_described_with_its_methods() -> None:
    described = {(path, method.upper()) for path, item in OPENAPI["paths"].items() for method in METHODS & item.keys()}
    real = {
        (route.path, method)
        for route in routes()
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert described == real


@pytest.mark.parametrize(
    ("name", "value"), [("BORNIER_TOKENS", "anna:king:0123456789abcdef"), ("BORNIER_ADMIN_TOKEN", " ")]
)
def test_a_token_that_cannot_be_used_ends_the_start_with_one_clear_line(name: str, value: str, sqlite: str) -> None:
    command = [sys.executable, "-m", "api.cli", "run", "--database", sqlite, "--ocpp-port", "0", "--http-port", "0"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {name: value}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert name in done.stderr
    assert "Traceback" not in done.stderr
