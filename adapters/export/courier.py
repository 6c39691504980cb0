"""The courier: writes what a schedule wants to a file, and brings it to its place."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from sqlalchemy import Connection, Engine

from adapters.export.exporter import prepare
from application.ports import DeliveryFailed, Drop, Parcel, StorageFailed
from domain.event import Refusal
from domain.export import Export, Span
from projections import checkpoint
from projections.dataset import Window, known
from projections.scope import Scope, narrowing, seen_by

PATIENCE_S = 60.0
LOOK_S = 0.2
PIECE_BYTES = 262_144


class Courier:
    """`Exporter` of the application. `open_place`: a place of a schedule → where files are put."""

    def __init__(self, engine: Engine, open_place: Callable[[str], Drop]) -> None:
        self.engine = engine
        self.narrow = narrowing(engine)
        self.open_place = open_place

    def check(self, dataset: str, suffix: str, options: dict[str, str]) -> None:
        try:
            prepare(dataset, suffix, Window(), options)
        except ValueError as error:
            raise Refusal(str(error)) from None

    async def deliver(self, wish: Export.Scheduled, span: Span, position: int) -> Parcel:
        await self.fresh(position)
        handle, path = tempfile.mkstemp(prefix="bornier-export-")
        os.close(handle)
        try:
            rows = await asyncio.to_thread(self.write, wish, span, Path(path))
            name = title(wish, span)
            size, digest = await asyncio.to_thread(measured, Path(path))
            await self.open_place(wish.place).write(name, pieces(Path(path)))
            return Parcel(name, rows, size, digest)
        except (StorageFailed, OSError, ValueError) as error:
            raise DeliveryFailed(str(error)) from error
        finally:
            os.unlink(path)

    async def fresh(self, position: int) -> None:
        """Raises DeliveryFailed if the read models do not get there."""
        for _ in range(int(PATIENCE_S / LOOK_S)):
            if await asyncio.to_thread(self.reached) >= position:
                return
            await asyncio.sleep(LOOK_S)
        raise DeliveryFailed("the read models are behind the history; see /health/ready")

    def reached(self) -> int:
        with self.engine.connect() as connection:
            return min((each.position for each in checkpoint.read(connection).values()), default=0)

    def write(self, wish: Export.Scheduled, span: Span, path: Path) -> int:
        timed = known(wish.dataset).time is not None
        since, until = span if timed else (None, None)
        writing = prepare(wish.dataset, wish.format, Window(since, until), wish.options)
        with path.open("wb") as sink, self.connect(wish.site) as connection:
            return writing.write(connection, sink)

    def connect(self, site: str | None) -> Connection:
        return seen_by(self.narrow, Scope(frozenset({site}))) if site else self.engine.connect()


def title(wish: Export.Scheduled, span: Span) -> str:
    """The same period has the same name: a file that is delivered twice is there once."""
    return f"{wish.dataset}-{span.since:%Y%m%dT%H%M}Z-{span.until:%Y%m%dT%H%M}Z.{wish.format}"


def measured(path: Path) -> tuple[int, str]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return path.stat().st_size, digest.hexdigest()


async def pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
