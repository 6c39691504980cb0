"""What stations left open is settled by a person, or by a rule that is told the time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from application.transaction import Clerk, Silence
from domain.event import Operator, Refusal, Timer
from domain.station import Station
from domain.transaction import Transaction
from tests.desk import Desk
from tests.history import meter16, start16, stop16

HOURS = timedelta(hours=12)


def clerk(desk: Desk) -> Clerk:
    return Clerk(desk.gateway, lambda: desk.now)


def orphan(desk: Desk) -> int:
    """The version of the latest orphan in the stream of its station."""
    return int(desk.events(Station.TransactionOrphaned)[-1].originator_version)


async def begun(desk: Desk) -> str:
    """A charge with one reading, and the end of another that nobody knows."""
    await desk.say("StartTransaction", start16(1))
    await desk.say("MeterValues", meter16(1, 2, 1500))
    await desk.say("StopTransaction", stop16(77, 9, 3000, "EVDisconnected"))
    return desk.transactions()[0].transaction_id


@pytest.mark.parametrize("connected", [True, False])
async def test_an_orphan_ends_the_transaction_it_is_bound_to(connected: bool) -> None:
    async with Desk() as desk:
        charge = await begun(desk)
        if not connected:
            desk.hang_up()
        await clerk(desk).bind("CP1", orphan(desk), charge, "anna")
        (found,) = desk.transactions()
        assert (found.energy_wh, found.open, found.stop_reason) == (2000, False, "EVDisconnected")
        assert desk.events(Transaction.Ended)[0].cause == Operator(name="anna")
        with pytest.raises(Refusal, match="bound already"):
            await clerk(desk).bind("CP1", orphan(desk), charge, "anna")


async def test_only_what_is_there_can_be_bound() -> None:
    async with Desk() as desk:
        charge = await begun(desk)
        with pytest.raises(Refusal, match="no such orphan"):
            await clerk(desk).bind("CP1", 99, charge, "anna")
        with pytest.raises(Refusal, match="no such transaction"):
            await clerk(desk).bind("CP1", orphan(desk), "nonsense", "anna")
        assert desk.transactions()[0].open


async def test_what_an_operator_closed_takes_no_second_closing_but_still_its_real_end() -> None:
    async with Desk() as desk:
        charge = await begun(desk)
        await clerk(desk).close("CP1", charge, "the car is gone", "anna")
        (found,) = desk.transactions()
        assert (found.energy_wh, found.open, found.stop_reason) == (500, False, "the car is gone")
        with pytest.raises(Refusal, match="over already"):
            await clerk(desk).close("CP1", charge, "again", "anna")
        await desk.say("StopTransaction", stop16(1, 9, 3000))
        (found,) = desk.transactions()
        assert (found.energy_wh, found.stop_reason) == (2000, "Local")


async def test_a_transaction_bound_long_after_many_others_is_found() -> None:
    async with Desk() as desk:
        charge = await begun(desk)
        await clerk(desk).close("CP1", charge, "forgotten", "anna")
        for number in range(40):
            answer = await desk.say("StartTransaction", start16(10 + number, 3000 + number))
            await desk.say("StopTransaction", stop16(answer["transactionId"], 10 + number, 3000 + number))
        await desk.reconnect()
        await clerk(desk).bind("CP1", orphan(desk), charge, "anna")
        assert desk.transactions()[0].energy_wh == 2000


async def look(desk: Desk, charge: str) -> Any:
    await Silence(clerk(desk), lambda since: [("CP1", charge)], HOURS).look(desk.now)
    return desk.transactions()[0]


async def test_a_transaction_nothing_was_heard_of_is_closed_by_the_rule() -> None:
    async with Desk() as desk:
        charge = await begun(desk)
        assert (await look(desk, charge)).open
        desk.now += HOURS + timedelta(minutes=1)
        closed = await look(desk, charge)
        assert (closed.open, closed.energy_wh, closed.stop_reason) == (False, 500, "Timeout")
        (event,) = desk.events(Transaction.Closed)
        assert event.cause == Timer(rule="silent transaction")
        known = len(desk.book.events)
        await look(desk, charge)
        assert len(desk.book.events) == known


async def test_the_rule_leaves_alone_what_another_gateway_holds() -> None:
    async with Desk() as desk:
        charge = await begun(desk)
        desk.now += HOURS + timedelta(minutes=1)
        held = desk.gateway.sessions.pop("CP1")
        assert (await look(desk, charge)).open
        desk.gateway.sessions["CP1"] = held
