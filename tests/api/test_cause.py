"""From any event back to who began it, and from a command forward to all that it led to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from api.cause import Causality
from application.history import History
from application.store import Store
from domain.catalog import Recorded
from domain.command import Command
from domain.event import Message, Operator, Order, Timer
from domain.reservation import Reservation
from domain.station import Station
from domain.transaction import Transaction
from projections import mention, trace
from projections.engine import engine
from projections.runner import Runner
from tests.history import HEARD

ANNA, TIMER = Operator(name="anna"), Timer(rule="outcome of a remote start")
LATER = HEARD + timedelta(days=1)
NOTHING = msgspec.Raw(b"{}")


def message(message_id: str) -> Message:
    return Message(version="2.0.1", action="TransactionEvent", message_id=message_id, connection_id="c1")


def asked(command_id: str, action: str, parameters: dict[str, Any]) -> list[Any]:
    command, order = Command(f"command/{command_id}"), Order(command_id=command_id)
    command.request("S", action, parameters, "anna", LATER, ANNA, HEARD)
    command.send("c1", f"out-{command_id}", action, NOTHING, order, HEARD)
    command.answer(True, NOTHING, None, order, HEARD)
    return [*command.collect_events()]


def story() -> list[Any]:
    """A reservation, a remote start that uses it, a reading, a remote stop; and a station that talks meanwhile."""
    reservation, station, charge = Reservation("reservation/5"), Station("station/S"), Transaction("transaction/t1")
    start = {"station_id": "S", "station_transaction_id": "7", "evse_id": 1, "occurred_at": HEARD, "badge": "B"}
    reservation.request("S", "B", LATER, "anna", ANNA, HEARD)
    reserved = [*reservation.collect_events(), *asked("reserve", "reserveNow", {"badge": "B", "reservation_id": 5})]
    reservation.place(Order(command_id="reserve"), HEARD)
    placed = [*reservation.collect_events()]
    began = asked("start", "remoteStart", {"badge": "B"})
    charge.record(Transaction.Started, message("m1"), HEARD, **start)
    station.record(
        Station.TransactionOpened, message("m1"), HEARD, transaction_id="t1", station_transaction_id="7", evse_id=1
    )
    station.record(Station.BadgeChecked, message("m1"), HEARD, badge="B", verdict="Accepted")
    station.record(Station.HeartbeatReceived, message("m2"), HEARD)
    reservation.use("t1", HEARD, Timer(rule="reservation use"), HEARD)
    running = [*charge.collect_events(), *station.collect_events(), *reservation.collect_events()]
    fulfilled = Command("command/start").replay(began)
    fulfilled.fulfil("t1", TIMER, HEARD)
    stop = asked("stop", "remoteStop", {"transaction_id": "t1"})
    charge.record(Transaction.Metered, message("m3"), HEARD, station_id="S", readings=())
    charge.record(
        Transaction.Ended, message("m4"), HEARD, station_id="S", evse_id=1, occurred_at=HEARD, reason="Remote"
    )
    return [*reserved, *placed, *began, *running, *fulfilled.collect_events(), *stop, *charge.collect_events()]


@pytest.fixture
def told(ready: str) -> Iterator[tuple[Causality, Callable[[str], Recorded]]]:
    store, here = Store(ready), engine(ready)
    store.recorder.insert_events([store.mapper.to_stored_event(event) for event in story()])
    history = History(store.recorder)
    runner = Runner(here, history, [mention.PROJECTION, trace.PROJECTION])
    while runner.step():
        pass
    rows = history.read(0, 100)
    yield Causality(history, here), lambda name: next(row for row in rows if label(row) == name)
    here.dispose()
    store.close()


def label(row: Recorded) -> str:
    noun, happened, _ = row.topic.split(".")
    return f"{row.stream.partition('/')[2]} {happened}" if noun == "command" else f"{noun} {happened}"


Told = tuple[Causality, Callable[[str], Recorded]]


def back(told: Told, name: str) -> list[str]:
    causality, named = told
    return [f"{step.depth} {label(step.event)}" for step in causality.causes(named(name), 50)]


def forward(told: Told, name: str) -> list[str]:
    causality, named = told
    return [label(row) for row in causality.effects(named(name), 0, 50).events]


def test_a_charge_leads_back_to_the_operator_who_asked_for_it(told: Told) -> None:
    assert back(told, "transaction started") == ["1 start answered", "2 start sent", "3 start requested"]
    assert back(told, "transaction ended") == ["1 stop answered", "2 stop sent", "3 stop requested"]
    assert back(told, "reservation placed") == ["1 reserve answered", "2 reserve sent", "3 reserve requested"]
    assert back(told, "reservation used")[0] == "1 transaction started"
    assert (
        back(told, "start requested") == back(told, "transaction metered") == back(told, "reservation requested") == []
    )


def test_every_step_back_names_what_it_led_to(told: Told) -> None:
    causality, named = told
    steps = causality.causes(named("transaction started"), 2)
    assert [step.led_to for step in steps] == [named("transaction started").position, steps[0].event.position]
    assert [label(step.event) for step in steps] == ["start answered", "start sent"]


def test_a_command_leads_forward_to_all_that_it_caused(told: Told) -> None:
    assert forward(told, "start requested") == [
        "start sent", "start answered", "transaction started", "reservation used", "start fulfilled",
        "transaction metered", "transaction ended",
    ]  # fmt: skip
    assert forward(told, "stop requested") == ["stop sent", "stop answered", "transaction ended"]
    assert forward(told, "reserve requested") == [
        "reserve sent", "reserve answered", "reservation placed", "transaction started", "reservation used",
        "start fulfilled", "transaction metered", "transaction ended",
    ]  # fmt: skip


def test_effects_come_in_pages(told: Told) -> None:
    causality, named = told
    first = causality.effects(named("start requested"), 0, 3)
    second = causality.effects(named("start requested"), first.events[-1].position, 10)
    assert (first.more, second.more) == (True, False)
    assert [label(row) for row in [*first.events, *second.events]] == forward(told, "start requested")


def test_what_was_recorded_for_the_same_message_belongs_together(told: Told) -> None:
    assert forward(told, "station heartbeat_received") == []
    assert forward(told, "station transaction_opened") == ["station badge_checked"]
