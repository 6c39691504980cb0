"""The history as a file: JSON lines or CSV, all of it, a range or what a search finds; and the proof of such a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import islice

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.context import Parts
from api.extract import lines, proof, sealed
from api.moment import moment
from api.problem import problem
from api.rest.proof import position
from api.search import Question, Search, cause_of

AT_ONCE = 200
MEDIA = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8", "proof": "application/jsonl"}


async def export(request: Request) -> Response:
    """The events that were recorded when it was asked, streamed at constant memory."""
    parts: Parts = request.app.state.parts
    form = request.url.path.rpartition(".")[2]
    form = form if form in MEDIA else "jsonl"
    try:
        first = max(position(request, "first", 1), position(request, "after", 0, 0) + 1)
        last = position(request, "last", 2**63 - 2)
        search = Search(parts.history, parts.engine, asked(request.query_params))
    except ValueError as error:
        return problem(400, str(error))
    if form == "proof":
        last = min(last, await asyncio.to_thread(sealed, search))
        if last < first:
            return problem(404, f"nothing is sealed there: the seals reach position {last}")
        return streamed(proof(search, first, last), form)
    last = min(last, await asyncio.to_thread(parts.history.head))
    stored = request.query_params.get("stored") == "true"
    return streamed(lines(search, first, last, form, stored), form)


def asked(said: QueryParams) -> Question:
    """The question in an address. Raises ValueError for what cannot be one."""
    if "\0" in "".join(said.values()):
        raise ValueError("NUL is in no name")
    return Question(
        stream=said.get("stream"),
        topics=tuple(said.getlist("topic")),
        station=said.get("station"),
        badge=said.get("badge"),
        since=moment(said.get("from")),
        to=moment(said.get("to")),
        occurred_since=moment(said.get("occurredFrom")),
        occurred_to=moment(said.get("occurredTo")),
        by=cause_of(said.get("cause")),
        command=said.get("command"),
        operator=said.get("operator"),
        rule=said.get("rule"),
        message=said.get("message"),
    )


def streamed(found: Iterator[str], form: str) -> Response:
    return StreamingResponse(chunks(found), media_type=MEDIA[form])


async def chunks(found: Iterator[str]) -> AsyncIterator[str]:
    """Some lines at a time, so that not every line changes threads."""
    while chunk := await asyncio.to_thread(partial("".join, islice(found, AT_ONCE))):
        yield chunk
