"""The gate: who may use a route of REST, by the one policy, before anything of it is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.access import POLICY, Doorman, Principal
from api.context import Parts
from api.graphql.context import Reads
from api.problem import problem

Endpoint = Callable[[Request], Awaitable[Response]]


def gated(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
    """A route that asks the policy; with GET, HEAD too."""
    name = f"{method} {path}"

    async def enter(request: Request) -> Response:
        if POLICY.get(name) == "open":
            return await endpoint(request)
        doorman: Doorman = request.app.state.doorman
        principal = doorman.recognise(request.headers, request.cookies)
        if principal is None:
            return problem(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
        if not principal.may_use(name):
            return problem(403, f"{principal.name} may not use {name}")
        request.state.principal = principal
        return await endpoint(request)

    return Route(path, enter, methods=[method], name=name)


def principal_of(request: Request) -> Principal:
    """Who came through the gate."""
    principal: Principal = request.state.principal
    return principal


def reads_of(request: Request) -> Reads:
    """The read side as they see it."""
    parts: Parts = request.app.state.parts
    return Reads(parts, principal_of(request).scope)
