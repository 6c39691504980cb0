"""Certificates of stations: what they ask for is signed and brought to them, and renewed before it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from application.amend import amend
from application.command import Orders
from application.history import History
from application.journal import Fenced, Journal
from application.ports import Authority
from application.session import Session
from domain.catalog import CATALOG, Recorded, events
from domain.certificate import Certificate, stream
from domain.command import Command
from domain.event import AnyCause, Event, Operator, Order, Timer
from domain.trust import Trust
from domain.x509 import common_name, read, serial

log = logging.getLogger("bornier.certificate")

BRING = "certificateSigned"
RENEW = "renewCertificate"
ASKER = "certificate authority"
ENDS = (Command.Answered, Command.Refused, Command.Failed, Command.TimedOut, Command.Expired)
KINDS: tuple[type[Event], ...] = (Trust.SignatureRequested, Command.Requested, *ENDS, *events(Certificate))
TOPICS = tuple(name for kind in KINDS for name in CATALOG.names(kind))
LOOKBACK = timedelta(minutes=10)
ASK_AGAIN = timedelta(hours=1)
ROUND_S = 10.0


@dataclass
class Errand:
    """A signed certificate on its way to a station."""

    station_id: str
    serial_number: str


class Certificates:
    """The process manager of one gateway: it acts for the stations connected here (A02, A03)."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        orders: Orders,
        authority: Authority,
        renewal: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self.journal = journal
        self.history = history
        self.orders = orders
        self.authority = authority
        self.renewal = renewal
        self.clock = clock
        self.held: Callable[[str], Session | None] = lambda station_id: None
        self.known: dict[str, Certificate] = {}
        self.errands: dict[str, Errand] = {}
        self.asked: dict[tuple[str, str], datetime] = {}
        self.position = 0

    def load(self) -> None:
        """The certificates so far; requests and answers of the last minutes are taken up where they were left."""
        topics = tuple(name for kind in events(Certificate) for name in CATALOG.names(kind))
        while batch := self.history.read(self.position, 5_000, topics):
            for row in batch:
                self.remember(row)
            self.position = batch[-1].position
        self.position = self.history.position_at(self.clock() - LOOKBACK)

    async def follow(self) -> None:
        async for batch in self.history.follow(self.position, TOPICS):
            for row in batch:
                try:
                    await self.learn(row)
                except Exception:
                    log.exception("event %s of %s could not be acted on", row.topic, row.stream)

    async def learn(self, row: Recorded) -> None:
        event = CATALOG.decode(row.topic, row.state)
        if isinstance(event, Trust.SignatureRequested):
            await self.sign(event)
        elif isinstance(event, Command.Requested):
            if event.action == BRING:
                self.take(event)
        elif isinstance(event, ENDS):
            await self.settle(event)
        else:
            certificate = self.remember(row)
            if isinstance(event, Certificate.Revoked):
                self.expel(certificate)

    def remember(self, row: Recorded) -> Certificate:
        certificate = self.known.setdefault(row.stream, Certificate(row.stream))
        if row.version > certificate.version:
            certificate.replay([CATALOG.decode(row.topic, row.state)])
        return certificate

    async def sign(self, event: Trust.SignatureRequested) -> None:
        """Sign what a station connected here asked for, once, and order that it is brought."""
        station_id = event.originator_id.removeprefix("trust/")
        if self.held(station_id) is None:
            return
        place = f"{event.originator_id} {event.originator_version}"
        command_id = str(uuid5(NAMESPACE_OID, place))
        if await asyncio.to_thread(self.history.read, 0, 1, (), f"command/{command_id}"):
            return
        chain = await asyncio.to_thread(self.authority.sign, event.csr, event.kind, self.clock())
        leaf = read(chain)[0]
        certificate = Certificate(stream(serial(leaf)))
        certificate.sign(
            Timer(rule=ASKER),
            self.clock(),
            station_id=station_id,
            kind=event.kind,
            common_name=common_name(leaf.subject) or "",
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            chain=chain,
        )
        await self.journal.record(certificate.collect_events())
        parameters: dict[str, Any] = {"chain": chain, "kind": event.kind, "serial_number": serial(leaf)}
        if event.request_id is not None:
            parameters["request_id"] = event.request_id
        try:
            await self.orders.request(station_id, BRING, parameters, ASKER, command_id=command_id)
        except Fenced:
            log.info("another gateway brings station %s its certificate", station_id)

    def take(self, event: Command.Requested) -> None:
        number = event.parameters.get("serial_number")
        if isinstance(number, str):
            self.errands[event.originator_id] = Errand(event.station_id, number)

    async def settle(self, event: Any) -> None:
        """What the station did with the certificate we brought."""
        errand = self.errands.pop(event.originator_id, None)
        if errand is None:
            return
        cause = Order(command_id=event.originator_id.removeprefix("command/"))
        if isinstance(event, Command.Answered) and event.accepted:
            await self.amend(errand.serial_number, lambda c: c.deliver(cause, self.clock()))
        else:
            reason = event.reason or "the station did not say why"
            await self.amend(errand.serial_number, lambda c: c.decline(reason, cause, self.clock()))

    async def revoke(self, serial_number: str, reason: str, operator: str) -> Certificate:
        """Declare a certificate invalid. Raises Refusal if it is not one of ours, or is already."""
        cause = Operator(name=operator)
        return await self.amend(serial_number, lambda c: c.revoke(reason, cause, self.clock()))

    async def amend(self, serial_number: str, decide: Callable[[Certificate], None]) -> Certificate:
        return await amend(self.journal, self.history, lambda: Certificate(stream(serial_number)), decide)

    def expel(self, certificate: Certificate) -> None:
        """A revoked certificate does not keep an old connection open."""
        session = self.held(certificate.station_id or "")
        if session is not None and session.line is not None and session.certificate == certificate.serial_number:
            session.line.close("its certificate was revoked")

    async def watch(self) -> None:
        """Renew for ever."""
        while True:
            await asyncio.sleep(ROUND_S)
            try:
                await self.renew()
            except Exception as error:
                log.error("certificates could not be renewed, trying again: %s", error)

    async def renew(self) -> None:
        """Ask the stations here for a new request where a certificate ends soon; again after an hour."""
        now = self.clock()
        for certificate in list(newest(self.known.values())):
            station_id = certificate.station_id or ""
            key = (station_id, certificate.kind)
            if not certificate.expiring(self.renewal, now) or self.held(station_id) is None:
                continue
            if key in self.asked and now - self.asked[key] < ASK_AGAIN:
                continue
            self.asked[key] = now
            cause: AnyCause = Timer(rule="certificate renewal")
            await self.amend(certificate.serial_number, lambda c, cause=cause: c.renew(cause, now))  # type: ignore[misc]
            await self.orders.request(station_id, RENEW, {"kind": certificate.kind}, "certificate renewal")


def newest(certificates: Iterable[Certificate]) -> Iterable[Certificate]:
    """The one a station uses of each kind (A02.FR.09)."""
    found: dict[tuple[str | None, str], Certificate] = {}
    for certificate in certificates:
        key = (certificate.station_id, certificate.kind)
        if certificate.delivered and (key not in found or certificate.not_before > found[key].not_before):
            found[key] = certificate
    return found.values()
