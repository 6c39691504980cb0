"""Files: firmware images and received logs. They come and go over REST, at /api/files."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime
from domain.file import File as Aggregate
from projections import file as view
from projections.page import cursor


@strawberry.enum(description="What a file is.")
class FilePurpose(Enum):
    FIRMWARE = "FIRMWARE"
    LOG = "LOG"


@strawberry.type(description="A stored file; what it holds is at /api/files/<id>.")
class File:
    id: strawberry.ID = strawberry.field(description="Its id.")
    name: str = strawberry.field(description="Its name.")
    purpose: FilePurpose = strawberry.field(description="A firmware image, or a log that a station sent.")
    size_bytes: float = strawberry.field(description="Its size.")
    sha256: str = strawberry.field(description="Its SHA-256, in hexadecimal.")
    md5: str = strawberry.field(description="Its MD5, which local controllers check.")
    content_type: str | None = strawberry.field(description="What the sender said it is.")
    station_id: strawberry.ID | None = strawberry.field(description="The station that sent it.")
    job_id: strawberry.ID | None = strawberry.field(description="The job it was sent for.")
    stored_by: str = strawberry.field(description="Who brought it.")
    stored_at: DateTime = strawberry.field(description="When all of it was here.")


NAMES = ("id", "name", "size_bytes", "sha256", "md5", "content_type", "station_id", "job_id", "stored_by", "stored_at")


def file(row: Any) -> File:
    return File(purpose=FilePurpose(row.purpose), **{name: getattr(row, name) for name in NAMES})


@strawberry.input(description="Delete a file for good.")
class DeleteFileInput:
    file: strawberry.ID = said("Which one.")


@strawberry.type(description="A file that is no more.")
class DeletedFile:
    id: strawberry.ID = strawberry.field(description="Its id.")
    name: str = strawberry.field(description="Its name.")


@strawberry.type
class FileQuery:
    @strawberry.field(description="Files, the newest first.")
    async def files(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        purpose: FilePurpose | None = None,
        station_id: strawberry.ID | None = None,
    ) -> Connection[File]:
        reads, limit = asker(info).reads, bounded(first)
        wanted = (purpose.value if purpose else None, station_id)
        position = await reads.position("file")
        found = await reads.run(lambda c: view.files(c, limit, after, *wanted))
        nodes = [(cursor(row.stored_at, row.id), file(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, *wanted)))


@strawberry.type
class FileMutation:
    @strawberry.mutation(description="Delete a firmware image or a log for good.")
    async def delete_file(self, info: strawberry.Info, input: DeleteFileInput) -> DeletedFile:
        who = asker(info)
        gone = await who.parts.files.delete(input.file, who.name)
        assert isinstance(gone.stored, Aggregate.Stored)
        return DeletedFile(id=input.file, name=gone.stored.name)
