"""The shelf of archive files: a folder, or a bucket of an S3-compatible object store; whole files, from any thread."""

from __future__ import annotations

import obstore
from obstore.store import ObjectStore

from adapters.storage.bucket import FAILURES, folder, s3, words
from application.ports import StorageFailed


class Shelf:
    """`application.ports.Shelf` over obstore."""

    def __init__(self, place: str) -> None:
        """`place` is a folder or s3://bucket/prefix; the keys of S3 are those of the AWS_… variables."""
        self.place = place
        self.store: ObjectStore | None = None

    def opened(self) -> ObjectStore:
        """The store, made when it is first needed: a Bornier without archives needs no place for them."""
        if self.store is None:
            self.store = s3(self.place) if self.place.startswith("s3://") else folder(self.place)
        return self.store

    def write(self, name: str, content: bytes) -> None:
        try:
            obstore.put(self.opened(), name, content)
        except FAILURES as error:
            raise StorageFailed(f"{self.place} could not keep {name}: {words(error)}") from error

    def read(self, name: str) -> bytes:
        try:
            return bytes(obstore.get(self.opened(), name).bytes())
        except FAILURES as error:
            raise StorageFailed(f"{self.place} has no {name} that can be read: {words(error)}") from error
