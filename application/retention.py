"""Retention: closed ranges of the history go to the archive, and what nobody needs at hand leaves the database.

Nothing is removed before its file was read again and held against the seals. What stays in the database: everything of
streams that are not over, the last event of every stream, and whatever of a station its later decisions need.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import zstandard

from application.archive import FRESH_S, KNOWN, Kept, Whole, bits, numbers
from application.history import History
from application.rarity import UNHEEDED
from application.snapshot import load
from domain.archive import Manifest, beside, check, lines, name
from domain.audit import Seal
from domain.catalog import AGGREGATES, Recorded

KEEP = timedelta(days=7)
"""Younger events stay: whoever follows the history may look back so far, and a gateway cut off may still write."""
LEVEL = 9
AT_ONCE = 500
OVER = {each.__name__.lower(): each for each in AGGREGATES if "over" in vars(each)}
FORGET = "UPDATE archive SET pruned = 0, removed = 0, gone = NULL WHERE first = ?"
INSERT = "INSERT INTO {table} ({place}, originator_id, originator_version, topic, state) VALUES (?, ?, ?, ?, ?) "


class Retention:
    """What may be done with closed ranges; every step can be done again after a crash."""

    def __init__(self, history: History) -> None:
        assert isinstance(history.recorder, Whole)
        self.history = history
        self.recorder = history.recorder
        self.archive = history.recorder.archive

    def archived_up_to(self) -> int:
        """The last position that is in a file."""
        return int(self.recorder.fetch("SELECT coalesce(max(last), 0) FROM archive", ())[0][0])

    def store(self, seals: Sequence[Seal], key: str) -> Manifest:
        """Write the events under these seals into one file and read it again. Raises Untrue, Unreadable."""
        first, last = seals[0].first, seals[-1].last
        events = self.within(first, last)
        check(events, seals)
        file, content = name(first, last), zstandard.ZstdCompressor(level=LEVEL).compress(lines(events))
        manifest = Manifest(
            name=file, first=first, last=last, count=len(events), sha256=hashlib.sha256(content).hexdigest(), key=key,
            seals=tuple(seals),
        )  # fmt: skip
        self.archive.shelf.write(file, content)
        self.archive.shelf.write(beside(file), msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        check(self.archive.read(file, manifest.sha256), self.archive.manifest(file).seals)
        self.recorder.tell((
            "INSERT INTO archive (first, last, name, sha256) VALUES (?, ?, ?, ?)",
            [first, last, file, manifest.sha256],
        ))  # fmt: skip
        return manifest

    def within(self, first: int, last: int) -> list[Recorded]:
        """Every event of a range as it is stored, wherever that is."""
        rows = self.recorder.select_after(first - 1, last - first + 1)
        return [Recorded(*row) for row in rows if row[0] <= last]

    def prune(self, upto: int, advance: Callable[[int, int], None] = lambda done, total: None) -> int:
        """Remove what is archived and not needed at hand; tells how many events. Readers know before it happens."""
        rows = self.recorder.fetch(f"{KNOWN} WHERE removed = 0 ORDER BY first", ())
        files = [Kept._make([*each, {}]) for *each, _ in rows]
        marked = [file for file in files if file.pruned or (file.last <= upto and self.mark(file, upto))]
        if marked:
            time.sleep(2 * FRESH_S)
        for done, file in enumerate(marked, 1):
            self.remove(file)
            advance(done, len(marked))
        return sum(self.pruned(file) for file in marked)

    def pruned(self, file: Kept) -> int:
        return int(self.recorder.fetch("SELECT pruned FROM archive WHERE first = ?", [file.first])[0][0])

    def mark(self, file: Kept, upto: int) -> bool:
        """From now on readers take from the file what will be removed; False when nothing will."""
        check(self.archive.read(file.name, file.sha256), self.archive.manifest(file.name).seals)
        events = self.within(file.first, file.last)
        going = self.removable(events, upto)
        if not going:
            return False
        topics = msgspec.json.encode(Counter(event.topic for event in going)).decode()
        gone = bits((event.position - file.first for event in going), file.last - file.first + 1)
        statement = "UPDATE archive SET pruned = ?, topics = ?, gone = ? WHERE first = ?"
        self.recorder.tell((statement, [len(going), topics, gone, file.first]))
        return True

    def removable(self, events: Sequence[Recorded], upto: int) -> list[Recorded]:
        ends = self.recorder.ends(sorted({event.stream for event in events}))
        over = {stream for stream, end in ends.items() if end.position <= upto and self.over(stream)}
        return [
            event
            for event in events
            if event.version < ends[event.stream].version and (event.topic in UNHEEDED or event.stream in over)
        ]

    def over(self, stream: str) -> bool:
        """Is nothing more expected in this stream?"""
        kind = OVER.get(stream.partition("/")[0])
        return kind is not None and load(self.history, kind(stream)).aggregate.over

    def remove(self, file: Kept) -> None:
        """Take the marked events out of the database; all of a file or none."""
        gone = bytes(self.recorder.fetch("SELECT gone FROM archive WHERE first = ?", [file.first])[0][0])
        positions = [file.first + offset for offset in numbers(gone)]
        streams = Counter(row[1] for row in self.recorder.recorder.select_at(positions))
        self.recorder.tell(
            *(self.delete(positions[at : at + AT_ONCE]) for at in range(0, len(positions), AT_ONCE)),
            *(
                ("INSERT INTO archived_stream (stream, first, count) VALUES (?, ?, ?)", [stream, file.first, count])
                for stream, count in streams.items()
            ),
            ("UPDATE archive SET removed = 1 WHERE first = ?", [file.first]),
        )

    def delete(self, positions: Sequence[int]) -> tuple[str, Sequence[Any]]:
        marks = ", ".join("?" * len(positions))
        return self.recorder.worded(f"DELETE FROM {{table}} WHERE {{place}} IN ({marks})"), positions

    def restore(self, file: str, genuine: Callable[[Seal], bool]) -> int:
        """Bring the events of a file back into the database; tells how many were missing. Raises Untrue, Unreadable."""
        manifest = self.archive.manifest(file)
        if not all(genuine(seal) for seal in manifest.seals):
            raise self.archive.damaged(beside(file), "its seals are not those of this history")
        events = self.archive.read(manifest.name, manifest.sha256)
        check(events, manifest.seals)
        size = manifest.last - manifest.first + 1
        there = {row[0] for row in self.recorder.recorder.select_after(manifest.first - 1, size)}
        missing = [event for event in events if event.position not in there]
        ahead = manifest.last > self.history.head()
        self.recorder.tell(
            *((self.recorder.worded(INSERT), list(event)) for event in missing),
            ("DELETE FROM archived_stream WHERE first = ?", [manifest.first]),
            (FORGET, [manifest.first]),
            *(self.recorder.recorder.counted_on() if ahead else ()),
        )
        return len(missing)
