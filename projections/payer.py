"""Payers: who pays for whom, who issues the invoices, and by which rules are employees accounted for?"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, Index, Integer, Select, Table, Text, func, select

from domain.allowance import Allowance
from domain.benefit import BenefitRule
from domain.payer import Details, Payer
from domain.seller import Seller
from domain.sponsorship import Sponsorship
from projections.change import Changes
from projections.projection import Projection, owner
from projections.table import METADATA, Money, UtcTime

PAYER = Table(
    "payer",
    METADATA,
    Column("id", Text, primary_key=True),
    *(Column(name, Text) for name in Details.__struct_fields__ if name != "payment_days"),
    Column("payment_days", Integer),
    Column("position", BigInteger),
)
SELLER = Table(
    "seller",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("details", JSON),
    Column("position", BigInteger),
)
SPONSORSHIP = Table(
    "sponsorship",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("payer_id", Text),
    Column("driver_id", Text),
    Column("group", Text),
    Column("cost_centre", Text),
    Column("employer", Boolean),
    Column("starts_at", UtcTime),
    Column("ends_at", UtcTime),
    Column("position", BigInteger),
    Index("sponsorship_by_payer", "payer_id", "id"),
)
ALLOWANCE = Table(
    "allowance",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("driver_id", Text),
    Column("station_id", Text),
    Column("rate", Money),
    Column("currency", Text),
    Column("starts_on", Date),
    Column("ends_on", Date),
    Column("legal_basis", Text),
    Column("without_badge", Boolean),
    Column("position", BigInteger),
)
RULE = Table(
    "benefit_rule",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("percent", Money),
    Column("starts_on", Date),
    Column("ends_on", Date),
    Column("sites", JSON),
    Column("legal_basis", Text),
    Column("repealed", Boolean),
    Column("position", BigInteger),
)


def registered(changes: Changes, event: Payer.Registered, position: int) -> None:
    details = {name: getattr(event, name) for name in Details.__struct_fields__}
    changes.put("payer", (owner(event),), position=position, **details)


def seller_registered(changes: Changes, event: Seller.Registered, position: int) -> None:
    details = msgspec.json.decode(msgspec.json.encode(event.details))
    changes.put("seller", (owner(event),), details=details, position=position)


def granted(changes: Changes, event: Sponsorship.Granted, position: int) -> None:
    names = ("payer_id", "driver_id", "group", "cost_centre", "employer", "starts_at", "ends_at")
    facts = {name: getattr(event, name) for name in names}
    changes.put("sponsorship", (owner(event),), position=position, **facts)


def sponsorship_ended(changes: Changes, event: Sponsorship.Ended, position: int) -> None:
    changes.put("sponsorship", (owner(event),), ends_at=event.ends_at, position=position)


def agreed(changes: Changes, event: Allowance.Agreed, position: int) -> None:
    names = ("driver_id", "station_id", "rate", "currency", "starts_on", "ends_on", "legal_basis", "without_badge")
    facts = {name: getattr(event, name) for name in names}
    changes.put("allowance", (owner(event),), position=position, **facts)


def allowance_ended(changes: Changes, event: Allowance.Ended, position: int) -> None:
    changes.put("allowance", (owner(event),), ends_on=event.ends_on, position=position)


def ruled(changes: Changes, event: BenefitRule.Ruled, position: int) -> None:
    facts = {name: getattr(event, name) for name in ("percent", "starts_on", "ends_on", "legal_basis")}
    sites = list(event.sites)
    changes.put("benefit_rule", (owner(event),), sites=sites, repealed=False, position=position, **facts)


def repealed(changes: Changes, event: BenefitRule.Repealed, position: int) -> None:
    changes.put("benefit_rule", (owner(event),), repealed=True, position=position)


PROJECTION = Projection(
    name="payer",
    tables={
        "payer": PAYER, "seller": SELLER, "sponsorship": SPONSORSHIP, "allowance": ALLOWANCE, "benefit_rule": RULE,
    },
    handlers={
        Payer.Registered: registered,
        Seller.Registered: seller_registered,
        Sponsorship.Granted: granted,
        Sponsorship.Ended: sponsorship_ended,
        Allowance.Agreed: agreed,
        Allowance.Ended: allowance_ended,
        BenefitRule.Ruled: ruled,
        BenefitRule.Repealed: repealed,
    },
)  # fmt: skip


def payers(search: str | None = None) -> Select[Any]:
    """Payers in the order of their ids."""
    query = select(PAYER)
    return query.where(func.lower(PAYER.c.full_name).contains(search.lower(), autoescape=True)) if search else query


def sponsorships(payer_id: str | None = None, driver_id: str | None = None, group: str | None = None) -> Select[Any]:
    """Sponsorships in the order of their ids."""
    query = select(SPONSORSHIP)
    for name, value in (("payer_id", payer_id), ("driver_id", driver_id), ("group", group)):
        if value is not None:
            query = query.where(SPONSORSHIP.c[name] == value)
    return query
