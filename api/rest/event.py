"""The history as a file: one JSON object a line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.context import Parts
from api.problem import problem
from domain.catalog import Recorded


async def export(request: Request) -> Response:
    """Everything after a position up to now, streamed at constant memory."""
    parts: Parts = request.app.state.parts
    after, stream = request.query_params.get("after", "0"), request.query_params.get("stream")
    if not (after.isascii() and after.isdigit() and int(after) < 2**63):
        return problem(400, "after must be a position")
    topics = request.query_params.getlist("topic")
    if "\0" in "".join([stream or "", *topics]):
        return problem(400, "NUL is in no name")
    head = await asyncio.to_thread(parts.history.head)

    async def lines() -> AsyncIterator[str]:
        async for batch in parts.history.follow(int(after), topics, stream, head):
            yield "".join(f"{line(recorded)}\n" for recorded in batch)

    return StreamingResponse(lines(), media_type="application/jsonl")


def line(recorded: Recorded) -> str:
    """One event as one JSON object: position, stream, version, topic and the event's own JSON as `data`."""
    head = json.dumps(
        {
            "position": recorded.position,
            "stream": recorded.stream,
            "version": recorded.version,
            "topic": recorded.topic,
        },
        ensure_ascii=False,
    )
    return f'{head[:-1]}, "data": {recorded.state.decode()}}}'
