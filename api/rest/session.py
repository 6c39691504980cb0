"""Browser sessions: a token is traded once for a cookie that scripts cannot read."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.doorman import Doorman, Stranger, at_home
from api.problem import problem
from api.rest.gate import address_of, note

BEGIN = "POST /api/session"


async def begin(request: Request) -> Response:
    """Trade the bearer token of this request for a cookie; the Origin must be this host."""
    doorman: Doorman = request.app.state.doorman
    try:
        if not at_home(request.headers):
            raise Stranger("this origin may not begin a session here", 403)
        principal = await doorman.bearer(request.headers.get("authorization"), address_of(request))
    except Stranger as stranger:
        note(request, stranger.code, stranger.reason, BEGIN, stranger.name)
        return problem(stranger.status, stranger.reason, stranger.headers)
    response = JSONResponse({"name": principal.name, "roles": sorted(principal.roles)}, 201)
    secure = request.url.scheme == "https"
    response.set_cookie(
        Doorman.COOKIE,
        doorman.admit(principal),
        max_age=Doorman.SESSION_S,
        httponly=True,
        samesite="strict",
        secure=secure,
    )
    return response


async def end(request: Request) -> Response:
    """Forget the session."""
    doorman: Doorman = request.app.state.doorman
    doorman.dismiss(request.cookies.get(Doorman.COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(Doorman.COOKIE, path="/")
    return response
