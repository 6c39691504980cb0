"""A rebuild beside live traffic: readers see the old rows or the new ones, and nothing is ever half done."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, inspect, select, text

from api.rebuild import Printer
from domain.catalog import Recorded
from projections import checkpoint, rebuild, shadow, station, transaction
from projections.difference import Difference, Tally
from projections.engine import engine
from projections.projection import SHADOW
from projections.runner import Runner
from tests.conftest import made
from tests.projections.test_projection import HISTORY, Book, content, run

TRANSACTION = transaction.PROJECTION
FORGED = "forged"


class Growing(Book):
    """A feed that grows while it is read: three quarters are there, the rest comes one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = len(HISTORY) * 3 // 4

    def read(self, after: int, limit: int, topics: Sequence[str] = ()) -> Sequence[Recorded]:
        return [row for row in super().read(after, limit, topics) if row.position <= self.seen]

    def head(self) -> int:
        return self.seen

    def grow(self) -> None:
        for _ in range(self.seen, len(HISTORY)):
            self.seen += 1
            time.sleep(0.002)


@pytest.fixture
def here(ready: str) -> Iterator[Engine]:
    made = engine(ready)
    yield made
    made.dispose()


@pytest.fixture
def on_postgres(postgres_server: str, ready_postgres: str) -> Iterator[Engine]:
    with made(postgres_server, urlsplit(ready_postgres).path[1:]) as url:
        here = engine(url)
        yield here
        here.dispose()


def forge(here: Engine) -> None:
    with here.begin() as connection:
        connection.execute(transaction.TRANSACTION.update().values(badge=FORGED))


def shadows(here: Engine) -> list[str]:
    return [name for name in inspect(here).get_table_names() if name.endswith(SHADOW)]


@contextmanager
def together(work: list[threading.Thread], stop: threading.Event) -> Iterator[None]:
    for thread in work:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in work:
            thread.join(30)


def test_readers_see_old_rows_or_new_ones_while_traffic_goes_on(here: Engine) -> None:
    feed, stop, sights = Growing(), threading.Event(), list[set[bool]]()
    run(here, feed)
    forge(here)
    late = {row.stream.removeprefix("transaction/") for row in HISTORY[feed.seen :]}

    def look() -> None:
        while not stop.is_set():
            with here.connect() as connection:
                rows = connection.execute(select(transaction.TRANSACTION)).all()
                sights.append({row.badge == FORGED for row in rows if row.id not in late})

    runner = Runner(here, feed, [TRANSACTION, station.PROJECTION], 3)

    def follow() -> None:
        while not stop.is_set():
            if not runner.step():
                time.sleep(0.001)

    growth = threading.Thread(target=feed.grow)
    with together([threading.Thread(target=look), threading.Thread(target=follow), growth], stop):
        while not sights:
            time.sleep(0.001)
        assert rebuild.rebuild(here, feed, TRANSACTION).changed > 3
        growth.join(30)
        assert feed.seen == HISTORY[-1].position
    run(here, Book())
    assert [sight for sight, _ in groupby(sights)] == [{True}, {False}]
    assert rebuild.rebuild(here, Book(), TRANSACTION, swap=False) == Tally()
    assert shadows(here) == []


def test_the_swap_keeps_names_and_indexes(here: Engine) -> None:
    run(here, Book())
    before = named(here)
    for _ in range(2):
        rebuild.rebuild(here, Book(), TRANSACTION)
    assert named(here) == before


def named(here: Engine) -> list[object]:
    """Indexes with their columns, and the key, of every table."""
    found = inspect(here)
    return [
        (
            sorted((str(index["name"]), index["column_names"]) for index in found.get_indexes(table.name)),
            found.get_pk_constraint(table.name)["name"],
        )
        for table in TRANSACTION.tables.values()
    ]


def test_a_rebuild_brings_a_read_model_to_the_end_of_the_history(here: Engine) -> None:
    run(here, Book(HISTORY[:50]), ["transaction"])
    rebuild.rebuild(here, Book(), TRANSACTION)
    with here.connect() as connection:
        assert checkpoint.position(connection, "transaction") == HISTORY[-1].position
    rebuilt = content(here, TRANSACTION)
    run(here, Book(), ["transaction"])
    assert content(here, TRANSACTION) == rebuilt


