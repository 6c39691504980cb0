"""Probes: is the process alive, and can it do its work?"""

from __future__ import annotations

import asyncio
from typing import Any

from eventsourcing.persistence import InterfaceError, OperationalError
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.context import Parts
from projections import checkpoint
from projections.catalog import PROJECTIONS

RELAY = "relay"


async def live(request: Request) -> Response:
    """The process runs."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request) -> Response:
    """503 while the store or a projection is not well, and which."""
    parts: Parts = request.app.state.parts
    unwell = await asyncio.to_thread(ailments, parts)
    body: dict[str, Any] = {"status": "unwell" if unwell else "ready", "unwell": unwell}
    if parts.front is not None:
        body["ocpp"] = list(parts.front.addresses)
    return JSONResponse(body, 503 if unwell else 200)


def ailments(parts: Parts) -> dict[str, str]:
    """What is not well, in words; empty when everything is."""
    found: dict[str, str] = {}
    if parts.journal.unwell:
        found["store"] = parts.journal.unwell
    if parts.runner is not None and parts.runner.unwell:
        found["projections"] = parts.runner.unwell
    if parts.notary is not None and parts.notary.unwell:
        found["audit"] = parts.notary.unwell
    try:
        with parts.engine.connect() as connection:
            known: dict[str, Any] = checkpoint.read(connection)
        behind = parts.history.head() - known[RELAY].position if RELAY in known else 0
    except (SQLAlchemyError, OperationalError, InterfaceError) as error:
        return found | {"store": str(error).splitlines()[0]}
    for name in PROJECTIONS:
        if name in known and known[name].error:
            found[f"projection {name}"] = known[name].error
    if RELAY in known and known[RELAY].error:
        found[RELAY] = f"{known[RELAY].error} ({behind:,} events wait)"
    return found
