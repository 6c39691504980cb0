"""Where files lie: a folder of this machine, or a bucket of an S3-compatible object store."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from application.ports import StorageFailed

PIECE_BYTES = 65_536
FAILURES = (BaseError, OSError)
"""obstore raises its own errors, and those of Python where there is one that says it better."""


class Ours(Exception):
    """Carries what the chunks raised through obstore, so that it is not taken for an error of the storage."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class Bucket:
    """`Storage` over obstore. A key is a name that Bornier made: letters, digits and `-`."""

    def __init__(self, place: str) -> None:
        """`place` is a folder or s3://bucket/prefix; the keys of S3 are those of the AWS_… variables."""
        self.place = place
        self.store: ObjectStore | None = None

    def opened(self) -> ObjectStore:
        """The store, made when it is first needed: a Bornier without files needs no place for them."""
        if self.store is None:
            self.store = s3(self.place) if self.place.startswith("s3://") else folder(self.place)
        return self.store

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        try:
            await obstore.put_async(self.opened(), key, guarded(chunks))
        except Ours as ours:
            raise ours.error from None
        except FAILURES as error:
            raise StorageFailed(f"the storage could not keep the file: {words(error)}") from error

    async def read(self, key: str, first: int, end: int) -> AsyncIterator[bytes]:
        if first >= end:
            return nothing()
        try:
            found = await obstore.get_async(self.opened(), key, options={"range": (first, end)})
        except FAILURES as error:
            raise StorageFailed(f"the storage could not give the file: {words(error)}") from error
        return pieces(found.stream(min_chunk_size=PIECE_BYTES))

    async def delete(self, key: str) -> None:
        try:
            await obstore.delete_async(self.opened(), key)
        except FileNotFoundError:
            return
        except FAILURES as error:
            raise StorageFailed(f"the storage could not delete the file: {words(error)}") from error


def folder(place: str) -> ObjectStore:
    Path(place).mkdir(parents=True, exist_ok=True)
    return LocalStore(place)


def s3(place: str) -> ObjectStore:
    parts = urlsplit(place)
    plain = os.environ.get("AWS_ENDPOINT_URL", os.environ.get("AWS_ENDPOINT", "")).startswith("http://")
    return S3Store(
        parts.netloc, prefix=parts.path.strip("/") or None, client_options={"allow_http": True} if plain else None
    )


async def guarded(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except Exception as error:
        raise Ours(error) from error


async def pieces(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for piece in stream:
            yield bytes(piece)
    except FAILURES as error:
        raise StorageFailed(f"the storage broke off: {words(error)}") from error


async def nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def words(error: BaseException) -> str:
    """The first line: the rest of what obstore says is for its developers."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
