"""The exporter: a dataset, a window, a format, and somewhere to write to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import Connection

from adapters.export import csv, jsonl, parquet, xlsx
from adapters.export.form import Form, Format, counted
from projections import dataset
from projections.dataset import Dataset, Window

FORMATS: dict[str, tuple[Format, str]] = {
    "csv": (csv.write, "text/csv"),
    "xlsx": (xlsx.write, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "jsonl": (jsonl.write, "application/jsonl"),
    "parquet": (parquet.write, "application/vnd.apache.parquet"),
}


def nothing(done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Writing:
    """An export that can be written; everything about it has been checked."""

    dataset: Dataset
    window: Window
    format: Format
    media_type: str
    form: Form

    def write(self, connection: Connection, sink: BinaryIO, advance: Callable[[int, int], None] = nothing) -> int:
        """What the connection shows, in one consistent state, however long it takes; returns how many rows it was."""
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        total, seen = dataset.count(connection, self.dataset, self.window), 0

        def tell(rows: int) -> None:
            nonlocal seen
            seen = rows
            advance(seen, total)

        batches = counted(dataset.rows(connection, self.dataset, self.window), tell)
        self.format(batches, self.dataset.fields, self.form, sink)
        return seen


def prepare(name: str, suffix: str, window: Window, options: Mapping[str, str]) -> Writing:
    """Raises ValueError, in words of what does not exist."""
    if suffix not in FORMATS:
        raise ValueError(f"there is no format {suffix!r}: {', '.join(FORMATS)}")
    write, media_type = FORMATS[suffix]
    wanted = dataset.known(name)
    dataset.query(wanted, window)
    return Writing(wanted, window, write, media_type, Form.chosen(options))
