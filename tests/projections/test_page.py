"""Pages stay fast however long the list: every one walks an index and stops."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from projections import command, station, transaction
from projections.engine import engine
from projections.page import BadCursor, cursor, key

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 20_000
OPEN = 60


@pytest.fixture
def here(ready: str) -> Iterator[Engine]:
    made = engine(ready)
    with made.begin() as connection:
        rows = [
            {
                "id": f"t{n:06}",
                "station_id": f"S{n % 50}",
                "badge": f"B{n % 90}",
                "started_at": BEGIN + timedelta(minutes=n),
                "ended_at": None if n < OPEN else BEGIN + timedelta(minutes=n + 30),
            }
            for n in range(MANY)
        ]
        connection.execute(transaction.TRANSACTION.insert(), rows)
        asked = [
            {
                "id": row["id"],
                "station_id": row["station_id"],
                "requested_at": row["started_at"],
                "status": "ACCEPTED" if row["ended_at"] else "SENT",
            }
            for row in rows
        ]
        connection.execute(command.COMMAND.insert(), asked)
        connection.execute(station.STATION.insert(), [{"id": f"S{n:06}"} for n in range(2_000)])
    with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    yield made
    made.dispose()


PAGES: dict[str, Any] = {
    "first": lambda c: transaction.transactions(c, 50),
    "deep": lambda c: transaction.transactions(c, 50, cursor(BEGIN + timedelta(minutes=500), "t000500")),
    "station": lambda c: transaction.transactions(c, 50, station_id="S7"),
    "badge": lambda c: transaction.transactions(c, 50, cursor(BEGIN + timedelta(minutes=9_000), "t009000"), badge="B1"),
    "since": lambda c: transaction.transactions(c, 50, since=BEGIN + timedelta(minutes=100)),
    "open": lambda c: transaction.transactions(c, 50, open_=True),
    "sent": lambda c: command.commands(c, 50, status="SENT"),
    "commands": lambda c: command.commands(c, 50, cursor(BEGIN + timedelta(minutes=500), "t000500")),
    "stations": lambda c: station.stations(c, 50, cursor("S001000")),
}


FEW = {"open": "transaction_open", "sent": "command_by_status"}
"""Lists of the few among many: only their own index finds them without reading the rest."""


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_read_from_an_index_without_sorting_everything(here: Engine, name: str) -> None:
    statements: list[tuple[str, Any]] = []

    @event.listens_for(here, "before_cursor_execute")
    def note(_c: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    with here.connect() as connection:
        assert len(PAGES[name](connection).rows) == 50
        statement, parameters = statements[-1]
        explain = "EXPLAIN QUERY PLAN " if here.dialect.name == "sqlite" else "EXPLAIN "
        plan = "\n".join(" ".join(map(str, row)) for row in connection.exec_driver_sql(explain + statement, parameters))
    assert "INDEX" in plan.upper(), plan
    assert FEW.get(name, "") in plan, plan
    assert "TEMP B-TREE" not in plan, plan
    assert "Seq Scan" not in plan, plan


def test_a_cursor_of_another_list_is_refused() -> None:
    for text_ in ("", "x", "!!", cursor("only one"), cursor(1, 2), "WzFd", "é"):
        with pytest.raises(BadCursor):
            key(text_, tuple[datetime, str])
