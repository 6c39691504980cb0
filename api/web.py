"""The web side: GraphQL, REST, probes, in one application."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cross_web import HTTPException as Unreadable
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import NonJsonMessageReceived
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from api import problem
from api.access import Principal
from api.context import Parts, Vitals
from api.doorman import Doorman, Stranger
from api.graphql.context import Asker
from api.graphql.schema import schema
from api.publication import Publications
from api.pulse import Pulse, Timed
from api.rest import advenir, description, event, export, file, health, invoice, irve, metrics, person, proof, session
from api.rest.gate import address_of, gated, note
from api.settings import Settings
from api.shield import CORS, Bounds
from application.log import from_now_on

LOOK_S = 1.0
STATIC = Path(__file__).parent / "static"


class Line(ASGIWebSocketAdapter):
    """A WebSocket that hands on only what has the shape of a message of graphql-transport-ws."""

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        async for message in super().iter_json(ignore_parsing_errors=ignore_parsing_errors):
            if not well_formed(message):
                raise NonJsonMessageReceived
            yield message


def well_formed(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] not in ("subscribe", "complete"):
        return True
    payload = message.get("payload", {"query": ""})
    return (
        isinstance(message.get("id"), str)
        and isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )


class Endpoint(GraphQL[dict[str, Any], None]):
    """GraphQL for whoever has a token; the page of GraphiQL for everybody."""

    websocket_adapter_class = Line

    def __init__(self, parts: Parts, doorman: Doorman, pulse: Pulse) -> None:
        super().__init__(schema, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])
        self.parts = parts
        self.pulse = pulse
        self.doorman = doorman
        self.watched: dict[WebSocket, Principal] = {}

    async def render_graphql_ide(self, request: Request) -> Response:
        return FileResponse(STATIC / "graphiql.html")

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Any]:
        principal = request.scope.get("principal")
        if principal is None and request.cookies:
            with contextlib.suppress(Stranger):
                principal = await self.doorman.recognise(request.headers, request.cookies, address_of(request))
        from_now_on(principal=principal.name if principal else None)
        asker = self.asker(request, principal)
        return {"request": request, "response": response, "asker": asker, "pulse": self.pulse}

    def asker(self, connection: HTTPConnection, principal: Principal | None) -> Asker:
        return Asker(self.parts, principal, self.doorman.pace, partial(note, connection))

    async def on_ws_connect(self, context: dict[str, Any]) -> Any:
        """`connection_init` carries the same value as the Authorization header."""
        offered = (context.get("connection_params") or {}).get("authorization")
        socket: WebSocket = context["request"]
        try:
            if offered is not None:
                principal = await self.doorman.bearer(offered, address_of(socket))
                context["asker"] = self.asker(socket, principal)
            if context["asker"].principal is None:
                raise Stranger("a bearer token is needed")
        except Stranger as stranger:
            note(socket, stranger.code, stranger.reason, "WebSocket /graphql", stranger.name)
            raise ConnectionRejectionError from None
        self.watched[socket] = context["asker"].principal
        from_now_on(principal=context["asker"].name)
        return await super().on_ws_connect(context)

    async def watch(self) -> None:
        """Hang up, for ever, on followers whose token is no longer valid (4403)."""
        while True:
            await asyncio.sleep(LOOK_S)
            for socket, principal in list(self.watched.items()):
                if {socket.application_state, socket.client_state} != {WebSocketState.CONNECTED}:
                    del self.watched[socket]
                elif not self.doorman.valid(principal):
                    with contextlib.suppress(RuntimeError, OSError):
                        await socket.close(4403, "the token is no longer valid")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            if not page_wanted(request):
                try:
                    scope["principal"] = await self.doorman.recognise(
                        request.headers, request.cookies, address_of(request)
                    )
                except Stranger as stranger:
                    note(request, stranger.code, stranger.reason, f"{request.method} /graphql", stranger.name)
                    answer = refused(stranger.reason, stranger.code, stranger.status, stranger.headers)
                    await answer(scope, receive, send)
                    return
        await super().__call__(scope, receive, send)

    async def run(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """What is no GraphQL request at all is answered in JSON, too."""
        try:
            return await super().run(request, *args, **kwargs)
        except Unreadable as error:
            return refused(error.reason, "BAD_USER_INPUT", error.status_code)

    def decode_json(self, data: str | bytes) -> object:
        """Raises JSONDecodeError for all that is no request: broken UTF-8, endless numbers or nesting, a bare value."""
        try:
            found = super().decode_json(data)
        except (ValueError, RecursionError) as error:
            raise json.JSONDecodeError(str(error), "", 0) from error
        if not isinstance(found, dict | list):
            raise json.JSONDecodeError("not an object", "", 0)
        return found


def page_wanted(request: Request) -> bool:
    """A browser that opens the address wants GraphiQL."""
    wants = request.method == "GET" and "query" not in request.query_params
    return wants and "text/html" in request.headers.get("accept", "")


def refused(words: str, code: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"data": None, "errors": [{"message": words, "extensions": {"code": code}}]}, status, headers)


PROBES = (
    gated("/health/live", health.live),
    gated("/health/ready", health.ready),
    gated("/metrics", metrics.metrics),
)


def routes() -> list[Route | Mount]:
    """Every address but GraphQL's, which is described by its own schema."""
    uploads = ("/api/files/job/{job}/{token}", "/api/files/job/{job}/{token}/{name}")
    return [
        *PROBES,
        gated("/api/openapi.json", description.description),
        gated("/api/session", session.begin, "POST"),
        gated("/api/session", session.end, "DELETE"),
        *(gated(path, event.export) for path in ("/api/events", *(f"/api/events.{form}" for form in event.MEDIA))),
        gated("/api/proofs", proof.export),
        gated("/api/advenir/{transaction}/proofs", advenir.proofs),
        gated("/api/exports/{dataset}.{suffix}", export.export),
        gated("/api/persons", person.export),
        gated("/api/public/irve/statique.csv", irve.static),
        gated("/api/public/irve/dynamique.csv", irve.dynamic),
        gated("/api/public/charge-points.json", irve.points),
        gated("/api/invoices/{number}.{suffix}", invoice.download),
        gated("/api/files", file.bring, "POST"),
        gated("/api/files/{file}", file.fetch),
        *(gated(path, file.serve) for path in uploads),
        *(gated(path, file.take, method) for path in uploads for method in ("PUT", "POST")),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


def middleware(settings: Settings, pulse: Pulse) -> list[Middleware]:
    """What every request goes through, the outermost first."""
    found = [Middleware(Timed, pulse=pulse), Middleware(Bounds, per_minute=settings.address_requests_per_minute)]
    if settings.origins:
        found.append(Middleware(CORSMiddleware, allow_origins=settings.origins, **CORS))
    return found


def app(parts: Parts, vitals: Vitals) -> Starlette:
    """The application over its parts."""
    doorman = Doorman(parts.settings, parts.tokens, parts.issuer)
    graphql = Endpoint(parts, doorman, vitals.pulse)
    made = watched([Route("/graphql", graphql), WebSocketRoute("/graphql", graphql), *routes()], vitals)
    made.state.parts, made.state.doorman, made.state.graphql = parts, doorman, graphql
    made.state.publications = Publications()
    return made


def probes(vitals: Vitals) -> Starlette:
    """For a process without the role api: how it is doing, and nothing else."""
    return watched(PROBES, vitals)


def watched(routes: Sequence[BaseRoute], vitals: Vitals) -> Starlette:
    made = Starlette(
        routes=routes,
        middleware=middleware(vitals.settings, vitals.pulse),
        exception_handlers={HTTPException: problem.on_http, Exception: problem.on_fault},
    )
    made.state.vitals, made.state.metrics = vitals, metrics.registry(vitals)
    return made
