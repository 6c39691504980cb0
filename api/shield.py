"""The shield: what every request goes through first. It is not too large, not too soon, and browsers are protected."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from api import problem
from api.pace import Pace
from api.rest.gate import address_of, note

BODY_BYTES = 1_048_576
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        b"font-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'",
    ),
]

CORS: dict[str, Any] = {
    "allow_methods": ["GET", "POST", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type"],
    "expose_headers": ["Retry-After", "Content-Disposition"],
    "max_age": 600,
}
"""Pages of other origins, where the settings name them, bring a token; they never have a session."""
STRICT = (b"strict-transport-security", b"max-age=31536000")
"""Over TLS: browsers come back with TLS only."""


class Bounds:
    """Refuses what is too large to be read and who asks too often, and adds the headers that protect browsers."""

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self.app = app
        self.pace = Pace(per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif (wait := self.pace.take(address_of(HTTPConnection(scope)) or "")) is not None:
            await self.slow_down(scope, receive, send, wait)
        elif scope["type"] == "http":
            await self.app(scope, receive if streamed(scope) else limited(receive), dressed(scope, send))
        else:
            await self.app(scope, limited_line(receive, send), send)

    async def slow_down(self, scope: Scope, receive: Receive, send: Send, wait: int) -> None:
        note(HTTPConnection(scope), "RATE_LIMITED", "too many requests of this address", scope["path"][:30])
        if scope["type"] == "http":
            answer = problem.problem(429, "too many requests of this address", {"Retry-After": str(wait)})
            await answer(scope, receive, dressed(scope, send))
        else:
            await WebSocketClose(1013, "too many requests")(scope, receive, send)


def streamed(scope: Scope) -> bool:
    """Files are never held in memory, and have a limit of their own."""
    return bool(scope["path"] == "/api/files" or scope["path"].startswith("/api/files/"))


def limited(receive: Receive) -> Receive:
    """A body that ends in 413 when it is too long."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_BYTES:
            raise HTTPException(413, f"at most {BODY_BYTES:,} bytes")
        return message

    return counted


def limited_line(receive: Receive, send: Send) -> Receive:
    """A WebSocket that is closed when a message is too long (1009, RFC 6455)."""

    async def measured() -> Message:
        message = await receive()
        if len(message.get("text") or message.get("bytes") or "") > BODY_BYTES:
            await send({"type": "websocket.close", "code": 1009, "reason": f"at most {BODY_BYTES:,} bytes"})
            return {"type": "websocket.disconnect", "code": 1009}
        return message

    return measured


def dressed(scope: Scope, send: Send) -> Send:
    """Its answer, with the headers that protect browsers."""
    more = HEADERS if scope["scheme"] == "http" else [*HEADERS, STRICT]

    async def add(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return add
