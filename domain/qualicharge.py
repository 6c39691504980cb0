"""QualiCharge: what the administration (DGEC) is told of charge points, statuses and sessions, item by item.

An item is prepared from facts, held to the rules, sent, and has one fate of its own, however many went in one batch.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

Kind = Literal["STATIC", "STATUS", "SESSION"]
Fate = Literal[
    "PREPARED", "WITHHELD", "SENT", "ACCEPTED", "CONFIRMED", "REFUSED", "UNCERTAIN", "SUPERSEDED"
]  # fmt: skip
OPEN: frozenset[str] = frozenset({"PREPARED", "SENT"})
"""Fates that are not an end."""


def stream(item_id: str) -> str:
    return f"qualicharge/{item_id}"


def session_id(transaction_id: str) -> str:
    """One transaction is one session for ever."""
    return f"session-{transaction_id}"


def status_id(point: str, at: datetime) -> str:
    """No two statuses of a point have the same time (rule 44)."""
    return f"status-{point}-{at.strftime('%Y%m%dT%H%M%S%fZ')}"


def static_id(point: str, record: dict[str, Any], before: str | None) -> str:
    """The same record after the same predecessor is the same item."""
    told = msgspec.json.encode([before, record], order="deterministic")
    return f"static-{point}-{hashlib.sha256(told).hexdigest()[:16]}"


class Draft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody wants to tell. `payload` is what is sent; `position`: the history it was made from, up to there."""

    kind: Kind
    point: str
    station_id: str
    evse_id: int
    payload: dict[str, Any]
    position: int
    transaction_id: str | None = None


class Item(Aggregate):
    """One thing that QualiCharge is told."""

    class Prepared(Event, tag="qualicharge.prepared.v1"):
        """Something is to be told: a charge point, a status or a session, exactly as it will be sent."""

        draft: Draft

    class Withheld(Event, tag="qualicharge.withheld.v1"):
        """It breaks rules of the administration, so it is not sent. `rules`: their numbers."""

        rules: tuple[str, ...]
        reason: str

    class Sent(Event, tag="qualicharge.sent.v1"):
        """It is on its way. Recorded before it goes, so that nothing that may have arrived is sent again unknown.

        `batch` is a name that no other has: of two processes that try, one gets to record this.
        """

        attempt: int
        batch: str

    class Returned(Event, tag="qualicharge.returned.v1"):
        """It surely did not arrive: it waits, and is sent again."""

        reason: str

    class Accepted(Event, tag="qualicharge.accepted.v1"):
        """QualiCharge took it. `reference`: the id it gave (a UUID for statuses and sessions)."""

        reference: str | None = None

    class Confirmed(Event, tag="qualicharge.confirmed.v1"):
        """QualiCharge says that it has stored the session."""

    class Refused(Event, tag="qualicharge.refused.v1"):
        """QualiCharge does not take it, by itself and not because of others in its batch."""

        status: int
        reason: str

    class LeftUncertain(Event, tag="qualicharge.left_uncertain.v1"):
        """It was sent and nobody knows whether it arrived; it is not sent again by itself, for it must not be twice."""

        reason: str

    class Superseded(Event, tag="qualicharge.superseded.v1"):
        """It is not sent: something newer says more, or it is too old to be taken."""

        reason: str

    class RetryRequested(Event, tag="qualicharge.retry_requested.v1"):
        """Somebody wants it to be held to the rules and sent once more."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.draft: Draft | None = None
        self.fate: Fate | None = None
        self.attempts = 0
        self.sent_at: datetime | None = None
        self.prepared_at: datetime | None = None
        self.reference: str | None = None

    def prepare(self, draft: Draft, broken: tuple[tuple[str, str], ...], cause: AnyCause, now: datetime) -> None:
        """`broken`: number and words of every rule it breaks. Preparing the same again is no news."""
        if self.draft is not None:
            return
        self.record(Item.Prepared, cause, now, draft=draft)
        self.withhold(broken, cause, now)

    def withhold(self, broken: tuple[tuple[str, str], ...], cause: AnyCause, now: datetime) -> None:
        if broken and self.fate == "PREPARED":
            rules, reason = tuple(number for number, _ in broken), "; ".join(words for _, words in broken)
            self.record(Item.Withheld, cause, now, rules=rules, reason=reason)

    def send(self, batch: str, cause: AnyCause, now: datetime) -> None:
        if self.fate == "PREPARED":
            self.record(Item.Sent, cause, now, attempt=self.attempts + 1, batch=batch)

    def give_back(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if self.fate == "SENT":
            self.record(Item.Returned, cause, now, reason=reason)

    def accept(self, reference: str | None, cause: AnyCause, now: datetime) -> None:
        if self.fate == "SENT":
            self.record(Item.Accepted, cause, now, reference=reference)

    def confirm(self, cause: AnyCause, now: datetime) -> None:
        if self.fate == "ACCEPTED":
            self.record(Item.Confirmed, cause, now)

    def refuse(self, status: int, reason: str, cause: AnyCause, now: datetime) -> None:
        if self.fate == "SENT":
            self.record(Item.Refused, cause, now, status=status, reason=reason)

    def doubt(self, reason: str, cause: AnyCause, now: datetime) -> None:
        """A charge point may be told twice without harm; whatever else may have arrived is left."""
        if self.fate == "SENT" and self.draft is not None:
            kind = Item.Returned if self.draft.kind == "STATIC" else Item.LeftUncertain
            self.record(kind, cause, now, reason=reason)

    def supersede(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if self.fate == "PREPARED":
            self.record(Item.Superseded, cause, now, reason=reason)

    def retry(self, cause: AnyCause, now: datetime) -> None:
        """Raises Refusal for what there is not, what waits already, and what has arrived."""
        if self.draft is None:
            raise Refusal(f"there is no item {self.id.removeprefix('qualicharge/')}")
        if self.fate in ("ACCEPTED", "CONFIRMED"):
            raise Refusal("QualiCharge has it already")
        if self.fate in OPEN:
            raise Refusal("it is on its way")
        self.record(Item.RetryRequested, cause, now)

    def apply(self, event: Event) -> None:
        match event:
            case Item.Prepared():
                self.draft, self.fate, self.prepared_at = event.draft, "PREPARED", event.recorded_at
            case Item.Withheld():
                self.fate = "WITHHELD"
            case Item.Sent():
                self.fate, self.attempts, self.sent_at = "SENT", event.attempt, event.recorded_at
            case Item.Returned() | Item.RetryRequested():
                self.fate = "PREPARED"
            case Item.Accepted():
                self.fate, self.reference = "ACCEPTED", event.reference
            case Item.Confirmed():
                self.fate = "CONFIRMED"
            case Item.Refused():
                self.fate = "REFUSED"
            case Item.LeftUncertain():
                self.fate = "UNCERTAIN"
            case Item.Superseded():
                self.fate = "SUPERSEDED"
