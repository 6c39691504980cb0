"""Documents that were issued, byte for byte."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from api.context import Parts
from api.problem import problem
from api.rest.gate import reads_of
from application.ports import StorageFailed
from projections import invoice as view

KINDS = {"pdf": "application/pdf", "xml": "application/xml"}


async def download(request: Request) -> Response:
    """`/api/invoices/F2026-000042.pdf` or `.xml`."""
    parts: Parts = request.app.state.parts
    number, suffix = request.path_params["number"], request.path_params["suffix"]
    if suffix not in KINDS:
        return problem(404, f"an invoice is a pdf or an xml, not a {suffix[:16]}")
    row = await reads_of(request).run(lambda c: view.by_number(c, number))
    if row is None:
        return problem(404, f"there is no invoice {number[:64]}")
    invoice = await asyncio.to_thread(parts.invoices.invoice, row.id)
    assert invoice.issued is not None
    paper = invoice.issued.pdf if suffix == "pdf" else invoice.issued.xml
    try:
        content = await parts.invoices.read(paper)
    except StorageFailed as error:
        return problem(503, str(error))
    name = f'attachment; filename="{number}.{suffix}"'
    headers = {"Content-Disposition": name, "ETag": f'"{paper.sha256}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type=KINDS[suffix])
