"""An allowance (défraiement): at which rate a driver gets the energy back that was charged at the own meter."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from domain.aggregate import Aggregate
from domain.bill import Reimbursement
from domain.event import AnyCause, Event, Refusal

HIGHEST_RATE = Decimal(10)
CENT = Decimal("0.01")


def stream(allowance_id: str) -> str:
    return f"allowance/{allowance_id}"


class Allowance(Aggregate):
    """One rate of one contract, for one driver at one station at home. Another rate is another allowance."""

    class Agreed(Event, tag="allowance.agreed.v1"):
        """From one day to another (neither left out) the driver gets so much for each kWh measured at this station."""

        driver_id: str
        station_id: str
        rate: Decimal
        currency: str
        starts_on: date
        legal_basis: str
        ends_on: date | None = None
        without_badge: bool = False

    class Ended(Event, tag="allowance.ended.v1"):
        """The last day on which it holds."""

        ends_on: date

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.agreed: Allowance.Agreed | None = None
        self.ends_on: date | None = None

    @property
    def allowance_id(self) -> str:
        return self.id.removeprefix("allowance/")

    def agree(
        self, driver_id: str, station_id: str, rate: Decimal, currency: str, starts_on: date, ends_on: date | None,
        legal_basis: str, without_badge: bool, cause: AnyCause, now: datetime,
    ) -> None:  # fmt: skip
        """`without_badge`: charges at this station that nobody showed a badge for are the driver's, too."""
        if not (rate.is_finite() and 0 <= rate <= HIGHEST_RATE):
            raise Refusal(f"the rate of a kWh is between 0 and {HIGHEST_RATE}")
        if ends_on is not None and ends_on < starts_on:
            raise Refusal("it would be over before it begins")
        if not legal_basis.strip():
            raise Refusal("say what it is based on: the contract, the law")
        self.record(
            Allowance.Agreed, cause, now, driver_id=driver_id, station_id=station_id, rate=rate, currency=currency,
            starts_on=starts_on, ends_on=ends_on, legal_basis=legal_basis, without_badge=without_badge,
        )  # fmt: skip

    def end(self, ends_on: date, cause: AnyCause, now: datetime) -> None:
        if self.agreed is None:
            raise Refusal("there is no such allowance")
        if ends_on < self.agreed.starts_on or (self.ends_on is not None and self.ends_on <= ends_on):
            raise Refusal("an allowance ends on a day of its time, and earlier than it was to end")
        self.record(Allowance.Ended, cause, now, ends_on=ends_on)

    def holds(self, driver_id: str | None, badge: str | None, station_id: str, day: date) -> bool:
        said = self.agreed
        if said is None or said.station_id != station_id or day < said.starts_on:
            return False
        if self.ends_on is not None and day > self.ends_on:
            return False
        return said.driver_id == driver_id or (said.without_badge and badge is None)

    def reimburse(self, energy_kwh: Decimal) -> Reimbursement:
        """What a charge comes to, rounded once, half up."""
        assert self.agreed is not None
        said = self.agreed
        return Reimbursement(
            allowance_id=self.allowance_id, driver_id=said.driver_id, energy_kwh=energy_kwh, rate=said.rate,
            amount=(energy_kwh * said.rate).quantize(CENT, ROUND_HALF_UP), currency=said.currency,
            legal_basis=said.legal_basis,
        )  # fmt: skip

    def apply(self, event: Event) -> None:
        match event:
            case Allowance.Agreed():
                self.agreed, self.ends_on = event, event.ends_on
            case Allowance.Ended():
                self.ends_on = event.ends_on
