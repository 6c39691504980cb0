"""Exports over HTTP: a dataset as a file, streamed at constant memory."""

from __future__ import annotations

from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.context import Parts
from api.moment import moment
from api.problem import problem
from api.rest.gate import reads_of
from api.rest.pipe import piped
from projections.dataset import Window


async def export(request: Request) -> Response:
    """`/api/exports/transactions.xlsx?from=…&to=…&station=…&preset=excel-fr`."""
    parts: Parts = request.app.state.parts
    dataset, suffix = request.path_params["dataset"], request.path_params["suffix"]
    options = dict(request.query_params)
    try:
        window = Window(
            moment(options.pop("from", None)), moment(options.pop("to", None)), options.pop("station", None),
            options.pop("badge", None),
        )  # fmt: skip
        writing = parts.prepare(dataset, suffix, window, options)
    except ValueError as error:
        return problem(400, str(error))
    reads = reads_of(request)

    def work(sink: BinaryIO) -> None:
        with reads.connect() as connection:
            writing.write(connection, sink)

    headers = {"Content-Disposition": f'attachment; filename="{dataset}.{suffix}"', "Cache-Control": "no-store"}
    return StreamingResponse(piped(work), headers=headers, media_type=writing.media_type)
