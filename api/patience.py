"""Patience with readers: whoever reads nothing of what it asked for must not hold memory, a task and a socket for ever.

uvicorn stops producing while a reader is slow, and then waits without limit; these protocols wait for so long only.
"""

from __future__ import annotations

import asyncio
import logging
import socket

from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

log = logging.getLogger("bornier.web")

FAREWELL_S = 1.0
"""So long a WebSocket may take to read why it is closed."""


def protocols(listening: socket.socket, unread_s: float) -> tuple[type[asyncio.Protocol], type[asyncio.Protocol]]:
    """HTTP and WebSocket for uvicorn. What is left after an answer is complete, the kernel gives up where it can."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(unread_s * 1000))
    return type("Http", (Http,), {"unread_s": unread_s}), type("WebSocket", (WebSocket,), {"unread_s": unread_s})


class Patient(asyncio.Protocol):
    """A slow reader is fine; one that reads nothing for so long is lost."""

    unread_s: float
    transport: asyncio.Transport
    timer: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self.wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self.rest()
        super().connection_lost(exc)

    def wait(self) -> None:
        left = self.transport.get_write_buffer_size()
        self.timer = asyncio.get_running_loop().call_later(self.unread_s, self.look, left)

    def rest(self) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def look(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self.wait()
        else:
            log.warning("%s read nothing for %g s: hung up", self.transport.get_extra_info("peername"), self.unread_s)
            self.lose()

    def lose(self) -> None:
        self.transport.abort()


class Http(Patient, AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """An answer that nobody reads breaks off."""


class WebSocket(Patient, WebSocketsSansIOProtocol):
    """A subscriber that does not read is told so (1008), and gone a moment later."""

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(FAREWELL_S, self.transport.abort)

    def lose(self) -> None:
        if not self.close_sent:
            self.close_sent = True
            self.conn.send_close(1008, f"nothing was read for {self.unread_s:g} s")
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.loop.call_later(FAREWELL_S, self.transport.abort)
