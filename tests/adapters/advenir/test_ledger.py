"""Charges of the history, told to a server that accepts and refuses as Advenir does, over a real socket.

The whole way: store, read models, exporter, HTTP. What is dirty is reported, and never sent.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.advenir.client import Client
from adapters.advenir.ledger import Ledger
from application.advenir import Exporter, Funding
from application.history import History
from application.journal import Journal
from application.ports import Wanted
from application.store import Store
from application.submission import Submissions, Terms
from domain.catalog import CATALOG
from domain.event import Refusal, Timer
from domain.meter import Reading
from domain.submission import RETRIES_S, Submission, stream
from domain.transaction import Transaction
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.runner import Runner
from tests.history import Notebook, Talk
from tests.regulator import DROP, LOGIN, PASSWORD, USER_ID, Regulator

GOLDEN = Path(__file__).parents[2] / "golden" / "advenir"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2017, 1, 1, tzinfo=UTC)
CAUSE = Timer(rule="test")
Curve = Sequence[tuple[int, int]]


class Office:
    """A history with its read models, and whoever tells Advenir of it."""

    def __init__(self, database: str, regulator: Regulator, terms: Terms) -> None:
        self.store = Store(database)
        self.history = History(self.store.recorder)
        self.journal = Journal(self.store.recorder, self.store.mapper, self.history.advance)
        self.journal.start()
        self.engine = engine(database)
        names = ("station", "transaction", "advenir")
        self.runner = Runner(self.engine, self.history, [PROJECTIONS[name] for name in names])
        self.now, self.terms, self.regulator = NOW, terms, regulator
        self.funding = Funding(self.journal, self.history, lambda: self.now)
        self.client = Client(regulator.url, "POST", USER_ID, LOGIN, PASSWORD, timeout_s=0.5)

    def exporter(self) -> Exporter:
        """A process that knows only what was recorded."""
        submissions = Submissions(self.journal, self.history, Ledger(self.engine), self.terms, lambda: self.now)
        return Exporter(submissions, self.client)

    async def fund(self, station_id: str, identifier: str = "FR*XYZ*E1", evse_id: int = 1, power: float | None = None
                   ) -> None:  # fmt: skip
        await self.funding.register(station_id, evse_id, identifier, LONG_AGO, power, "anna")

    async def charge(self, station_id: str, number: str, curve: Curve, evse_id: int = 1, told_end: bool = True) -> str:
        """A charge as a station told it; the id of its transaction."""
        transaction = Transaction(f"transaction/{station_id}-{number}")
        read = [Reading(at=datetime.fromtimestamp(at, UTC), register_wh=float(wh)) for at, wh in curve]
        facts = {"station_id": station_id, "station_transaction_id": number, "evse_id": evse_id}
        transaction.start(CAUSE, self.now, occurred_at=read[0].at, meter_start_wh=read[0].register_wh, **facts)
        transaction.meter(tuple(read[1:-1]), CAUSE, self.now)
        if told_end:
            transaction.end(read[-1].at, "Local", read[-1].register_wh, None, (), CAUSE, self.now)
        else:
            transaction.supersede("another", read[-1].at, None, CAUSE, self.now)
        await self.journal.record(transaction.collect_events())
        return transaction.transaction_id

    async def read(self) -> None:
        """Bring the read models up to date."""
        while await asyncio.to_thread(self.runner.step):
            pass

    def submission(self, transaction_id: str) -> Submission:
        rows = self.history.stream(stream(transaction_id))
        return Submission(stream(transaction_id)).replay(CATALOG.decode(row.topic, row.state) for row in rows)

    def states(self) -> Counter[str]:
        topics = ("submission.prepared.v1", "submission.withheld.v1")
        made = {row.stream for row in self.history.read(0, 10_000, topics)}
        return Counter(self.submission(each.removeprefix("submission/")).state for each in made)

    def defects(self) -> list[Any]:
        rows = self.history.read(0, 10_000, ("submission.withheld.v1",))
        return [defect for row in rows for defect in CATALOG.decode(row.topic, row.state).defects]  # type: ignore[attr-defined]

    async def close(self) -> None:
        await self.client.close()
        await self.journal.stop()
        self.store.close()
        self.engine.dispose()


@pytest.fixture(scope="module")
def running() -> Iterator[Regulator]:
    with Regulator() as made:
        yield made


@pytest.fixture
def regulator(running: Regulator) -> Regulator:
    running.mood = running.after = lambda request: None
    running.delay_s = 0.0
    for memory in (running.requests, running.recorded, running.twice):
        memory.clear()
    return running


@pytest.fixture
async def office(ready_sqlite: Path, tmp_path: Path, regulator: Regulator) -> AsyncIterator[Office]:
    shutil.copyfile(ready_sqlite, tmp_path / "bornier.db")
    made = Office(f"sqlite:///{tmp_path}/bornier.db", regulator, Terms("operation", delay_s=0))
    yield made
    await made.close()


@pytest.fixture
async def anywhere(ready: str, regulator: Regulator) -> AsyncIterator[Office]:
    """An office on each kind of database."""
    made = Office(ready, regulator, Terms("operation", delay_s=0))
    yield made
    await made.close()


CURVE = [(1_700_000_000, 500), (1_700_000_900, 2250), (1_700_000_900, 2250), (1_700_003_600, 7500)]
LATER = [(start + 10_000, wh) for start, wh in CURVE]


def curves() -> dict[str, dict[str, Curve]]:
    """The dirty load curves: station → transaction → points."""
    document, _ = json.JSONDecoder().raw_decode((GOLDEN / "load-curves-site1.json").read_text("utf-8"))
    return {
        station: {
            number: [(point["timestamp"], point["value"]) for point in points]
            for each in listed
            for number, points in each.items()
        }
        for station, listed in document["AAAAA"].items()
    }


@pytest.mark.parametrize("mode", ["operation", "curve"])
async def test_dirty_load_curves_go_through_and_no_defect_is_sent(
    office: Office, regulator: Regulator, mode: Any
) -> None:
    office.terms = Terms(mode, delay_s=0)
    dirty = curves()
    for station, own in dirty.items():
        await office.fund(station, station)
        await asyncio.gather(*(office.charge(station, number, curve) for number, curve in own.items()))
    await office.read()
    told = await office.exporter().turn()
    assert (told.accepted, told.refused, told.failed) == (111, 0, 0)
    assert office.states() == {"ACCEPTED": 111, "WITHHELD": 2}
    assert Counter((each.rule, each.where) for each in office.defects() if not each.mended) == {
        ("rising", "02aa21 02aa21-601201"): 1,
        ("rising", "02b1fb 02b1fb-862502"): 9,
    }
    held = [defect for defect in office.defects() if defect.mended]
    prepared = [office.submission(f"{station}-{number}").prepared for station in dirty for number in dirty[station]]
    repetitions = [each.repetitions for each in prepared if each is not None]
    assert sum(repetitions) + len(held) == 412
    assert sum(number > 0 for number in repetitions) + len({each.where for each in held}) == 75
    sent = {number for request in regulator.requests for _, number in request.charges}
    assert len(sent) == 111
    assert sent.isdisjoint({"02aa21-601201", "02b1fb-862502"})
    requests = [100, 11] if mode == "curve" else [100, 10, 1]
    assert [len(request.charges) for request in regulator.requests] == requests, "one lasted longer than 12 hours"
    if mode == "curve":
        told_points = [charge for request in regulator.requests for charge in request.charges.items()]
        sizes = {number: len(points) for (_, number), points in told_points}
        assert sizes["02aa10-637801"] == 15, "of twenty points, five are repetitions"


async def test_the_dirty_log_goes_through_ocpp_and_nothing_is_sent(office: Office, regulator: Regulator) -> None:
    notebook = Notebook()
    talk = Talk(notebook, "02e8fa")
    log = (GOLDEN / "ocpp15-log-site1-02e8fa.txt").read_text("utf-8")
    lines = [json.loads(line.rstrip(",")) for line in log.splitlines()]
    numbers: dict[str, int] = {}
    answers = iter([line for line in lines if line["Action"] == "/StartTransactionResponse"])
    for line in lines:
        match line["Action"]:
            case "/StartTransaction":
                told = {"idTag": line["idTag"], "timestamp": line["timestamp"], "meterStart": int(line["meterStart"])}
                answer = talk.say("StartTransaction", told | {"connectorId": int(line["connectorId"])})
                numbers[next(answers)["transactionId"]] = answer["transactionId"]
            case "/MeterValues":
                sampled = [{"timestamp": line["timestamp"], "sampledValue": [{"value": line["value"]}]}]
                own = {"connectorId": 2, "transactionId": numbers[line["transactionId"]]}
                talk.say("MeterValues", own | {"meterValue": sampled})
            case "/StopTransaction":
                told = {"transactionId": numbers[line["transactionId"]], "timestamp": line["timestamp"]}
                talk.say("StopTransaction", told | {"meterStop": int(line["meterStop"])})
    await office.journal.record(notebook.events)
    for evse_id in (1, 2):
        await office.fund("02e8fa", f"02e8fa*{evse_id}", evse_id)
    await office.read()
    told_ = await office.exporter().turn()
    assert told_.sent == 0
    assert regulator.requests == []
    found = Counter(defect.rule for defect in office.defects())
    assert found == {"charged": 2}, "both ended without energy"
    assert numbers["854801"] == numbers["854901"], "a start that is sent again is the same charge here"
    assert numbers["855002"] == numbers["855102"]


async def test_a_charge_is_told_once_whoever_does_it(anywhere: Office, regulator: Regulator) -> None:
    office = anywhere
    await office.fund("CP1")
    told = await office.charge("CP1", "1", CURVE)
    await office.charge("CP2", "1", LATER)
    await office.read()
    assert (await office.exporter().turn()).accepted == 1
    assert (await office.exporter().turn()).sent == 0, "before the read model knows"
    await office.read()
    assert (await office.exporter().turn()).sent == 0
    ((verb, body),) = regulator.requests
    start, stop = CURVE[0][0], CURVE[-1][0]
    operation = {"StartTransaction": start, "StopTransaction": stop, "StartValue": 0, "StopValue": 7000}
    assert (verb, json.loads(body)) == ("POST", {USER_ID: {"FR*XYZ*E1": {told: operation}}})
    rows = office.history.stream(stream(told))
    assert [row.topic for row in rows] == [
        "submission.prepared.v1", "submission.submitted.v1", "submission.accepted.v1",
    ]  # fmt: skip
    used = [row.position for row in office.history.stream(f"transaction/{told}")]
    prepared = office.submission(told).prepared
    assert prepared is not None
    assert (prepared.first_position, prepared.last_position, prepared.repetitions) == (used[0], used[-1], 1)
    stored = b"".join(row.state for row in office.history.read(0, 1_000))
    assert PASSWORD.encode() not in stored
    assert LOGIN.encode() not in stored


async def test_killed_before_the_answer_was_recorded_it_sends_the_same_again(
    office: Office, regulator: Regulator
) -> None:
    await office.fund("CP1")
    told = await office.charge("CP1", "1", CURVE)
    await office.read()
    regulator.after = lambda request: (DROP, b"")
    assert (await office.exporter().turn()).closed is not None, "recorded there, and nobody here knows"
    assert office.submission(told).state == "FAILED"
    regulator.after = lambda request: None
    await office.read()
    assert (await office.exporter().turn()).sent == 0, "it rests first"
    office.now += timedelta(minutes=1)
    assert (await office.exporter().turn()).accepted == 1
    first, second = regulator.requests
    assert first.body == second.body
    assert office.submission(told).code == "202"
    assert regulator.twice == [("FR*XYZ*E1", told)]


async def test_a_process_that_died_between_sending_and_the_answer_is_taken_over(
    office: Office, regulator: Regulator
) -> None:
    await office.fund("CP1")
    told = await office.charge("CP1", "1", CURVE)
    await office.read()
    dying = office.exporter()
    regulator.delay_s = 0.4
    task = asyncio.create_task(dying.turn())
    while not regulator.requests:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert office.submission(told).state == "SUBMITTED"
    regulator.delay_s = 0.0
    await office.read()
    assert (await office.exporter().turn()).accepted == 1
    assert office.submission(told).state == "ACCEPTED"


async def test_while_the_server_is_away_everything_waits(office: Office, regulator: Regulator) -> None:
    await office.fund("CP1")
    for number in range(3):
        await office.charge("CP1", str(number), [(at + 5_000 * number, wh) for at, wh in CURVE])
    await office.read()
    regulator.mood = lambda request: (500, b"oops")
    exporter = office.exporter()
    assert (await exporter.turn()).failed == 3
    await office.read()
    for _ in range(5):
        await exporter.turn()
    assert len(regulator.requests) == 1, "it is not asked again and again"
    regulator.mood = lambda request: None
    office.now += timedelta(minutes=1)
    assert (await exporter.turn()).accepted == 3


async def test_what_is_too_much_at_once_is_sent_one_by_one(office: Office, regulator: Regulator) -> None:
    await office.fund("CP1")
    await office.charge("CP1", "1", CURVE)
    await office.charge("CP1", "2", LATER)
    await office.read()
    regulator.mood = lambda request: (413, b"too large") if len(request.charges) > 1 else None
    exporter = office.exporter()
    assert (await exporter.turn()).failed == 2
    office.now += timedelta(minutes=1)
    assert (await exporter.turn()).accepted == 2


async def test_what_failed_often_is_tried_seldom_and_not_even_looked_at_before(
    anywhere: Office, regulator: Regulator
) -> None:
    office = anywhere
    await office.fund("CP1")
    told = await office.charge("CP1", "1", CURVE)
    await office.read()
    regulator.mood = lambda request: (500, b"oops")
    ledger = Ledger(office.engine)
    for rest_s in (*RETRIES_S, RETRIES_S[-1]):
        assert (await office.exporter().turn()).failed == 1
        await office.read()
        office.now += timedelta(seconds=rest_s - 1)
        assert ledger.waiting(0, office.now) == ([], None)
        office.now += timedelta(seconds=1)
        assert ledger.waiting(0, office.now) == ([told], None)


async def test_a_wrong_user_is_an_alarm_and_loses_nothing(
    office: Office, regulator: Regulator, caplog: pytest.LogCaptureFixture
) -> None:
    await office.fund("CP1")
    told = await office.charge("CP1", "1", CURVE)
    await office.read()
    office.client.user_id = "00000000-0000-0000-0000-000000000000"
    await office.exporter().turn()
    assert "BORNIER_ADVENIR_USER_ID" in caplog.text
    assert office.submission(told).state == "FAILED"
    office.client.user_id = USER_ID
    office.now += timedelta(minutes=1)
    await office.read()
    assert (await office.exporter().turn()).accepted == 1


async def test_an_answer_that_does_not_say_which_is_asked_of_each(office: Office, regulator: Regulator) -> None:
    await office.fund("CP1")
    bad = await office.charge("CP1", "bad", CURVE)
    good = await office.charge("CP1", "good", LATER)
    await office.read()
    failed = (200, {"statut": "ECHEC", "details": {"101": None}})
    regulator.mood = lambda request: failed if bad in request.body.decode() else None
    told = await office.exporter().turn()
    assert (told.accepted, told.refused) == (1, 1)
    assert (office.submission(bad).state, office.submission(good).state) == ("REFUSED", "ACCEPTED")
    assert [len(request.charges) for request in regulator.requests] == [2, 1, 1]


async def test_a_long_charge_is_told_as_a_load_curve_and_one_with_a_gap_is_withheld(
    office: Office, regulator: Regulator
) -> None:
    await office.fund("CP1")
    hours = [(1_700_000_000 + hour * 3600, hour * 1000) for hour in range(0, 15, 7)]
    long = await office.charge("CP1", "long", hours)
    gap = await office.charge("CP1", "gap", [(at + 90_000, wh) for at, wh in (hours[0], hours[-1])])
    await office.read()
    assert (await office.exporter().turn()).accepted == 1
    ((_, told),) = regulator.requests[0].charges.items()
    assert [point["value"] for point in told] == [0, 7000, 14000]
    assert office.submission(long).mode == "curve"
    (defect,) = office.defects()
    assert (defect.rule, office.submission(gap).state) == ("close", "WITHHELD")


async def test_a_refused_operation_is_told_again_as_a_load_curve(office: Office, regulator: Regulator) -> None:
    await office.fund("CP1")
    told = await office.charge("CP1", "1", CURVE)
    await office.read()
    pair = [CURVE[0][0], CURVE[-1][0]]
    sparse = (200, {"statut": "ECHEC", "details": {"203": pair}})
    regulator.mood = lambda request: sparse if b"StartTransaction" in request.body else None
    assert (await office.exporter().turn()).refused == 1
    await office.read()
    assert (await office.exporter().turn()).accepted == 1
    assert office.submission(told).mode == "curve"


async def test_charges_with_the_same_times_at_other_points_go_in_two_requests(
    office: Office, regulator: Regulator
) -> None:
    await office.fund("CP1")
    await office.fund("CP2", "FR*XYZ*E2")
    for station in ("CP1", "CP2"):
        await office.charge(station, "1", CURVE)
    await office.read()
    assert (await office.exporter().turn()).accepted == 2
    assert len(regulator.requests) == 2


async def test_the_same_charge_told_twice_by_the_station_is_told_once(office: Office, regulator: Regulator) -> None:
    await office.fund("CP1")
    await office.charge("CP1", "1", CURVE)
    await office.charge("CP1", "1-again", CURVE)
    await office.read()
    assert (await office.exporter().turn()).accepted == 1
    assert [defect.rule for defect in office.defects() if not defect.mended] == ["twins"]


async def test_news_of_a_withheld_charge_are_heeded(anywhere: Office, regulator: Regulator) -> None:
    office = anywhere
    await office.fund("CP1")
    told = await office.charge("CP1", "1", CURVE, told_end=False)
    await office.read()
    assert (await office.exporter().turn()).sent == 0
    assert [defect.rule for defect in office.defects()] == ["ended"]
    await office.read()
    rows = office.history.stream(f"transaction/{told}")
    transaction = Transaction(f"transaction/{told}").replay(CATALOG.decode(row.topic, row.state) for row in rows)
    end = datetime.fromtimestamp(CURVE[-1][0], UTC)
    transaction.end(end, "Local", 7500.0, None, (), CAUSE, office.now)
    await office.journal.record(transaction.collect_events())
    await office.read()
    assert (await office.exporter().turn()).accepted == 1


async def test_an_operator_has_it_tried_again_or_gives_it_up(anywhere: Office, regulator: Regulator) -> None:
    office = anywhere
    await office.fund("CP1", power=1_000.0)
    strong = await office.charge("CP1", "1", CURVE)
    given_up = await office.charge("CP1", "2", LATER)
    await office.read()
    exporter = office.exporter()
    await exporter.turn()
    assert office.states() == {"WITHHELD": 2}
    await office.fund("CP1", power=22_000.0)
    await office.read()
    await exporter.submissions.abandon(given_up, "a trial", "anna")
    await exporter.submissions.retry(strong, "the rated power was wrong", "anna")
    assert (await office.exporter().send()).accepted == 0, "another process learns of it from the read model"
    await office.read()
    assert (await office.exporter().turn()).accepted == 1
    assert office.submission(given_up).state == "ABANDONED"
    with pytest.raises(Refusal, match="recorded"):
        await exporter.submissions.retry(strong, "once more", "anna")


async def test_what_is_over_waits_for_late_readings_and_only_funded_time_is_told(
    office: Office, regulator: Regulator
) -> None:
    office.terms = Terms(delay_s=3_600)
    await office.fund("CP1")
    end = int(NOW.timestamp()) - 60
    await office.charge("CP1", "1", [(end - 900, 0), (end, 1000)])
    await office.funding.register("CP2", 1, "FR*XYZ*E2", NOW, None, "anna")
    await office.charge("CP2", "1", CURVE)
    await office.read()
    assert (await office.exporter().turn()).sent == 0
    office.now += timedelta(hours=1)
    assert (await office.exporter().turn()).accepted == 1


async def test_a_preview_writes_nothing(anywhere: Office) -> None:
    office = anywhere
    await office.fund("CP1", power=1_000.0)
    await office.charge("CP1", "1", CURVE)
    await office.read()
    head = office.history.head()
    found = [draft async for _, draft in office.exporter().preview(Wanted(None, None, office.now))]
    assert [defect.rule for draft in found for defect in draft.defects] == ["single", "plausible"]
    assert office.history.head() == head
