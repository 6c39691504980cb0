"""The gate: who may use a route of REST, by the one policy, before anything of it is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route

from api.access import POLICY, Principal
from api.context import Parts
from api.doorman import Doorman, Stranger
from api.graphql.context import Reads
from api.problem import problem
from application.access import Refused
from application.log import from_now_on

Endpoint = Callable[[Request], Awaitable[Response]]


def gated(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
    """A route that asks the policy; with GET, HEAD too."""
    name = f"{method} {path}"

    async def enter(request: Request) -> Response:
        if POLICY.get(name) != "open":
            try:
                request.state.principal = await let_in(request, name)
                from_now_on(principal=request.state.principal.name)
            except Stranger as stranger:
                note(request, stranger.code, stranger.reason, name, stranger.name)
                return problem(stranger.status, stranger.reason, stranger.headers)
        return await endpoint(request)

    return Route(path, enter, methods=[method], name=name)


async def let_in(request: Request, name: str) -> Principal:
    """Raises Stranger."""
    doorman: Doorman = request.app.state.doorman
    principal = await doorman.recognise(request.headers, request.cookies, address_of(request))
    if not principal.may_use(name):
        raise Stranger(f"{principal.name} may not use {name}", 403, principal.name)
    if (wait := doorman.pace.take(principal.name)) is not None:
        raise Stranger("too many requests", 429, principal.name, wait)
    return principal


def note(connection: HTTPConnection, code: str, reason: str, asked: str, name: str | None = None) -> None:
    """A refusal becomes a fact."""
    parts: Parts = connection.app.state.parts
    parts.accesses.refuse(Refused(code, reason, asked, name, address_of(connection)))


def address_of(connection: HTTPConnection) -> str | None:
    """The host that a request comes from; behind a trusted proxy, the one it names."""
    return connection.client.host if connection.client else None


def principal_of(request: Request) -> Principal:
    """Who came through the gate."""
    principal: Principal = request.state.principal
    return principal


def reads_of(request: Request) -> Reads:
    """The read side as they see it."""
    parts: Parts = request.app.state.parts
    return Reads(parts, principal_of(request).scope)
