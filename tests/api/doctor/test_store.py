"""The doctor at the database: what is not well is found, on the real thing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, text, update

from api.cli import main
from api.doctor import store
from api.doctor.finding import Finding
from projections.checkpoint import CHECKPOINT
from projections.engine import engine
from tests.conftest import made

Look = Callable[[str], dict[str, Finding]]


@pytest.fixture
def look() -> Iterator[Look]:
    """All findings about a database, by their check; of several the worst."""
    opened: list[Engine] = []

    def at(database: str) -> dict[str, Finding]:
        opened.append(engine(database))
        found = sorted(store.database(opened[-1]), key=lambda finding: ["ok", "warn", "fail"].index(finding.verdict))
        return {finding.check: finding for finding in found}

    yield at
    for here in opened:
        here.dispose()


def sql(database: str, *commands: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        for command in commands:
            connection.execute(command.encode())


def test_a_database_that_is_well_is_told_so(ready: str, look: Look) -> None:
    if ready.startswith("postgresql"):
        name = urlsplit(ready).path[1:]
        sql(ready, f"ALTER DATABASE {name} SET synchronous_commit = on")
    found = look(ready)
    checks = {"version", "encoding", "latency", "durability", "migrations", "writable"}
    assert checks <= set(found)
    assert {check for check in checks - {"durability"} if found[check].verdict != "ok"} == set()


def test_a_database_that_is_not_there_is_a_failure_without_its_password() -> None:
    here = engine("postgresql://bornier:hunter2@127.0.0.1:9/bornier")
    found = store.reachable(here)
    here.dispose()
    assert found.verdict == "fail"
    assert "hunter2" not in str(found)


def test_settings_that_lose_what_was_promised_are_failures(postgres: str, look: Look) -> None:
    name = urlsplit(postgres).path[1:]
    sql(postgres, f"ALTER DATABASE {name} SET synchronous_commit = off")
    here = engine(postgres)
    with here.connect() as connection:
        words = " ".join(finding.words for finding in store.durability(connection))
    here.dispose()
    assert "synchronous_commit is off: a crash loses the last commits" in words


def test_a_database_in_another_encoding_is_a_failure(postgres_server: str, look: Look) -> None:
    name = f"latin_{uuid4().hex}"
    sql(postgres_server, f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        found = look(urlsplit(postgres_server)._replace(path=f"/{name}").geturl())
    finally:
        sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")
    assert (found["encoding"].verdict, found["migrations"].words) == ("fail", "the database is empty")
    assert "writable" not in found


def test_a_database_that_takes_no_rows_is_a_failure(ready_postgres: str, postgres_server: str, look: Look) -> None:
    with made(postgres_server, urlsplit(ready_postgres).path[1:]) as url:
        sql(url, f"ALTER DATABASE {urlsplit(url).path[1:]} SET default_transaction_read_only = on")
        found = look(url)["writable"]
    assert found.verdict == "fail"
    assert "read-only" in found.words


def test_a_slow_database_and_one_without_free_connections_are_warned_about(
    postgres: str, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SLOW_S", 0.0)
    monkeypatch.setattr(store, "FULL", 0.0)
    found = look(postgres)
    assert (found["latency"].verdict, found["connections"].verdict) == ("warn", "warn")
    monkeypatch.setattr(store, "TOO_SLOW_S", 0.0)
    assert look(postgres)["latency"].verdict == "fail"


def test_an_old_schema_is_a_failure(ready: str, look: Look) -> None:
    here = engine(ready)
    with here.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    here.dispose()
    found = look(ready)["migrations"]
    assert found.verdict == "fail"
    assert "0001" in found.words
    assert "bornier migrate" in found.mend


def doctor(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the command."""
    monkeypatch.setattr(sys, "argv", ["bornier", "doctor", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_command_ends_well_or_badly_and_says_it_to_people_and_programs(
    ready_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bornier.db"
    file.write_bytes(ready_sqlite.read_bytes())
    for name in ("BORNIER_HTTP_PORT", "BORNIER_OCPP_PORT"):
        monkeypatch.setenv(name, "0")
    database = ("--database", f"sqlite:///{file}")
    assert doctor(monkeypatch, *database, "--json") == 0
    findings = json.loads(capsys.readouterr().out)
    assert {"settings", "database", "migrations", "seals", "kafka", "disk", "ports", "open files"} <= {
        finding["check"] for finding in findings
    }
    here = engine(f"sqlite:///{file}")
    with here.begin() as connection:
        connection.execute(update(CHECKPOINT).values(error="a bad event"))
        connection.execute(CHECKPOINT.insert().values(name="station", position=3, error="a bad event"))
    here.dispose()
    assert doctor(monkeypatch, *database) == 1
    text = capsys.readouterr().out
    assert "fail projections: station stands still at 3: a bad event" in text
    assert "bornier rebuild station" in text


def test_a_file_that_is_missing_is_not_made_by_looking_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(monkeypatch, "--database", f"sqlite:///{tmp_path}/none.db") == 1
    assert "there is no file" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_settings_that_cannot_be_loaded_are_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BORNIER_OCPP_PORT", "many")
    assert doctor(monkeypatch, "--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert (finding["verdict"], "BORNIER_OCPP_PORT" in finding["words"]) == ("fail", True)
