"""A warehouse: the same rows in another database, views with promised columns, SQL Server in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.dialects import mssql

from projections import checkpoint, view
from projections.catalog import PROJECTIONS
from projections.dataset import DATASETS, Window, query
from projections.engine import engine
from projections.rebuild import rebuild
from projections.runner import Runner
from projections.upsert import KEEP, Merge, fill, later, overwrite
from projections.warehouse import SQL_SERVER, Warehouse, projections, script
from tests.projections.test_projection import Book

FEED = Book()
SERVER: Any = mssql.dialect()  # type: ignore[no-untyped-call]


@pytest.fixture
def home(ready_sqlite: Path, tmp_path: Path) -> Iterator[Engine]:
    """Bornier's own read side, filled."""
    (tmp_path / "home.db").write_bytes(ready_sqlite.read_bytes())
    made = engine(f"sqlite:///{tmp_path}/home.db")
    run(made)
    yield made
    made.dispose()


@pytest.fixture
def away(database: str) -> Iterator[Engine]:
    """An empty database."""
    made = engine(database)
    yield made
    made.dispose()


def run(here: Engine) -> None:
    runner = Runner(here, FEED, list(PROJECTIONS.values()))
    while runner.step():
        pass


def fill_up(here: Engine) -> Warehouse:
    warehouse = Warehouse(here, FEED)
    while warehouse.step():
        pass
    return warehouse


def shown(here: Engine, name: str) -> list[Any]:
    with here.connect() as connection:
        dataset = DATASETS[name]
        types = {field.name: field.source.type for field in dataset.fields}
        return sorted(map(tuple, connection.execute(text(f"SELECT * FROM archive_{name}").columns(**types))), key=str)


def exported(here: Engine, name: str) -> list[Any]:
    with here.connect() as connection:
        return sorted(map(tuple, connection.execute(query(DATASETS[name], Window()))), key=str)


@pytest.mark.parametrize("name", DATASETS)
def test_a_warehouse_shows_what_bornier_exports(home: Engine, away: Engine, name: str) -> None:
    fill_up(away)
    assert shown(away, name) == exported(home, name) == shown(home, name)
    assert shown(away, name)


def test_it_goes_on_where_it_was_and_starts_again_for_another_bornier(away: Engine) -> None:
    fill_up(away)
    assert not Warehouse(away, FEED).step()
    with away.begin() as connection:
        view.drop(connection)
        connection.execute(text("ALTER TABLE fault DROP COLUMN reason"))
    fill_up(away)
    with away.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM archive_alarms WHERE kind = 'CONNECTOR'")).scalar()
        assert checkpoint.read(connection)["fault"].position == FEED.head()


def test_only_whoever_holds_the_seat_fills_it(away: Engine) -> None:
    assert not Warehouse(away, FEED, may=lambda: False).step()


@pytest.mark.parametrize("ready", ["postgres"], indirect=True)
def test_rights_on_a_view_outlive_a_rebuild(ready: str) -> None:
    here = engine(ready)
    run(here)
    with here.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS bornier_bi"))
        connection.execute(text("CREATE ROLE bornier_bi"))
        connection.execute(text("GRANT SELECT ON archive_transactions TO bornier_bi"))
    rebuild(here, FEED, PROJECTIONS["transaction"], swap=True)
    with here.begin() as connection:
        connection.execute(text("SET LOCAL ROLE bornier_bi"))
        assert connection.execute(text("SELECT count(*) FROM archive_transactions")).scalar()
    with here.begin() as connection:
        connection.execute(text("DROP OWNED BY bornier_bi"))
        connection.execute(text("DROP ROLE bornier_bi"))
    here.dispose()


def test_a_table_of_sql_server_has_keys_that_fit() -> None:
    said = "\n".join(script(SERVER))
    assert "CREATE TABLE [transaction] (\n\tid NVARCHAR(440) NOT NULL" in said
    assert "badge NVARCHAR(300) NULL" in said
    assert "stop_reason NVARCHAR(max) NULL" in said
    assert "started_at DATETIMEOFFSET NULL" in said
    assert "IDENTITY" not in said
    assert "TEXT" not in said
    assert "CREATE VIEW archive_alarms AS SELECT" in said
    assert "notice.component + '.' + notice.variable" in said


@pytest.mark.parametrize(
    ("settlement", "matched"),
    [
        (overwrite(["power_w"]), "WHEN MATCHED THEN UPDATE SET power_w = new.power_w\n"),
        (
            later(["power_w"], "metered_at"),
            "WHEN MATCHED AND (old.metered_at IS NULL OR old.metered_at <= new.metered_at) THEN UPDATE SET",
        ),
        (fill("power_w"), "WHEN MATCHED THEN UPDATE SET power_w = coalesce(old.power_w, new.power_w)\n"),
        (KEEP, ""),
    ],
)
def test_sql_server_is_told_the_same_with_merge(settlement: Any, matched: str) -> None:
    table = next(each for each in projections(SQL_SERVER) if each.name == "transaction").tables["transaction"]
    said = str(Merge(table, ["id", "metered_at", "power_w"], settlement).compile(dialect=SERVER))
    assert said.startswith(
        "MERGE INTO [transaction] WITH (HOLDLOCK) AS old\nUSING (SELECT CAST(:id AS NVARCHAR(440)) AS id"
    )
    assert " AS new ON old.id = new.id\n" in said
    assert matched in said
    assert ("WHEN MATCHED" in said) == bool(matched)
    assert said.endswith(
        "WHEN NOT MATCHED THEN INSERT (id, metered_at, power_w) VALUES (new.id, new.metered_at, new.power_w);"
    )
