"""Downloads: a file goes out, all of it or the part that was asked for, and whoever watches hears how far it got."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.context import Parts
from api.problem import problem
from api.rest.range import Span, Unsatisfiable, span
from domain.file import File

OCTETS = "application/octet-stream"


class Watcher(Protocol):
    """Whoever wants to know how far a download got."""

    async def begin(self, first_byte: int) -> None:
        """It begins here. Raises Refusal when it may not."""

    async def end(self, next_byte: int, complete: bool) -> None:
        """The last bytes of the file go out, or the connection broke before this one."""


async def sent(request: Request, parts: Parts, file: File, watcher: Watcher | None = None) -> Response:
    """A file, or the part of it that was asked for (RFC 9110, section 14). Raises Refusal and StorageFailed."""
    kept = file.kept
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{kept.sha256}"',
        "Content-Disposition": f'attachment; filename="{kept.name}"',
        "Cache-Control": "no-store",
    }
    try:
        wanted = span(request.headers, kept.size_bytes, headers["ETag"])
    except Unsatisfiable:
        headers["Content-Range"] = f"bytes */{kept.size_bytes}"
        return problem(416, f"the file has {kept.size_bytes:,} bytes", headers)
    headers["Content-Length"] = str(wanted.end - wanted.first)
    if wanted.partial:
        headers["Content-Range"] = f"bytes {wanted.first}-{wanted.end - 1}/{kept.size_bytes}"
    status = 206 if wanted.partial else 200
    if request.method == "HEAD":
        return Response(None, status, headers, OCTETS)
    content = await parts.files.storage.read(file.file_id, wanted.first, wanted.end)
    if watcher is not None:
        await watcher.begin(wanted.first)
    return Download(content, wanted, kept.size_bytes, watcher, status, headers)


class Download(Response):
    """Streams by itself: Starlette cancels a stream whose reader has gone, and then nothing can be recorded of it."""

    def __init__(
        self,
        content: AsyncIterator[bytes],
        wanted: Span,
        size_bytes: int,
        watcher: Watcher | None,
        status: int,
        headers: dict[str, str],
    ) -> None:
        super().__init__(None, status, headers, OCTETS)
        self.content, self.wanted, self.size_bytes, self.watcher = content, wanted, size_bytes, watcher
        self.at = wanted.first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        gone = asyncio.create_task(left(receive))
        try:
            await self.stream(gone, send)
        finally:
            gone.cancel()
            if self.watcher is not None and self.at < self.wanted.end:
                await self.watcher.end(self.at, False)

    async def stream(self, gone: asyncio.Task[None], send: Send) -> None:
        """A fast reader may act on the last byte at once, so that it is told before it goes out."""
        async for piece in self.content:
            await asyncio.sleep(0)  # hear whether the reader has gone
            if gone.done():
                return
            if self.watcher is not None and self.at + len(piece) == self.size_bytes:
                await self.watcher.end(self.size_bytes, True)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            self.at += len(piece)
        await send({"type": "http.response.body", "body": b""})


async def left(receive: Receive) -> None:
    """Ends when the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
