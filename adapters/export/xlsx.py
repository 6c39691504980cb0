"""XLSX: typed cells, a frozen header, filters. A workbook holds a million rows a sheet; more go to the next sheet."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, BinaryIO

import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from adapters.export.form import Batches, Form
from projections.dataset import Field

MOST_ROWS = 1_048_576
LONGEST = 32_767
WIDTH = {"text": 22, "time": 20, "integer": 10, "number": 14, "boolean": 10, "money": 14}
LOOKS = {"time": "yyyy-mm-dd hh:mm:ss", "number": "0.000", "money": "0.00##", "integer": "0"}


def write(batches: Batches, columns: Sequence[Field], form: Form, sink: BinaryIO) -> None:
    """Rows wait on disk, not in memory: the zip can only be made when all are there."""
    with tempfile.TemporaryDirectory(prefix="bornier-xlsx-") as folder:
        path = f"{folder}/export.xlsx"
        options = {"constant_memory": True, "tmpdir": folder, "in_memory": False}
        with xlsxwriter.Workbook(path, options) as book:
            Book(book, columns, form).fill(batches)
        with open(path, "rb") as made:
            shutil.copyfileobj(made, sink)


class Book:
    """A workbook in the making."""

    def __init__(self, book: Workbook, columns: Sequence[Field], form: Form) -> None:
        self.book, self.columns, self.form = book, columns, form
        self.header = book.add_format({"bold": True, "bottom": 1})
        self.looks = [book.add_format({"num_format": LOOKS.get(column.kind, "General")}) for column in columns]
        self.puts: list[Callable[[int, int, Any], None]] = []
        self.row = MOST_ROWS
        self.sheet: Worksheet | None = None

    def fill(self, batches: Batches) -> None:
        self.turn()
        for rows in batches:
            for row in rows:
                if self.row == MOST_ROWS:
                    self.turn()
                for at, value in enumerate(row):
                    if value is not None:
                        self.puts[at](self.row, at, value)
                self.row += 1
        self.finish()

    def turn(self) -> None:
        """The next sheet, with its header; times are local in the zone named there, for Excel knows no zones."""
        self.finish()
        self.sheet, self.row = self.book.add_worksheet(), 1
        self.sheet.freeze_panes(1, 0)
        for at, column in enumerate(self.columns):
            self.sheet.set_column(at, at, WIDTH[column.kind])
        for at, column in enumerate(self.columns):
            title = f"{column.name} ({self.form.zone})" if column.kind == "time" else column.name
            self.sheet.write_string(0, at, title, self.header)
        self.puts = [
            self.put(self.sheet, column.kind, look) for column, look in zip(self.columns, self.looks, strict=True)
        ]

    def finish(self) -> None:
        if self.sheet is not None:
            self.sheet.autofilter(0, 0, self.row - 1, len(self.columns) - 1)

    def put(self, sheet: Worksheet, kind: str, look: Any) -> Callable[[int, int, Any], None]:
        """How a value of a kind becomes a cell; a text is never taken for a formula or a link."""
        if kind == "time":
            return lambda row, at, value: sheet.write_datetime(row, at, self.local(value), look)
        if kind == "boolean":
            return lambda row, at, value: sheet.write_boolean(row, at, bool(value))
        if kind == "text":
            return lambda row, at, value: sheet.write_string(row, at, str(value)[:LONGEST])
        return lambda row, at, value: sheet.write_number(row, at, value, look)

    def local(self, value: datetime) -> datetime:
        return value.astimezone(self.form.zone).replace(tzinfo=None)
