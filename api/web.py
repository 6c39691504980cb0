"""The web side: GraphQL, REST, probes, in one application."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from api import problem
from api.access import Doorman
from api.context import Parts
from api.graphql.context import Asker
from api.graphql.schema import schema
from api.rest import description, event, health, metrics, session

BODY_BYTES = 1_048_576
STATIC = Path(__file__).parent / "static"
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


class Endpoint(GraphQL[dict[str, Any], None]):
    """GraphQL for whoever has a token; the page of GraphiQL for everybody."""

    def __init__(self, parts: Parts, doorman: Doorman) -> None:
        super().__init__(schema, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])
        self.parts = parts
        self.doorman = doorman

    async def render_graphql_ide(self, request: Request) -> Response:
        return FileResponse(STATIC / "graphiql.html")

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Any]:
        principal = self.doorman.recognise(request.headers, request.cookies)
        return {"request": request, "response": response, "asker": Asker(self.parts, principal)}

    async def on_ws_connect(self, context: dict[str, Any]) -> Any:
        """`connection_init` carries the same value as the Authorization header."""
        offered = (context.get("connection_params") or {}).get("authorization")
        who: Asker = context["asker"]
        if offered is not None:
            who.principal = self.doorman.bearer(offered)
        if who.principal is None:
            raise ConnectionRejectionError
        return await super().on_ws_connect(context)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            if not page_wanted(request) and self.doorman.recognise(request.headers, request.cookies) is None:
                await unauthenticated()(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def page_wanted(request: Request) -> bool:
    """A browser that opens the address wants GraphiQL."""
    wants = request.method == "GET" and "query" not in request.query_params
    return wants and "text/html" in request.headers.get("accept", "")


def unauthenticated() -> Response:
    error = {"message": "a bearer token is needed", "extensions": {"code": "UNAUTHENTICATED"}}
    return JSONResponse({"data": None, "errors": [error]}, 401, {"WWW-Authenticate": "Bearer"})


class Bounds:
    """Refuses bodies that are too large, and adds the headers that protect browsers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > BODY_BYTES:
                raise HTTPException(413, f"at most {BODY_BYTES:,} bytes")
            return message

        async def dressed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        await self.app(scope, counted, dressed)


def app(parts: Parts) -> Starlette:
    """The application over its parts."""
    doorman = Doorman(parts.settings)
    graphql = Endpoint(parts, doorman)
    made = Starlette(
        routes=[
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", graphql),
            Route("/health/live", health.live),
            Route("/health/ready", health.ready),
            Route("/metrics", metrics.metrics),
            Route("/api/openapi.json", description.description),
            Route("/api/session", session.begin, methods=["POST"]),
            Route("/api/session", session.end, methods=["DELETE"]),
            Route("/api/events", event.export),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(Bounds)],
        exception_handlers={HTTPException: problem.on_http, Exception: problem.on_fault},
    )
    made.state.parts, made.state.doorman, made.state.metrics = parts, doorman, metrics.registry(parts)
    return made
