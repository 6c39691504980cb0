"""What Advenir was told, as a file of proofs: of the events a submission was made from, and of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.context import Parts
from api.problem import problem
from api.rest.gate import reads_of
from domain.submission import stream
from domain.transaction import stream as transaction_stream
from projections import advenir, audit


async def proofs(request: Request) -> Response:
    """The sealed ones, one a line; a header says how many are not sealed yet."""
    parts: Parts = request.app.state.parts
    transaction_id = request.path_params["transaction"]
    row = await reads_of(request).run(lambda c: advenir.submission(c, transaction_id))
    if row is None:
        return problem(404, "nothing was made of this transaction for Advenir")
    positions = await asyncio.to_thread(positions_of, parts, transaction_id, row.last_position)
    sealed = await reads_of(request).run(audit.sealed_up_to)

    def lines() -> Iterator[str]:
        with parts.engine.connect() as connection:
            for proof in audit.proofs_at(connection, parts.history.stored, positions):
                yield f"{json.dumps(proof, ensure_ascii=False)}\n"

    headers = {"Bornier-Unsealed": str(sum(position > sealed for position in positions))}
    return StreamingResponse(lines(), headers=headers, media_type="application/jsonl")


def positions_of(parts: Parts, transaction_id: str, last_position: int) -> list[int]:
    """Where the events of the transaction are, as far as they were known, and all of the submission."""
    history = parts.history
    used = [row.position for row in history.stream(transaction_stream(transaction_id)) if row.position <= last_position]
    return [*used, *(row.position for row in history.stream(stream(transaction_id)))]
