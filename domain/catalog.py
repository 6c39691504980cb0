"""Every event the history can hold, by its public topic; the way back from stored JSON to an event."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from domain.access import Access
from domain.admission import Admission
from domain.advenir import Advenir
from domain.aggregate import Aggregate, Upcast
from domain.allowance import Allowance
from domain.assignment import Assignment
from domain.badge import Badge
from domain.benefit import BenefitRule
from domain.bill import Bill
from domain.certificate import Certificate
from domain.command import Command
from domain.customer import Customer
from domain.der import Der
from domain.device import Device
from domain.display import Display
from domain.driver import Driver
from domain.event import Event, topic
from domain.export import Export
from domain.file import File
from domain.firmware import Firmware
from domain.invoice import Invoice
from domain.job import Job
from domain.locallist import LocalList
from domain.number import Number
from domain.payer import Payer
from domain.payment import Payment
from domain.point import Point
from domain.pricelist import Pricelist
from domain.profile import Profile
from domain.qualicharge import Item
from domain.reservation import Reservation
from domain.security import Security
from domain.seller import Seller
from domain.series import Series
from domain.signature import MeterKey, Signature
from domain.site import Site
from domain.sponsorship import Sponsorship
from domain.station import Station
from domain.submission import Submission
from domain.swap import Swap
from domain.tariff import Tariff
from domain.token import Token
from domain.transaction import Transaction
from domain.trust import Trust
from domain.uptime import Uptime
from domain.webhook import Webhook
from domain.yardstick import Yardstick

AGGREGATES: tuple[type[Aggregate], ...] = (
    LocalList,
    Station,
    Transaction,
    Signature,
    Item,
    MeterKey,
    Command,
    Badge,
    Driver,
    Number,
    Device,
    Customer,
    Display,
    Reservation,
    Profile,
    Der,
    Job,
    File,
    Firmware,
    Pricelist,
    Payment,
    Swap,
    Admission,
    Security,
    Certificate,
    Trust,
    Webhook,
    Site,
    Point,
    Yardstick,
    Uptime,
    Tariff,
    Assignment,
    Export,
    Payer,
    Sponsorship,
    Seller,
    Allowance,
    BenefitRule,
    Bill,
    Series,
    Invoice,
    Token,
    Access,
    Advenir,
    Submission,
)


class Recorded(NamedTuple):
    """One event as stored: its place in the history, its stream, its topic and its JSON."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes


class UnknownTopic(LookupError):
    """The history holds a topic that this version of Bornier does not know."""


class Catalog:
    """Topics, their classes, and how retired topics are read today."""

    def __init__(self, aggregates: tuple[type[Aggregate], ...]) -> None:
        self.events = {topic(kind): kind for aggregate in aggregates for kind in events(aggregate)}
        self.upcasts: dict[str, Upcast] = {old: to for each in aggregates for old, to in each.upcasts.items()}
        self.decoders = {name: msgspec.json.Decoder(kind) for name, kind in self.events.items()}

    def names(self, kind: type[Event]) -> list[str]:
        """All topics under which events of a class are stored: its own, and its earlier versions."""
        own = topic(kind)
        return [own, *(old for old in self.upcasts if old.rpartition(".")[0] == own.rpartition(".")[0])]

    def decode(self, name: str, state: bytes) -> Event:
        """The event of a stored row. Raises UnknownTopic, or msgspec.ValidationError when the JSON does not fit."""
        decoder = self.decoders.get(name)
        return decoder.decode(state) if decoder is not None else self.upcast(name, state)

    def upcast(self, name: str, state: bytes) -> Event:
        data = msgspec.json.decode(state)
        while name in self.upcasts:
            data = self.upcasts[name](data)
            name = data["topic"]
        if name not in self.decoders:
            raise UnknownTopic(name)
        return self.decoders[name].decode(msgspec.json.encode(data))


def events(aggregate: type[Aggregate]) -> list[type[Event]]:
    """The events of one aggregate, in the order of their life."""
    return [kind for kind in vars(aggregate).values() if isinstance(kind, type) and issubclass(kind, Event)]


CATALOG = Catalog(AGGREGATES)
