"""Readers that do not read are given up; slow ones are not."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from api import patience
from api.bench.frame import handshake, split

UNREAD_S = 0.05


class Pipe(asyncio.Transport):
    """A transport whose other side reads only when told so."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.written, self.aborted = 100_000, b"", False

    def get_write_buffer_size(self) -> int:
        return self.left

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        return

    def is_closing(self) -> bool:
        return self.aborted

    def pause_reading(self) -> None:
        return


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


async def stuck(made: type[Any], pipe: Pipe) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await receive()

    config = Config(app, log_config=None)
    config.load()
    protocol = made(config, ServerState(), {})
    protocol.connection_made(pipe)
    return protocol


async def test_a_websocket_that_nobody_reads_is_closed_with_a_reason_and_then_torn(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(patience, "FAREWELL_S", 0.01)
    pipe = Pipe()
    protocol = await stuck(patience.protocols(listening, UNREAD_S)[1], pipe)
    protocol.data_received(handshake("x", "/", "p"))
    await asyncio.sleep(0.01)
    pipe.written = b""
    with caplog.at_level(logging.WARNING, "bornier.web"):
        protocol.pause_writing()
        await asyncio.sleep(3 * UNREAD_S)

    part = split(pipe.written)
    assert part is not None
    assert part[:2] == (0x88, (1008).to_bytes(2, "big") + b"nothing was read for 0.05 s")
    assert pipe.aborted
    assert "read nothing for 0.05 s: hung up" in caplog.text
    protocol.connection_lost(None)


async def test_an_answer_that_nobody_reads_is_torn(listening: socket.socket) -> None:
    pipe = Pipe()
    protocol = await stuck(patience.protocols(listening, UNREAD_S)[0], pipe)
    protocol.pause_writing()
    await asyncio.sleep(3 * UNREAD_S)

    assert pipe.aborted
    protocol.connection_lost(None)


async def test_who_reads_a_little_is_waited_for(listening: socket.socket) -> None:
    pipe = Pipe()
    protocol = await stuck(patience.protocols(listening, UNREAD_S)[0], pipe)
    protocol.pause_writing()
    for _ in range(6):
        await asyncio.sleep(UNREAD_S / 2)
        pipe.left -= 1

    assert not pipe.aborted
    protocol.resume_writing()
    await asyncio.sleep(2 * UNREAD_S)
    assert not pipe.aborted
    protocol.connection_lost(None)


def test_the_kernel_gives_up_what_is_left_after_an_answer(listening: socket.socket) -> None:
    patience.protocols(listening, 7)

    assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7_000
