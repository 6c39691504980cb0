"""What holds for every projection: twice is once, rebuilt is live, the size of batches does not matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, Table, select
from sqlalchemy.exc import OperationalError

from domain.catalog import CATALOG, Recorded
from migrations.migrate import upgrade
from projections import checkpoint, command, station, transaction
from projections.catalog import PROJECTIONS
from projections.difference import Difference
from projections.engine import engine
from projections.projection import Projection, fold
from projections.rebuild import rebuild
from projections.runner import Runner
from tests.history import busy_day

HISTORY = busy_day().rows()
EVERY = sorted(PROJECTIONS)


class Book:
    """A feed over a list."""

    def __init__(self, rows: Sequence[Recorded] = HISTORY) -> None:
        self.rows = list(rows)

    def read(self, after: int, limit: int, topics: Sequence[str] = ()) -> Sequence[Recorded]:
        return [row for row in self.rows if row.position > after and (not topics or row.topic in topics)][:limit]

    def head(self) -> int:
        return self.rows[-1].position

    def wait(self, beyond: int, timeout: float) -> bool:
        return False


@pytest.fixture
def here(ready: str) -> Iterator[Engine]:
    made = engine(ready)
    yield made
    made.dispose()


def run(here: Engine, feed: Book, names: Sequence[str] = EVERY, batch: int = 1_000) -> Runner:
    runner = Runner(here, feed, [PROJECTIONS[name] for name in names], batch)
    while runner.step():
        pass
    return runner


def content(here: Engine, projection: Projection) -> dict[str, list[Any]]:
    with here.connect() as connection:
        return {
            name: sorted(map(tuple, connection.execute(select(table))), key=str) for name, table in tables(projection)
        }


def tables(projection: Projection) -> list[tuple[str, Table]]:
    return list(projection.tables.items())


@pytest.mark.parametrize("name", EVERY)
def test_applying_everything_twice_changes_nothing(here: Engine, name: str) -> None:
    run(here, Book(), [name])
    once = content(here, PROJECTIONS[name])
    assert any(once.values())
    with here.begin() as connection:
        connection.execute(checkpoint.CHECKPOINT.delete())
    run(here, Book(), [name])
    assert content(here, PROJECTIONS[name]) == once


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("batch", [1, 7])
def test_the_size_of_a_batch_does_not_matter(here: Engine, name: str, batch: int) -> None:
    run(here, Book(), [name], batch)
    small = content(here, PROJECTIONS[name])
    with here.begin() as connection:
        connection.execute(checkpoint.CHECKPOINT.delete())
        for _, table in tables(PROJECTIONS[name]):
            connection.execute(table.delete())
    run(here, Book(), [name])
    assert content(here, PROJECTIONS[name]) == small


@pytest.mark.parametrize("name", EVERY)
def test_a_rebuild_from_zero_equals_the_live_table(here: Engine, name: str) -> None:
    run(here, Book(), [name], 5)
    live = content(here, PROJECTIONS[name])
    assert rebuild(here, Book(), PROJECTIONS[name]).total == 0
    assert content(here, PROJECTIONS[name]) == live


@pytest.mark.parametrize("name", EVERY)
def test_a_fold_in_memory_says_what_the_table_says(here: Engine, name: str) -> None:
    run(here, Book(), [name])
    projection = PROJECTIONS[name]
    changes = fold(projection, [(row.position, CATALOG.decode(row.topic, row.state)) for row in HISTORY])
    with here.connect() as connection:
        for table_name, table in tables(projection):
            keys = [column.name for column in table.primary_key.columns]
            folded = changes.rows(table_name)
            rows = list(connection.execute(select(table)).mappings())
            assert len(rows) == len(folded)
            for row in rows:
                known = folded[tuple(row[key] for key in keys)]
                assert {column: row[column] for column in known} == known


def test_a_rebuild_repairs_what_somebody_changed_and_says_so(here: Engine) -> None:
    run(here, Book())
    with here.begin() as connection:
        connection.execute(transaction.TRANSACTION.update().values(badge="forged"))
        connection.execute(station.CONNECTOR.delete())
        connection.execute(station.STATION.insert().values(id="GHOST"))
    seen: list[Difference] = []
    rebuild(here, Book(), PROJECTIONS["transaction"], swap=False, seen=seen.append)
    rebuild(here, Book(), PROJECTIONS["station"], seen=seen.append)
    assert {(difference.table, difference.kind) for difference in seen} == {
        ("transaction", "changed"), ("connector", "added"), ("station", "removed"),
    }  # fmt: skip
    assert rebuild(here, Book(), PROJECTIONS["station"]).total == 0
    assert rebuild(here, Book(), PROJECTIONS["transaction"]).changed > 0


def test_a_poison_event_stops_its_projection_alone_and_resumes_after_a_fix(
    here: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("cannot digest")

    poison = next(row for row in HISTORY if row.topic == "transaction.ended.v1")
    ended = next(kind for kind in transaction.PROJECTION.handlers if kind.__name__ == "Ended")
    monkeypatch.setitem(transaction.PROJECTION.handlers, ended, broken)
    runner = run(here, Book())
    assert runner.progress["transaction"].error is not None
    assert "cannot digest" in runner.progress["transaction"].error
    assert runner.progress["transaction"].position == poison.position - 1
    assert runner.progress["station"].position == runner.progress["command"].position == HISTORY[-1].position
    with here.connect() as connection:
        known = checkpoint.read(connection)
    assert known["transaction"].error is not None
    assert known["station"].error is None
    monkeypatch.undo()
    assert run(here, Book()).progress["transaction"].position == HISTORY[-1].position
    with here.connect() as connection:
        assert checkpoint.read(connection)["transaction"].error is None


def test_the_facts_of_the_busy_day_are_shown(here: Engine) -> None:
    run(here, Book(), batch=3)
    with here.connect() as connection:
        old = {row.badge: row for row in transaction.transactions(connection, 50, station_id="OLD").rows}
        new = transaction.transactions(connection, 50, station_id="NEW").rows
        plugs = station.connectors(connection, ["OLD", "NEW"])
        fates = [row.status for row in command.commands(connection, 50).rows]
    assert (old["B1"].energy_wh, old["B1"].stop_reason, old["B1"].power_w) == (1000.0, "Local", None)
    assert (old["B1"].soc_start, old["B1"].doubt) == (40.0, None)
    assert (old["B3"].energy_wh, old["B3"].stop_reason) == (0.0, "Superseded")
    assert old["B3"].doubt is not None
    assert (old["B4"].ended_at, old["B4"].superseded_by) == (None, None)
    assert [row.badge for row in new] == ["B2", "B2"]
    assert [(row.energy_wh, row.ended_at is None) for row in new] == [(50.0, True), (300.0, False)]
    assert [(plug.status, plug.activity) for plug in plugs["OLD"]] == [("AVAILABLE", None), (None, None)]
    assert [(plug.status, plug.activity) for plug in plugs["NEW"]] == [("OCCUPIED", "CHARGING")]
    assert sorted(fates) == ["ACCEPTED", "EXPIRED", "FAILED", "REJECTED", "REJECTED", "REQUESTED", "TIMED_OUT"]


def test_pages_follow_each_other_without_gap_or_repeat(here: Engine) -> None:
    from projections.page import cursor

    run(here, Book())
    with here.connect() as connection:
        everything = transaction.transactions(connection, 100).rows
        seen: list[str] = []
        after = None
        for _ in range(20):
            page = transaction.transactions(connection, 2, after)
            seen += [row.id for row in page.rows]
            if not page.more:
                break
            after = cursor(page.rows[-1].started_at, page.rows[-1].id)
    assert seen == [row.id for row in everything]


def test_the_schema_after_all_migrations_is_the_one_in_the_code(database: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    import adapters.credential.vault
    import adapters.privacy.keyring
    import adapters.webhook.secret  # noqa: F401
    import projections.audit
    import projections.delivery  # noqa: F401
    from projections.table import METADATA

    upgrade(database)
    made = engine(database)
    with made.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    made.dispose()


def test_a_database_that_goes_away_stops_nothing_for_ever(here: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Runner(here, Book(), list(PROJECTIONS.values()))
    calls = 0

    def away(*_: Any) -> Any:
        nonlocal calls
        calls += 1
        raise OperationalError("select", {}, Exception("gone"))

    monkeypatch.setattr(runner, "refresh", away)
    monkeypatch.setattr("projections.runner.IDLE_S", 0.01)
    runner.start()
    while calls < 2:
        pass
    assert runner.unwell is not None
    monkeypatch.undo()
    assert runner.wait_for("station", HISTORY[-1].position, 20)
    runner.stop()
    assert runner.unwell is None
