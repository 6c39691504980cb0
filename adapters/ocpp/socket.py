"""The WebSocket of one station: bytes in, texts out. No message is understood here.

The text frames of a well-behaved station are taken from the buffer by hand; everything else goes through `websockets`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from adapters.ocpp import wire

if TYPE_CHECKING:
    from adapters.ocpp.front import Front

PIECE_BYTES = 64
"""What a piece of a message weighs besides its text, so that the number of pieces is bounded, too."""


class Socket(asyncio.Protocol):
    """From the TCP connection to its end. Reads are never awaited."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.protocol = ServerProtocol(max_size=front.max_frame_bytes)
        self.buffer = b""
        self.fragments: list[bytes] = []
        self.weight = 0
        self.transport: asyncio.Transport
        self.heard_at = front.loop.time()
        self.lost: str | None = None
        self.close_code: int | None = None
        self.stuck: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        return self.protocol.state is OPEN

    def knock(self, request: Request) -> None:
        """Somebody asks to come in."""
        raise NotImplementedError

    def hear(self, text: bytes) -> None:
        """A whole text arrived."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.heard_at = self.front.loop.time()
        if self.protocol.state is not OPEN:
            self.feed(data)
            return
        self.front.mind(self)
        self.buffer = self.buffer + data if self.buffer else data
        self.read_frames()

    def read_frames(self) -> None:
        """Take whole frames out of the buffer; a frame that is too long is refused by its header."""
        buffer, at = self.buffer, 0
        while (size := wire.length(buffer, at)) is not None:
            if size > self.front.max_frame_bytes + 14:
                self.buffer = b""
                self.feed(buffer[at : at + 14])
                return
            if len(buffer) - at < size:
                break
            whole = buffer[at : at + size] if at or size < len(buffer) else buffer
            at += size
            text = None if self.fragments else wire.text(whole)
            if text is None:
                self.feed(whole)
            else:
                self.hear(text)
        self.buffer = buffer[at:] if at else buffer

    def feed(self, data: bytes) -> None:
        """Everything that is not a plain text frame: handshake, fragments, pings, closing."""
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                self.knock(event)
            elif isinstance(event, Frame):
                self.on_frame(event)
        self.flush()

    def on_frame(self, piece: Frame) -> None:
        if piece.opcode in (Opcode.TEXT, Opcode.CONT, Opcode.BINARY):
            self.fragments.append(bytes(piece.data))
            self.weight += len(piece.data) + PIECE_BYTES
            if self.weight > self.front.max_frame_bytes + PIECE_BYTES:
                self.protocol.fail(1009, "message too big")
            elif piece.fin:
                whole, self.fragments, self.weight = b"".join(self.fragments), [], 0
                self.hear(whole)
        elif piece.opcode is Opcode.CLOSE and self.protocol.close_rcvd is not None:
            code = int(self.protocol.close_rcvd.code)
            self.close_code = self.close_code or code
            self.lost = self.lost or f"the station closed with code {code}"

    def flush(self) -> None:
        ended = self.protocol.close_sent
        if ended is not None and self.close_code is None:
            self.close_code, self.lost = int(ended.code), self.lost or ended.reason
        for data in self.protocol.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.close()

    def pause_writing(self) -> None:
        """The station does not read what it is sent: nothing more is heard of it until it does, and not for ever."""
        self.transport.pause_reading()
        self.be_patient()

    def resume_writing(self) -> None:
        if self.stuck is not None:
            self.stuck.cancel()
            self.stuck = None
        self.front.go_on(self)

    def be_patient(self) -> None:
        left = self.transport.get_write_buffer_size()
        self.stuck = self.front.loop.call_later(self.front.unread_s, self.lose_patience, left)

    def lose_patience(self, before: int) -> None:
        """A slow reader is fine, a reader that does not read is hung up."""
        if self.transport.get_write_buffer_size() < before:
            self.be_patient()
        else:
            self.close(f"for {self.front.unread_s:g} s it read nothing of what it was sent", 1008)

    def eof_received(self) -> None:
        self.protocol.receive_eof()

    def close(self, reason: str, code: int = 1000) -> None:
        """Hang up; safe to call at any time."""
        self.lost = self.lost or reason
        if self.open:
            self.close_code = self.close_code or code
            self.protocol.send_close(code, reason[:120])
            self.flush()
        self.front.loop.call_later(1, self.transport.abort)

    def ping(self) -> None:
        if self.open:
            self.protocol.send_ping(b"")
            self.flush()
