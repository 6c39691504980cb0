"""A benefit in kind (avantage en nature): the dated rules by which a charge paid by the employer is valued."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from domain.aggregate import Aggregate
from domain.bill import Benefit
from domain.event import AnyCause, Event, Refusal
from domain.price import Priced

CENT = Decimal("0.01")


def stream(rule_id: str) -> str:
    return f"benefit/{rule_id}"


class BenefitRule(Aggregate):
    """What the law says of some days and places: which share of the cost (with VAT) counts. It is configuration."""

    class Ruled(Event, tag="benefit.ruled.v1"):
        """From one day to another (neither left out) this percentage of what a charge costs counts as a benefit.

        `sites`: where it holds; none: everywhere. Saying it again replaces it.
        """

        rule_id: str
        percent: Decimal
        starts_on: date
        legal_basis: str
        ends_on: date | None = None
        sites: tuple[str, ...] = ()

    class Repealed(Event, tag="benefit.repealed.v1"):
        """The rule holds for no day any more."""

        rule_id: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.said: BenefitRule.Ruled | None = None

    @property
    def rule_id(self) -> str:
        return self.id.removeprefix("benefit/")

    def rule(
        self, percent: Decimal, starts_on: date, ends_on: date | None, sites: tuple[str, ...], legal_basis: str,
        cause: AnyCause, now: datetime,
    ) -> None:  # fmt: skip
        if not (percent.is_finite() and 0 <= percent <= 100):
            raise Refusal("the percentage is between 0 and 100")
        if ends_on is not None and ends_on < starts_on:
            raise Refusal("it would be over before it begins")
        if not legal_basis.strip():
            raise Refusal("say which law it is")
        facts = {"percent": percent, "starts_on": starts_on, "ends_on": ends_on, "sites": sites}
        self.record(BenefitRule.Ruled, cause, now, rule_id=self.rule_id, legal_basis=legal_basis, **facts)

    def repeal(self, cause: AnyCause, now: datetime) -> None:
        if self.said is None:
            raise Refusal("there is no such rule")
        self.record(BenefitRule.Repealed, cause, now, rule_id=self.rule_id)

    def holds(self, site: str | None, day: date) -> bool:
        said = self.said
        if said is None or day < said.starts_on or (said.ends_on is not None and day > said.ends_on):
            return False
        return not said.sites or site in said.sites

    def apply(self, event: Event) -> None:
        match event:
            case BenefitRule.Ruled():
                self.said = event
            case BenefitRule.Repealed():
                self.said = None


def valued(known: Iterable[BenefitRule], driver_id: str, site: str | None, day: date, price: Priced) -> Benefit:
    """By the rule of that day: one for the site goes before one for everywhere, then the one that began later."""
    holding = [rule.said for rule in known if rule.holds(site, day) and rule.said is not None]
    cost = price.incl_vat
    if not holding:
        return Benefit(driver_id=driver_id, cost=cost, value=cost, currency=price.currency)
    rule = max(holding, key=lambda said: (bool(said.sites), said.starts_on, said.rule_id))
    return Benefit(
        driver_id=driver_id, cost=cost, value=(cost * rule.percent / 100).quantize(CENT, ROUND_HALF_UP),
        currency=price.currency, rule_id=rule.rule_id, legal_basis=rule.legal_basis, starts_on=rule.starts_on,
        ends_on=rule.ends_on,
    )  # fmt: skip
