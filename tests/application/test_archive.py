"""What is archived and pruned is read as if it were still there, proven, and comes back: on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
import zstandard
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from adapters.signer.file import FileSigner
from adapters.storage.shelf import Shelf
from api.cli import cli
from application import archive, retention
from application.archive import Whole
from application.history import History
from application.retention import Retention
from application.snapshot import load, restore
from application.store import Store
from domain.archive import Unreadable, Untrue
from domain.audit import RANGE
from domain.badge import Badge
from domain.catalog import CATALOG, Recorded, events
from domain.command import Command
from domain.event import Connection, Event
from domain.station import Station
from domain.transaction import Transaction
from projections import audit
from projections.audit import Notary
from projections.catalog import PROJECTIONS
from projections.difference import Tally
from projections.engine import engine
from projections.rebuild import rebuild
from projections.runner import Runner
from tests.history import BEGIN, busy_day

LONG_AFTER = BEGIN + timedelta(days=30)


@dataclass
class Log:
    """Three sealed ranges: a busy day, then heartbeats; and an open end."""

    database: str
    engine: Engine
    store: Store
    signer: FileSigner
    folder: Path

    @property
    def history(self) -> History:
        return History(Whole(self.store.recorder, Shelf(str(self.folder))))

    @property
    def retention(self) -> Retention:
        return Retention(self.history)

    def archive(self, upto: int = 2 * RANGE) -> list[str]:
        with self.engine.connect() as connection:
            seals = audit.under(connection, self.retention.archived_up_to(), upto)
        return [self.retention.store([seal], self.signer.pem).name for seal in seals]

    def faults(self) -> list[str]:
        with self.engine.connect() as connection:
            found = [str(fault) for fault in audit.verify(connection, self.history.stored, self.signer)]
        return found + list(self.history.broken())

    def rows(self) -> int:
        return int(self.store.recorder.count())


def told() -> list[Event]:
    beats = Station("station/BEATS")
    beats.connect(Connection(connection_id="c", gateway="g"), "1.6", BEGIN)
    for _ in range(3 * RANGE):
        beats.record(Station.HeartbeatReceived, beats_cause(), BEGIN)
    return [*busy_day().events, *beats.collect_events()]


def beats_cause() -> Connection:
    return Connection(connection_id="c", gateway="g")


EVENTS = told()


@pytest.fixture
def log(ready: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    monkeypatch.setattr(retention, "FRESH_S", 0.0)
    monkeypatch.setattr(archive, "FRESH_S", 0.0)
    made, store = engine(ready), Store(ready)
    store.recorder.insert_events([store.mapper.to_stored_event(event) for event in EVENTS])
    found = Log(ready, made, store, FileSigner(tmp_path / "key.pem"), tmp_path / "archive")
    notary = Notary(made, found.history.stored, found.signer)
    while notary.step():
        pass
    yield found
    store.close()
    made.dispose()


def everything(history: History) -> list[Recorded]:
    return list(history.read(0, 10**6))


def test_archived_and_pruned_is_read_as_before(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    before, plain = everything(log.history), History(log.store.recorder)
    streams = sorted({row.stream for row in before})
    counts = {topics: plain.count(topics) for topics in ((), ("station.heartbeat_received.v1",))}
    assert len(log.archive()) == 2
    assert log.rows() == len(before)
    removed = log.retention.prune(2 * RANGE)
    assert removed > RANGE
    assert log.rows() == len(before) - removed
    after = log.history
    assert everything(after) == before
    assert log.faults() == []
    assert {topics: after.count(topics) for topics in counts} == counts
    assert [list(after.stream(stream)) for stream in streams] == [
        [r for r in before if r.stream == stream] for stream in streams
    ]
    assert [after.count(stream=stream) for stream in streams] == [
        len([r for r in before if r.stream == stream]) for stream in streams
    ]
    monkeypatch.setattr("application.history.FAR", 0)
    for begin, limit, topics in product(
        (0, 40, 1_500), (1, 7, 10**6), ((), ("transaction.ended.v1",), ("command.sent.v1",))
    ):
        right = [row for row in before if row.position > begin and (not topics or row.topic in topics)]
        assert list(after.read(begin, limit, topics)) == right[:limit]
        assert (
            list(after.between(begin, 2_000, limit, True, topics))
            == [r for r in right if r.position < 2_000][::-1][:limit]
        )
    for words in ((), (b'"badge":"B1"', b"DataTransfer"), (b"no such word",)):
        right = [row for row in before if any(word in row.state for word in words)]
        assert after.mentions(words) == len(right)
        assert list(after.mentioning(words, 5, 7)) == [row for row in right if row.position > 5][:7]
    assert list(after.at([3, 500, 1_700, 3_000])) == [before[at - 1] for at in (3, 500, 1_700, 3_000)]


def test_a_rebuild_makes_the_same_rows_from_the_archive(log: Log) -> None:
    some = [PROJECTIONS[name] for name in ("transaction", "command", "trace")]
    runner = Runner(log.engine, log.history, some)
    while runner.step():
        pass
    log.archive()
    assert log.retention.prune(2 * RANGE)
    for projection in some:
        assert rebuild(log.engine, log.history, projection, swap=False) == Tally(), projection.name


def test_what_is_open_and_the_last_of_every_stream_stays_at_hand(log: Log) -> None:
    log.archive()
    before = everything(log.history)
    log.retention.prune(2 * RANGE)
    plain = History(log.store.recorder)
    kept = everything(plain)
    assert {row.stream for row in kept} == {row.stream for row in before}
    ends = {row.stream: row for row in before}
    assert set(ends.values()) <= set(kept)
    for stream in (stream for stream in ends if stream.startswith("transaction/")):
        charge = load(log.history, Transaction(stream)).aggregate
        assert charge.version == ends[stream].version
        here = [row for row in kept if row.stream == stream]
        assert (len(here) < len(log.history.stream(stream))) == charge.over or charge.version == 1
    fates = {
        stream: load(log.history, Command(stream)).aggregate.final for stream in ends if stream.startswith("command/")
    }
    assert set(fates.values()) == {True, False}


def test_a_stream_that_was_pruned_can_go_on(log: Log) -> None:
    log.archive()
    log.retention.prune(2 * RANGE)
    stream = next(e.originator_id for e in EVENTS if isinstance(e, Transaction.Ended))
    charge = load(log.history, Transaction(stream)).aggregate
    charge.repeat("stop", beats_cause(), LONG_AFTER)
    log.store.recorder.insert_events([log.store.mapper.to_stored_event(event) for event in charge.collect_events()])
    assert load(log.history, Transaction(stream)).aggregate.version == charge.version
    assert log.faults() == []


@pytest.mark.parametrize("harm", ["rewrite", "lose"])
def test_whatever_is_done_to_a_file_is_found(log: Log, harm: str) -> None:
    first, _ = log.archive()
    log.retention.prune(2 * RANGE)
    path = log.folder / first
    match harm:
        case "rewrite":
            content = zstandard.decompress(path.read_bytes(), max_output_size=10**8)
            path.write_bytes(zstandard.compress(content.replace(b'"B1"', b'"B9"')))
        case "lose":
            path.unlink()
    (fault,) = log.faults()
    assert fault.startswith(f"positions 1 to {RANGE}: the archive ")
    assert first in fault


def test_a_file_and_its_checksum_rewritten_together_do_not_fit_the_seal(log: Log) -> None:
    import hashlib

    first, _ = log.archive()
    log.retention.prune(2 * RANGE)
    path = log.folder / first
    content = zstandard.decompress(path.read_bytes(), max_output_size=10**8)
    path.write_bytes(zstandard.compress(content.replace(b'"B1"', b'"B9"')))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    log.store.recorder.tell(("UPDATE archive SET sha256 = ? WHERE name = ?", [digest, first]))
    assert log.faults() == [f"positions 1 to {RANGE}: an event was changed or replaced"]


def test_an_event_removed_from_the_database_is_not_healed_by_the_archive(log: Log) -> None:
    log.archive()
    log.retention.prune(2 * RANGE)
    kept = History(log.store.recorder).stream("station/OLD")[0]
    log.store.recorder.tell((log.store.recorder.worded("DELETE FROM stored_events WHERE {place} = ?"), [kept.position]))
    assert log.faults() == [f"positions 1 to {RANGE}: 1 of {RANGE} events were removed", kept.stream]


def test_nothing_is_removed_that_the_file_does_not_hold(log: Log) -> None:
    first, _ = log.archive()
    (log.folder / first).write_bytes(b"nonsense")
    rows = log.rows()
    with pytest.raises(Unreadable, match="its checksum is another"):
        log.retention.prune(2 * RANGE)
    assert log.rows() == rows


def test_what_was_tampered_with_is_not_archived(log: Log) -> None:
    log.store.recorder.tell((log.store.recorder.worded("DELETE FROM stored_events WHERE {place} = 7"), ()))
    with pytest.raises(Untrue, match="1,023 events where 1,024 were sealed"):
        log.archive()
    assert log.retention.archived_up_to() == 0


def test_a_prune_that_was_killed_before_the_end_is_finished_by_the_next(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def die(*_: object) -> None:
        raise Killed

    before = everything(log.history)
    log.archive()
    with monkeypatch.context() as patch:
        patch.setattr(Retention, "remove", die)
        with pytest.raises(Killed):
            log.retention.prune(2 * RANGE)
    assert (everything(log.history), log.faults(), log.history.count()) == (before, [], len(before))
    assert log.retention.prune(0) > RANGE
    assert (everything(log.history), log.faults(), log.history.count()) == (before, [], len(before))
    assert log.retention.prune(2 * RANGE) == 0


def test_what_starts_needs_no_file(log: Log, tmp_path: Path) -> None:
    moments = [BEGIN + timedelta(hours=hours) for hours in (-1, 0, 1, 2, 1_000)]
    before = [log.history.position_at(moment) for moment in moments]
    log.archive()
    log.retention.prune(2 * RANGE)
    alone = History(Whole(log.store.recorder, Shelf(str(tmp_path / "elsewhere"))))
    for moment, right in zip(moments, before, strict=True):
        found = alone.position_at(moment)
        assert found <= right
        assert all(row.position > right for row in History(log.store.recorder).read(found, 10**6))
    assert restore(alone, Station("station/OLD")).aggregate.registered is False
    badges = tuple(name for kind in events(Badge) for name in CATALOG.names(kind))
    assert alone.read(0, 10**6, badges) == log.history.read(0, 10**6, badges)


def test_a_restored_file_is_in_the_database_again(log: Log) -> None:
    before, files = everything(log.history), log.archive()
    removed = log.retention.prune(2 * RANGE)
    genuine = lambda seal: log.signer.genuine(seal.text, seal.signature)  # noqa: E731
    assert sum(log.retention.restore(file, genuine) for file in files) == removed
    assert everything(History(log.store.recorder)) == before
    assert (log.faults(), log.history.count()) == ([], len(before))
    assert sum(log.retention.restore(file, genuine) for file in files) == 0
    with pytest.raises(Unreadable, match="its seals are not those of this history"):
        log.retention.restore(files[0], lambda seal: False)


def test_files_alone_make_the_history_again(log: Log, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    before, files = everything(log.history), log.archive()
    postgres = log.database.startswith("postgresql")
    empty = Store(request.getfixturevalue("postgres") if postgres else f"sqlite:///{tmp_path}/empty.db")
    other = Retention(History(Whole(empty.recorder, Shelf(str(log.folder)))))
    for file in files:
        other.restore(file, lambda seal: log.signer.genuine(seal.text, seal.signature))
    assert everything(other.history) == before[: 2 * RANGE]
    (position,) = empty.recorder.insert_events([empty.mapper.to_stored_event(EVENTS[-1])])
    assert position == 2 * RANGE + 1
    empty.close()


def test_a_history_whose_archive_is_elsewhere_says_where_it_looked(log: Log, tmp_path: Path) -> None:
    first, _ = log.archive()
    log.retention.prune(2 * RANGE)
    lost = History(Whole(log.store.recorder, Shelf(str(tmp_path / "elsewhere"))))
    with pytest.raises(Unreadable, match=f"elsewhere has no {first}"):
        everything(lost)


def test_the_archive_on_a_terminal(log: Log) -> None:
    given = ["--database", log.database, "--archive", str(log.folder), "--audit-key", str(log.signer.path)]

    def bornier(*words: str) -> Result:
        return CliRunner().invoke(cli, [*words, *given])

    done = bornier("archive", "--upto", str(2 * RANGE))
    assert (done.exit_code, done.stdout.splitlines()[-1].startswith("2,048 events archived at ")) == (0, True)
    young = bornier("archive", "--upto", str(2 * RANGE), "--prune")
    assert "only what is older than 7 days can be removed" in str(young.exception)
    assert log.rows() == len(EVENTS)
    again = bornier("archive", "--before", "2001-01-01", "--prune")
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (0, "0 events removed from the database")
    (name,) = (path.name for path in log.folder.glob("*.zst"))
    assert bornier("restore", name).stdout == f"{name}: 0 events are back\n"
    assert "how much?" in str(bornier("archive").exception)
