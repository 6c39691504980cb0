"""Whatever is done to a sealed history with SQL is found; what was not touched is proven, offline."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
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
from projections import audit, mention
from projections.audit import Notary
from projections.engine import engine
from projections.runner import Runner

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

    def faults(self, kept: audit.Kept | None = None) -> list[str]:
        with self.engine.connect() as connection:
            found = [*audit.verify(connection, self.history, self.signer)]
            found += audit.missed(connection, self.signer, kept) if kept else []
        return [str(fault) for fault in found]

    def seals(self) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(audit.SEAL.select().order_by(audit.SEAL.c.first)))

    def newest(self) -> audit.Kept:
        with self.engine.connect() as connection:
            found = audit.newest(connection)
        assert found is not None
        return found


def fill(store: Store, count: int) -> None:
    """Heartbeats, in two streams."""
    for name in ("A", "B"):
        station = Station(f"station/{name}")
        for second in range(count // 2):
            station.record(Station.HeartbeatReceived, Timer(rule="test"), BEGIN + timedelta(seconds=second))
        stored = [store.mapper.to_stored_event(event) for event in station.collect_events()]
        store.recorder.insert_events(stored)


def seal_all(notary: Notary) -> None:
    while notary.step():
        pass


@pytest.fixture
def log(ready: str, tmp_path: Path) -> Iterator[Log]:
    made, store = engine(ready), Store(ready)
    found = Log(made, store, FileSigner(tmp_path / "key.pem"))
    fill(store, EVENTS)
    seal_all(Notary(made, found.history, found.signer))
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
    "a truncated tail": ("DELETE FROM stored_events WHERE position > 2000", "48 of 1024 events were removed"),
    "a moved event": (
        "UPDATE stored_events SET position = 99999 WHERE position = 2000",
        "1 of 1024 events were removed",
    ),
    "another stream": ("UPDATE stored_events SET originator_id = 'x' WHERE position = 9", "an event was changed"),
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


def test_two_events_that_changed_places_are_found(log: Log) -> None:
    first, second = (log.history.read(position - 1, 1)[0] for position in (1100, 1900))
    for here, there in ((first, second), (second, first)):
        change = "UPDATE stored_events SET state = :state WHERE position = :here"
        log.alter(change, state=bytes(there.state), here=here.position)
    assert log.faults() == ["positions 1025 to 2048: an event was changed or replaced"]


def test_seals_made_again_with_another_key_are_found(log: Log, tmp_path: Path) -> None:
    log.alter("DELETE FROM stored_events WHERE position = 1500")
    log.alter("DELETE FROM seal")
    seal_all(Notary(log.engine, log.history, FileSigner(tmp_path / "stranger.pem")))
    assert log.faults() == [
        "positions 1 to 1024: the signature of the seal is not of this key",
        "positions 1025 to 2048: the signature of the seal is not of this key",
    ]


def test_whoever_has_the_key_too_is_found_by_a_seal_that_was_kept(log: Log) -> None:
    kept = log.newest()
    assert log.faults(kept) == []
    log.alter("DELETE FROM stored_events WHERE position = 1500")
    log.alter("DELETE FROM seal WHERE first = 1025")
    seal_all(Notary(log.engine, log.history, log.signer))
    assert log.faults() == []
    gone = "positions 1025 to 2048: the seal that was kept is not in the history: it was cut off or written again"
    assert log.faults(kept) == [gone]
    log.alter("DELETE FROM seal WHERE first = 1025")
    log.alter("DELETE FROM stored_events WHERE position > 1024")
    assert log.faults() == []
    assert log.faults(kept) == [gone]
    false = audit.Kept(text=kept.text.replace("count 1024", "count 1023"), signature=kept.signature)
    assert log.faults(false) == ["positions 1025 to 2048: the seal that was kept is not of this key"]


class Moody:
    """A key service that is away now and then, or takes its time."""

    def __init__(self, signer: FileSigner) -> None:
        self.signer = signer
        self.failures = 3
        self.asked, self.may = threading.Event(), threading.Event()
        self.genuine, self.pem = signer.genuine, signer.pem

    def sign(self, text: bytes) -> bytes:
        self.asked.set()
        if self.failures:
            self.failures -= 1
            raise OSError("the key service does not answer")
        self.may.wait(30)
        return self.signer.sign(text)


def test_a_key_service_that_fails_or_is_slow_holds_up_nothing_and_loses_no_seal(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "REST_S", 0.01)
    whole, service = log.seals(), Moody(log.signer)
    log.alter("DELETE FROM seal")
    notary = Notary(log.engine, log.history, service)
    notary.start()
    try:
        assert service.asked.wait(20)
        runner = Runner(log.engine, log.history, [mention.PROJECTION])
        while runner.step():
            pass
        assert runner.progress["mention"].position == EVENTS
        eventually(lambda: service.failures == 0)
        assert log.seals() == []
        service.may.set()
        eventually(lambda: log.seals() == whole)
        eventually(lambda: notary.unwell is None)
    finally:
        service.may.set()
        notary.stop()


def test_a_notary_says_why_it_cannot_seal(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Moody(log.signer)
    service.failures = 10**9
    log.alter("DELETE FROM seal")
    notary = Notary(log.engine, log.history, service)
    notary.start()
    try:
        eventually(lambda: notary.unwell == "the history cannot be sealed: the key service does not answer")
    finally:
        notary.stop()


def eventually(true: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it never came true")


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
    before = log.seals()
    log.alter("DELETE FROM seal")
    seal_all(Notary(log.engine, log.history, log.signer))
    assert log.seals() == before


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
