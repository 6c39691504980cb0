"""The parts the API stands on, plugged together by bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, Protocol

from sqlalchemy import Connection, Engine

from api.observer import Observer
from api.pulse import Pulse
from api.settings import Settings
from application.access import Accesses
from application.admission import Admissions
from application.advenir import Exporter, Funding
from application.bill import Bills
from application.certificate import Certificates
from application.command import Dispatcher, Orders
from application.credential import Passwords
from application.driver import Drivers
from application.export import Exports
from application.file import Files
from application.history import History
from application.invoice import Invoices
from application.irve import Declarations
from application.journal import Journal
from application.locallist import Lists
from application.payer import Payers
from application.ports import Authority, Issuer
from application.price import Prices
from application.qualicharge import Desk as Outgoing
from application.registry import Registry
from application.reservation import Desk
from application.seat import Seats
from application.signature import MeterKeys
from application.tariff import Tariffs
from application.token import Tokens
from application.transaction import Clerk
from application.transfer import Transfers
from application.uptime import Uptimes
from application.webhook import Webhooks
from projections.audit import Notary, Signer
from projections.dataset import Window
from projections.runner import Runner
from projections.scope import narrowing


class Line(Protocol):
    """One connection of a station."""

    @property
    def version(self) -> str | None:
        """Which OCPP it speaks; None before the station is in."""


class Traffic(Protocol):
    """What the OCPP front counts."""

    @property
    def calls(self) -> Mapping[tuple[str, str, str], int]:
        """(version, action, outcome) → number of CALLs."""

    @property
    def quirks(self) -> Mapping[str, int]:
        """Lenient rule → how often it was needed."""

    @property
    def connections(self) -> Collection[Line]:
        """The open ones."""

    @property
    def paused(self) -> Collection[object]:
        """Those that are not read, because the journal is full."""

    @property
    def addresses(self) -> Sequence[str]:
        """Where stations connect: without TLS, and with it if there is a certificate."""

    @property
    def admissions(self) -> Admissions:
        """Who is let in."""


class Writing(Protocol):
    """An export that can be written."""

    @property
    def media_type(self) -> str:
        """What its file is."""

    def write(self, connection: Connection, sink: BinaryIO, advance: Callable[[int, int], None] = ...) -> int:
        """Write all that the connection shows, from any thread; returns how many rows."""


Prepare = Callable[[str, str, Window, Mapping[str, str]], Writing]
"""Dataset, format, window, options → an export; raises ValueError in words of what does not exist."""


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """What tells how a process is doing. None: another process does that."""

    settings: Settings
    engine: Engine
    history: History
    journal: Journal
    here: Seats
    observer: Observer
    pulse: Pulse
    roles: Collection[str] = ()
    runner: Runner | None = None
    notary: Notary | None = None
    front: Traffic | None = None
    dispatcher: Dispatcher | None = None
    accesses: Accesses | None = None


@dataclass(frozen=True)
class Parts:
    """What an answer can draw on."""

    engine: Engine
    history: History
    orders: Orders
    registry: Registry
    desk: Desk
    webhooks: Webhooks
    lists: Lists
    settings: Settings
    journal: Journal
    signer: Signer
    files: Files
    transfers: Transfers
    passwords: Passwords
    certificates: Certificates
    authority: Authority
    clerk: Clerk
    prepare: Prepare
    exports: Exports
    drivers: Drivers
    tokens: Tokens
    accesses: Accesses
    tariffs: Tariffs
    prices: Prices
    meter_keys: MeterKeys
    funding: Funding
    advenir: Exporter
    qualicharge: Outgoing
    declarations: Declarations
    uptimes: Uptimes
    bills: Bills
    invoices: Invoices
    payers: Payers
    issuer: Issuer | None = None

    @cached_property
    def narrow(self) -> Engine:
        """The same database for those who may see a part of it only."""
        return narrowing(self.engine)
