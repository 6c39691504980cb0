"""A pipe from a thread that writes to a reader over HTTP; a reader who is gone is noticed."""

from __future__ import annotations

import asyncio
import io
import logging
import queue
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, BinaryIO, cast

log = logging.getLogger("bornier.export")

ROOM = 16
PIECE_BYTES = 65_536
PATIENCE_S = 60.0
"""Whoever takes nothing for so long is left: what he reads keeps a state of the database alive."""


class ReaderGone(OSError):
    """Nobody takes what is written any more."""


class Pipe(io.RawIOBase):
    """`write` in the thread, `pieces` in the event loop."""

    def __init__(self) -> None:
        self.room: queue.Queue[bytes | Exception | None] = queue.Queue(ROOM)
        self.gone = threading.Event()
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.held += data
        if len(self.held) >= PIECE_BYTES:
            self.put(bytes(self.held))
            self.held.clear()
        return len(data)

    def put(self, piece: bytes | Exception | None) -> None:
        """Raises ReaderGone."""
        for _ in range(int(PATIENCE_S)):
            if self.gone.is_set():
                break
            try:
                self.room.put(piece, timeout=1.0)
                return
            except queue.Full:
                continue
        raise ReaderGone("nobody reads this export any more")

    def fill(self, work: Callable[[BinaryIO], object]) -> None:
        """Do the work that writes; its fault breaks the download off, so that half a file is not taken for a whole."""
        try:
            work(cast(BinaryIO, self))
            self.put(bytes(self.held))
            self.put(None)
        except ReaderGone as error:
            log.info("%s", error)
        except Exception as error:
            log.exception("an export broke off")
            self.put(error)

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            while True:
                piece = await asyncio.to_thread(self.take)
                if piece is None:
                    return
                if isinstance(piece, Exception):
                    raise piece
                if piece:
                    yield piece
        finally:
            self.gone.set()

    def take(self) -> bytes | Exception | None:
        return self.room.get()


def piped(work: Callable[[BinaryIO], object]) -> AsyncIterator[bytes]:
    """What the work writes, as it writes it."""
    pipe = Pipe()
    threading.Thread(target=pipe.fill, args=(work,), name="export", daemon=True).start()
    return pipe.pieces()
