"""What readers and writers may rely on: the same contract on SQLite and PostgreSQL."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg
import pytest
from eventsourcing.persistence import DataError, IntegrityError, OperationalError, PersistenceError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import Environment
from psycopg.conninfo import conninfo_to_dict

from application.recorder import TABLE, BinaryPostgresRecorder, OrderedSQLiteRecorder, Recorder, environment, factory

STREAM = "station/CP001"
TOPIC = "station.booted.v1"
WRITERS, COMMITS = 3, 25

HOSTILE = [
    "station/Robert'); DROP TABLE stored_events;--",
    'station/"quoted" {braces} [brackets] %s %b %% $1 \\N \\x00 NULL',
    "station/borne électrique ⚡ 充電 🚗",
    "station/tab\tnewline\nreturn\r\x01\x7f",
    "",
]
STATES = [b"", b"{}", bytes(range(256)), b"\\x00 \\\\ ' \"", b"{1,2,NULL}", "é⚡".encode(), b"\xff" * 100_000]


def event(version: int, stream: str = STREAM, topic: str = TOPIC, state: bytes = b"{}") -> StoredEvent:
    return StoredEvent(stream, version, topic, state)


@contextmanager
def opened(url: str) -> Iterator[Recorder]:
    store = factory(url, Environment("Store", environment(url)))
    recorder = store.application_recorder()
    assert isinstance(recorder, Recorder)
    yield recorder
    store.close()


@pytest.fixture
def recorder(database: str) -> Iterator[Recorder]:
    with opened(database) as recorder:
        yield recorder


@pytest.fixture
def postgres_recorder(postgres: str) -> Iterator[BinaryPostgresRecorder]:
    with opened(postgres) as recorder:
        assert isinstance(recorder, BinaryPostgresRecorder)
        yield recorder


def positions(recorder: Recorder) -> list[int]:
    return [row[0] for row in recorder.select_after(0, 100_000)]


class TestRecorder:
    def test_an_empty_store_has_no_position_and_no_events(self, recorder: Recorder) -> None:
        assert not recorder.max_notification_id()
        assert list(recorder.select_after(0, 10)) == []

    def test_nothing_to_insert_gives_no_positions(self, recorder: Recorder) -> None:
        assert list(recorder.insert_events([])) == []

    def test_positions_are_contiguous_in_the_order_given(self, recorder: Recorder) -> None:
        first = recorder.insert_events([event(1, f"station/{n}") for n in (3, 1, 2)])
        second = recorder.insert_events([event(2, "station/1"), event(2, "station/3")])
        assert [*first, *second] == [1, 2, 3, 4, 5]
        assert [row[1] for row in recorder.select_after(0, 10)] == [f"station/{n}" for n in (3, 1, 2, 1, 3)]

    def test_a_large_batch_keeps_its_order(self, recorder: Recorder) -> None:
        streams = [f"station/{n * 7919 % 5000}" for n in range(5000)]
        assert list(recorder.insert_events([event(1, stream) for stream in streams])) == list(range(1, 5001))
        assert [row[1] for row in recorder.select_after(0, 5000)] == streams

    @pytest.mark.parametrize("stream", HOSTILE)
    def test_hostile_text_comes_back_as_it_was(self, recorder: Recorder, stream: str) -> None:
        recorder.insert_events([event(1, stream, topic=stream)])
        assert list(recorder.select_after(0, 10)) == [(1, stream, 1, stream, b"{}")]
        assert list(recorder.select_events(stream)) == [event(1, stream, topic=stream)]

    def test_any_bytes_come_back_as_they_were(self, recorder: Recorder) -> None:
        states = [*STATES, b"\xff" * 1_000_000, b"\0" * 4_000_000]
        recorder.insert_events([event(version, state=state) for version, state in enumerate(states)])
        assert [bytes(row[4]) for row in recorder.select_after(0, 10)] == states

    @pytest.mark.parametrize("text", ["station/a\0b", "station/\ud800"])
    def test_text_that_cannot_be_stored_is_refused_and_nothing_is_written(self, recorder: Recorder, text: str) -> None:
        with pytest.raises(DataError):
            recorder.insert_events([event(1), event(1, stream=text)])
        with pytest.raises(DataError):
            recorder.insert_events([event(1), event(2, topic=text)])
        assert positions(recorder) == []

    def test_a_conflict_writes_nothing_and_the_next_commit_succeeds(self, recorder: Recorder) -> None:
        recorder.insert_events([event(1)])
        with pytest.raises(IntegrityError):
            recorder.insert_events([event(1, "station/other"), event(1)])
        recorder.insert_events([event(2)])
        assert [row[1:3] for row in recorder.select_after(0, 10)] == [(STREAM, 1), (STREAM, 2)]

    def test_a_conflict_within_a_batch_writes_nothing(self, recorder: Recorder) -> None:
        with pytest.raises(IntegrityError):
            recorder.insert_events([event(1), event(1)])
        assert positions(recorder) == []

    def test_reading_starts_after_a_position_and_stops_at_the_limit(self, recorder: Recorder) -> None:
        recorder.insert_events([event(version) for version in range(1, 8)])
        assert [row[0] for row in recorder.select_after(2, 3)] == [3, 4, 5]
        assert list(recorder.select_after(7, 3)) == []

    def test_reading_can_be_narrowed_to_topics_and_a_stream(self, recorder: Recorder) -> None:
        recorder.insert_events([event(1, topic="a"), event(2, topic="b"), event(3, topic="c"), event(1, "other", "a")])
        assert [row[0] for row in recorder.select_after(0, 10, topics=["a", "c"])] == [1, 3, 4]
        assert [row[0] for row in recorder.select_after(0, 10, stream="other")] == [4]
        assert [row[0] for row in recorder.select_after(1, 10, ["a", "c"], STREAM)] == [3]

    def test_the_readers_of_the_library_see_the_same(self, recorder: Recorder) -> None:
        recorder.insert_events([event(version, state=state) for version, state in enumerate(STATES, 1)])
        seen = recorder.select_notifications(1, 3, inclusive_of_start=False)
        rows = [(n.id, n.originator_id, n.originator_version, n.topic, bytes(n.state)) for n in seen]
        assert rows == list(recorder.select_after(1, 3))
        assert recorder.max_notification_id() == len(STATES)
        assert [e.originator_version for e in recorder.select_events(STREAM, gt=1, lte=3)] == [2, 3]

    def test_the_history_survives_closing_and_opening_again(self, database: str) -> None:
        with opened(database) as recorder:
            recorder.insert_events([event(1)])
        with opened(database) as recorder:
            assert list(recorder.insert_events([event(2)])) == [2]
            assert positions(recorder) == [1, 2]


def start(url: str, gate: Barrier) -> None:
    gate.wait(10)
    with opened(url):
        pass


def write(url: str, gate: Barrier, name: str) -> None:
    with opened(url) as recorder:
        gate.wait(10)
        for commit in range(COMMITS):
            recorder.insert_events([event(commit * 4 + n, f"station/{name}") for n in range(4)])


@contextmanager
def processes(*calls: tuple[object, ...]) -> Iterator[None]:
    """Run functions in processes of their own; all must end well."""
    context = multiprocessing.get_context("spawn")
    running = [context.Process(target=call[0], args=call[1:]) for call in calls]  # type: ignore[arg-type]
    for process in running:
        process.start()
    try:
        yield
        for process in running:
            process.join(20)
        assert [process.exitcode for process in running] == [0] * len(running)
    finally:
        for process in running:
            process.kill()


class TestSeveralProcesses:
    def test_they_may_all_start_at_once_on_an_empty_database(self, database: str) -> None:
        gate = multiprocessing.get_context("spawn").Barrier(4)
        with processes(*[(start, database, gate)] * 4):
            pass

    def test_a_reader_that_follows_never_skips_an_event(self, database: str) -> None:
        total = WRITERS * COMMITS * 4
        seen: list[tuple[int, str, int, str, bytes]] = []
        gate = multiprocessing.get_context("spawn").Barrier(WRITERS + 1)
        with opened(database) as recorder, processes(*[(write, database, gate, str(n)) for n in range(WRITERS)]):
            gate.wait(10)
            deadline = time.monotonic() + 20
            while len(seen) < total and time.monotonic() < deadline:
                seen += recorder.select_after(seen[-1][0] if seen else 0, 50)
            assert len(seen) == total
            assert seen == list(recorder.select_after(0, total))
        for n in range(WRITERS):
            assert [row[2] for row in seen if row[1] == f"station/{n}"] == list(range(COMMITS * 4))


class TestPostgres:
    def test_the_rows_are_those_of_the_library(self, postgres: str, postgres_recorder: BinaryPostgresRecorder) -> None:
        events = [event(1, stream, topic=stream) for stream in HOSTILE]
        events += [event(version, state=state) for version, state in enumerate(STATES)]
        parts = {"host": "", "port": "", "password": "", **conninfo_to_dict(postgres)}
        with PostgresDatastore(
            str(parts["dbname"]),
            str(parts["host"]),
            str(parts["port"]),
            str(parts["user"]),
            str(parts["password"]),
            originator_id_type="text",
        ) as datastore:
            library = PostgresApplicationRecorder(datastore, events_table_name="library_events")
            library.create_table()
            theirs, ours = library.insert_events(events), postgres_recorder.insert_events(events)
        assert list(theirs or ()) == list(ours)
        with psycopg.connect(postgres) as connection:
            written = [
                connection.execute(f"SELECT * FROM {table} ORDER BY notification_id").fetchall()
                for table in ("library_events", TABLE)
            ]
        assert written[0] == written[1]
        assert len(written[0]) == len(events)

    def test_a_commit_notifies_whoever_listens(self, postgres: str, postgres_recorder: BinaryPostgresRecorder) -> None:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"LISTEN {postgres_recorder.channel_name}")
            postgres_recorder.insert_events([event(1)])
            assert [heard.channel for heard in connection.notifies(timeout=5, stop_after=1)] == [TABLE]

    def test_an_error_at_commit_is_never_taken_for_success(
        self, postgres: str, postgres_recorder: BinaryPostgresRecorder
    ) -> None:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$"
            )
            connection.execute(
                f"CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON {TABLE} "
                "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        with pytest.raises(PersistenceError):
            postgres_recorder.insert_events([event(1)])
        assert positions(postgres_recorder) == []

    def test_a_lost_connection_is_said_at_once_and_the_next_commit_succeeds(
        self, postgres: str, postgres_recorder: BinaryPostgresRecorder
    ) -> None:
        postgres_recorder.insert_events([event(1)])
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        began, lost = time.monotonic(), 0
        for _ in range(20):
            try:
                postgres_recorder.insert_events([event(2)])
                break
            except OperationalError:
                lost += 1
        assert lost
        assert time.monotonic() - began < 2
        assert [row[2] for row in postgres_recorder.select_after(0, 10)] == [1, 2]

    def test_the_unlocked_insert_function_of_the_library_does_not_exist(
        self, postgres: str, postgres_recorder: BinaryPostgresRecorder
    ) -> None:
        with psycopg.connect(postgres) as connection:
            found = connection.execute("SELECT count(*) FROM pg_proc WHERE proname LIKE 'es_%'").fetchone()
        assert found == (0,)


class TestSQLite:
    def test_a_position_is_never_given_twice_even_when_the_last_rows_vanish(self, sqlite: str) -> None:
        with opened(sqlite) as recorder:
            recorder.insert_events([event(1), event(2), event(3)])
            with closing(sqlite3.connect(sqlite.removeprefix("sqlite:///"), isolation_level=None)) as connection:
                connection.execute(f"DELETE FROM {TABLE} WHERE rowid > 1")
                connection.execute("VACUUM")
            assert list(recorder.insert_events([event(2), event(3)])) == [4, 5]
            assert positions(recorder) == [1, 4, 5]

    def test_commits_wait_for_other_writers_of_the_same_file(self, sqlite: str) -> None:
        path = sqlite.removeprefix("sqlite:///")
        with opened(sqlite) as recorder, closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("CREATE TABLE other (n INTEGER)")
            for version in range(50):
                recorder.insert_events([event(version)])
                other.execute("INSERT INTO other VALUES (?)", [version])
            assert len(positions(recorder)) == 50

    def test_commits_are_on_the_disk_when_they_return(self, sqlite: str) -> None:
        with opened(sqlite) as recorder:
            assert isinstance(recorder, OrderedSQLiteRecorder)
            with recorder.datastore.transaction(commit=False) as cursor:
                cursor.execute("PRAGMA journal_mode")
                assert cursor.fetchone()[0] == "wal"
                cursor.execute("PRAGMA synchronous")
                assert cursor.fetchone()[0] == 2


class TestEnvironment:
    def test_a_file_is_found_by_its_relative_or_absolute_path(self) -> None:
        assert environment("sqlite:///bornier.db")["SQLITE_DBNAME"] == "bornier.db"
        assert environment("sqlite:////var/lib/bornier.db")["SQLITE_DBNAME"] == "/var/lib/bornier.db"

    def test_every_part_of_a_postgresql_url_is_understood(self) -> None:
        settings = environment("postgresql://us%40er:p%2Fw%3A%40@db.example:5433/my%20name?sslmode=require")
        assert settings["POSTGRES_USER"] == "us@er"
        assert settings["POSTGRES_PASSWORD"] == "p/w:@"
        assert settings["POSTGRES_HOST"] == "db.example"
        assert settings["POSTGRES_PORT"] == "5433"
        assert settings["POSTGRES_DBNAME"] == "my name"

    @pytest.mark.parametrize(
        "url",
        ["", "bornier.db", "sqlite:///", "sqlite:///:memory:", "mysql://host/db", "postgresql://host/db?colour=red"],
    )
    def test_anything_else_is_refused_with_a_reason(self, url: str) -> None:
        with pytest.raises(ValueError, match="the database"):
            environment(url)

    def test_parameters_the_library_does_not_know_reach_the_server(self, postgres: str) -> None:
        url = f"{postgres}{'&' if '?' in postgres else '?'}application_name=depot&options=-c%20search_path%3Dpublic"
        with opened(url) as recorder:
            assert isinstance(recorder, BinaryPostgresRecorder)
            with recorder.datastore.cursor() as cursor:
                assert cursor.execute("SHOW application_name").fetchone() == {"application_name": "depot"}

    def test_a_server_that_is_not_there_is_said_at_once(self, tmp_path: Path) -> None:
        began = time.monotonic()
        with pytest.raises(OperationalError, match="connection"), opened(f"postgresql://me@/db?host={tmp_path}"):
            pass
        assert time.monotonic() - began < 2
