"""Years of stations, told to the real session without a network: what their history would hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from adapters.ocpp.version import DIALECTS
from application.badge import Badges
from application.journal import Done, Journal, Writer
from application.number import Numbers
from application.session import Rules, Session
from domain.event import Connection, Event, Message
from domain.station import Station

BEGIN = datetime(2016, 1, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HEARTBEAT_S, READING_S, ALIGNED_S = 300, 60, 900
CHARGES, CHARGE_S = 2, 5_400
"""A day: two charges of an hour and a half each."""
SAMPLES = (
    ("7360.00", "Power.Active.Import", "W", None),
    ("10.7", "Current.Import", "A", "L1"),
    ("10.6", "Current.Import", "A", "L2"),
    ("10.7", "Current.Import", "A", "L3"),
    ("229.8", "Voltage", "V", "L1"),
    ("230.4", "Voltage", "V", "L2"),
    ("230.1", "Voltage", "V", "L3"),
    ("57.0", "SoC", "Percent", None),
)


class Paper:
    """Stands in for the journal: durable at once, in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def submit(self, events: Sequence[Event], writer: Writer, done: Done) -> None:
        self.events += events
        done(None)


class Life:
    """One OCPP 1.6 station, day after day. `readings`: in charges; `aligned`: on the clock too, charging or not."""

    def __init__(self, number: int, readings: bool = True, aligned: bool = False) -> None:
        self.paper = Paper()
        self.readings, self.aligned = readings, aligned
        journal, nothing = cast(Journal, self.paper), cast(Any, None)
        self.numbers = Numbers(journal, nothing, "bench")
        rules = Rules(journal, Badges(nothing, "accept"), self.numbers, "accept", HEARTBEAT_S)
        self.session = Session(Station(f"station/Y{number:05d}"), {}, rules)
        self.link, self.now = Connection(connection_id=f"c{number}", gateway="bench"), BEGIN
        self.count, self.number, self.register_wh = 0, number * 100_000, 1_000_000
        self.session.station.connect(self.link, "1.6", BEGIN)
        self.session.commit(lambda error: None)
        self.say("BootNotification", {"chargePointVendor": "Bornier", "chargePointModel": "Bench"})

    def say(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """One call, as the connection would hand it on; returns the answer."""
        self.count += 1
        message = Message(
            version="1.6", action=action, message_id=f"{self.session.station_id}-{self.count:x}",
            connection_id=self.link.connection_id, payload=msgspec.Raw(msgspec.json.encode(payload)),
        )  # fmt: skip
        self.session.begin(message, self.now)
        answer = DIALECTS["ocpp1.6"].hear[action](self.session, payload)
        message.answer = msgspec.Raw(answer)
        self.session.commit(lambda error: None)
        return cast(dict[str, Any], msgspec.json.decode(answer))

    def day(self) -> list[Event]:
        """A day's events, in the order they were recorded."""
        begin, charging, transaction = self.now, range(0), 0
        begins = {28_800 + at * 21_600 for at in range(CHARGES)}
        for second in range(0, 86_400, READING_S):
            self.now = begin + timedelta(seconds=second)
            if second in begins:
                charging, transaction = range(second, second + CHARGE_S), self.begin()
            elif transaction and second not in charging:
                self.end(transaction)
                transaction = 0
            elif transaction and self.readings:
                self.read(transaction)
            if second % HEARTBEAT_S == 0:
                self.say("Heartbeat", {})
            if self.aligned and second % ALIGNED_S == 0:
                self.read(transaction or None, "Sample.Clock")
        self.now = begin + DAY
        told, self.paper.events = self.paper.events, []
        return told

    def begin(self) -> int:
        self.number += 1
        self.numbers.free.append(self.number)
        self.say("Authorize", {"idTag": f"B{self.number % 97:05d}"})
        self.status("Preparing")
        start = {"connectorId": 1, "idTag": f"B{self.number % 97:05d}", "meterStart": self.register_wh}
        answer = self.say("StartTransaction", start | {"timestamp": self.stamp})
        self.status("Charging")
        return int(answer["transactionId"])

    def end(self, transaction: int) -> None:
        stop = {"transactionId": transaction, "meterStop": self.register_wh, "timestamp": self.stamp, "reason": "Local"}
        self.status("Finishing")
        self.say("StopTransaction", stop)
        self.status("Available")

    def read(self, transaction: int | None, context: str = "Sample.Periodic") -> None:
        self.register_wh += 123
        register = {"value": str(self.register_wh), "context": context, "measurand": "Energy.Active.Import.Register",
                    "unit": "Wh"}  # fmt: skip
        others = [
            {"value": value, "measurand": measurand, "unit": unit} | ({"phase": phase} if phase else {})
            for value, measurand, unit, phase in SAMPLES
        ]
        payload = {"connectorId": 1, "meterValue": [{"timestamp": self.stamp, "sampledValue": [register, *others]}]}
        self.say("MeterValues", payload if transaction is None else payload | {"transactionId": transaction})

    def status(self, status: str) -> None:
        self.say("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": status,
                                        "timestamp": self.stamp})  # fmt: skip

    @property
    def stamp(self) -> str:
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def days(stations: int, count: int, readings: bool = True, aligned: bool = False) -> Iterator[list[Event]]:
    """The days of a fleet, one list of events after the other."""
    lives = [Life(number, readings, aligned) for number in range(1, stations + 1)]
    for _ in range(count):
        for life in lives:
            yield life.day()
