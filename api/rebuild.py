"""Read models made again from the history, on a terminal: what would change, and the swap."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from api.bootstrap.privacy import opened
from api.settings import Settings
from migrations.migrate import upgrade
from projections.catalog import PROJECTIONS
from projections.difference import Difference, Tally
from projections.rebuild import Advance, rebuild, sweep

SIGNS = {"added": "+", "removed": "-", "changed": "~"}
LONGEST = 100


@dataclass
class Printer:
    """Shows at most `limit` rows of a table, for people or, one JSON object a line, for programs."""

    limit: int
    json: bool
    write: Callable[[str], Any] = lambda text: sys.stdout.write(text)
    shown: Counter[str] = field(default_factory=Counter)
    hidden: Counter[str] = field(default_factory=Counter)

    def show(self, difference: Difference) -> None:
        if self.limit and self.shown[difference.table] >= self.limit:
            self.hidden[difference.table] += 1
            return
        self.shown[difference.table] += 1
        self.write(f"{as_json(difference) if self.json else as_text(difference)}\n")

    def total(self, name: str, tally: Tally, swapped: bool) -> None:
        if self.json:
            counts = asdict(tally) | {"projection": name, "swapped": swapped, "not_shown": sum(self.hidden.values())}
            self.write(f"{msgspec.json.encode(counts).decode()}\n")
        else:
            for table, more in self.hidden.items():
                self.write(f"  … {more:,} more of {table}\n")
            self.write(f"{name}: {as_words(tally, swapped)}\n")
        self.hidden.clear()
        self.shown.clear()


def as_words(tally: Tally, swapped: bool) -> str:
    """Like: 3 of 120 rows would change: 1 added, 0 removed, 2 changed."""
    rows = f"{tally.total:,} of {tally.rows:,} row{'' if tally.rows == 1 else 's'}"
    words = f"{rows} changed" if swapped else f"{rows} would change"
    if not tally.total:
        return words
    return f"{words}: {tally.added:,} added, {tally.removed:,} removed, {tally.changed:,} changed"


def as_text(difference: Difference) -> str:
    """Like: ~ transaction id=5f1c  badge: 'forged' → 'B1'."""
    key = " ".join(f"{name}={value}" for name, value in difference.key.items())
    match difference.kind:
        case "changed":
            columns = [f"{name}: {short(was)} → {short(now)}" for name, (was, now) in difference.columns.items()]
        case "added":
            columns = [f"{name}: {short(now)}" for name, (_, now) in difference.columns.items()]
        case "removed":
            columns = [f"{name}: {short(was)}" for name, (was, _) in difference.columns.items()]
    return "  ".join([f"  {SIGNS[difference.kind]} {difference.table} {key}", *columns])


def short(value: Any) -> str:
    """A value on a line for people; programs get the whole of it."""
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def as_json(difference: Difference) -> str:
    changed = {name: {"old": was, "new": now} for name, (was, now) in difference.columns.items()}
    return msgspec.json.encode(asdict(difference) | {"columns": changed}, enc_hook=str).decode()


def rebuild_all(settings: Settings, names: Sequence[str], diff: bool, printer: Printer, advance: Advance) -> int:
    """Rebuild the named projections, or all; tells how many rows differ. Raises ValueError for an unknown name."""
    unknown = [name for name in names if name not in PROJECTIONS]
    if unknown:
        raise ValueError(f"there is no read model {unknown[0]!r}: {', '.join(PROJECTIONS)}")
    total = 0
    with opened(settings) as here:
        upgrade(settings.database)
        sweep(here.engine, PROJECTIONS.values())
        for name in names or PROJECTIONS:
            seen = printer.show if diff else lambda difference: None
            tally = rebuild(here.engine, here.history, PROJECTIONS[name], swap=not diff, seen=seen, advance=advance)
            printer.total(name, tally, swapped=not diff)
            total += tally.total
    return total
