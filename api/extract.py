"""The history as a file: JSON lines or CSV, and the proof that the file holds what was sealed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import msgspec

from api.search import Question, Search
from application.history import History
from domain.audit import HIDDEN, RANGE
from domain.catalog import Recorded
from projections import audit

AT_ONCE = 500
FORMAT = "bornier-export-proof-v1"
COLUMNS = ("position", "stream", "version", "topic", "recorded_at", "occurred_at", "cause", "data")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def json_line(recorded: Recorded) -> str:
    """One event as one JSON object: position, stream, version, topic and the event's own JSON as `data`."""
    head = {name: getattr(recorded, name) for name in ("position", "stream", "version", "topic")}
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "data": {bytes(recorded.state).decode()}}}\n'


def csv_line(recorded: Recorded) -> str:
    """One event as one line of CSV (RFC 4180). Nothing in it is a formula to a spreadsheet."""
    state = bytes(recorded.state).decode()
    data: dict[str, Any] = msgspec.json.decode(state)
    times = data["recorded_at"], data.get("occurred_at") or ""
    return row(
        [recorded.position, recorded.stream, recorded.version, recorded.topic, *times, data["cause"]["by"], state]
    )


def row(cells: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([harmless(cell) for cell in cells])
    return line.getvalue()


def harmless(cell: Any) -> Any:
    """What a spreadsheet would compute gets an apostrophe in front, so that it is shown instead."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


LINES: dict[str, Callable[[Recorded], str]] = {"jsonl": json_line, "csv": csv_line}


def lines(search: Search, first: int, last: int, form: str, stored: bool = False) -> Iterator[str]:
    """What a question finds from one position to another, line by line; as people may read it, or as it is stored: that
    is what was sealed, and so what a proof needs."""
    if form == "csv":
        yield row(COLUMNS)
    found = search.events(first - 1, last + 1)
    yield from map(LINES[form], as_stored(search.history, found) if stored else found)


def as_stored(history: History, found: Iterator[Recorded]) -> Iterator[Recorded]:
    """The same events byte for byte."""
    while positions := [recorded.position for recorded in islice(found, AT_ONCE)]:
        yield from history.stored.at(positions)


def proof(search: Search, first: int, last: int) -> Iterator[str]:
    """The proof of such an export for `docs/verify_export.py`, seal by seal. Of a whole range it shows that nothing is
    missing; of a selection that every line is genuine."""
    complete = search.question == Question()
    yield json.dumps({"format": FORMAT, "complete": complete, "first": first, "last": last}) + "\n"
    with search.engine.connect() as connection:
        if complete:
            for seal in audit.covering(connection, first, last):
                part = audit.account(search.history.stored, seal, lambda events: range_marks(events, first, last))
                yield json.dumps(part, ensure_ascii=False) + "\n"
            return
        found = search.events(first - 1, last + 1)
        for number, some in groupby(found, key=lambda recorded: (recorded.position - 1) // RANGE):
            positions = {recorded.position for recorded in some}
            for seal in audit.covering(connection, number * RANGE + 1, number * RANGE + 1):
                part = audit.account(search.history.stored, seal, selection_marks(positions))
                yield json.dumps(part, ensure_ascii=False) + "\n"


def range_marks(events: Sequence[Recorded], first: int, last: int) -> list[Any]:
    """Lines inside the range; the nearest events beside it are shown, so that nobody can hide one between."""
    marks: list[Any] = [None if first <= event.position <= last else HIDDEN for event in events]
    before = [index for index, event in enumerate(events) if event.position < first]
    after = [index for index, event in enumerate(events) if event.position > last]
    for index in (*before[-1:], *after[:1]):
        marks[index] = audit.shown(events[index])
    return marks


def selection_marks(positions: set[int]) -> Callable[[Sequence[Recorded]], list[Any]]:
    return lambda events: [None if event.position in positions else HIDDEN for event in events]


def sealed(search: Search) -> int:
    """The last position that can be proven."""
    with search.engine.connect() as connection:
        return audit.sealed_up_to(connection)
