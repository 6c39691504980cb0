"""The doctor at the history: read models that lag, seals that break, stations that live in another time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, update

from adapters.signer.file import FileSigner
from api.doctor import history
from application.history import History
from application.store import Store
from projections.audit import SEAL, Notary
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.runner import Runner
from tests.history import Notebook, Talk, busy_day

NOW = datetime.now(UTC)


@pytest.fixture
def feed(ready_sqlite: Path, tmp_path: Path) -> Iterator[History]:
    """A history of a busy day."""
    (tmp_path / "bornier.db").write_bytes(ready_sqlite.read_bytes())
    busy_day().save(f"sqlite:///{tmp_path}/bornier.db")
    store = Store(f"sqlite:///{tmp_path}/bornier.db")
    yield History(store.recorder)
    store.close()


@pytest.fixture
def here(tmp_path: Path, feed: History) -> Iterator[Engine]:
    made = engine(f"sqlite:///{tmp_path}/bornier.db")
    yield made
    made.dispose()


@pytest.fixture
def connection(here: Engine) -> Iterator[Connection]:
    with here.connect() as opened:
        yield opened


def test_read_models_that_keep_up_are_well(feed: History, here: Engine) -> None:
    runner = Runner(here, feed, list(PROJECTIONS.values()))
    while runner.step():
        pass
    with here.connect() as connection:
        (found,) = history.projections(connection, feed, NOW)
    assert (found.verdict, "at most 0 events" in found.words) == ("ok", True)


def test_read_models_that_nobody_keeps_are_found(feed: History, connection: Connection) -> None:
    (found,) = history.projections(connection, feed, NOW)
    assert found.verdict == "warn"
    assert "--role projector" in found.mend


def test_read_models_that_are_far_behind_are_found(
    feed: History, here: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    Runner(here, feed, list(PROJECTIONS.values()), batch=5).step()
    monkeypatch.setattr(history, "BEHIND", 3)
    with here.connect() as connection:
        (found,) = history.projections(connection, feed, NOW)
    assert (found.verdict, "behind" in found.words) == ("warn", True)


def test_a_seal_is_whole_until_somebody_touches_what_is_under_it(
    feed: History, here: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("projections.audit", "domain.audit"):
        monkeypatch.setattr(f"{module}.RANGE", 10)
    signer = FileSigner(tmp_path / "audit.pem")
    notary = Notary(here, feed, signer)
    with here.connect() as connection:
        assert history.seals(connection, feed, signer).words == "nothing is sealed yet"
    assert notary.step()
    assert notary.step()
    with here.connect() as connection:
        assert history.seals(connection, feed, signer).verdict == "ok"
        stranger = history.seals(connection, feed, FileSigner(tmp_path / "other.pem"))
        (tmp_path / "broken.pem").write_text("no key")
        broken = history.seals(connection, feed, FileSigner(tmp_path / "broken.pem"))
    assert (stranger.verdict, broken.verdict) == ("fail", "fail")
    assert "not signed by our key" in stranger.words
    with here.begin() as connection:
        touch = "UPDATE stored_events SET topic = topic || '!' WHERE rowid = 15"
        connection.exec_driver_sql(touch)
    with here.connect() as connection:
        assert "was changed or replaced" in history.seals(connection, feed, signer).words
    with here.begin() as connection:
        connection.execute(update(SEAL).where(SEAL.c.first == 1).values(root=b"x" * 32))
    with here.connect() as connection:
        assert "does not follow" in history.seals(connection, feed, signer).words


def test_stations_whose_clock_is_wrong_are_named(ready_sqlite: Path, tmp_path: Path) -> None:
    (tmp_path / "clocks.db").write_bytes(ready_sqlite.read_bytes())
    database, notebook = f"sqlite:///{tmp_path}/clocks.db", Notebook()
    for name, skew in (("RIGHT", timedelta(0)), ("AHEAD", timedelta(hours=2)), ("BEHIND", -timedelta(days=3))):
        talk = Talk(notebook, name)
        talk.boot()
        told = (talk.now + skew).isoformat().replace("+00:00", "Z")
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": told}
        talk.say("StatusNotification", status)
    notebook.save(database)
    store = Store(database)
    found = history.station_clocks(History(store.recorder))
    store.close()
    assert found.verdict == "warn"
    assert found.words.startswith("2 of 3 stations are off: BEHIND -2")
    assert "AHEAD +7,2" in found.words or "AHEAD +7,1" in found.words
