"""A customer (client): what a station has stored about a person, told or erased on request."""

from __future__ import annotations

from datetime import datetime

from domain.aggregate import Aggregate
from domain.event import Event


def stream(station_id: str) -> str:
    return f"customer/{station_id}"


class Customer(Aggregate):
    """What stations tell about people. Personal data: the text is in its own fact, and nowhere else.

    It is neither in the message that caused the fact nor in a read model; who may read it reads the history.
    """

    forgetful = True

    class InformationOrdered(Event, tag="customer.information_ordered.v1"):
        """We asked a station to tell, or erase, what it knows of a person, and it said whether it will."""

        personal = "stream"
        request_id: int
        report: bool
        clear: bool
        status: str

    class InformationTold(Event, tag="customer.information_told.v1"):
        """One part of what the station knows of a person came (NotifyCustomerInformation)."""

        personal = "stream"
        request_id: int
        seq_no: int
        occurred_at: datetime
        text: str
        to_be_continued: bool = False

    def apply(self, event: Event) -> None:
        """Nothing to remember."""
