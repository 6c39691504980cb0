"""A bill: what one finished charge costs and who pays; rated once, and corrected by a credit, never by an edit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal
from domain.price import POLICY, Priced, Unpriced

LONGEST_REASON = 512


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who a charge is for, as it was when it began. No payer: it is on nobody's statement."""

    payer_id: str | None = None
    sponsorship_id: str | None = None
    cost_centre: str | None = None
    group: str | None = None
    driver_id: str | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a bill was computed from: the events of its charge, from the first to the last position.

    `month` is the month the charge ended in, in the time zone of whoever pays: 2026-11.
    """

    station_id: str
    month: str
    first_position: int
    last_position: int


class Reimbursement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a driver gets back for energy from the own meter (défraiement): real kWh times the rate of that day."""

    allowance_id: str
    driver_id: str
    energy_kwh: Decimal
    rate: Decimal
    amount: Decimal
    currency: str
    legal_basis: str


class Benefit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a charge paid by the employer counts for as a benefit in kind; no rule held: all that it cost."""

    driver_id: str
    cost: Decimal
    value: Decimal
    currency: str
    rule_id: str | None = None
    legal_basis: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


class Rating(msgspec.Struct, frozen=True, kw_only=True):
    """A price that was written down, and what became of it. `invoice_id`: the invoice it is on now."""

    number: int
    price: Priced
    source: Source
    account: Account
    credited: bool = False
    invoice_id: str | None = None
    closed: bool = False

    @property
    def due(self) -> bool:
        """It must go on an invoice yet."""
        return not self.credited and self.invoice_id is None and not self.closed

    @property
    def due_back(self) -> bool:
        """It is on an invoice and was taken back: a credit note must say so yet."""
        return self.credited and self.invoice_id is not None and not self.closed


def stream(transaction_id: str) -> str:
    return f"bill/{transaction_id}"


class Bill(Aggregate):
    """One charge, one stream: its version check is why nobody rates a charge twice."""

    class Rated(Event, tag="bill.rated.v1"):
        """The charge is over and costs this. A later `number` comes after the one before was credited.

        `heard` is the position of the event that made us rate it.
        """

        transaction_id: str
        number: int
        price: Priced
        source: Source
        account: Account
        heard: int | None = None

    class Withheld(Event, tag="bill.withheld.v1"):
        """The charge is over and has no price that could be true: a person must decide."""

        transaction_id: str
        code: str
        reason: str
        source: Source
        heard: int | None = None

    class Released(Event, tag="bill.released.v1"):
        """A person decided what a withheld charge costs: with this energy, under this tariff, or nothing at all."""

        transaction_id: str
        reason: str
        energy_kwh: Decimal | None = None
        tariff_id: str | None = None
        waived: bool = False

    class Credited(Event, tag="bill.credited.v1"):
        """A rating is taken back in full, for we know better now. `invoice_id`: the invoice it is on."""

        transaction_id: str
        number: int
        reason: str
        invoice_id: str | None = None
        heard: int | None = None

    class Valued(Event, tag="bill.valued.v1"):
        """What a rating means for the employee: money back, a benefit in kind, or (by other rules now) neither."""

        transaction_id: str
        number: int
        reimbursement: Reimbursement | None = None
        benefit: Benefit | None = None

    class Invoiced(Event, tag="bill.invoiced.v1"):
        """A rating is on an invoice that was issued."""

        transaction_id: str
        number: int
        invoice_id: str

    class Deducted(Event, tag="bill.deducted.v1"):
        """A credit note took a rating off its invoice. `again`: it must go on another one."""

        transaction_id: str
        number: int
        invoice_id: str
        again: bool = False

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.ratings: list[Rating] = []
        self.withheld: tuple[str, str] | None = None
        self.decided = False
        self.worth: dict[int, tuple[Reimbursement | None, Benefit | None]] = {}

    @property
    def transaction_id(self) -> str:
        return self.id.removeprefix("bill/")

    @property
    def live(self) -> Rating | None:
        """The rating that counts."""
        return self.ratings[-1] if self.ratings and not self.ratings[-1].credited else None

    def settle(
        self, found: Priced | Unpriced, source: Source, account: Account, heard: int | None, cause: AnyCause,
        now: datetime,
    ) -> None:  # fmt: skip
        """The charge is over, or something new is known of it. What a person decided stands."""
        if self.decided or (isinstance(found, Unpriced) and self.withheld == (found.code, found.reason)):
            return
        live = self.live
        if live is not None and live.price == found:
            return
        if live is not None:
            reason = found.reason if isinstance(found, Unpriced) else "more is known of the charge now"
            self.credit(live, reason, heard, cause, now)
            account = live.account
        if isinstance(found, Unpriced):
            facts = {"code": found.code, "reason": found.reason, "source": source, "heard": heard}
            self.record(Bill.Withheld, cause, now, transaction_id=self.transaction_id, **facts)
        else:
            self.rate(found, source, account, heard, cause, now)

    def rate(
        self, price: Priced, source: Source, account: Account, heard: int | None, cause: AnyCause, now: datetime
    ) -> None:
        facts = {"price": price, "source": source, "account": account, "heard": heard}
        number = len(self.ratings) + 1
        self.record(Bill.Rated, cause, now, transaction_id=self.transaction_id, number=number, **facts)

    def credit(self, rating: Rating, reason: str, heard: int | None, cause: AnyCause, now: datetime) -> None:
        facts = {"number": rating.number, "reason": reason, "invoice_id": rating.invoice_id, "heard": heard}
        self.record(Bill.Credited, cause, now, transaction_id=self.transaction_id, **facts)

    def release(
        self, reason: str, price: Priced, source: Source, account: Account, cause: AnyCause, now: datetime,
        **accepted: Any,
    ) -> None:  # fmt: skip
        """Rate what was withheld by the figures a person accepts. Raises Refusal."""
        if self.withheld is None:
            raise Refusal("this bill is not withheld")
        if not 1 <= len(reason.strip()) <= LONGEST_REASON:
            raise Refusal(f"say why, in 1 to {LONGEST_REASON} characters")
        self.record(Bill.Released, cause, now, transaction_id=self.transaction_id, reason=reason, **accepted)
        self.rate(price, source, account, None, cause, now)

    def value(
        self, reimbursement: Reimbursement | None, benefit: Benefit | None, cause: AnyCause, now: datetime
    ) -> None:
        """What the live rating means for the employee; the same again is no news."""
        live = self.live
        if live is not None and (reimbursement, benefit) != self.worth.get(live.number, (None, None)):
            facts = {"number": live.number, "reimbursement": reimbursement, "benefit": benefit}
            self.record(Bill.Valued, cause, now, transaction_id=self.transaction_id, **facts)

    def invoice(self, number: int, invoice_id: str, cause: AnyCause, now: datetime) -> None:
        """Raises Refusal for what is on an invoice already, or no longer counts."""
        if not self.rating(number).due:
            raise Refusal(f"bill {self.transaction_id} has changed or is invoiced already: draft again")
        facts = {"transaction_id": self.transaction_id, "number": number, "invoice_id": invoice_id}
        self.record(Bill.Invoiced, cause, now, **facts)

    def deduct(self, number: int, original: str, note: str, again: bool, cause: AnyCause, now: datetime) -> None:
        """A credit note (`note`) takes it off its invoice (`original`). Raises Refusal when it is not on it."""
        rating = self.rating(number)
        if rating.invoice_id != original or rating.closed:
            raise Refusal(f"bill {self.transaction_id} is not on this invoice any more")
        again = again and not rating.credited
        facts = {"transaction_id": self.transaction_id, "number": number, "invoice_id": note, "again": again}
        self.record(Bill.Deducted, cause, now, **facts)

    def rating(self, number: int) -> Rating:
        """Raises Refusal when there is none."""
        if not 1 <= number <= len(self.ratings):
            raise Refusal(f"bill {self.transaction_id} has no rating {number}")
        return self.ratings[number - 1]

    def apply(self, event: Event) -> None:
        match event:
            case Bill.Rated():
                rated = Rating(number=event.number, price=event.price, source=event.source, account=event.account)
                self.ratings = [*self.ratings, rated]
                self.withheld = None
            case Bill.Withheld():
                self.withheld = event.code, event.reason
            case Bill.Released():
                self.decided = True
            case Bill.Credited():
                self.note(event.number, credited=True)
            case Bill.Valued():
                self.worth = self.worth | {event.number: (event.reimbursement, event.benefit)}
            case Bill.Invoiced():
                self.note(event.number, invoice_id=event.invoice_id)
            case Bill.Deducted() if event.again:
                self.note(event.number, invoice_id=None)
            case Bill.Deducted():
                self.note(event.number, closed=True)

    def note(self, number: int, **facts: Any) -> None:
        told = msgspec.structs.replace(self.ratings[number - 1], **facts)
        self.ratings = [*self.ratings[: number - 1], told, *self.ratings[number:]]


def nothing(currency: str, begin: datetime, end: datetime) -> Priced:
    """The price of what a person waived."""
    none = Decimal("0.00")
    return Priced(
        currency=currency, tariff_id="", tariff_version=0, policy=POLICY, tax_included=False, lines=(), taxes=(),
        excl_vat=none, vat=none, incl_vat=none, exact_excl_vat=none, exact_incl_vat=none, energy_kwh=Decimal(0),
        charging_h=Decimal(0), parking_h=Decimal(0), reservation_h=Decimal(0), begin=begin, end=end, final=True,
    )  # fmt: skip
