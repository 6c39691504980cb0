"""A number: ids that are integers, unique for ever, as OCPP wants them for transactions (1.6) and reservations."""

from __future__ import annotations

from datetime import datetime

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

STREAM = "number/transaction"
LAST = 2**31 - 1


class Number(Aggregate):
    """The range of integers already given away. Gateways take blocks; a block is never given twice."""

    class Reserved(Event, tag="number.reserved.v1"):
        """One gateway may use the numbers first..last; what it does not use is lost, never reused."""

        first: int
        last: int
        gateway: str

    def __init__(self, stream: str = STREAM) -> None:
        super().__init__(stream)
        self.last = 0

    def reserve(self, count: int, gateway: str, cause: AnyCause, now: datetime) -> range:
        """Take the next `count` numbers. Raises Refusal when 2^31-1 is reached (xsd:int of OCPP 1.6)."""
        first, last = self.last + 1, self.last + count
        if last > LAST:
            raise Refusal("all 2,147,483,647 numbers are used")
        self.record(Number.Reserved, cause, now, first=first, last=last, gateway=gateway)
        return range(first, last + 1)

    def apply(self, event: Event) -> None:
        match event:
            case Number.Reserved():
                self.last = event.last
