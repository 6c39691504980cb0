"""The ledger: what the read models know of charges at funded points, and of what Advenir was told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from application.ports import Candidate, Wanted
from projections import advenir
from projections.page import Page, cursor

PAGE = 500
T = TypeVar("T")


class Ledger:
    """`Ledger` of the application; every method may touch the disk."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def ask(self, query: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return query(connection)

    def due(self, wanted: Wanted, after: str | None) -> tuple[list[Candidate], str | None]:
        conditions = [*advenir.within(*wanted), advenir.unmade()]
        return paged(self.ask(lambda c: advenir.charges(c, conditions, PAGE, after)))

    def charges(self, wanted: Wanted, after: str | None) -> tuple[list[Candidate], str | None]:
        return paged(self.ask(lambda c: advenir.charges(c, advenir.within(*wanted), PAGE, after)))

    def candidate(self, transaction_id: str) -> Candidate | None:
        row = self.ask(lambda c: advenir.charge(c, transaction_id))
        return candidate(row) if row is not None else None

    def waiting(self, after: int, now: datetime) -> tuple[list[str], int | None]:
        rows = self.ask(lambda c: advenir.waiting(c, PAGE, after, now))
        return [row.transaction_id for row in rows], rows[-1].made_position if len(rows) == PAGE else None

    def twin(self, identifier: str, pair: tuple[int, int], transaction_id: str) -> str | None:
        return self.ask(lambda c: advenir.twin(c, identifier, *pair, transaction_id))

    def funded_at(self) -> int:
        return self.ask(advenir.funded_at)


def paged(page: Page) -> tuple[list[Candidate], str | None]:
    last = page.rows[-1] if page.more else None
    return [candidate(row) for row in page.rows], cursor(last.started_at, last.id) if last is not None else None


def candidate(row: Any) -> Candidate:
    return Candidate(row.id, row.station_id, row.evse_id, row.identifier, row.rated_power_w)
