"""Which events every message of a station becomes: found by saying it. `make docs` writes it down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from adapters.ocpp.direction import FROM_STATION
from adapters.ocpp.schema import actions
from adapters.ocpp.version import DIALECTS
from api.coverage import KEPT
from domain.catalog import CATALOG
from domain.event import Operator, Refusal, topic
from domain.reservation import Reservation
from tests.adapters.ocpp.corpus import grown, schemas
from tests.history import BEGIN, Notebook, Talk, at, event2, meter16, start16, stop16

Found = dict[tuple[str, str], set[str]]
STATION = "CP001"
QUIRK = "station.quirk_noticed.v1"  # about the form of a message, not about what it says
TOKEN: dict[str, Any] = {"idToken": {"idToken": "B2", "type": "ISO14443"}, "evse": {"id": 1, "connectorId": 1}}


class Listening(Talk):
    """A station whose every message is noted with the events it became."""

    def __init__(self, version: str, found: Found) -> None:
        notebook = Notebook()
        super().__init__(notebook, STATION, version)
        self.found = found

    def say(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        noted, before = self.found[self.dialect.version, action], len(self.notebook.events)
        if action in self.dialect.kept:
            noted.add(KEPT)
            return {}
        try:
            return super().say(action, payload)
        finally:
            noted |= {topic(type(event)) for event in self.notebook.events[before:]} - {QUIRK}


def everything() -> Found:
    found: Found = defaultdict(set)
    for dialect in DIALECTS.values():
        version = dialect.version
        for action in sorted(actions(version) & FROM_STATION[version]):
            for payload in samples(version, action):
                try_out(version, found, action, payload)
        converse(version, found)
    return found


def try_out(version: str, found: Found, action: str, payload: dict[str, Any]) -> None:
    """One message by itself, after a boot."""
    talk = Listening(version, found)
    talk.boot()
    try:
        talk.say(action, payload)
    except Refusal:
        pass


def samples(version: str, action: str) -> Iterator[dict[str, Any]]:
    """The smallest and the fullest payload the schema allows."""
    known = schemas(version)
    schema = known[action] if action in known else known[f"{action}Request"]
    for full in (False, True):
        yield dated(grown(schema, schema, full))


def dated(value: Any) -> Any:
    """The same with times that can be read."""
    if isinstance(value, dict):
        return {name: dated(part) for name, part in value.items()}
    if isinstance(value, list):
        return [dated(part) for part in value]
    return at(0) if value == "0" else value


def converse(version: str, found: Found) -> None:
    """What needs something before it: a charge, a reservation."""
    talk = Listening(version, found)
    talk.boot()
    hold(talk)
    if version == "1.6":
        number = talk.say("StartTransaction", start16(1))["transactionId"]
        talk.say("MeterValues", meter16(number, 2, 1500))
        talk.say("StopTransaction", stop16(number, 3, 2000))
        return
    talk.say("TransactionEvent", event2("Started", 0, 1, 500, "EVConnected", **TOKEN))
    talk.say("TransactionEvent", event2("Updated", 1, 2, 600, "Charging"))
    if version == "2.1":
        talk.say("NotifyPriorityCharging", {"transactionId": "tx", "activated": True})
    talk.say("TransactionEvent", event2("Ended", 2, 3, 700))
    for number, status in enumerate(("Expired", "Removed"), 1):
        talk.say("ReservationStatusUpdate", {"reservationId": number, "reservationUpdateStatus": status})
    if version == "2.1":
        battery = {"evseId": 1, "serialNumber": "s", "soC": 98, "soH": 95}
        swap = {"eventType": "BatteryOut", "requestId": 1, "batteryData": [battery]}
        talk.say("BatterySwap", swap | {"idToken": TOKEN["idToken"]})


def hold(talk: Talk) -> None:
    cause = Operator(name="anna")
    for number in (1, 2):
        reservation = Reservation(f"reservation/{number}")
        reservation.request(STATION, "B1", BEGIN.replace(hour=23), "anna", cause, BEGIN)
        reservation.place(cause, BEGIN)
        talk.notebook.events += reservation.collect_events()


def written(found: Found) -> str:
    lines = ["version\tmessage\ttopics"]
    for (version, action), topics in sorted(found.items()):
        lines.append(f"{version}\t{action}\t{' '.join(ordered(topics))}")
    return "\n".join(lines) + "\n"


def ordered(topics: set[str]) -> list[str]:
    """In the order of the catalog."""
    return [name for name in CATALOG.events if name in topics]
