"""Open data: the files that the national access point harvests, for everybody, where the operator opens them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from api.context import Parts
from api.irve import tolerance, write_dynamic, write_points, write_static
from api.problem import problem
from api.publication import Publications, Work

STATIC_S, DYNAMIC_S = 60, 10
"""For how long a copy is good: the static file changes by the day, the dynamic one by the minute."""


async def static(request: Request) -> Response:
    """`/api/public/irve/statique.csv`."""
    parts: Parts = request.app.state.parts

    def work(sink: BinaryIO) -> None:
        with parts.engine.connect() as connection:
            write_static(connection, parts.prices.book, datetime.now(UTC), sink)

    return await published(request, "statique.csv", "text/csv; charset=utf-8", STATIC_S, work)


async def dynamic(request: Request) -> Response:
    """`/api/public/irve/dynamique.csv`."""
    parts: Parts = request.app.state.parts

    def work(sink: BinaryIO) -> None:
        with parts.engine.connect() as connection:
            write_dynamic(connection, datetime.now(UTC), tolerance(parts.settings), sink)

    return await published(request, "dynamique.csv", "text/csv; charset=utf-8", DYNAMIC_S, work)


async def points(request: Request) -> Response:
    """`/api/public/charge-points.json`."""
    parts: Parts = request.app.state.parts

    def work(sink: BinaryIO) -> None:
        with parts.engine.connect() as connection:
            write_points(connection, parts.prices.book, datetime.now(UTC), tolerance(parts.settings), sink)

    return await published(request, "charge-points.json", "application/json", DYNAMIC_S, work)


async def published(request: Request, name: str, media_type: str, fresh_s: int, work: Work) -> Response:
    """A copy of a publication; 304 for who has it already, 404 where nothing is open."""
    parts: Parts = request.app.state.parts
    if not parts.settings.open_data:
        return problem(404, "there is no open data here (BORNIER_OPEN_DATA)")
    publications: Publications = request.app.state.publications
    copy = await publications.copy(name, fresh_s, work)
    headers = {
        "ETag": copy.etag,
        "Cache-Control": f"public, max-age={fresh_s}",
        "Access-Control-Allow-Origin": "*",
        "Content-Disposition": f'inline; filename="{name}"',
    }
    if known(request.headers.get("if-none-match", ""), copy.etag):
        return Response(status_code=304, headers=headers)
    return FileResponse(copy.path, headers=headers, media_type=media_type)


def known(said: str, etag: str) -> bool:
    """Does somebody who asks have this copy (RFC 9110, section 13.1.2)?"""
    return said.strip() == "*" or etag in [part.strip().removeprefix("W/") for part in said.split(",")]
