"""JSON Lines: one object a row, times in UTC, money as text so that no digit is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import msgspec

from adapters.export.form import Batches, Form
from projections.dataset import Field

ENCODER = msgspec.json.Encoder(decimal_format="string")


def write(batches: Batches, columns: Sequence[Field], form: Form, sink: BinaryIO) -> None:
    names = [column.name for column in columns]
    for rows in batches:
        sink.write(ENCODER.encode_lines([dict(zip(names, row, strict=True)) for row in rows]))
