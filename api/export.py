"""An export by hand, to a file or to the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from api.bootstrap.export import PREPARE
from api.settings import Settings
from migrations.migrate import upgrade
from projections.dataset import Window
from projections.engine import engine


def export(
    settings: Settings, dataset: str, suffix: str, window: Window, options: Mapping[str, str], out: Path | None,
    advance: Callable[[int, int], None],
) -> int:  # fmt: skip
    """Returns how many rows were written; a file appears under its name only when it is whole. Raises ValueError."""
    upgrade(settings.database)
    writing, here = PREPARE(dataset, suffix, window, options), engine(settings.database)
    try:
        with here.connect() as connection:
            if out is None:
                return writing.write(connection, sys.stdout.buffer, advance)
            return whole(out, lambda sink: writing.write(connection, sink, advance))
    finally:
        here.dispose()


def whole(out: Path, write: Callable[[BinaryIO], int]) -> int:
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as sink:
            rows = write(sink)
        os.replace(part, out)
        return rows
    finally:
        part.unlink(missing_ok=True)
