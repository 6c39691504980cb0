"""Funding: which EVSEs Advenir funds, as a CSV file with one a line."""

from __future__ import annotations

import csv
import io

from api.moment import moment
from application.advenir import Line

COLUMNS = ("station", "evse", "identifier", "since")
POWER = "rated_power_w"
MOST = 20_000


def lines_of(text: str) -> tuple[list[Line], list[tuple[int, str]]]:
    """Its lines, and those that cannot be read with the reason. Raises ValueError for a file that is none."""
    text = text.removeprefix("\ufeff")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    try:
        header, *rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)) or [[]]
    except csv.Error as error:
        raise ValueError(f"this is no CSV: {error}") from None
    names = [name.strip() for name in header]
    if missing := [name for name in COLUMNS if name not in names]:
        raise ValueError(f"the first line must name the columns {', '.join(COLUMNS)}; {missing[0]} is missing")
    if len(rows) > MOST:
        raise ValueError(f"at most {MOST:,} lines at once")
    return read(names, rows)


def read(names: list[str], rows: list[list[str]]) -> tuple[list[Line], list[tuple[int, str]]]:
    lines, wrong = [], []
    for number, row in enumerate(rows, 2):
        if not any(row):
            continue
        try:
            lines.append(line(number, dict(zip(names, (value.strip() for value in row), strict=False))))
        except ValueError as error:
            wrong.append((number, str(error)))
    return lines, wrong


def line(number: int, told: dict[str, str]) -> Line:
    """Raises ValueError."""
    evse, since = told.get("evse", ""), moment(told.get("since"))
    if not (evse.isascii() and evse.isdigit() and len(evse) < 9):
        raise ValueError(f"{evse!r} is no EVSE: they are numbered from 1")
    if since is None:
        raise ValueError("since when are its charges told?")
    return number, told["station"], int(evse), told.get("identifier", ""), since, power(told.get(POWER, ""))


def power(text: str) -> float | None:
    try:
        return float(text.replace(",", ".")) if text else None
    except ValueError:
        raise ValueError(f"{text!r} is no rated power in W") from None
