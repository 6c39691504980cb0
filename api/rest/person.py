"""Everything the history says about a person, in clear, for the person (GDPR article 15): one event a line."""

from __future__ import annotations

import asyncio
from itertools import chain

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.context import Parts
from api.extract import json_line
from api.problem import problem
from domain.event import Refusal


async def export(request: Request) -> Response:
    """All events about a driver, or about a badge that no driver holds, streamed at constant memory."""
    parts: Parts = request.app.state.parts
    driver_id, badge = (request.query_params.get(name) for name in ("driver", "badge"))
    if (driver_id is None) == (badge is None):
        return problem(400, "say either driver or badge")

    rows = parts.drivers.everything(driver_id, badge)
    try:
        first = await asyncio.to_thread(next, rows, None)
    except Refusal as refusal:
        return problem(404, str(refusal))
    if first is None:
        return problem(404, "the history has never heard of this badge")
    return StreamingResponse((json_line(row) for row in chain([first], rows)), media_type="application/jsonl")
