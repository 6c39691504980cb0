"""The station's end of the WebSocket: one CALL at a time, and answers to what the CSMS asks."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

Payload = dict[str, Any]
Hear = Callable[[str, Payload], Payload]
PATIENCE_S = 30.0


class LinkDown(Exception):
    """The connection is gone, or the CSMS does not answer."""


class Refused(Exception):
    """The CSMS answered with an error, or this station cannot do what it was asked."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Link:
    """A connection of one station; `hear` answers the CSMS, and what it puts into `after` is done after the answer."""

    def __init__(self, url: str, identity: str, protocol: str, password: str | None, hear: Hear) -> None:
        self.url = address(url, identity)
        self.protocol = Subprotocol(protocol)
        self.hear = hear
        self.identity = identity
        self.dropped: Callable[[], None] = lambda: None
        self.hearing = False
        self.after: list[Callable[[], Awaitable[Any]]] = []
        self.headers = authorization(identity, password)
        self.turn = asyncio.Lock()
        self.waiting: dict[str, asyncio.Future[Payload]] = {}
        self.socket: ClientConnection | None = None
        self.listener: asyncio.Task[None] | None = None
        self.settling: list[asyncio.Task[None]] = []
        self.calls = self.answers = self.errors = 0

    @property
    def up(self) -> bool:
        return self.socket is not None

    def trust(self, password: bytes) -> None:
        """From the next connection on, this is the password."""
        self.headers = authorization(self.identity, password)

    async def open(self) -> None:
        self.socket = await connect(
            self.url, subprotocols=[self.protocol], additional_headers=self.headers, compression=None, open_timeout=20
        )
        if self.socket.subprotocol != self.protocol:
            await self.close()
            raise LinkDown("the CSMS does not speak this version")
        self.listener = asyncio.create_task(self.listen(self.socket))

    async def close(self) -> None:
        """Cut the connection; whoever waits for an answer learns it at once."""
        socket, self.socket = self.socket, None
        if socket is not None:
            await socket.close()
        if self.listener is not None and self.listener is not asyncio.current_task():
            self.listener.cancel()
        self.forget()

    def forget(self) -> None:
        self.dropped()
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(LinkDown("the connection broke"))
        self.waiting.clear()

    async def call(self, action: str, payload: Payload) -> Payload:
        """Ask and wait. Raises LinkDown, or Refused when the CSMS answers with an error."""
        async with self.turn:
            if self.socket is None:
                raise LinkDown("not connected")
            message_id = str(uuid4())
            future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
            self.waiting[message_id] = future
            try:
                await self.socket.send(json.dumps([2, message_id, action, payload], separators=(",", ":")))
                self.calls += 1
                async with asyncio.timeout(PATIENCE_S):
                    answer = await future
            except (ConnectionClosed, TimeoutError) as error:
                raise LinkDown(str(error)) from error
            finally:
                self.waiting.pop(message_id, None)
            self.answers += 1
            return answer

    async def tell(self, action: str, payload: Payload) -> None:
        """Send what nobody answers (OCPP 2.1 SEND)."""
        if self.socket is None:
            raise LinkDown("not connected")
        await self.socket.send(json.dumps([6, str(uuid4()), action, payload], separators=(",", ":")))

    async def listen(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                await self.on_message(socket, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            if self.socket is socket:
                self.socket = None
                self.forget()

    async def on_message(self, socket: ClientConnection, message: list[Any]) -> None:
        kind, message_id = message[0], message[1]
        if kind == 2:
            self.hearing = True
            reply = self.reply(message_id, message[2], message[3])
            self.hearing = False
            await socket.send(json.dumps(reply, separators=(",", ":")))
            after, self.after = self.after, []
            self.settling = [asyncio.get_running_loop().create_task(settle(work)) for work in after]
        elif message_id in self.waiting and not self.waiting[message_id].done():
            if kind == 3:
                self.waiting[message_id].set_result(message[2])
            else:
                self.errors += 1
                self.waiting[message_id].set_exception(Refused(str(message[2])))

    def reply(self, message_id: str, action: str, payload: Payload) -> list[Any]:
        try:
            return [3, message_id, self.hear(action, payload)]
        except Refused as refused:
            return [4, message_id, refused.code, "", {}]


def address(url: str, identity: str) -> str:
    """Where a station connects (OCPP-J 3.1.1)."""
    return f"{url.rstrip('/')}/{quote(identity, safe='')}"


def authorization(identity: str, password: str | bytes | None) -> dict[str, str]:
    """The header of HTTP Basic authentication, if there is a password."""
    if password is None:
        return {}
    secret = password.encode() if isinstance(password, str) else password
    pair = base64.b64encode(identity.encode() + b":" + secret).decode()
    return {"Authorization": f"Basic {pair}"}


async def settle(work: Callable[[], Awaitable[Any]]) -> None:
    """Do something after an answer; a connection that breaks meanwhile is the next step's business."""
    try:
        await work()
    except (LinkDown, Refused, OSError):
        return
