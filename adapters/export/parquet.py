"""Parquet: columns with types, compressed with zstd; times are UTC microseconds, money is a decimal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, cast

from arro3.core import Array, DataType, RecordBatch, RecordBatchReader, Schema
from arro3.core import Field as Column
from arro3.io import write_parquet

from adapters.export.form import Batches, Form
from projections.dataset import Field

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
TIME = DataType.timestamp("us", tz="UTC")
MONEY = DataType.decimal128(24, 8)
TYPES = {
    "text": DataType.utf8(),
    "time": TIME,
    "integer": DataType.int64(),
    "number": DataType.float64(),
    "boolean": DataType.bool(),
    "money": MONEY,
}


def write(batches: Batches, columns: Sequence[Field], form: Form, sink: BinaryIO) -> None:
    schema = Schema([Column(column.name, TYPES[column.kind], nullable=True) for column in columns])
    arrays = [ARRAYS[column.kind] for column in columns]

    def pages() -> Iterator[RecordBatch]:
        for rows in batches:
            made = [array(values) for array, values in zip(arrays, zip(*rows, strict=True), strict=True)]
            yield RecordBatch.from_arrays(made, schema=schema)

    write_parquet(RecordBatchReader.from_batches(schema, cast(Any, pages())), sink, compression="zstd(3)")


def texts(values: Sequence[Any]) -> Array:
    return Array([None if value is None else str(value) for value in values], type=DataType.utf8())


def times(values: Sequence[datetime | None]) -> Array:
    since = [None if value is None else (value - EPOCH) // MICROSECOND for value in values]
    return Array(since, type=DataType.int64()).cast(TIME)


def moneys(values: Sequence[Any]) -> Array:
    return Array([None if value is None else f"{value:f}" for value in values], type=DataType.utf8()).cast(MONEY)


ARRAYS: dict[str, Callable[[Sequence[Any]], Array]] = {
    "text": texts,
    "time": times,
    "money": moneys,
    "integer": lambda values: Array(list(values), type=DataType.int64()),
    "number": lambda values: Array([None if v is None else float(v) for v in values], type=DataType.float64()),
    "boolean": lambda values: Array([None if v is None else bool(v) for v in values], type=DataType.bool()),
}
