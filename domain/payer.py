"""A payer (client facturé): a person or a company that gets statements, and the terms it pays on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal
from domain.site import zone

Kind = Literal["PERSON", "COMPANY"]
Split = Literal["PAYER", "COST_CENTRE", "GROUP"]
LONGEST = 255
VAT_NUMBER = re.compile(r"[A-Z]{2}[0-9A-Z]{2,13}")


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a statement says of whoever pays. `split`: one statement for all, for each cost centre or each group."""

    full_name: str
    kind: Kind = "COMPANY"
    address: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str = "FR"
    vat_number: str | None = None
    siren: str | None = None
    email: str | None = None
    payment_days: int = 30
    time_zone: str = "Europe/Paris"
    split: Split = "PAYER"
    seller_id: str = "main"


def stream(payer_id: str) -> str:
    return f"payer/{payer_id}"


class Payer(Aggregate):
    """Who pays for which charges is said by sponsorships."""

    class Registered(Event, tag="payer.registered.v1"):
        """Somebody made the payer known, or said anew who it is; issued documents keep what was known then."""

        personal = "stream"
        full_name: str
        kind: Kind = "COMPANY"
        address: str | None = None
        postal_code: str | None = None
        city: str | None = None
        country: str = "FR"
        vat_number: str | None = None
        siren: str | None = None
        email: str | None = None
        payment_days: int = 30
        time_zone: str = "Europe/Paris"
        split: Split = "PAYER"
        seller_id: str = "main"

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.details: Details | None = None

    @property
    def payer_id(self) -> str:
        return self.id.removeprefix("payer/")

    def register(self, details: Details, cause: AnyCause, now: datetime) -> None:
        """Raises Refusal with every reason why it cannot be true."""
        wrong = list(faults(self.payer_id, details))
        if wrong:
            raise Refusal("; ".join(wrong))
        if details != self.details:
            self.record(Payer.Registered, cause, now, **msgspec.structs.asdict(details))

    def exists(self) -> Details:
        if self.details is None:
            raise Refusal(f"there is no payer {self.payer_id}")
        return self.details

    def apply(self, event: Event) -> None:
        if isinstance(event, Payer.Registered):
            self.details = Details(**{name: getattr(event, name) for name in Details.__struct_fields__})


def faults(payer_id: str, details: Details) -> Iterator[str]:
    if not 1 <= len(payer_id) <= LONGEST or not payer_id.isprintable() or "/" in payer_id:
        yield f"the id of a payer has 1 to {LONGEST} printable characters, and no slash"
    if not 1 <= len(details.full_name.strip()) <= LONGEST:
        yield f"the name has 1 to {LONGEST} characters"
    yield from business_faults(details.siren, details.vat_number, details.country)
    if not 0 <= details.payment_days <= 60:
        yield "payment is due within 0 to 60 days (code de commerce, L441-10)"
    try:
        zone(details.time_zone)
    except Refusal as refusal:
        yield str(refusal)


def business_faults(siren: str | None, vat_number: str | None, country: str) -> Iterator[str]:
    if siren is not None and not (re.fullmatch(r"[0-9]{9}", siren) and luhn(siren)):
        yield f"{siren!r} is no SIREN: nine digits, the last of which checks the others"
    if vat_number is not None and not VAT_NUMBER.fullmatch(vat_number):
        yield f"{vat_number!r} is no VAT number: two capitals and up to 13 digits or capitals, such as FR40303265045"
    if not re.fullmatch(r"[A-Z]{2}", country):
        yield "the country is two capitals (ISO 3166), such as FR"


def luhn(digits: str) -> bool:
    """The check of SIREN and SIRET."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
