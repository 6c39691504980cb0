"""A CSMS by hand for simulated stations: it holds their words against the schema, and asks what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from adapters.ocpp import schema
from adapters.simulator.station import Station
from tests.adapters.ocpp.corpus import grown, schemas

Payload = dict[str, Any]
NOW = "2026-11-24T12:00:00Z"


class Desk:
    """`calls`: what the station said, in order. `faults`: what was not as the schema wants it."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.calls: list[tuple[str, Payload]] = []
        self.sends: list[tuple[str, Payload]] = []
        self.faults: list[str] = []
        self.answers: dict[str, Payload] = {
            "BootNotification": {"status": "Accepted", "currentTime": NOW, "interval": 300},
            "StartTransaction": {"transactionId": 77, "idTagInfo": {"status": "Accepted"}},
        }
        self.waiting: dict[str, asyncio.Future[list[Any]]] = {}
        self.authorizations: list[str | None] = []
        self.socket: ServerConnection | None = None
        self.server: Server

    async def __aenter__(self) -> Self:
        protocol = Subprotocol(f"ocpp{self.version}")
        self.server = await serve(self.serve, "127.0.0.1", 0, subprotocols=[protocol], compression=None)
        self.url = f"ws://127.0.0.1:{next(iter(self.server.sockets)).getsockname()[1]}/ocpp"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def serve(self, socket: ServerConnection) -> None:
        self.socket = socket
        assert socket.request is not None
        self.authorizations.append(socket.request.headers.get("Authorization"))
        try:
            async for text in socket:
                message = json.loads(text)
                if message[0] == 2:
                    await socket.send(json.dumps([3, message[1], self.answer(message[2], message[3])]))
                elif message[0] == 6:
                    self.check(message[2], "request", message[3])
                    self.sends.append((message[2], message[3]))
                else:
                    self.waiting.pop(message[1]).set_result(message)
        except ConnectionClosed:
            pass

    def answer(self, action: str, payload: Payload) -> Payload:
        self.check(action, "request", payload)
        self.calls.append((action, payload))
        return self.answers.get(action) or smallest(self.version, action)

    def check(self, action: str, kind: schema.Kind, payload: Payload) -> None:
        violation = schema.violation(self.version, action, kind, payload)
        if violation is not None:
            self.faults.append(f"{action} {kind}: {violation.message}")

    async def ask(self, action: str, payload: Payload | None = None) -> Payload:
        """One command; the answer is valid, or this fails."""
        self.check(action, "request", payload or {})
        message_id = uuid4().hex
        future = self.waiting[message_id] = asyncio.get_running_loop().create_future()
        assert self.socket is not None
        await self.socket.send(json.dumps([2, message_id, action, payload or {}]))
        async with asyncio.timeout(10):
            message = await future
        assert message[0] == 3, message
        answer: Payload = message[2]
        self.check(action, "response", answer)
        assert self.faults == []
        return answer

    def said(self, action: str) -> list[Payload]:
        return [payload for name, payload in self.calls if name == action]

    async def hears(self, action: str, fits: Callable[[Payload], Any] = lambda payload: True) -> Payload:
        """Wait until the station says something that fits."""
        await until(lambda: any(fits(payload) for payload in self.said(action)))
        assert self.faults == []
        return next(payload for payload in self.said(action) if fits(payload))


def smallest(version: str, action: str) -> Payload:
    """The smallest valid answer."""
    known = schemas(version)
    root = known[f"{action}Response"]
    answer: Payload = grown(root, root, full=False)
    return answer


async def until(wanted: Callable[[], Any]) -> None:
    for _ in range(3_000):
        if wanted():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


@asynccontextmanager
async def at_desk(version: str, **more: Any) -> AsyncIterator[tuple[Desk, Station]]:
    """A station that lives its own life at a desk; no car comes by itself."""
    async with Desk(version) as desk:
        station = Station(desk.url, "S1", version, meter_s=0.05, **({"pause_s": 600.0} | more))
        stop = asyncio.Event()
        life = asyncio.create_task(station.live(stop))
        try:
            await until(lambda: desk.said("StatusNotification"))
            yield desk, station
        finally:
            stop.set()
            async with asyncio.timeout(10):
                await life
        assert desk.faults == []


async def charging(desk: Desk, station: Station, badge: str = "B1") -> int | str:
    """A car is charging; the transaction as the CSMS calls it."""
    assert station.wish(badge, None)
    await until(lambda: station.charge is not None and not station.unsent and station.shown == occupied(desk))
    assert station.charge is not None
    return station.charge.local_id if station.charge.known_id is None else station.charge.known_id


def occupied(desk: Desk) -> str:
    return "Charging" if desk.version == "1.6" else "Occupied"
