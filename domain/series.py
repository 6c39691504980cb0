"""A series: the numbers of one seller's invoices of a year, each given once, none left out."""

from __future__ import annotations

from datetime import date, datetime

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event


def stream(seller_id: str, name: str) -> str:
    return f"series/{seller_id}/{name}"


class Series(Aggregate):
    """A number is given in the same transaction as the document is issued: both are in the history, or neither."""

    forgetful = True

    class Numbered(Event, tag="series.numbered.v1"):
        """A document got the next number of the series."""

        number: int
        text: str
        invoice_id: str
        issued_on: date

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.last: Series.Numbered | None = None

    @property
    def next(self) -> int:
        return self.last.number + 1 if self.last else 1

    def text(self, number: int) -> str:
        """As it is printed: F2026-000042."""
        return f"{self.id.rpartition('/')[2]}-{number:06d}"

    def day(self, today: date) -> date:
        """The date a document issued now bears: dates never run against numbers."""
        return max(today, self.last.issued_on) if self.last else today

    def number(self, invoice_id: str, issued_on: date, cause: AnyCause, now: datetime) -> str:
        given = self.next
        facts = {"text": self.text(given), "invoice_id": invoice_id, "issued_on": issued_on}
        self.record(Series.Numbered, cause, now, number=given, **facts)
        return self.text(given)

    def apply(self, event: Event) -> None:
        if isinstance(event, Series.Numbered):
            self.last = event
