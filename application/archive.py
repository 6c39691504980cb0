"""The archive: events that are no longer in the database are read from their files as if they still were."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import zstandard

from application.lookup import End, Row
from application.ports import Shelf, StorageFailed
from application.recorder import Recorder
from domain.archive import Manifest, Unreadable, beside, parse
from domain.catalog import Recorded

FRESH_S = 1.0
"""For so long it is believed that nothing more was pruned; who prunes waits longer before anything goes."""
HELD = 3
"""Files in memory at a time, some megabytes each."""
FOR_EVER = 2**62
STATE = "SELECT count(*), coalesce(sum(pruned), 0), coalesce(sum(removed), 0) FROM archive"
KNOWN = "SELECT first, last, name, sha256, pruned, removed, topics FROM archive"


class Kept(NamedTuple):
    """A file with events that were pruned: they are here, and nowhere else once they are removed."""

    first: int
    last: int
    name: str
    sha256: str
    pruned: int
    removed: int
    topics: dict[str, int]


class Archive:
    """Which files hold what was pruned, and their events."""

    def __init__(self, recorder: Recorder, shelf: Shelf) -> None:
        self.recorder = recorder
        self.shelf = shelf
        self.lock = threading.Lock()
        self.looked_at = 0.0
        self.state: tuple[Any, ...] = ()
        self.files: tuple[Kept, ...] = ()
        self.held: OrderedDict[int, Sequence[Row]] = OrderedDict()

    def known(self) -> tuple[Kept, ...]:
        """The files with pruned events, in order."""
        if time.monotonic() - self.looked_at > FRESH_S:
            with self.lock:
                self.look()
        return self.files

    def look(self) -> None:
        """Ask whether anything was pruned or restored since."""
        now = time.monotonic()
        (state,) = self.recorder.fetch(STATE, ())
        if state != self.state:
            rows = self.recorder.fetch(f"{KNOWN} WHERE pruned > 0 ORDER BY first", ())
            self.files = tuple(Kept._make([*each, msgspec.json.decode(topics)]) for *each, topics in rows)
            self.state = tuple(state)
            self.held.clear()
        self.looked_at = now

    def rows(self, file: Kept) -> Sequence[Row]:
        """The pruned events of a file, the oldest first. Raises Unreadable."""
        with self.lock:
            rows = self.held.pop(file.first, None)
        if rows is None:
            gone = bytes(self.recorder.fetch("SELECT gone FROM archive WHERE first = ?", [file.first])[0][0])
            events = self.read(file.name, file.sha256)
            rows = [event for event in events if is_set(gone, event.position - file.first)]
        with self.lock:
            self.held[file.first] = rows
            while len(self.held) > HELD:
                self.held.popitem(last=False)
        return rows

    def read(self, name: str, sha256: str) -> list[Recorded]:
        """Every event of a file. Raises Unreadable."""
        content = self.content(name)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise self.damaged(name, "its checksum is another")
        try:
            return parse(zstandard.ZstdDecompressor().stream_reader(content).read())
        except (zstandard.ZstdError, msgspec.DecodeError) as error:
            raise self.damaged(name, str(error)) from error

    def manifest(self, name: str) -> Manifest:
        """What lies beside a file. Raises Unreadable."""
        try:
            return msgspec.json.decode(self.content(beside(name)), type=Manifest)
        except msgspec.DecodeError as error:
            raise self.damaged(beside(name), str(error)) from error

    def content(self, name: str) -> bytes:
        try:
            return self.shelf.read(name)
        except StorageFailed as error:
            raise Unreadable(f"the archive cannot be read: {error}") from error

    def damaged(self, name: str, reason: str) -> Unreadable:
        return Unreadable(f"the archive file {name} at {self.shelf.place} is not as it was written: {reason}")

    def of(self, stream: str) -> set[int]:
        """Where the files begin that hold events of a stream."""
        return {row[0] for row in self.recorder.fetch("SELECT first FROM archived_stream WHERE stream = ?", [stream])}


class Whole:
    """A recorder for readers: what was pruned is there as well. What it does not say itself, the recorder says."""

    def __init__(self, recorder: Recorder, shelf: Shelf) -> None:
        self.recorder = recorder
        self.archive = Archive(recorder, shelf)
        self.fetch, self.tell, self.rows, self.worded = recorder.fetch, recorder.tell, recorder.rows, recorder.worded
        self.max_notification_id, self.select_events = recorder.max_notification_id, recorder.select_events
        self.place = recorder.place

    def select_after(
        self, after: int, limit: int, topics: Sequence[str] = (), stream: str | None = None
    ) -> Sequence[Row]:
        found = self.recorder.select_after(after, limit, topics, stream)
        return self.merged(found, after, FOR_EVER, limit, False, topics, stream)

    def select_seldom(self, after: int, limit: int, topics: Sequence[str], stream: str | None = None) -> Sequence[Row]:
        found = self.recorder.select_seldom(after, limit, topics, stream)
        return self.merged(found, after, FOR_EVER, limit, False, topics, stream)

    def select_between(
        self,
        low: int,
        high: int,
        limit: int,
        descending: bool = False,
        topics: Sequence[str] = (),
        stream: str | None = None,
    ) -> Sequence[Row]:
        found = self.recorder.select_between(low, high, limit, descending, topics, stream)
        return self.merged(found, low, high, limit, descending, topics, stream)

    def select_at(self, positions: Sequence[int]) -> Sequence[Row]:
        wanted = set(positions)
        found = {row[0]: row for row in self.recorder.select_at(positions)}
        for file in self.archive.known():
            if any(file.first <= position <= file.last for position in wanted - found.keys()):
                found |= {row[0]: row for row in self.archive.rows(file) if row[0] in wanted}
        return [found[position] for position in sorted(found)]

    def select_mentioning(self, words: Sequence[bytes], after: int, limit: int) -> Sequence[Row]:
        found = self.recorder.select_mentioning(words, after, limit)
        return self.merged(found, after, FOR_EVER, limit, False, (), None, words) if words else found

    def count_mentioning(self, words: Sequence[bytes]) -> int:
        """Every file is read for it."""
        files = (file for file in self.archive.known() if file.removed)
        archived = sum(any(word in row[4] for word in words) for file in files for row in self.archive.rows(file))
        return self.recorder.count_mentioning(words) + archived

    def ends(self, streams: Sequence[str]) -> dict[str, End]:
        """The last event of a stream is never pruned."""
        return self.recorder.ends(streams)

    def touched(self, stream: str) -> bool:
        """Were events of this stream pruned?"""
        return bool(self.archive.known()) and bool(self.archive.of(stream))

    def count(self, topics: Sequence[str] = (), stream: str | None = None) -> int:
        kept = self.recorder.count(topics, stream)
        files = [file for file in self.archive.known() if file.removed]
        if stream is None:
            return kept + sum(n for file in files for topic, n in file.topics.items() if not topics or topic in topics)
        if not files or not (begins := self.archive.of(stream)):
            return kept
        rows = (row for file in files if file.first in begins for row in self.archive.rows(file))
        return kept + sum(1 for row in rows if row[1] == stream and (not topics or row[3] in topics))

    def broken(self) -> list[str]:
        """Streams whose versions have a gap that no archive fills; their last event is always in the database."""
        return [stream for (stream,) in self.fetch(BROKEN, ())]

    def merged(
        self,
        found: Sequence[Row],
        low: int,
        high: int,
        limit: int,
        descending: bool,
        topics: Sequence[str],
        stream: str | None,
        words: Sequence[bytes] = (),
    ) -> Sequence[Row]:
        """What the database has, and what is in files, as one list."""
        files = [file for file in self.archive.known() if low < file.last and file.first < high]
        if not files:
            return found
        if len(found) == limit:  # what lies beyond the last row found is for the next page
            low, high = (max(low, found[-1][0]), high) if descending else (low, min(high, found[-1][0]))
        asked, begins = set(topics), None if stream is None else self.archive.of(stream)
        archived: dict[int, Row] = {}
        for file in reversed(files) if descending else files:
            if len(archived) >= limit or not (low < file.last and file.first < high):
                break
            if (begins is None or file.first in begins) and (not asked or not asked.isdisjoint(file.topics)):
                for row in self.archive.rows(file):
                    if (
                        low < row[0] < high
                        and (not asked or row[3] in asked)
                        and (stream is None or row[1] == stream)
                        and (not words or any(word in row[4] for word in words))
                    ):
                        archived[row[0]] = row
        together = {row[0]: row for row in found} | archived
        return [together[position] for position in sorted(together, reverse=descending)][:limit]


Reader = Recorder | Whole
BROKEN = """
SELECT kept.stream FROM (
    SELECT originator_id AS stream, count(*) AS n, max(originator_version) AS last FROM {table} GROUP BY originator_id
) AS kept LEFT JOIN (SELECT stream, sum(count) AS n FROM archived_stream GROUP BY stream) AS gone
ON gone.stream = kept.stream WHERE kept.n + coalesce(gone.n, 0) <> kept.last ORDER BY kept.stream
"""


def bits(offsets: Iterable[int], size: int) -> bytes:
    """A set of small numbers, one bit each."""
    marks = bytearray((size + 7) // 8)
    for offset in offsets:
        marks[offset // 8] |= 1 << offset % 8
    return bytes(marks)


def is_set(marks: bytes, offset: int) -> bool:
    return bool(marks[offset // 8] >> offset % 8 & 1)


def numbers(marks: bytes) -> Iterator[int]:
    return (offset for offset in range(8 * len(marks)) if is_set(marks, offset))
