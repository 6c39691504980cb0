"""What exports look like to others: the same rows in every format, read by libraries that are not ours."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, cast
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
import pytest
from sqlalchemy import literal

from adapters.export import xlsx
from adapters.export.exporter import FORMATS
from adapters.export.form import Form
from projections.dataset import Field, Kind

KINDS: dict[str, Kind] = {
    "at": "time", "name": "text", "count": "integer", "energy_kwh": "number", "ok": "boolean", "cost_eur": "money",
}  # fmt: skip
COLUMNS = [Field(name, kind, "", literal(None)) for name, kind in KINDS.items()]
AT = datetime(2026, 7, 14, 22, 30, 0, 250_000, tzinfo=UTC)
ROWS: list[tuple[Any, ...]] = [
    (AT, "Été à l'Œuvre", 3, 12.345, True, Decimal("1234.5600")),
    (AT, "=1+1", -3, -0.1 - 0.2, False, Decimal("-0.01")),
    (None, None, None, None, None, None),
    (AT, 'a;b,"c"\nd', 0, 0.0, True, Decimal(0)),
]
HOSTILE = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=x"]


def written(suffix: str, rows: list[tuple[Any, ...]] = ROWS, **options: str) -> bytes:
    sink = io.BytesIO()
    write, _ = FORMATS[suffix]
    write([rows[:2], rows[2:]], COLUMNS, Form.chosen(options), sink)
    return sink.getvalue()


def sheet(content: bytes, encoding: str = "utf-8", delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(encoding), newline=""), delimiter=delimiter))


def test_csv_is_what_the_rfc_says() -> None:
    content = written("csv")
    assert content.startswith(b"at,name,count,energy_kwh,ok,cost_eur\r\n")
    assert sheet(content)[1:] == [
        ["2026-07-14T22:30:00.250000Z", "Été à l'Œuvre", "3", "12.345", "true", "1234.5600"],
        ["2026-07-14T22:30:00.250000Z", "'=1+1", "-3", "-0.3", "false", "-0.01"],
        [""] * 6,
        ["2026-07-14T22:30:00.250000Z", 'a;b,"c"\nd', "0", "0", "true", "0"],
    ]


def test_a_french_excel_opens_it_by_a_double_click() -> None:
    content = written("csv", preset="excel-fr")
    assert content.startswith(b"\xef\xbb\xbfat;name")
    rows = sheet(content, "utf-8-sig", ";")
    assert rows[1] == ["2026-07-15 00:30:00", "Été à l'Œuvre", "3", "12,345", "true", "1234,5600"]
    island = written("csv", preset="excel-fr", timezone="Indian/Reunion")
    assert sheet(island, "utf-8-sig", ";")[1][0] == "2026-07-15 02:30:00"


def test_what_an_encoding_lacks_is_written_so_that_it_can_be_read_again() -> None:
    rows = [(AT, "Œ 充", 1, 1.0, True, Decimal(1))]
    assert sheet(written("csv", rows, encoding="cp1252"), "cp1252")[1][1] == "Œ \\u5145"
    assert sheet(written("csv", rows, encoding="utf-16"), "utf-16")[1][1] == "Œ 充"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_is_a_formula(text: str) -> None:
    rows = [(AT, text, 1, 1.0, True, Decimal(1))]
    assert sheet(written("csv", rows))[1][1] == f"'{text}"
    cell = openpyxl.load_workbook(io.BytesIO(written("xlsx", rows))).active["B2"]
    assert cell.data_type == "s"


def test_cells_of_a_workbook_have_types_and_its_header_stays() -> None:
    book = openpyxl.load_workbook(io.BytesIO(written("xlsx", timezone="Europe/Paris"))).active
    assert [cell.value for cell in book[1]] == ["at (Europe/Paris)", *list(KINDS)[1:]]
    assert book.freeze_panes == "A2"
    assert book.auto_filter.ref == "A1:F5"
    local = AT.astimezone(ZoneInfo("Europe/Paris")).replace(tzinfo=None)
    assert [cell.value for cell in book[2]] == [local, "Été à l'Œuvre", 3, 12.345, True, 1234.56]
    assert [cell.data_type for cell in book[2]] == ["d", "s", "n", "n", "b", "n"]
    assert [cell.value for cell in book[4]] == [None] * 6


def test_what_one_sheet_cannot_hold_goes_on_on_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 3)
    book = openpyxl.load_workbook(io.BytesIO(written("xlsx")))
    assert [sheet.max_row for sheet in book] == [3, 3]
    assert book.worksheets[1]["A1"].value == "at (UTC)"
    assert book.worksheets[1]["B3"].value == 'a;b,"c"\nd'


def test_json_lines_lose_no_digit() -> None:
    first, *_ = [json.loads(line) for line in written("jsonl").splitlines()]
    assert first == {
        "at": "2026-07-14T22:30:00.250000Z", "name": "Été à l'Œuvre", "count": 3, "energy_kwh": 12.345, "ok": True,
        "cost_eur": "1234.5600",
    }  # fmt: skip


def test_other_programs_read_the_columns_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(written("parquet"))
    with duckdb.connect() as db:
        db.execute("SET TimeZone='UTC'")
        kinds = [row[1] for row in db.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        epoch = db.execute(f'SELECT epoch_us("at"), * EXCLUDE ("at") FROM \'{path}\'').fetchall()
    assert kinds == ["TIMESTAMP WITH TIME ZONE", "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "DECIMAL(24,8)"]
    assert epoch[0] == (int(AT.timestamp() * 1e6), *ROWS[0][1:])
    assert epoch[2] == (None,) * 6


class Nowhere(io.RawIOBase):
    """Counts what is written, and keeps nothing."""

    def __init__(self) -> None:
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.size += len(data)
        return len(data)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
def test_memory_does_not_grow_with_the_number_of_rows(suffix: str) -> None:
    write, _ = FORMATS[suffix]
    columns, sink = COLUMNS[1:4], Nowhere()
    batches = ([("text", n, float(n)) for n in range(at, at + 1_000)] for at in range(0, 40_000, 1_000))
    tracemalloc.start()
    write(batches, columns, Form(), cast(BinaryIO, sink))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sink.size > 10_000
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"preset": "excel-de"}, "preset"),
        ({"delimiter": "x"}, "delimiter"),
        ({"decimal": ";"}, "decimal"),
        ({"decimal": ","}, "must differ"),
        ({"encoding": "rot13"}, "encoding"),
        ({"timezone": "Europe/Paname"}, "time zone"),
        ({"color": "red"}, "option"),
    ],
)
def test_what_cannot_be_is_said(options: Mapping[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Form.chosen(options)
