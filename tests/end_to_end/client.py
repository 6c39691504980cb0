"""A station by hand: a WebSocket, calls with ids, answers to commands."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

Answer = dict[str, Any]
PATIENCE_S = 30


class Station:
    """Speaks any version; `commands` maps an action to its answer, or to a function that makes one."""

    def __init__(
        self,
        url: str,
        station_id: str,
        version: str = "1.6",
        password: str | bytes | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.tls = tls
        self.url, self.station_id, self.version = url, station_id, version
        self.headers = {}
        if password is not None:
            text = password.encode() if isinstance(password, str) else password
            pair = base64.b64encode(station_id.encode() + b":" + text).decode()
            self.headers["Authorization"] = f"Basic {pair}"
        self.numbers = itertools.count(1)
        self.waiting: dict[str, asyncio.Future[list[Any]]] = {}
        self.commands: dict[str, Answer | Callable[[Answer], Answer] | None] = {}
        self.heard: list[list[Any]] = []
        self.socket: ClientConnection
        self.listener: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self.socket = await connect(
            f"{self.url}/{self.station_id}",
            subprotocols=[Subprotocol(f"ocpp{self.version}")],
            additional_headers=self.headers,
            compression=None,
            ssl=self.tls,
            server_hostname="localhost" if self.tls else None,
        )
        self.listener = asyncio.create_task(self.listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.socket.close()
        self.listener.cancel()
        await asyncio.gather(self.listener, return_exceptions=True)

    async def listen(self) -> None:
        async for text in self.socket:
            message = json.loads(text)
            if message[0] == 2:
                self.heard.append(message)
                await self.reply(message)
            elif message[1] in self.waiting:
                self.waiting.pop(message[1]).set_result(message)

    async def reply(self, message: list[Any]) -> None:
        answer = self.commands.get(message[2], {"status": "Accepted"})
        if answer is None:
            return
        if callable(answer):
            answer = answer(message[3])
        if "error" in answer:
            await self.socket.send(json.dumps([4, message[1], answer["error"], "no", {}]))
        else:
            await self.socket.send(json.dumps([3, message[1], answer]))

    async def frame(self, action: str, payload: Answer, message_id: str | None = None) -> list[Any]:
        """The whole answer to a call."""
        message_id = message_id or f"{self.station_id}-{next(self.numbers)}"
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self.waiting[message_id] = future
        await self.socket.send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(PATIENCE_S):  # unlike wait_for, never swallows a cancellation
            return await future

    async def call(self, action: str, payload: Answer, message_id: str | None = None) -> Answer:
        """The payload of a good answer."""
        message = await self.frame(action, payload, message_id)
        assert message[0] == 3, message
        result: Answer = message[2]
        return result

    async def send_unanswered(self, action: str, payload: Answer) -> None:
        """A SEND (OCPP 2.1)."""
        await self.socket.send(json.dumps([6, f"{self.station_id}-{next(self.numbers)}", action, payload]))

    async def boot(self) -> Answer:
        if self.version == "1.6":
            return await self.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        return await self.call(
            "BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
        )
