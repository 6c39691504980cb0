"""A file: a firmware image an operator brought, or a log a station sent. What it holds lies in the storage."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

Purpose = Literal["FIRMWARE", "LOG"]
LONGEST_NAME = 120


def stream(file_id: str) -> str:
    return f"file/{file_id}"


def plain_name(name: str, otherwise: str) -> str:
    """A file name that is safe on every system, whoever chose it: its last part, letters, digits and `._-` only."""
    last = re.split(r"[/\\]", name)[-1]
    clean = re.sub(r"[^A-Za-z0-9._-]+", "_", last).strip("._-")
    return clean[-LONGEST_NAME:].lstrip("._-") or otherwise


class File(Aggregate):
    """One stored file, whole and unchanged, until somebody deletes it."""

    class Stored(Event, tag="file.stored.v1"):
        """All of it arrived and is kept under the id of its stream."""

        name: str
        purpose: Purpose
        size_bytes: int
        sha256: str
        md5: str
        stored_by: str
        content_type: str | None = None
        station_id: str | None = None
        job_id: str | None = None

    class Deleted(Event, tag="file.deleted.v1"):
        """An operator had it removed from the storage."""

        deleted_by: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.stored: File.Stored | None = None
        self.deleted = False

    @property
    def file_id(self) -> str:
        return self.id.removeprefix("file/")

    @property
    def kept(self) -> File.Stored:
        """What is known of it. Raises Refusal when there is no such file, or not any more."""
        if self.stored is None:
            raise Refusal(f"there is no file {self.file_id}")
        if self.deleted:
            raise Refusal(f"the file {self.stored.name} was deleted")
        return self.stored

    def store(self, cause: AnyCause, now: datetime, **facts: Any) -> None:
        """It is there; facts are the fields of `File.Stored`."""
        self.record(File.Stored, cause, now, **facts)

    def delete(self, deleted_by: str, cause: AnyCause, now: datetime) -> None:
        """Let it go."""
        if self.kept:
            self.record(File.Deleted, cause, now, deleted_by=deleted_by)

    def apply(self, event: Event) -> None:
        match event:
            case File.Stored():
                self.stored = event
            case File.Deleted():
                self.deleted = True
