"""Whatever is searched, in either direction and with pages of any size, is what reading everything would give."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection as Link
from sqlalchemy import Engine, text
from sqlalchemy import event as happening

from api import search as module
from api.search import END, Question, Search, TooBroad
from application.history import History
from application.store import Store
from domain.badge import fold
from domain.catalog import Recorded
from domain.command import Command
from domain.event import Connection, Operator, Order, Timer
from domain.station import Station
from domain.transaction import Transaction
from projections import mention, trace
from projections.engine import engine
from projections.mention import BLOCK
from projections.runner import Runner
from tests.history import BEGIN, HEARD, busy_day

ANNA = Operator(name="anna")
RULE = "outcome of a remote start"


def remote_start(transaction_id: str) -> Command:
    """A command that led to a charge."""
    command, order = Command("command/c1"), Order(command_id="c1")
    command.request("NEW", "remoteStart", {"badge": "B2"}, "anna", LATER, ANNA, HEARD)
    command.send("c-NEW", "out-1", "RequestStartTransaction", msgspec.Raw(b"{}"), order, HEARD)
    command.answer(True, msgspec.Raw(b"{}"), None, order, HEARD)
    command.fulfil(transaction_id, Timer(rule=RULE), HEARD)
    return command


LATER = HEARD + timedelta(days=1)
DAY = busy_day()
CHARGE = [event.originator_id for event in DAY.events if isinstance(event, Transaction.Started)][-1]
DAY.events += remote_start(CHARGE.removeprefix("transaction/")).collect_events()
DAY.events = [
    msgspec.structs.replace(event, recorded_at=HEARD + timedelta(seconds=second))
    for second, event in enumerate(DAY.events)
]
"""One gateway heard everything, one thing a second."""
ROWS = DAY.rows()
DATA = {row.position: msgspec.json.decode(row.state) for row in ROWS}
LAST = max(datetime.fromisoformat(data["recorded_at"]) for data in DATA.values())
HALF = HEARD + (LAST - HEARD) / 2


@pytest.fixture
def day(ready: str) -> Iterator[Callable[[Question], Search]]:
    store, here = Store(ready), engine(ready)
    store.recorder.insert_events([store.mapper.to_stored_event(event) for event in DAY.events])
    history = History(store.recorder)
    runner = Runner(here, history, [mention.PROJECTION, trace.PROJECTION], 100)
    while runner.step():
        pass
    yield lambda question: Search(history, here, question)
    here.dispose()
    store.close()


def told(row: Recorded) -> Any:
    return DATA[row.position]


def streams(of: Callable[[Any], bool]) -> set[str]:
    """The streams in which something is said."""
    return {row.stream for row in ROWS if of(told(row))}


def named(data: Any) -> set[str]:
    said = [data.get("badge"), data.get("group_badge"), data.get("parameters", {}).get("badge")]
    return {fold(badge) for badge in said if badge}


def of_station(station_id: str) -> Callable[[Recorded], bool]:
    own = {
        row.stream
        for row in ROWS
        if row.stream.endswith(f"/{station_id}") and row.stream.split("/")[0] not in ("badge", "number")
    }
    mine = own | streams(lambda data: data.get("station_id") == station_id)
    return lambda row: row.stream in mine


def of_badge(badge: str) -> Callable[[Recorded], bool]:
    since: dict[str, int] = {}
    for row in ROWS:
        if fold(badge) in named(told(row)) and row.stream.split("/")[0] in mention.WHOLE:
            since.setdefault(row.stream, row.position)
    return lambda row: (
        row.stream == f"badge/{fold(badge)}"
        or fold(badge) in named(told(row))
        or row.position >= since.get(row.stream, END)
    )


def of_cause(**wanted: Any) -> Callable[[Recorded], bool]:
    return lambda row: all(told(row)["cause"].get(name) == value for name, value in wanted.items())


def of_topic(*topics: str) -> Callable[[Recorded], bool]:
    return lambda row: row.topic in topics


def of_message(message_id: str) -> Callable[[Recorded], bool]:
    return lambda row: message_id in (told(row)["cause"].get("message_id"), told(row).get("message_id"))


def both(*tests: Callable[[Recorded], bool]) -> Callable[[Recorded], bool]:
    return lambda row: all(test(row) for test in tests)


def recorded(row: Recorded) -> datetime:
    return datetime.fromisoformat(told(row)["recorded_at"])


def occurred(row: Recorded) -> datetime:
    at = told(row).get("occurred_at")
    return datetime.fromisoformat(at) if at else LAST + timedelta(days=9)


COMMAND = next(told(row)["cause"]["command_id"] for row in ROWS if row.topic == "profile.installed.v1")
QUESTIONS: dict[str, tuple[Question, Callable[[Recorded], bool]]] = {
    "everything": (Question(), lambda row: True),
    "a stream": (Question(stream="station/OLD"), lambda row: row.stream == "station/OLD"),
    "a frequent topic": (Question(topics=["transaction.metered.v1"]), of_topic("transaction.metered.v1")),
    "a rare topic": (Question(topics=["command.failed.v1"]), of_topic("command.failed.v1")),
    "both": (
        Question(topics=["transaction.metered.v1", "command.failed.v1"]),
        of_topic("transaction.metered.v1", "command.failed.v1"),
    ),
    "a topic of a stream": (
        Question(stream="station/OLD", topics=["station.booted.v1"]),
        both(lambda row: row.stream == "station/OLD", of_topic("station.booted.v1")),
    ),
    "a station": (Question(station="OLD"), of_station("OLD")),
    "the other station": (Question(station="NEW"), of_station("NEW")),
    "a topic of a station": (
        Question(station="NEW", topics=["transaction.metered.v1"]),
        both(of_station("NEW"), of_topic("transaction.metered.v1")),
    ),
    "a badge": (Question(badge="b1"), of_badge("B1")),
    "a badge at a station": (Question(badge="B2", station="NEW"), both(of_badge("B2"), of_station("NEW"))),
    "a time": (Question(since=HEARD, to=HALF), lambda row: HEARD <= recorded(row) < HALF),
    "a time of a station": (
        Question(station="NEW", since=HALF),
        both(of_station("NEW"), lambda row: recorded(row) >= HALF),
    ),
    "a time by the station's clock": (
        Question(occurred_since=BEGIN, occurred_to=BEGIN + timedelta(minutes=30)),
        lambda row: BEGIN <= occurred(row) < BEGIN + timedelta(minutes=30),
    ),
    "what stations said": (Question(by="ocpp"), of_cause(by="ocpp")),
    "what timers did": (Question(by="timer"), of_cause(by="timer")),
    "what an operator did": (Question(operator="anna"), of_cause(by="operator", name="anna")),
    "what a rule did": (Question(by="timer", rule=RULE), of_cause(by="timer", rule=RULE)),
    "what a command did": (
        Question(command=COMMAND),
        lambda row: told(row)["cause"].get("command_id") == COMMAND or row.stream == f"command/{COMMAND}",
    ),
    "a message": (
        Question(station="OLD", message="m5"),
        both(of_station("OLD"), of_message("m5")),
    ),
    "nothing": (Question(badge="NOBODY"), lambda row: False),
}  # fmt: skip


@pytest.mark.parametrize("size", [3, 500])
def test_a_search_finds_what_reading_everything_finds(day: Callable[[Question], Search], size: int) -> None:
    for name, (question, fits) in QUESTIONS.items():
        expected = [row.position for row in ROWS if fits(row)]
        search = day(question)
        assert forwards(search, size) == expected, name
        assert backwards(search, size) == expected, name
        assert search.count() == len(expected), name
        assert bool(expected) is (name != "nothing"), name


def forwards(search: Search, size: int) -> list[int]:
    found: list[int] = []
    while (page := search.page(found[-1] if found else 0, END, size)).more:
        found += [row.position for row in page.events]
    return found + [row.position for row in page.events]


def backwards(search: Search, size: int) -> list[int]:
    found: list[int] = []
    while (page := search.page(0, found[0] if found else END, size, descending=True)).more:
        found[:0] = [row.position for row in page.events]
    return [row.position for row in page.events] + found


def test_whoever_asks_too_broadly_is_told_where_to_go_on(
    day: Callable[[Question], Search], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKED", 40)
    with pytest.raises(TooBroad) as refused:
        day(Question(message="nothing has this id")).page(0, END, 10)
    assert refused.value.position == ROWS[39].position
    assert day(Question(message="nothing has this id", station="OLD", to=HEARD)).page(0, END, 10).events == []


MANY = 12_000
LARGE = {
    "everything": Question(),
    "a stream": Question(stream="station/S7"),
    "a rare topic": Question(topics=["station.registered.v1"]),
    "a frequent topic": Question(topics=["station.heartbeat_received.v1"]),
    "a station": Question(station="S7"),
    "a badge": Question(badge="B7"),
    "an operator": Question(operator="anna"),
    "a command": Question(command="c7"),
    "a time": Question(since=HEARD + timedelta(seconds=5_000)),
}


def crowd(store: Store) -> None:
    """Fifty stations that beat, and now and then charge."""
    stations = [Station(f"station/S{number}") for number in range(50)]
    events: list[Any] = []
    for second in range(MANY):
        now, station = HEARD + timedelta(seconds=second), stations[second % 50]
        link = Connection(connection_id=f"c{second % 50}", gateway="g")
        if second % 1_201 == 60:
            station.register(None, ANNA, now)
        elif second % 600 < 50:
            command = Command(f"command/c{second}")
            station_id = station.id.removeprefix("station/")
            command.request(station_id, "remoteStart", {"badge": f"B{second}"}, "anna", LATER, ANNA, now)
            events += command.collect_events()
        else:
            station.record(Station.HeartbeatReceived, link, now)
        events += station.collect_events()
    store.recorder.insert_events([store.mapper.to_stored_event(event) for event in events])


@pytest.fixture
def large(ready: str) -> Iterator[tuple[Engine, History]]:
    store, here = Store(ready), engine(ready)
    crowd(store)
    runner = Runner(here, History(store.recorder), [mention.PROJECTION, trace.PROJECTION])
    while runner.step():
        pass
    with here.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    yield here, History(store.recorder)
    here.dispose()
    store.close()


def test_a_search_walks_indexes_and_reads_little(
    large: tuple[Engine, History], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, history = large
    asked: list[tuple[str, Any]] = []
    rows = 0

    @happening.listens_for(here, "before_cursor_execute")
    def note(_c: Link, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    fetch = history.recorder.fetch

    def noted(statement: str, parameters: Any) -> Any:
        nonlocal rows
        table, mark = "stored_events", "?" if here.dialect.name == "sqlite" else "%s"
        asked.append((statement.format(table=table).replace("?", mark), tuple(parameters)))
        found = fetch(statement, parameters)
        rows += len(found)
        return found

    monkeypatch.setattr(history.recorder, "fetch", noted)
    for name, question in LARGE.items():
        for descending in (False, True):
            asked.clear()
            rows = 0
            assert Search(history, here, question).page(0, END, 5, descending).events, name
            assert rows <= 2 * BLOCK, (name, rows)
            with here.connect() as connection:
                for statement, parameters in asked.copy():
                    plan = explained(connection, statement, parameters)
                    assert "TEMP B-TREE" not in plan, (name, statement, plan)
                    assert "Seq Scan" not in plan, (name, statement, plan)
                    assert not re.search(r"SCAN (stored_events|mention|strand|trace)", plan), (name, statement, plan)


def explained(connection: Link, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return "\n".join(" ".join(map(str, row)) for row in connection.exec_driver_sql(explain + statement, parameters))