def test_what_a_killed_rebuild_left_is_swept(here: Engine) -> None:
    run(here, Book())
    shadow.create(here, TRANSACTION.shadow())
    shadow.create(here, station.PROJECTION.shadow())
    rebuild.sweep(here, [TRANSACTION, station.PROJECTION])
    assert shadows(here) == []


def test_a_read_model_is_rebuilt_by_one_process_at_a_time(here: Engine) -> None:
    run(here, Book())
    with shadow.claim(here, "transaction"):
        shadow.create(here, TRANSACTION.shadow())
        with pytest.raises(shadow.Claimed, match="transaction is being rebuilt by another process"):
            rebuild.rebuild(here, Book(), TRANSACTION)
        rebuild.sweep(here, [TRANSACTION])
        assert shadows(here) != []
    rebuild.rebuild(here, Book(), TRANSACTION)


def test_a_reader_that_holds_the_table_is_not_waited_for_for_ever(
    on_postgres: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "PATIENCE_S", 0.3)
    run(on_postgres, Book())
    forge(on_postgres)
    with on_postgres.connect() as reader:
        reader.execute(select(transaction.TRANSACTION)).all()
        with pytest.raises(rebuild.Unyielding, match="nothing was changed"):
            rebuild.rebuild(on_postgres, Book(), TRANSACTION)
        assert {row.badge for row in reader.execute(select(transaction.TRANSACTION))} == {FORGED}
    assert shadows(on_postgres) == []


def test_what_somebody_attached_to_a_table_survives_the_swap(on_postgres: Engine) -> None:
    run(on_postgres, Book())
    forge(on_postgres)
    with on_postgres.begin() as connection:
        connection.execute(text("CREATE VIEW charged AS SELECT badge FROM transaction"))
        connection.execute(text("GRANT SELECT ON transaction TO PUBLIC"))
    rebuild.rebuild(on_postgres, Book(), TRANSACTION)
    with on_postgres.connect() as connection:
        assert FORGED not in set(connection.execute(text("SELECT badge FROM charged")).scalars())
        rights = connection.execute(text("SELECT relacl::text FROM pg_class WHERE relname = 'transaction'")).scalar()
    assert "=r/postgres" in str(rights)


def printed(*differences: Difference, tally: Tally, limit: int = 0, as_json: bool = False) -> list[str]:
    lines: list[str] = []
    printer = Printer(limit, as_json, lines.append)
    for difference in differences:
        printer.show(difference)
    printer.total("station", tally, swapped=False)
    return [line.removesuffix("\n") for line in lines]


def test_a_difference_is_told_column_by_column() -> None:
    changed = Difference("connector", {"station_id": "A", "evse_id": 1}, "changed", {"status": ("FAULTED", None)})
    added = Difference("station", {"id": "B"}, "added", {"vendor": (None, "V")})
    removed = Difference("station", {"id": "C"}, "removed", {"vendor": ("W", None)})
    tally = Tally(added=1, removed=1, changed=1, rows=1_000)
    assert printed(changed, added, removed, tally=tally) == [
        '  ~ connector station_id=A evse_id=1  status: "FAULTED" → null',
        '  + station id=B  vendor: "V"',
        '  - station id=C  vendor: "W"',
        "station: 3 of 1,000 rows would change: 1 added, 1 removed, 1 changed",
    ]
    first, *_, last = (json.loads(line) for line in printed(changed, added, tally=tally, as_json=True, limit=1))
    assert first["columns"] == {"status": {"old": "FAULTED", "new": None}}
    assert (last["projection"], last["added"], last["not_shown"]) == ("station", 1, 0)


def test_rows_past_the_limit_are_counted_and_not_shown() -> None:
    many = [Difference("station", {"id": str(number)}, "added", {}) for number in range(5)]
    lines = printed(*many, tally=Tally(added=5, rows=5), limit=2)
    assert lines[-2:] == ["  … 3 more of station", "station: 5 of 5 rows would change: 5 added, 0 removed, 0 changed"]
    assert len(lines) == 4
