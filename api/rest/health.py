"""Probes: is the process alive, and can it do its work?"""

from __future__ import annotations

import asyncio
from typing import Any

from eventsourcing.persistence import InterfaceError, OperationalError
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.context import Vitals
from projections import checkpoint, webhook
from projections.catalog import PROJECTIONS

RELAY = "relay"


async def live(request: Request) -> Response:
    """The process runs."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request) -> Response:
    """503 while the store or a projection is not well, and which."""
    vitals: Vitals = request.app.state.vitals
    unwell, behind = await asyncio.to_thread(lambda: (ailments(vitals), laggards(vitals)))
    body: dict[str, Any] = {"status": "unwell" if unwell else "ready", "unwell": unwell, "roles": sorted(vitals.roles)}
    body["behind"] = behind
    if vitals.front is not None:
        body["ocpp"] = list(vitals.front.addresses)
    return JSONResponse(body, 503 if unwell else 200)


def laggards(vitals: Vitals) -> dict[str, str]:
    """Who outside is not told in time: no fault of ours, so that it does not make us unwell."""
    try:
        with vitals.engine.connect() as connection:
            found = webhook.failing(connection)
    except SQLAlchemyError:
        return {}
    words = "takes nothing since {:%Y-%m-%dT%H:%M:%SZ}, {:,} events wait"
    return {f"webhook {id_}": words.format(since, waiting) for id_, since, waiting in found}


def ailments(vitals: Vitals) -> dict[str, str]:
    """What is not well, in words; empty when everything is. A gateway needs the store only: a read model that stands
    still or a Kafka that is away keeps no station out."""
    found: dict[str, str] = {}
    if vitals.journal.unwell:
        found["store"] = vitals.journal.unwell
    if vitals.runner is not None and vitals.runner.unwell:
        found["projections"] = vitals.runner.unwell
    if vitals.notary is not None and vitals.notary.unwell:
        found["audit"] = vitals.notary.unwell
    try:
        with vitals.engine.connect() as connection:
            known: dict[str, Any] = checkpoint.read(connection)
        behind = vitals.history.head() - known[RELAY].position if RELAY in known else 0
    except (SQLAlchemyError, OperationalError, InterfaceError) as error:
        return found | {"store": str(error).splitlines()[0]}
    if set(vitals.roles) == {"gateway"}:
        return found
    for name in PROJECTIONS:
        if name in known and known[name].error:
            found[f"projection {name}"] = known[name].error
    if RELAY in known and known[RELAY].error:
        found[RELAY] = f"{known[RELAY].error} ({behind:,} events wait)"
    return found
