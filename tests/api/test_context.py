"""Rows are loaded once per request: a page of stations costs the same number of statements as one station."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event

from api.access import Principal
from api.graphql.context import Asker
from api.graphql.schema import schema
from api.settings import Settings
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.runner import Runner
from tests.desk import only
from tests.history import Notebook, Talk, meter16, start16, status16, stop16
from tests.projections.test_projection import Book

QUERY = """query ($first: Int!) { stations(first: $first) { totalCount edges { node { id
  connectors { evseId status }
  transactions(first: 5) { edges { node { id energyWh
    readings(first: 5) { edges { node { registerWh } } } } } } } } } }"""


@pytest.fixture
def here(ready: str) -> Iterator[Engine]:
    made = engine(ready)
    notebook = Notebook()
    for number in range(20):
        talk = Talk(notebook, f"S{number:02}")
        talk.boot()
        talk.say("StatusNotification", status16("Charging", 1))
        for minute in (2, 6):
            started = talk.say("StartTransaction", start16(minute))["transactionId"]
            talk.say("MeterValues", meter16(started, minute + 1, 1500))
            talk.say("StopTransaction", stop16(started, minute + 2, 2000))
    runner = Runner(made, Book(notebook.rows()), list(PROJECTIONS.values()))
    while runner.step():
        pass
    yield made
    made.dispose()


async def statements(here: Engine, first: int) -> tuple[int, dict[str, Any]]:
    """How many SQL statements a page costs, and the page."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(here, "before_cursor_execute", note)
    who = Asker(only(engine=here, settings=Settings()), Principal("vera", frozenset({"viewer"})))
    result = await schema.execute(QUERY, {"first": first}, {"asker": who})
    event.remove(here, "before_cursor_execute", note)
    assert result.errors is None
    assert result.data is not None
    return len(seen), result.data


async def test_twenty_stations_cost_as_many_statements_as_one(here: Engine) -> None:
    few, _ = await statements(here, 1)
    many, data = await statements(here, 20)
    assert few == many <= 6
    nodes = [edge["node"] for edge in data["stations"]["edges"]]
    assert len(nodes) == 20
    for node in nodes:
        assert [c["status"] for c in node["connectors"]] == ["CHARGING"]
        charges = [edge["node"] for edge in node["transactions"]["edges"]]
        assert [charge["energyWh"] for charge in charges] == [1000.0, 1000.0]
        assert all(len(charge["readings"]["edges"]) == 1 for charge in charges)
