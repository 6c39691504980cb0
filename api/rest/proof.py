"""Proofs as a file: one event with its proof a line, for `docs/verify.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.context import Parts
from api.problem import problem
from projections.audit import proofs


async def export(request: Request) -> Response:
    """The sealed events of a range of positions, streamed at constant memory."""
    parts: Parts = request.app.state.parts
    try:
        first, last = (position(request, name, default) for name, default in (("first", 1), ("last", 2**63 - 1)))
    except ValueError as error:
        return problem(400, str(error))

    def lines() -> Iterator[str]:
        with parts.engine.connect() as connection:
            for proof in proofs(connection, parts.history.stored, first, last):
                yield f"{json.dumps(proof, ensure_ascii=False)}\n"

    return StreamingResponse(lines(), media_type="application/jsonl")


def position(request: Request, name: str, default: int, lowest: int = 1) -> int:
    """A place in the history out of the address. Raises ValueError for anything else."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and lowest <= int(text) < 2**63):
        raise ValueError(f"{name} must be a position")
    return int(text)
