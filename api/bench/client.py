"""One WebSocket of a station under test, by hand: opening, frames, closing. What is said is decided elsewhere."""

from __future__ import annotations

import asyncio
from typing import cast
from urllib.parse import urlsplit

from api.bench.frame import CLOSE, PING, PONG, TEXT, frame, handshake, split

NORMAL = (1000).to_bytes(2, "big")


class Client(asyncio.Protocol):
    """From connecting to the end. Says what happens by calling `opened`, `hear` and `gone`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.buffer = b""
        self.upgraded = False
        self.transport: asyncio.Transport

    async def connect(self, url: str, protocol: str, authorization: str | None = None) -> None:
        """Raises OSError when nobody listens there."""
        loop, place = asyncio.get_running_loop(), urlsplit(url)
        self.buffer, self.upgraded = b"", False
        await loop.create_connection(lambda: self, place.hostname or "127.0.0.1", place.port or 80)
        self.transport.write(handshake(place.netloc, f"{place.path}/{self.name}", protocol, authorization))

    def opened(self) -> None:
        """The server let the station in."""
        raise NotImplementedError

    def hear(self, text: bytes) -> None:
        """A whole message of the server."""
        raise NotImplementedError

    def gone(self, reason: str) -> None:
        """The connection has ended, or never was one."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone(f"the server hung up: {exc}")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.upgraded and not self.upgrade():
            return
        while (part := split(self.buffer)) is not None:
            opcode, payload, self.buffer = part
            if opcode == TEXT:
                self.hear(payload)
            elif opcode == PING:
                self.transport.write(frame(payload, PONG))
            elif opcode == CLOSE:
                self.gone(f"the server closed: {payload!r}")

    def upgrade(self) -> bool:
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        if not head.startswith(b"HTTP/1.1 101"):
            self.gone(head.split(b"\r\n")[0].decode(errors="replace"))
            return False
        self.buffer, self.upgraded = rest, True
        self.opened()
        return True

    def hang_up(self) -> None:
        """Close as the protocol wants it."""
        self.transport.write(frame(NORMAL, CLOSE))
        self.transport.close()
