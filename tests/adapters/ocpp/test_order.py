"""Twice, late, out of order, with strange ids and clocks: what is answered, what is recorded and what is billed.

Each row is one thing that stations do. `given` has happened; `when` is said then. `answered`: the answers to `when`.
`recorded`: the facts `when` made. `billed`: Wh of every transaction, in the order in which we heard of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from domain.transaction import Transaction
from tests.desk import Desk
from tests.history import HEARD, TOKEN, event2, meter16, start16, stop16

Said = tuple[Any, ...]
AGAIN = ("again",)
RESTART = ("restart",)
BOOT16: Said = ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
BOOT2: Said = ("BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}})
ACCEPTED = {"status": "Accepted"}


def number(value: int) -> dict[str, Any]:
    return {"transactionId": value, "idTagInfo": ACCEPTED}


def start(minute: float, register: int = 1000, badge: str = "B1", connector: int = 1, **more: Any) -> Said:
    return "StartTransaction", start16(minute, register, badge, connector) | more


def meter(id_: int | None, minute: float, register: float, connector: int = 1) -> Said:
    return "MeterValues", meter16(id_, minute, register) | {"connectorId": connector}


def stop(id_: int, minute: float, register: int, reason: str | None = "Local", **more: Any) -> Said:
    payload = stop16(id_, minute, register, reason or "") | more
    return "StopTransaction", payload if reason else {k: v for k, v in payload.items() if k != "reason"}


def event(kind: str, seq_no: int, minute: float, register: float | None = None, **more: Any) -> Said:
    return "TransactionEvent", event2(kind, seq_no, minute, register, **more)


def begun(minute: float = 1, register: float | None = 500, **more: Any) -> Said:
    return event("Started", 0, minute, register, **(TOKEN | more))


KNOWN = {"idTokenInfo": ACCEPTED}


@dataclass
class Row:
    """One thing that stations do."""

    name: str
    version: str
    given: list[Said]
    when: list[Said]
    answered: list[Any]
    recorded: list[str]
    billed: list[float]
    open: list[bool] = field(default_factory=list)
    quirks: list[str] = field(default_factory=list)
    doubted: bool = False

    def __str__(self) -> str:
        return f"{self.version} {self.name}"


ENDED = ["Transaction.Ended", "Station.TransactionClosed"]
OPENED = ["Transaction.Started", "Station.TransactionOpened"]
SUPERSEDED = ["Transaction.Started", "Transaction.Superseded", "Station.TransactionOpened", "Station.TransactionClosed"]
INFERRED = ["Transaction.Started", "Transaction.Metered", "Transaction.CountingBegan", "Station.TransactionOpened"]

ROWS16 = [
    Row("the same message again", "1.6", [start(1)], [AGAIN], [number(1)], [], [0]),
    Row("the same message again after our restart", "1.6", [start(1), RESTART], [AGAIN], [number(1)], [], [0]),
    Row("the same stop again after our restart", "1.6", [start(1), stop(1, 9, 3000), RESTART], [AGAIN], [{}], [],
        [2000]),
    Row("late meter values again after our restart", "1.6", [start(1), stop(1, 9, 3000), meter(1, 8, 2900), RESTART],
        [AGAIN], [{}], [], [2000]),
    Row("another payload under the same id is another message", "1.6", [start(1)],
        [(*meter(1, 2, 1500), "m2")], [{}], ["Transaction.Metered"], [500]),
    Row("a start again with a new id", "1.6", [start(1)], [start(1)], [number(1)], ["Transaction.Repeated"], [0]),
    Row("a storm of starts", "1.6", [start(1)], [start(1)] * 3, [number(1)] * 3, ["Transaction.Repeated"] * 3, [0]),
    Row("a start again after meter values", "1.6", [start(1), meter(1, 2, 1500)], [start(1)], [number(1)],
        ["Transaction.Repeated"], [500]),
    Row("a start again after the stop", "1.6", [start(1), stop(1, 9, 3000)], [start(1)], [number(1)],
        ["Transaction.Repeated"], [2000], [False]),
    Row("two starts on one connector", "1.6", [start(1), meter(1, 2, 1500)], [start(5, 1600, "B2")], [number(2)],
        SUPERSEDED, [500, 0], [False, True]),
    Row("the stop of a superseded charge comes after all", "1.6", [start(1), start(5, 1600, "B2")],
        [stop(1, 4, 1550)], [{}], ["Transaction.Ended"], [550, 0], [False, True]),
    Row("an older start comes after a newer one", "1.6", [start(5, 1600, "B2")], [start(1)], [number(2)],
        SUPERSEDED, [0, 0], [True, False]),
    Row("starts on two connectors", "1.6", [start(1)], [start(2, 50, "B2", 2)], [number(2)], OPENED, [0, 0],
        [True, True]),
    Row("a second stop, the same", "1.6", [start(1), stop(1, 9, 3000)], [stop(1, 9, 3000)], [{}],
        ["Transaction.Repeated"], [2000]),
    Row("a second stop without reason means Local", "1.6", [start(1), stop(1, 9, 3000, None)], [stop(1, 9, 3000)], [{}],
        ["Transaction.Repeated"], [2000]),
    Row("a second stop with another reason", "1.6", [start(1), stop(1, 9, 3000)],
        [stop(1, 9, 3000, "EVDisconnected")], [{}], ["Transaction.Repeated"], [2000]),
    Row("a second stop with a larger register goes to a person", "1.6", [start(1), stop(1, 9, 3000)],
        [stop(1, 10, 3100)], [{}], ["Transaction.Repeated", "Transaction.Doubted"], [2000], doubted=True),
    Row("a second stop with a smaller register", "1.6", [start(1), stop(1, 9, 3000)], [stop(1, 10, 2900)], [{}],
        ["Transaction.Repeated"], [2000]),
    Row("a second stop with a register that cannot be true", "1.6", [start(1), stop(1, 9, 3000)],
        [stop(1, 10, 9_000_000)], [{}], ["Transaction.Repeated"], [2000]),
    Row("a second stop with a badge is answered about the badge", "1.6", [start(1), stop(1, 9, 3000)],
        [stop(1, 9, 3000, idTag="B1")], [{"idTagInfo": ACCEPTED}], ["Transaction.Repeated"], [2000]),
    Row("meter values after the stop", "1.6", [start(1), stop(1, 9, 3000)], [meter(1, 8, 2900)], [{}],
        ["Transaction.Metered"], [2000], [False]),
    Row("meter values after the stop that are later", "1.6", [start(1), stop(1, 9, 3000)], [meter(1, 10, 3500)], [{}],
        ["Transaction.Metered"], [2000], [False]),
    Row("meter values after the stop without an id", "1.6", [start(1), stop(1, 9, 3000)], [meter(None, 8, 2900)], [{}],
        ["Transaction.Metered"], [2000], [False]),
    Row("meter values of nobody's time", "1.6", [start(1), stop(1, 9, 3000)], [meter(None, 20, 3000)], [{}],
        ["Station.Metered"], [2000]),
    Row("meter values without an id", "1.6", [start(1)], [meter(None, 2, 1500)], [{}], ["Transaction.Metered"], [500]),
    Row("meter values of the station itself", "1.6", [start(1)], [meter(None, 2, 99_500, 0)], [{}],
        ["Station.Metered"], [0]),
    Row("meter values before any start", "1.6", [], [meter(1234, 2, 1500)], [{}], ["Station.Metered"], []),
    Row("meter values out of order", "1.6", [start(1), meter(1, 5, 2500)], [meter(1, 3, 2000)], [{}],
        ["Transaction.Metered"], [1500]),
    Row("the station keeps an id of its own", "1.6", [start(1)], [meter(1234, 2, 1500), stop(1234, 9, 3000)], [{}, {}],
        ["Transaction.Metered", "Station.TransactionNamed", *ENDED], [2000], [False]),
    Row("the station's own id is used for the next charge too", "1.6",
        [start(1), meter(1234, 2, 1500), stop(1234, 9, 3000), start(11, 3000)],
        [meter(1234, 12, 3500), stop(1234, 19, 4000)], [{}, {}],
        ["Transaction.Metered", "Station.TransactionNamed", *ENDED], [2000, 1000], [False, False]),
    Row("transaction -1 while one is open", "1.6", [start(1)], [meter(-1, 2, 1500), stop(-1, 9, 3000)], [{}, {}],
        ["Transaction.Metered", *ENDED], [2000], [False]),
    Row("transaction 0 while one is open", "1.6", [start(1)], [stop(0, 9, 3000)], [{}], ENDED, [2000], [False]),
    Row("transaction -1 while two are open, with a badge", "1.6", [start(1), start(2, 50, "B2", 2)],
        [stop(-1, 9, 150, idTag="B2")], [{"idTagInfo": ACCEPTED}], ENDED, [0, 100], [True, False]),
    Row("transaction -1 while two are open, without a badge", "1.6", [start(1), start(2, 50, "B2", 2)],
        [stop(-1, 9, 150)], [{}], ["Station.TransactionOrphaned"], [0, 0], [True, True]),
    Row("transaction -1 while none is open", "1.6", [], [stop(-1, 9, 150)], [{}], ["Station.TransactionOrphaned"], []),
    Row("transaction -1 from before the one that is open", "1.6", [start(5)], [stop(-1, 2, 900)], [{}],
        ["Station.TransactionOrphaned"], [0], [True]),
    Row("negative ids, one for each connector", "1.6", [start(1), start(2, 50, "B2", 2)],
        [meter(-7, 3, 1100), meter(-8, 3, 90, 2), stop(-8, 9, 150), stop(-7, 9, 2000)], [{}] * 4,
        ["Transaction.Metered", "Station.TransactionNamed", "Transaction.Metered", "Station.TransactionNamed",
         *ENDED, *ENDED], [1000, 100], [False, False]),
    Row("an unknown transaction never stops another", "1.6", [start(1)], [stop(77, 9, 3000)], [{}],
        ["Station.TransactionOrphaned"], [0], [True]),
    Row("a boot clears nothing", "1.6", [start(1), meter(1, 2, 1500)], [BOOT16, stop(1, 9, 3000, "PowerLoss")],
        [None, {}], ["Station.Booted", *ENDED], [2000]),
    Row("an offline batch in order", "1.6", [],
        [start(1), stop(-1, 2, 1100), start(3, 1100, "B2"), stop(-1, 4, 1400)], [number(1), {}, number(2), {}],
        [*OPENED, *ENDED, *OPENED, *ENDED], [100, 300], [False, False]),
    Row("a register that began at 0 and is a lifetime total", "1.6", [start(1, 0)], [meter(1, 2, 910_031)], [{}],
        ["Transaction.Metered", "Transaction.CountingBegan", "Transaction.Doubted"], [0], doubted=True),
    Row("a register that ran backwards", "1.6", [start(1)], [stop(1, 9, 900)], [{}],
        ["Transaction.Ended", "Transaction.Doubted", "Station.TransactionClosed"], [-100], doubted=True),
    Row("more energy than any charger gives", "1.6", [start(1)], [stop(1, 2, 9_000_000)], [{}],
        ["Transaction.Ended", "Transaction.Doubted", "Station.TransactionClosed"], [8_999_000], doubted=True),
    Row("a clock that was never set", "1.6", [], [start(1, timestamp="1970-01-01T00:00:05Z")], [number(1)],
        ["Transaction.Started", "Station.QuirkNoticed", "Station.TransactionOpened"], [0],
        quirks=["clock never set"]),
    Row("a start again from a clock that was never set", "1.6", [start(1, timestamp="1970-01-01T00:00:05Z")],
        [start(1, timestamp="1970-01-01T00:00:09Z")], [number(1)], ["Transaction.Repeated"], [0],
        quirks=["clock never set"]),
    Row("a clock that jumps an hour ahead", "1.6", [start(1)], [stop(1, 130, 3000)], [{}],
        ["Transaction.Ended", "Station.QuirkNoticed", "Station.TransactionClosed"], [2000],
        quirks=["clock ahead"]),
    Row("a start from the future, read by a clock that is right", "1.6", [start(130)], [meter(None, 61, 1500)], [{}],
        ["Transaction.Metered"], [500], quirks=["clock ahead"]),
    Row("a time without zone is UTC", "1.6", [start(1)], [stop(1, 9, 3000, timestamp="2026-11-23T10:09:00")], [{}],
        ["Transaction.Ended", "Station.QuirkNoticed", "Station.TransactionClosed"], [2000],
        quirks=["time without zone"]),
    Row("a time nobody can read is the arrival", "1.6", [start(1)], [stop(1, 9, 3000, timestamp="0")], [{}],
        ["Transaction.Ended", "Station.QuirkNoticed", "Station.TransactionClosed"], [2000],
        quirks=["unreadable time"]),
]  # fmt: skip

ROWS2 = [
    Row("the same message again", "2", [begun()], [AGAIN], [KNOWN], [], [0]),
    Row("the same end again after our restart", "2", [begun(), event("Ended", 1, 9, 800), RESTART], [AGAIN], [{}], [],
        [300]),
    Row("a start again with a new id", "2", [begun()], [begun()], [KNOWN], ["Transaction.Repeated"], [0]),
    Row("an event again with a new id", "2", [begun(), event("Updated", 1, 2, 600)], [event("Updated", 1, 2, 600)],
        [{}], ["Transaction.Repeated"], [100]),
    Row("an old event again does not bring back an old state", "2",
        [begun(), event("Updated", 1, 2, state="Charging"), event("Updated", 2, 3, state="SuspendedEV")],
        [event("Updated", 1, 2, state="Charging")], [{}], ["Transaction.Repeated"], [0]),
    Row("a second end", "2", [begun(), event("Ended", 1, 9, 800)], [event("Ended", 1, 9, 800)], [{}],
        ["Transaction.Repeated"], [300]),
    Row("a second end with a larger register goes to a person", "2", [begun(), event("Ended", 1, 9, 800)],
        [event("Ended", 2, 10, 900)], [{}], ["Transaction.Repeated", "Transaction.Doubted"], [300], doubted=True),
    Row("a gap is a fact", "2", [begun()], [event("Updated", 3, 4, 700)], [{}],
        ["Transaction.Metered", "Transaction.GapFound"], [200]),
    Row("a gap is filled, bit by bit", "2", [begun(), event("Updated", 3, 4, 700)],
        [event("Updated", 2, 3, 650), event("Updated", 1, 2, 600)], [{}, {}],
        ["Transaction.Metered", "Transaction.GapFilled"] * 2, [200]),
    Row("a gap before the end is filled after it", "2", [begun(), event("Ended", 2, 9)],
        [event("Updated", 1, 8, 790)], [{}],
        ["Transaction.Metered", "Transaction.GapFilled", "Transaction.Corrected"], [290], [False]),
    Row("what comes after the end does not change what the end told", "2", [begun(), event("Ended", 2, 9, 800)],
        [event("Updated", 1, 8, 790)], [{}], ["Transaction.Metered", "Transaction.GapFilled"], [300], [False]),
    Row("later events before the start", "2", [], [event("Updated", 1, 2, 600), begun(1, 500)], [{}, KNOWN],
        [*INFERRED, "Transaction.StartConfirmed", "Transaction.Located", "Station.TransactionLocated"], [100]),
    Row("readings out of order, and no register at the start", "2", [begun(1, None), event("Updated", 2, 5, 700)],
        [event("Updated", 1, 3, 600)], [{}],
        ["Transaction.Metered", "Transaction.GapFilled", "Transaction.CountingBegan"], [100]),
    Row("the end comes first", "2", [], [event("Ended", 2, 9, 800), begun(1, 500)], [{}, KNOWN],
        ["Transaction.Started", "Transaction.CountingBegan", "Transaction.Ended", "Station.TransactionOpened",
         "Station.TransactionClosed", "Transaction.StartConfirmed", "Transaction.Located",
         "Station.TransactionLocated"], [300], [False]),
    Row("a start after the end is another charge", "2", [begun(), event("Ended", 1, 9, 800)],
        [begun(20, 800), event("Ended", 1, 29, 1000)], [KNOWN, {}], [*OPENED, *ENDED], [300, 200], [False, False]),
    Row("numbers begin again after a boot", "2", [begun(), event("Updated", 1, 2, 600), event("Updated", 2, 3, 650)],
        [BOOT2, event("Updated", 0, 5, 700), event("Ended", 1, 9, 800)], [None, {}, {}],
        ["Station.Booted", "Transaction.Metered", *ENDED], [300], [False]),
    Row("another charge on the same EVSE", "2", [begun(), event("Updated", 1, 2, 600)],
        [begun(5, 650, id="other")], [KNOWN], SUPERSEDED, [100, 0], [False, True]),
    Row("an offline batch, older than what is open", "2", [begun(30, 900, id="new")],
        [begun(1, 500, offline=True), event("Ended", 1, 9, 800, offline=True)], [KNOWN, {}],
        [*SUPERSEDED, "Transaction.Ended"], [0, 300], [True, False]),
    Row("the EVSE only in the first event", "2", [begun()], [event("Ended", 1, 9, 800)], [{}], ENDED, [300]),
    Row("the EVSE is known after the start", "2", [event("Started", 0, 1, idToken=TOKEN["idToken"])],
        [event("Updated", 1, 2, 600, evse=TOKEN["evse"]), begun(5, 650, id="other")], [{}, KNOWN],
        ["Transaction.Located", "Transaction.Metered", "Transaction.CountingBegan", "Station.TransactionLocated",
         *SUPERSEDED], [0, 0], [False, True]),
    Row("readings from the future", "2", [begun()], [event("Ended", 1, 130, 800)], [{}],
        ["Transaction.Ended", "Station.QuirkNoticed", "Station.TransactionClosed"], [300],
        quirks=["clock ahead"]),
]  # fmt: skip
ROWS = [*ROWS16, *[Row(**(vars(row) | {"version": v})) for v in ("2.0.1", "2.1") for row in ROWS2]]


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_what_is_answered_recorded_and_billed(row: Row) -> None:
    async with Desk(row.version) as desk:
        await desk.say(*(BOOT16 if row.version == "1.6" else BOOT2))
        last: Said = ()
        for said in row.given:
            last = await tell(desk, said, last)
        known = len(desk.book.events)
        answers = []
        for said in row.when:
            last = await tell(desk, said, last)
            answers.append(desk.last)
        made = [type(e).__qualname__ for e in desk.book.events[known:]]
        found = desk.transactions()
        assert [got if wanted is not None else None for got, wanted in zip(answers, row.answered, strict=True)] == (
            row.answered
        )
        assert sorted(made) == sorted(row.recorded)
        assert [transaction.energy_wh for transaction in found] == row.billed
        assert row.open in ([], [transaction.open for transaction in found])
        assert desk.quirks() == row.quirks
        assert bool(desk.events(Transaction.Doubted)) == row.doubted


async def tell(desk: Desk, said: Said, last: Said) -> Said:
    """Say it; returns what a station would say again."""
    if said == RESTART:
        await desk.reconnect()
        return last
    if said == AGAIN:
        assert desk.now > HEARD
        await desk.say(*last)
        return last
    action, payload, *message_id = said
    sent = (action, payload, *(message_id or [f"n{desk.count}"]))
    await desk.say(*sent)
    return sent
