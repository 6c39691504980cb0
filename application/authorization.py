"""Authorization: which badges charge now, and where, on any gateway. It is what the rule on concurrent use looks at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from application.history import History
from domain.badge import fold
from domain.catalog import CATALOG, Recorded
from domain.event import Event
from domain.transaction import Transaction

KINDS = (
    Transaction.Started,
    Transaction.StartConfirmed,
    Transaction.BadgePresented,
    Transaction.Ended,
    Transaction.Superseded,
    Transaction.Closed,
)
TOPICS = tuple(name for kind in KINDS for name in CATALOG.names(kind))
OPEN_REMEMBERED = 200_000
ENDED_REMEMBERED = 10_000
T = TypeVar("T")


class OpenCharges:
    """Charges that a badge was let in for and that have not ended. A session tells its own at once, the history all.

    Only starts we accepted count: a refused start must not make the accepted one look like the second. Memory is
    bounded: of more than 200,000 open charges the oldest are forgotten.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.position = 0
        self.owners: dict[str, str] = {}
        self.places: dict[str, dict[str, str]] = {}
        self.unpaid: dict[str, str] = {}
        self.ended: dict[str, None] = {}

    def of(self, badge: str, but: str | None = None) -> list[str]:
        """The stations where a badge charges, once for each charge."""
        places = self.places.get(fold(badge))
        return [place for charge, place in places.items() if charge != but] if places else []

    def begin(self, transaction_id: str, badge: str | None, station_id: str, verdict: str | None) -> None:
        """A charge began. Its first accepted badge pays for it; there may be none yet (OCPP 2.x)."""
        if transaction_id in self.owners or transaction_id in self.ended:
            return
        if not badge or verdict != "Accepted":
            trim(self.unpaid, ENDED_REMEMBERED)[transaction_id] = station_id
            return
        self.owners[transaction_id] = owner = fold(badge)
        self.places.setdefault(owner, {})[transaction_id] = station_id
        if len(self.owners) > OPEN_REMEMBERED:
            self.forget(next(iter(self.owners)))

    def present(self, transaction_id: str, badge: str | None, verdict: str | None) -> None:
        """A badge was shown during a charge; it pays if nobody does."""
        station_id = self.unpaid.pop(transaction_id, None)
        if station_id is not None:
            self.begin(transaction_id, badge, station_id, verdict)

    def end(self, transaction_id: str) -> None:
        """A charge is over; its start may still come along in the history, and means nothing then."""
        self.forget(transaction_id)
        self.unpaid.pop(transaction_id, None)
        trim(self.ended, ENDED_REMEMBERED)[transaction_id] = None

    def forget(self, transaction_id: str) -> None:
        owner = self.owners.pop(transaction_id, None)
        if owner is not None:
            self.places[owner].pop(transaction_id)
            if not self.places[owner]:
                del self.places[owner]

    def restore(self, charges: Iterable[tuple[str, str | None, str, str | None]], position: int) -> None:
        """Begin with what was known at a position: (transaction id, badge, station id, verdict)."""
        for charge in charges:
            self.begin(*charge)
        self.position = position

    def load(self) -> None:
        """Read what happened since."""
        while batch := self.history.read(self.position, 5_000, TOPICS):
            self.learn(batch)

    async def follow(self) -> None:
        """Learn for ever."""
        async for batch in self.history.follow(self.position, TOPICS):
            self.learn(batch)

    def learn(self, batch: Sequence[Recorded]) -> None:
        for recorded in batch:
            self.hear(CATALOG.decode(recorded.topic, recorded.state))
            self.position = max(self.position, recorded.position)

    def hear(self, event: Event) -> None:
        charge = event.originator_id.removeprefix("transaction/")
        match event:
            case Transaction.Started():
                self.begin(charge, event.badge, event.station_id, event.verdict)
            case Transaction.BadgePresented() | Transaction.StartConfirmed():
                self.present(charge, event.badge, event.verdict)
            case Transaction.Ended() | Transaction.Superseded() | Transaction.Closed():
                self.end(charge)


def trim(memory: dict[str, T], most: int) -> dict[str, T]:
    """The same memory with room for one more: the oldest is forgotten."""
    if len(memory) >= most:
        del memory[next(iter(memory))]
    return memory
