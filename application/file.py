"""Files: kept whole or not at all, with what is known of each in the history."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from uuid import uuid4

from application.history import History
from application.journal import Journal
from application.ports import Storage, StorageFailed
from domain.catalog import CATALOG
from domain.event import AnyCause, Operator, Refusal
from domain.file import File, Purpose, stream


class TooLarge(Exception):
    """More bytes came than a file may have."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"a file has at most {limit_bytes:,} bytes")


class Digest:
    """Reads along while a file passes: its size and its checksums."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.size_bytes = 0
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False)

    async def along(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same chunks. Raises TooLarge."""
        async for chunk in chunks:
            self.size_bytes += len(chunk)
            if self.size_bytes > self.limit_bytes:
                raise TooLarge(self.limit_bytes)
            self.sha256.update(chunk)
            self.md5.update(chunk)
            if chunk:
                yield chunk


class Files:
    """How files come, go out and are deleted, from any process that has the storage."""

    def __init__(
        self,
        storage: Storage,
        journal: Journal,
        history: History,
        clock: Callable[[], datetime],
        limit_bytes: int,
    ) -> None:
        self.storage = storage
        self.journal = journal
        self.history = history
        self.clock = clock
        self.limit_bytes = limit_bytes

    async def store(
        self,
        chunks: AsyncIterator[bytes],
        name: Callable[[], str],
        purpose: Purpose,
        stored_by: str,
        cause: AnyCause,
        *,
        content_type: str | None = None,
        station_id: str | None = None,
        job_id: str | None = None,
    ) -> File:
        """Keep a file; `name` is asked when all of it is there.

        Raises TooLarge, Refusal for an empty file, StorageFailed, or what the chunks raise; then nothing is kept.
        """
        file, digest = File(stream(uuid4().hex)), Digest(self.limit_bytes)
        await self.storage.write(file.file_id, digest.along(chunks))
        try:
            if not digest.size_bytes:
                raise Refusal("the file is empty")
            file.store(
                cause,
                self.clock(),
                name=name(),
                purpose=purpose,
                size_bytes=digest.size_bytes,
                sha256=digest.sha256.hexdigest(),
                md5=digest.md5.hexdigest(),
                stored_by=stored_by,
                content_type=content_type,
                station_id=station_id,
                job_id=job_id,
            )
            await self.journal.record(file.collect_events())
        except BaseException:
            with contextlib.suppress(StorageFailed):
                await self.storage.delete(file.file_id)
            raise
        return file

    async def of(self, file_id: str) -> File:
        """What the history knows of a file."""
        rows = await asyncio.to_thread(self.history.stream, stream(file_id))
        return File(stream(file_id)).replay(CATALOG.decode(row.topic, row.state) for row in rows)

    async def delete(self, file_id: str, operator: str) -> File:
        """Forget it: first in the history, then in the storage. Raises Refusal and StorageFailed."""
        file = await self.of(file_id)
        file.delete(operator, Operator(name=operator), self.clock())
        await self.journal.record(file.collect_events())
        await self.storage.delete(file_id)
        return file
