"""A tariff is published again and again, and never edited."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import msgspec
import pytest

from domain.tariff import Component, Element, Limit, Restriction, Tariff, Terms, stream
from tests.scenario import NOW, SOMEBODY, given, refused

ENERGY = Component(type="ENERGY", price=Decimal("0.25"), vat_percent=Decimal(20))
PLAIN = Terms(currency="EUR", elements=(Element(components=(ENERGY,)),))
DEARER = msgspec.structs.replace(
    PLAIN, elements=(Element(components=(msgspec.structs.replace(ENERGY, price=Decimal("0.3")),)),)
)


@dataclass
class Publish:
    terms: Terms = PLAIN

    def __call__(self, tariff: Tariff) -> None:
        tariff.publish(self.terms, SOMEBODY, NOW)


def withdraw(tariff: Tariff) -> None:
    tariff.withdraw("too cheap", SOMEBODY, NOW)


def blank(tariff_id: str = "T") -> Tariff:
    return Tariff(stream(tariff_id))


def test_every_publication_is_a_new_version() -> None:
    given(blank(), Publish()).when(Publish(DEARER)).then(Tariff.Published).showing(version=2, terms=DEARER)


def test_the_same_again_is_refused() -> None:
    refused(given(blank(), Publish()).aggregate, Publish(), "version 1 of this tariff says the same already")


def test_a_withdrawn_tariff_can_be_published_again() -> None:
    given(blank(), Publish(), withdraw).when(Publish()).then(Tariff.Published).showing(version=2)


def test_withdrawing_is_done_once() -> None:
    given(blank(), Publish()).when(withdraw).then(Tariff.Withdrawn).showing(reason="too cheap")
    refused(given(blank(), Publish(), withdraw).aggregate, withdraw, "withdrawn already")
    refused(blank(), withdraw, "no such tariff")


def test_a_tariff_keeps_its_currency() -> None:
    francs = msgspec.structs.replace(PLAIN, currency="CHF")
    refused(given(blank(), Publish()).aggregate, Publish(francs), r"keeps its currency \(EUR\)")


@pytest.mark.parametrize("tariff_id", ["", "a/b", " a", "x" * 37, "tab\t"])
def test_an_id_that_cannot_stand_in_an_address_is_refused(tariff_id: str) -> None:
    refused(blank(tariff_id), Publish(), "1 to 36 printable characters")


@pytest.mark.parametrize("number", ["-1", "NaN", "Infinity", "0.0000001", "1E+400", "10000001"])
def test_a_price_must_be_a_number_somebody_can_mean(number: str) -> None:
    wrong = Element(components=(Component(type="ENERGY", price=Decimal(number)),))
    refused(blank(), Publish(msgspec.structs.replace(PLAIN, elements=(wrong,))), "the price of ENERGY")


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        (Element(components=(ENERGY, ENERGY)), "prices the same thing twice"),
        (Element(components=(msgspec.structs.replace(ENERGY, step_size=0),)), "step of ENERGY must be 1 or more"),
        (Element(components=(msgspec.structs.replace(ENERGY, vat_percent=Decimal(101)),)), "VAT of ENERGY"),
        (Element(components=(ENERGY,), restriction=Restriction(reservation="RESERVATION")), "FLAT and TIME only"),
    ],
)
def test_elements_that_cannot_price_are_refused(element: Element, reason: str) -> None:
    refused(blank(), Publish(msgspec.structs.replace(PLAIN, elements=(element,))), f"element 1: .*{reason}")


def limit(excl: str | None = None, incl: str | None = None) -> Limit:
    return Limit(excl_vat=Decimal(excl) if excl else None, incl_vat=Decimal(incl) if incl else None)


@pytest.mark.parametrize(
    ("least", "most", "reason"),
    [
        (limit("2", "1"), None, "including VAT must not be less"),
        (limit("2"), limit("1"), "min_price must not be more"),
        (limit("2"), limit(None, "3"), "same side of VAT"),
        (limit(), None, "must be 0 or more"),
    ],
)
def test_limits_that_contradict_are_refused(least: Limit, most: Limit | None, reason: str) -> None:
    refused(blank(), Publish(msgspec.structs.replace(PLAIN, min_price=least, max_price=most)), reason)
