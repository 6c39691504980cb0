"""Whatever is done to a sealed history with SQL is found; what was not touched is proven, offline."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, text

from adapters.signer.file import FileSigner
from application.history import History
from application.store import Store
from domain.audit import RANGE
from domain.event import Timer
from domain.station import Station
from projections import audit
from projections.audit import Notary
from projections.engine import engine

BEGIN = datetime(2026, 11, 24, tzinfo=UTC)
EVENTS = 2 * RANGE + 100
VERIFIER = Path(__file__).parent.parent.parent / "docs/verify.py"
PLACE = {"sqlite": "rowid", "postgresql": "notification_id"}


class Log(NamedTuple):
    """A history of two sealed ranges and a bit."""

    engine: Engine
    store: Store
    signer: FileSigner

    @property
    def history(self) -> History:
        return History(self.store.recorder)

    def alter(self, statement: str, **values: Any) -> None:
        """What somebody with the password of the database may do; `position` stands for its column."""
        with self.engine.begin() as connection:
            connection.execute(text(statement.replace("position", PLACE[self.engine.dialect.name])), values)

    def faults(self) -> list[str]:
        with self.engine.connect() as connection:
            return [str(fault) for fault in audit.verify(connection, self.history, self.signer)]


def fill(store: Store, count: int) -> None:
    """Heartbeats, in two streams."""
    for name in ("A", "B"):
        station = Station(f"station/{name}")
        for second in range(count // 2):
            station.record(Station.HeartbeatReceived, Timer(rule="test"), BEGIN + timedelta(seconds=second))
        stored = [store.mapper.to_stored_event(event) for event in station.collect_events()]
        store.recorder.insert_events(stored)


@pytest.fixture
def log(ready: str, tmp_path: Path) -> Iterator[Log]:
    made, store = engine(ready), Store(ready)
    found = Log(made, store, FileSigner(tmp_path / "key.pem"))
    fill(store, EVENTS)
    notary = Notary(made, found.history, found.signer)
    while notary.step():
        pass
    yield found
    store.close()
    made.dispose()


def test_an_untouched_history_is_whole_and_its_open_end_is_not_sealed_yet(log: Log) -> None:
    assert log.faults() == []
    with log.engine.connect() as connection:
        assert audit.sealed_up_to(connection) == 2 * RANGE


TAMPERING = {
    "a changed event": ("UPDATE stored_events SET state = :state WHERE position = 1500", "an event was changed"),
    "a changed topic": ("UPDATE stored_events SET topic = 'x' WHERE position = 3", "an event was changed"),
    "a removed event": ("DELETE FROM stored_events WHERE position = 1500", "1 of 1024 events were removed"),
    "many removed events": ("DELETE FROM stored_events WHERE position <= 1024", "1024 of 1024 events were removed"),
    "a removed seal": ("DELETE FROM seal WHERE first = 1", "the seal of these positions is missing"),
    "a forged seal": ("UPDATE seal SET count = count + 1 WHERE first = 1025", "the signature of the seal is not"),
    "a seal of nobody": ("UPDATE seal SET signature = :state WHERE first = 1", "the signature of the seal is not"),
    "a turned chain": ("UPDATE seal SET previous = root WHERE first = 1025", "the seal does not follow the one"),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_is_found(log: Log, what: str) -> None:
    statement, reason = TAMPERING[what]
    log.alter(statement, **({"state": b"{}" * 32} if ":state" in statement else {}))
    assert any(reason in fault for fault in log.faults()), log.faults()


def test_an_event_inserted_into_a_gap_is_found(log: Log) -> None:
    log.alter("DELETE FROM stored_events WHERE position IN (2000)")
    log.alter("DELETE FROM seal WHERE first = 1025")
    Notary(log.engine, log.history, log.signer).step()
    assert log.faults() == []
    log.alter(
        "INSERT INTO stored_events (position, originator_id, originator_version, topic, state) "
        "VALUES (2000, 'station/C', 1, 'station.heartbeat_received.v1', :state)",
        state=b"{}",
    )
    assert log.faults() == ["positions 1025 to 2048: 1 events were inserted"]


def test_the_seals_of_another_key_are_not_genuine(log: Log, tmp_path: Path) -> None:
    stranger = FileSigner(tmp_path / "other.pem")
    with log.engine.connect() as connection:
        faults = list(audit.verify(connection, log.history, stranger))
    assert len(faults) == 2


def test_sealing_again_gives_the_same_seals(log: Log) -> None:
    with log.engine.connect() as connection:
        before = connection.execute(audit.SEAL.select()).all()
    log.alter("DELETE FROM seal")
    notary = Notary(log.engine, log.history, log.signer)
    while notary.step():
        pass
    with log.engine.connect() as connection:
        assert connection.execute(audit.SEAL.select()).all() == before


def checked(key: Path, proof: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(VERIFIER), str(key), str(proof)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_proof_convinces_somebody_who_has_only_the_public_key(log: Log, tmp_path: Path) -> None:
    key, file = tmp_path / "public.pem", tmp_path / "proof.json"
    key.write_text(log.signer.pem)
    with log.engine.connect() as connection:
        proofs = [audit.prove(connection, log.history, position) for position in (1, 1024, 1025, 1777)]
        assert audit.prove(connection, log.history, EVENTS) is None
    file.write_text("".join(f"{json.dumps(proof)}\n" for proof in proofs))
    assert checked(key, file).stdout == "4 proven\n"
    assert proofs[1] is not None
    proofs[1]["event"]["state"] = proofs[1]["event"]["state"].replace("station/A", "station/B")
    file.write_text(json.dumps(proofs[1], indent=2))
    refused = checked(key, file)
    assert refused.returncode == 1
    assert "position 1024: NOT PROVEN" in refused.stderr


def test_the_verifier_is_short_enough_to_be_read() -> None:
    assert len(VERIFIER.read_text().splitlines()) <= 50
