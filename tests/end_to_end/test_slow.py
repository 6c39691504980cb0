"""Whoever does not read, or sends half of something, holds nobody else back, and is hung up in the end."""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self
from urllib.parse import urlsplit

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from api.bench.frame import PING, TEXT, frame, handshake
from api.patience import FAREWELL_S
from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server

UNREAD_S = 1
LONG_ENOUGH_S = 0.7
"""Until those who behave have said enough to judge by."""
ROOM_BYTES = 100_000_000
"""Nobody who reads nothing may cost more memory than this."""
QUICK_S = 1.0
EVERYTHING = "subscription { events { position stream data } }"
DISCONNECTED = """query ($stream: ID!) {
  events(stream: $stream, topics: ["station.disconnected.v1"]) { edges { node { data } } } }"""
VENDOR = {"vendorId": "x" * 200, "messageId": "y" * 40, "data": "z" * 60_000}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that loses patience soon, with a history of some 12 MB."""
    folder = tmp_path_factory.mktemp("slow")
    with Server(f"sqlite:///{folder}/bornier.db", BORNIER_UNREAD_S=str(UNREAD_S)) as running:
        asyncio.run(fill(running))
        yield running


async def fill(server: Server) -> None:
    async with Station(server.ocpp, "FULL") as station:
        await station.boot()
        for _ in range(200):
            await station.call("DataTransfer", VENDOR)


@asynccontextmanager
async def others(server: Server) -> AsyncIterator[None]:
    """Stations and readers who behave, beside somebody who does not: all are answered, quickly."""
    took: list[float] = []
    before, done = memory(server), asyncio.Event()

    async def talk(name: str) -> None:
        async with Station(server.ocpp, name) as station, httpx.AsyncClient() as client:
            await station.boot()
            while not done.is_set():
                began = time.perf_counter()
                await station.call("Heartbeat", {})
                (await client.get(f"{server.http}/health/ready")).raise_for_status()
                took.append(time.perf_counter() - began)
                await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(talk(f"GOOD{n}")) for n in range(3)]
    try:
        yield
    finally:
        done.set()
        await asyncio.gather(*tasks)
    assert len(took) > 20
    assert statistics.quantiles(took, n=20)[-1] < QUICK_S
    assert memory(server) - before < ROOM_BYTES


def memory(server: Server) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


class Peer:
    """A connection by hand with small buffers that are full soon; torn when the block ends."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self.place, self.host = (str(place.hostname), int(place.port or 0)), place.netloc
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, self.place)
        self.reader, self.writer = await asyncio.open_connection(sock=raw, limit=4096)
        return self

    async def __aexit__(self, *failure: object) -> None:
        self.writer.transport.abort()
        await asyncio.sleep(0)

    async def upgrade(self, path: str, protocol: str) -> None:
        self.writer.write(handshake(self.host, path, protocol))
        assert b" 101 " in await self.reader.readuntil(b"\r\n\r\n")

    async def subscribe(self) -> None:
        await self.upgrade("/graphql", "graphql-transport-ws")
        greeting = {"type": "connection_init", "payload": {"authorization": f"Bearer {TOKEN}"}}
        self.writer.write(frame(json.dumps(greeting).encode()))
        assert b"connection_ack" in await self.reader.readexactly(27)
        wish = {"type": "subscribe", "id": "1", "payload": {"query": EVERYTHING}}
        self.writer.write(frame(json.dumps(wish).encode()))

    async def torn(self) -> bool:
        """Does the connection break before all of it was sent?"""
        try:
            while await self.reader.read(65_536):
                pass
        except ConnectionResetError:
            return True
        return False


async def deaf_subscriber(server: Server) -> None:
    async with Peer(server.http) as peer:
        await peer.subscribe()
        await asyncio.sleep(UNREAD_S + FAREWELL_S + 1)
        assert await peer.torn()


async def deaf_download(server: Server) -> None:
    async with Peer(server.http) as peer:
        head = f"GET /api/events HTTP/1.1\r\nHost: {peer.host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        peer.writer.write(head.encode())
        await asyncio.sleep(UNREAD_S + FAREWELL_S + 1)
        assert await peer.torn()


async def deaf_station(server: Server) -> None:
    """It wants ever more answers and reads none: Bornier stops listening long before all of it is said."""
    async with Peer(server.ocpp) as peer:
        await peer.upgrade("/ocpp/DEAF", "ocpp1.6")
        with pytest.raises((TimeoutError, ConnectionError)):
            await flood(peer)
        assert await ended(server, "DEAF") == 1008


async def flood(peer: Peer) -> None:
    """Half a million pings, if somebody takes them."""
    async with asyncio.timeout(UNREAD_S):
        for _ in range(1_000):
            peer.writer.write(frame(b"p" * 125, PING) * 500)
            await peer.writer.drain()


async def ended(server: Server, station: str) -> int:
    """The code with which a station's connection was closed, as the history tells it."""
    found = await server.until(DISCONNECTED, lambda data: data["events"]["edges"], stream=f"station/{station}")
    return int(found["events"]["edges"][-1]["node"]["data"]["close_code"])


async def test_whoever_does_not_read_holds_nobody_back_and_is_hung_up(server: Server) -> None:
    async with others(server):
        await asyncio.gather(deaf_subscriber(server), deaf_download(server), deaf_station(server))


async def test_a_subscriber_that_reads_slowly_is_kept(server: Server) -> None:
    async with Peer(server.http) as peer:
        await peer.subscribe()
        until = time.monotonic() + 2 * UNREAD_S
        while time.monotonic() < until:
            assert await peer.reader.read(50_000)
            await asyncio.sleep(0.05)


async def test_half_a_message_waits_for_the_other_half_and_for_nobody_else(server: Server) -> None:
    whole = frame(json.dumps([2, "half", "DataTransfer", {"vendorId": "x", "data": "y" * 60_000}]).encode())
    async with others(server), AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(Peer(server.ocpp)) for _ in range(10)]
        for number, peer in enumerate(peers):
            await peer.upgrade(f"/ocpp/HALF{number}", "ocpp1.6")
            peer.writer.write(whole[:30_000])
        await asyncio.sleep(LONG_ENOUGH_S)
        for peer in peers:
            peer.writer.write(whole[30_000:])
            assert b'[3,"half"' in await peer.reader.read(1_000)


@pytest.mark.parametrize(
    ("station", "hostile"),
    [
        ("ENDLESS", bytes((TEXT, 0xFF)) + (2**40).to_bytes(8, "big") + bytes(4)),
        ("CRUMBS", frame(b"", 0x01) + frame(b"", 0x00) * 30_000),
    ],
    ids=["a frame of a terabyte", "thirty thousand empty pieces"],
)
async def test_a_message_without_end_is_cut_off(server: Server, station: str, hostile: bytes) -> None:
    async with others(server), Peer(server.ocpp) as peer:
        await peer.upgrade(f"/ocpp/{station}", "ocpp1.6")
        peer.writer.write(hostile)
        assert await ended(server, station) == 1009
        await asyncio.sleep(LONG_ENOUGH_S)
