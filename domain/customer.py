"""A customer (client): what a station has stored about a person, told or erased on request."""

from __future__ import annotations

from datetime import datetime

from domain.aggregate import Aggregate
from domain.event import Event


def stream(station_id: str) -> str:
    return f"customer/{station_id}"


REMEMBERED = 16


class Customer(Aggregate):
    """What stations tell about people. Personal data: the text is in its own fact, and nowhere else.

    `person` is what the request named them by: the badge, the id of the customer, the serial number of the certificate.
    What is told is sealed with its key. It is neither in the message that caused the fact nor in a read model; who may
    read it reads the history.
    """

    forgetful = True

    class InformationOrdered(Event, tag="customer.information_ordered.v1"):
        """We asked a station to tell, or erase, what it knows of a person, and it said whether it will."""

        personal = "stream"
        request_id: int
        report: bool
        clear: bool
        status: str
        person: str | None = None

    class InformationTold(Event, tag="customer.information_told.v1"):
        """One part of what the station knows of a person came (NotifyCustomerInformation)."""

        personal = "stream"
        request_id: int
        seq_no: int
        occurred_at: datetime
        text: str
        to_be_continued: bool = False
        person: str | None = None

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.people: dict[int, str | None] = {}

    def apply(self, event: Event) -> None:
        """Whom the latest requests are about: who is told of must be able to be forgotten."""
        if isinstance(event, Customer.InformationOrdered | Customer.InformationTold):
            self.people[event.request_id] = event.person
            if len(self.people) > REMEMBERED:
                del self.people[next(iter(self.people))]
