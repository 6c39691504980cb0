"""CSV as RFC 4180, and as the spreadsheet of the reader wants it. A text that a spreadsheet would run is defused."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from adapters.export.form import Batches, Form
from projections.dataset import Field

ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins so is a formula to a spreadsheet (OWASP, CSV injection)."""

Spelling = Callable[[Any], str]


def write(batches: Batches, columns: Sequence[Field], form: Form, sink: BinaryIO) -> None:
    text = io.TextIOWrapper(sink, form.encoding, errors="backslashreplace", newline="", write_through=True)
    sheet = csv.writer(text, delimiter=form.delimiter, lineterminator="\r\n")
    sheet.writerow([column.name for column in columns])
    spell = [spelling(column.kind, form) for column in columns]
    for rows in batches:
        sheet.writerows([[say(value) for say, value in zip(spell, row, strict=True)] for row in rows])
    text.detach()


def spelling(kind: str, form: Form) -> Spelling:
    """How a value of a kind is written; nothing is an empty cell."""
    if kind == "time":
        return lambda value: "" if value is None else moment(value, form)
    if kind in ("number", "money"):
        return lambda value: "" if value is None else number(value).replace(".", form.decimal)
    if kind == "boolean":
        return lambda value: "" if value is None else ("true" if value else "false")
    if kind == "integer":
        return lambda value: "" if value is None else str(value)
    return lambda value: "" if value is None else defused(str(value))


def moment(value: datetime, form: Form) -> str:
    local = value.astimezone(form.zone)
    if form.plain_times:
        return local.strftime("%Y-%m-%d %H:%M:%S")
    return local.isoformat().replace("+00:00", "Z")


def number(value: Any) -> str:
    """Six digits behind the point at most, no exponent, no noise of floats."""
    if not isinstance(value, float):
        return f"{value:f}"
    return f"{value:.6f}".rstrip("0").rstrip(".") or "0"


def defused(value: str) -> str:
    return f"'{value}" if value.startswith(ACTIVE) else value
