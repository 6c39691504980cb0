"""What Advenir is told, as lists: filtered, page by page, and only of one's own sites."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, update

from projections import advenir
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.page import Page, cursor
from projections.runner import Runner
from projections.scope import Scope, narrowing, seen_by
from projections.station import STATION
from tests.history import HEARD
from tests.projections.test_projection import Book


@pytest.fixture
def here(ready: str) -> Iterator[Engine]:
    made = engine(ready)
    runner = Runner(made, Book(), [PROJECTIONS["station"], PROJECTIONS["advenir"]])
    while runner.step():
        pass
    with made.begin() as connection:
        connection.execute(update(STATION).where(STATION.c.id == "OLD").values(site="lyon"))
    yield made
    made.dispose()


def walk(read: Callable[[str | None], Page], place: Callable[[Any], str]) -> list[Any]:
    """Every row, two at a time."""
    found: list[Any] = []
    after = None
    while True:
        page = read(after)
        found += page.rows
        if not page.more:
            return found
        after = place(page.rows[-1])


def submissions(connection: Connection, **wanted: Any) -> list[str]:
    query = advenir.submissions(**{"state": None, "station_id": None, "since": None, "until": None} | wanted)
    rows = walk(lambda after: advenir.newest_made(connection, query, 2, after), lambda row: cursor(row.made_position))
    return [row.transaction_id for row in rows]


def defects(connection: Connection, **wanted: Any) -> list[str]:
    query = advenir.defects(**wanted)
    rows = walk(
        lambda after: advenir.newest_found(connection, query, 2, after), lambda row: cursor(row.position, row.item)
    )
    assert len({(row.position, row.item) for row in rows}) == len(rows)
    return [row.transaction_id for row in rows]


def test_submissions_are_found_by_state_and_time_the_newest_first(here: Engine) -> None:
    with here.connect() as connection:
        everything = submissions(connection)
        assert sorted(everything) == ["arrives", "mended", "refused", "waits", "withheld"]
        states = {name: submissions(connection, state=name) for name in ("ACCEPTED", "ABANDONED", "WITHHELD")}
        assert states == {"ACCEPTED": ["arrives"], "ABANDONED": ["refused"], "WITHHELD": ["withheld"]}
        assert sorted(submissions(connection, state="PREPARED")) == ["mended", "waits"]
        assert submissions(connection, station_id="NEW") == []
        waiting = [row.transaction_id for row in advenir.waiting(connection, 10, 0, HEARD)]
        assert waiting == [each for each in reversed(everything) if each in ("mended", "waits")]


def test_defects_are_open_while_their_charge_is_withheld(here: Engine) -> None:
    with here.connect() as connection:
        assert defects(connection, open_=True) == ["withheld"] * 4
        assert defects(connection, open_=False) == ["mended"] * 5
        assert len(defects(connection, rule="rising")) == 9
        assert defects(connection, transaction_id="nothing") == []


def test_whoever_belongs_to_a_site_sees_what_is_of_its_stations(here: Engine) -> None:
    narrow = narrowing(here)
    for site, seen in (("lyon", 5), ("paris", 0)):
        with seen_by(narrow, Scope(frozenset({site}))) as connection:
            assert len(submissions(connection)) == seen
            assert len(defects(connection, open_=True)) == (4 if seen else 0)
            assert (advenir.submission(connection, "arrives") is not None) == bool(seen)
