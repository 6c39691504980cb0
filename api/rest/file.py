"""Files over HTTP: operators bring firmware images and fetch logs; stations use the one-time address of their job."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from api.context import Parts
from api.problem import problem
from api.rest.body import Body, Unreadable
from api.rest.download import sent
from api.rest.gate import note, principal_of, reads_of
from application.file import TooLarge
from application.ports import StorageFailed
from application.transfer import NoSuchAddress
from domain.event import Operator, Refusal, Transfer
from domain.file import File, plain_name
from domain.job import Job


async def bring(request: Request) -> Response:
    """An operator uploads a firmware image: the raw body, or the first file of a form."""
    parts: Parts = request.app.state.parts
    principal = principal_of(request)
    try:
        body = Body(request, parts.files.limit_bytes)
        file = await parts.files.store(
            body.chunks(),
            lambda: plain_name(request.query_params.get("name") or body.name or "", "firmware.bin"),
            "FIRMWARE",
            principal.name,
            Operator(name=principal.name),
            content_type=body.content_type,
        )
    except (TooLarge, Unreadable, Refusal, StorageFailed, ClientDisconnect) as error:
        return failed(error)
    return JSONResponse(shown(file), 201, {"Location": f"/api/files/{file.file_id}"})


async def fetch(request: Request) -> Response:
    """An operator downloads a firmware image or a log."""
    parts: Parts = request.app.state.parts
    file_id = request.path_params["file"]
    if not await reads_of(request).visible("file", file_id):
        return problem(404, f"there is no file {file_id}")
    try:
        file = await parts.files.of(file_id)
        return await sent(request, parts, file)
    except (Refusal, StorageFailed) as error:
        return failed(error, 404)


async def serve(request: Request) -> Response:
    """A station downloads the image of its job."""
    parts: Parts = request.app.state.parts
    try:
        job = await admitted(request, parts, upload=False)
        assert job.asked is not None
        file = await parts.files.of(job.asked.file_id or "")
        return await sent(request, parts, file, Fetching(parts, job, cause(request)))
    except (NoSuchAddress, Refusal, StorageFailed) as error:
        return failed(error, 410)


async def take(request: Request) -> Response:
    """A station uploads the log of its job: a raw body (N01.FR.18, N01.FR.19) or a form."""
    parts: Parts = request.app.state.parts
    try:
        job = await admitted(request, parts, upload=True)
    except (NoSuchAddress, Refusal) as error:
        return failed(error, 410)
    try:
        tail = request.path_params.get("name", "")
        body = Body(request, parts.files.limit_bytes)
        file = await parts.transfers.receive(
            job, body.chunks(), lambda: body.name or tail, body.content_type, cause(request)
        )
    except (TooLarge, Unreadable, Refusal, StorageFailed, ClientDisconnect) as error:
        return failed(error)
    return JSONResponse(shown(file), 201)


async def admitted(request: Request, parts: Parts, upload: bool) -> Job:
    try:
        return await parts.transfers.admit(request.path_params["job"], request.path_params["token"], upload)
    except NoSuchAddress as error:
        note(request, "NOT_FOUND", str(error), f"{request.method} /api/files/job")
        raise


def cause(request: Request) -> Transfer:
    return Transfer(address=request.client.host if request.client else None)


class Fetching:
    """Tells a job how its station gets on with the file."""

    def __init__(self, parts: Parts, job: Job, by: Transfer) -> None:
        self.transfers, self.job, self.by = parts.transfers, job, by

    async def begin(self, first_byte: int) -> None:
        await self.transfers.begin_download(self.job, first_byte, self.by)

    async def end(self, next_byte: int, complete: bool) -> None:
        await self.transfers.end_download(self.job, next_byte, complete, self.by)


def shown(file: File) -> dict[str, object]:
    kept = file.kept
    return {
        "id": file.file_id,
        "name": kept.name,
        "sizeBytes": kept.size_bytes,
        "sha256": kept.sha256,
        "md5": kept.md5,
    }


def failed(error: Exception, refusal: int = 422) -> Response:
    """What went wrong, in words for whoever sent the request."""
    match error:
        case TooLarge():
            return problem(413, str(error))
        case Unreadable():
            return problem(400, str(error))
        case NoSuchAddress():
            return problem(404, str(error))
        case StorageFailed():
            return problem(507, str(error))
        case ClientDisconnect():
            return problem(400, "the sender broke off; nothing was kept")
        case _:
            return problem(refusal, str(error))
