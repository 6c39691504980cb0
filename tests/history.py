"""Histories for tests: what a few stations said, decided by the real session, without a network or a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar, cast

import msgspec
import orjson

from adapters.ocpp.dialect import Dialect
from adapters.ocpp.version import DIALECTS
from application.badge import Badges
from application.journal import Done, Journal, Writer
from application.number import Numbers
from application.session import NotLoaded, Rules, Session
from application.store import EventMapper, Store
from domain.access import Access
from domain.access import stream as access_stream
from domain.admission import Admission
from domain.advenir import Advenir
from domain.allowance import Allowance
from domain.assignment import Assignment, Scope
from domain.badge import Badge, Place, Terms
from domain.badge import stream as badge_stream
from domain.benefit import BenefitRule
from domain.bill import Account, Benefit, Bill, Source
from domain.bill import stream as bill_stream
from domain.catalog import Recorded
from domain.certificate import Certificate
from domain.command import Command
from domain.driver import Details as DriverDetails
from domain.driver import Driver
from domain.event import Connection, Event, Message, Operator, Order, Timer, Transfer
from domain.export import Export, period_of
from domain.file import File
from domain.invoice import Content, Document, Invoice
from domain.invoice import Item as BillItem
from domain.job import Job, Kind
from domain.locallist import Entry, Limits, LocalList, Part
from domain.locallist import stream as locallist_stream
from domain.payer import Details as PayerDetails
from domain.payer import Payer
from domain.point import Equipment, Outlet, Point
from domain.preflight import Defect
from domain.price import Line, Priced, Unpriced, taxes
from domain.pricelist import Pricelist
from domain.qualicharge import Draft, Item, session_id
from domain.qualicharge import stream as qualicharge_stream
from domain.reservation import Reservation
from domain.seller import Details as SellerDetails
from domain.seller import Seller
from domain.series import Series
from domain.signature import Judgement, Key, MeterKey, Signature, digest, key_stream
from domain.signature import stream as signature_stream
from domain.site import Details, Premises, Site
from domain.sponsorship import Sponsorship
from domain.station import Station
from domain.submission import Submission
from domain.swap import Swap
from domain.tariff import Component, Element, Tariff
from domain.tariff import Terms as TariffTerms
from domain.token import Token
from domain.token import stream as token_stream
from domain.transaction import Transaction
from domain.trust import Held, Trust
from domain.uptime import Figures, Uptime
from domain.webhook import Webhook
from domain.x509 import HashData
from domain.yardstick import Method, Yardstick

BEGIN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
A = TypeVar("A")
HEARD = BEGIN + timedelta(hours=1)
"""When we hear of it: what stations tell has happened before."""


class Notebook:
    """Stands in for the journal: durable at once, in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def submit(self, events: Sequence[Event], writer: Writer, done: Done) -> None:
        self.events += events
        done(None)

    def rows(self) -> list[Recorded]:
        """What the store would hold."""
        stored = [EventMapper(cast(Any, None)).to_stored_event(event) for event in self.events]
        return [
            Recorded(position, str(row.originator_id), row.originator_version, row.topic, row.state)
            for position, row in enumerate(stored, 1)
        ]

    def save(self, database: str) -> None:
        """Put everything into a real store."""
        store = Store(database)
        try:
            mapper = EventMapper(cast(Any, None))
            store.recorder.insert_events([mapper.to_stored_event(event) for event in self.events])
        finally:
            store.close()


class Talk:
    """One station that talks to a real session; every message takes a second."""

    def __init__(
        self, notebook: Notebook, station_id: str, version: str = "1.6", unknown_badges: str = "accept"
    ) -> None:
        self.notebook = notebook
        self.dialect: Dialect = DIALECTS[f"ocpp{version}"]
        journal = cast(Journal, notebook)
        badges = Badges(cast(Any, None), cast(Any, unknown_badges))
        numbers = Numbers(journal, cast(Any, None), "g1")
        numbers.free.extend(range(1000 * (1 + len(notebook.events)), 1000 * (1 + len(notebook.events)) + 500))
        self.session = Session(Station(f"station/{station_id}"), {}, Rules(journal, badges, numbers, "accept", 300))
        self.now = HEARD
        self.count = 0
        self.link = Connection(connection_id=f"c-{station_id}", gateway="g1")
        self.session.station.connect(self.link, version, self.now)
        self.session.commit(lambda error: None)

    def say(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """One CALL, as the connection would hand it on; returns the answer."""
        self.now += timedelta(seconds=1)
        self.count += 1
        message = Message(
            version=self.dialect.version,
            action=action,
            message_id=f"m{self.count}",
            connection_id=self.link.connection_id,
            payload=msgspec.Raw(orjson.dumps(payload)),
        )
        self.session.begin(message, self.now)
        answer = self.loaded(lambda: self.dialect.hear[action](self.session, payload))
        message.answer = msgspec.Raw(answer)
        self.session.commit(lambda error: None)
        said: dict[str, Any] = orjson.loads(answer)
        return said

    def order(self, command: str, wish: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        """One command, as the connection would send it and heed its answer; returns what was said."""
        self.now += timedelta(seconds=1)
        self.count += 1
        self.session.begin(Order(command_id=f"{self.session.station_id}-{self.count}"), self.now)
        said = self.loaded(lambda: self.dialect.say[command](self.session, wish))
        self.loaded(lambda: self.dialect.heed[command](self.session, wish, said.payload, answer))
        self.session.commit(lambda error: None)
        return said.payload

    def loaded(self, step: Callable[[], A]) -> A:
        """What a connection does with streams that are not in memory: load them, and do the same again."""
        while True:
            try:
                return step()
            except NotLoaded as missing:
                known = [event for event in self.notebook.events if event.originator_id == missing.stream]
                self.session.keep(missing.kind(missing.stream).replay(known))

    def hang_up(self) -> None:
        self.session.station.disconnect("gone", self.link, self.now)
        self.session.commit(lambda error: None)

    def boot(self) -> dict[str, Any]:
        if self.dialect.version == "1.6":
            return self.say("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        return self.say("BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}})


def at(minute: float) -> str:
    return (BEGIN + timedelta(minutes=minute)).isoformat()


def status16(status: str, minute: float, connector: int = 1) -> dict[str, Any]:
    return {"connectorId": connector, "errorCode": "NoError", "status": status, "timestamp": at(minute)}


def start16(minute: float, register: int = 1000, badge: str = "B1", connector: int = 1) -> dict[str, Any]:
    return {"connectorId": connector, "idTag": badge, "meterStart": register, "timestamp": at(minute)}


def meter16(number: int | None, minute: float, register: float, soc: int | None = None) -> dict[str, Any]:
    samples = [{"value": str(register)}, {"value": "11000", "measurand": "Power.Active.Import", "unit": "W"}]
    if soc is not None:
        samples.append({"value": str(soc), "measurand": "SoC", "unit": "Percent"})
    payload: dict[str, Any] = {"connectorId": 1, "meterValue": [{"timestamp": at(minute), "sampledValue": samples}]}
    return payload if number is None else payload | {"transactionId": number}


def stop16(number: int, minute: float, register: int, reason: str = "Local") -> dict[str, Any]:
    return {"transactionId": number, "meterStop": register, "timestamp": at(minute), "reason": reason}


def event2(
    kind: str, seq_no: int, minute: float, register: float | None = None, state: str | None = None, **more: Any
) -> dict[str, Any]:
    info: dict[str, Any] = {"transactionId": more.pop("id", "tx")}
    if state is not None:
        info["chargingState"] = state
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": at(minute),
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": info,
    }
    if register is not None:
        payload["meterValue"] = [{"timestamp": at(minute), "sampledValue": [{"value": register}]}]
    return payload | more


TOKEN: dict[str, Any] = {"idToken": {"idToken": "B2", "type": "ISO14443"}, "evse": {"id": 1, "connectorId": 1}}


def busy_day() -> Notebook:
    """Two stations, every kind of event that a projection shows, some of it late, doubled or out of order."""
    notebook = Notebook()
    old = Talk(notebook, "OLD")
    old.boot()
    old.say("StatusNotification", status16("Available", 0, 0))
    old.say("StatusNotification", status16("Preparing", 1))
    first = old.say("StartTransaction", start16(2))["transactionId"]
    old.say("StatusNotification", status16("Charging", 3))
    old.say("MeterValues", meter16(first, 5, 1500, 40))
    old.say("MeterValues", meter16(first, 4, 1250, 35))
    old.say("Heartbeat", {})
    old.say("StopTransaction", stop16(first, 9, 2000))
    old.say("StopTransaction", stop16(first, 9, 2000, "EVDisconnected"))
    old.say("MeterValues", meter16(first, 8, 1900, 50))
    old.say("StatusNotification", status16("Available", 10))
    old.say("StatusNotification", status16("Faulted", 6))
    second = old.say("StartTransaction", start16(11, 0, "B3"))["transactionId"]
    old.say("MeterValues", meter16(second, 12, 910_031))
    old.say("StartTransaction", start16(20, 910_100, "B4"))
    old.say("StopTransaction", stop16(999_999, 21, 5))
    old.session.begin(old.link, old.now)
    old.session.notice("unknown field")
    old.session.commit(lambda error: None)
    old.say("DataTransfer", {"vendorId": "x", "data": "y"})
    settled(old)
    new = Talk(notebook, "NEW", "2.0.1")
    new.boot()
    new.say("StatusNotification", {"timestamp": at(0), "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1})
    new.say("TransactionEvent", event2("Updated", 1, 2, 600, "Charging"))
    new.say("TransactionEvent", event2("Started", 0, 1, 500, **TOKEN))
    new.say("TransactionEvent", event2("Updated", 2, 3, 700, "SuspendedEV"))
    new.say("TransactionEvent", event2("Updated", 2, 3, 700, "SuspendedEV"))
    new.say("TransactionEvent", event2("Ended", 3, 4, 800))
    new.say("TransactionEvent", event2("Started", 0, 10, 900, "Charging", **TOKEN))
    new.say("TransactionEvent", event2("Updated", 3, 12, 950))
    new.say("TransactionEvent", event2("Updated", 2, 11, 940))
    new.hang_up()
    commands(notebook)
    limits(notebook)
    grid(notebook)
    reservations(notebook)
    tariffs(notebook)
    points(notebook)
    badges(notebook)
    webhooks(notebook)
    drivers(notebook)
    bills(notebook)
    jobs(notebook)
    extras(notebook)
    local_lists(notebook)
    exports(notebook)
    certificates(notebook)
    notebook.events += denied()
    devices(notebook)
    signatures(notebook)
    told_qualicharge(notebook)
    accesses(notebook)
    submissions(notebook)
    notebook.events.sort(key=lambda event: event.recorded_at)  # positions grow with time
    return notebook


def told_qualicharge(notebook: Notebook) -> None:
    """Items of every fate."""
    cause = Timer(rule="qualicharge")
    ends = ("accepted", "confirmed", "refused", "uncertain", "superseded", "withheld", "returned", "retried")
    for number, end in enumerate(ends):
        item = Item(qualicharge_stream(session_id(end)))
        begin, point = BEGIN + timedelta(minutes=number), "FRXYZE1"
        payload = {"id_pdc_itinerance": point, "start": begin.isoformat(), "end": HEARD.isoformat(), "energy": 7.5}
        draft = Draft(
            kind="SESSION", point=point, station_id="OLD", evse_id=1, payload=payload, position=1, transaction_id=end
        )
        item.prepare(draft, (("11", "too much"),) if end in ("withheld", "retried") else (), cause, begin)
        if end == "superseded":
            item.supersede("a newer one says more", cause, HEARD)
        item.send("b1", cause, HEARD)
        if end in ("accepted", "confirmed"):
            item.accept("uuid", cause, HEARD)
        match end:
            case "confirmed":
                item.confirm(cause, HEARD)
            case "refused":
                item.refuse(404, "unknown point", cause, HEARD)
            case "uncertain":
                item.doubt("no answer", cause, HEARD)
            case "returned":
                item.give_back("not reached", cause, HEARD)
            case "retried":
                item.retry(Operator(name="anna"), HEARD)
        notebook.events += item.collect_events()


def signatures(notebook: Notebook) -> None:
    """Signed values in every version, with verdicts of every kind, and keys of meters."""
    cause = Timer(rule="signature")
    old, new = Talk(notebook, "SIGN16"), Talk(notebook, "SIGN201", "2.0.1")
    number = old.say("StartTransaction", start16(2, badge="S1"))["transactionId"]
    sample = {"format": "SignedData", "value": "OCMF|old|", "context": "Transaction.End"}
    told = {"timestamp": at(9), "sampledValue": [sample, {"value": "2000"}]}
    old.say("StopTransaction", stop16(number, 9, 2000) | {"transactionData": [told]})
    values = [{"value": n, "signedMeterValue": {"signedMeterData": f"OCMF|{n}|", "encodingMethod": "OCMF",
                                                "signingMethod": "", "publicKey": ""}} for n in (1, 2, 3)]  # fmt: skip
    told = {"timestamp": at(1), "sampledValue": values}
    new.say("TransactionEvent", event2("Started", 0, 1, id="signed", meterValue=[told], **TOKEN))
    key = Key(text="30aa", source="STATION")
    found = (
        Judgement(verdict="VALID", key=key, meter="M1"),
        Judgement(verdict="INVALID", key=key, reason="altered", meter="M1"),
        Judgement(verdict="NO_KEY", reason="no key", meter="M1"),
    )
    for event in [e for e in notebook.events if isinstance(e, Transaction.Signed)]:
        signature = Signature(signature_stream(event.originator_id.partition("/")[2]))
        for value, judgement in zip(event.values, found, strict=False):
            signature.judge(digest(value.text), event.station_id, event.evse_id, judgement, None, cause, HEARD)
        notebook.events += signature.collect_events()
    keys = MeterKey(key_stream("SIGN201"))
    for evse_id in (0, 1):
        keys.register(evse_id, "30" + "00" * 90, "M1", Operator(name="anna"), BEGIN)
    keys.remove(0, Operator(name="anna"), HEARD)
    notebook.events += keys.collect_events()


def accesses(notebook: Notebook) -> None:
    """A token that is used, one that is revoked, one of a driver; and requests that were refused."""
    cause, until = Operator(name="anna"), BEGIN + timedelta(days=90)
    for number, (name, role) in enumerate((("meter", "viewer"), ("lost", "operator"), ("dora", "driver"))):
        token = Token(token_stream(f"{number:012x}"))
        badges = ("b1",) if role == "driver" else ()
        token.issue(name, f"{number:064x}", (role,), until, cause, BEGIN, ("lyon",), badges, ("Query.me",))
        if name == "meter":
            token.use(Timer(rule="first use in an hour"), HEARD)
        if name == "lost":
            token.revoke("left in a train", cause, HEARD)
        notebook.events += token.collect_events()
    access, facts = Access(access_stream(BEGIN)), {"code": "FORBIDDEN", "reason": "no", "asked": "Query.events"}
    access.record(Access.Refused, Transfer(address="192.0.2.1"), BEGIN, **facts, name="vera", address="192.0.2.1")
    access.record(Access.Refused, Timer(rule="refusals of a minute"), HEARD, **facts, times=7)
    notebook.events += access.collect_events()


def local_lists(notebook: Notebook) -> None:
    """A list of every fate."""
    cause, entries = Operator(name="anna"), (Entry(badge="b1", status="Accepted"),)
    for end in ("asked", "sent", "synchronised", "abandoned", "reported"):
        known = LocalList(locallist_stream(f"L-{end}"))
        known.automate(True, cause, BEGIN)
        known.request(True, None, Limits(), cause, BEGIN)
        if end != "asked":
            known.send("c1", Part(1, True, entries, 3), cause, BEGIN)
        match end:
            case "synchronised":
                known.install("c1", cause, BEGIN)
                known.complete(cause, BEGIN)
            case "abandoned":
                known.refuse("c1", "NotSupported", False, cause, BEGIN)
            case "reported":
                known.refuse("c1", "Failed", True, cause, BEGIN)
                known.report(7, cause, BEGIN)
        notebook.events += known.collect_events()


def exports(notebook: Notebook) -> None:
    """One that arrives at the second try, one that never does, one that nobody wants any more."""
    cause = Operator(name="anna")
    for name in ("arrives", "fails", "stopped"):
        export = Export(f"export/{name}")
        export.schedule(
            "stations", "csv", "DAY", "03:00", "Europe/Paris", name, {"preset": "plain"}, None, cause, BEGIN
        )
        span = period_of(cast(Export.Scheduled, export.wish), BEGIN)
        if name != "stopped":
            export.fail(span, "disk full", cause, BEGIN)
        if name == "arrives":
            export.deliver(span, "stations.csv", 2, 99, "00", 7, cause, BEGIN)
        if name == "stopped":
            export.stop(cause, BEGIN)
        notebook.events += export.collect_events()


def submissions(notebook: Notebook) -> None:
    """What Advenir is told: accepted at the second try, refused, abandoned, withheld, made again; a point gone."""
    cause, timer = Operator(name="anna"), Timer(rule="advenir")
    for evse_id, identifier in ((1, "FR*XYZ*EOLD*1"), (2, "OLD")):
        point = Advenir(f"advenir/OLD/{evse_id}")
        point.register("OLD", evse_id, identifier, BEGIN, 22_000.0, cause, BEGIN)
        if evse_id == 2:
            point.remove("OLD", evse_id, cause, HEARD)
        notebook.events += point.collect_events()
    about: dict[str, Any] = {"station_id": "OLD", "evse_id": 1, "identifier": "FR*XYZ*EOLD*1",
                             "first_position": 7, "last_position": 19}  # fmt: skip
    told: dict[str, Any] = {"mode": "operation", "start": 1_700_000_000, "energy_wh": 7000, "points": 2}
    request: dict[str, Any] = {"verb": "POST", "url": "https://test", "user_id": "u", "size": 1, "body_sha256": "0"}
    falls = Defect(rule="rising", what="the index falls", where="x", values={"value": 1, "before": 2})
    for number, name in enumerate(("arrives", "refused", "withheld", "mended", "waits")):
        each = Submission(f"submission/{name}")
        own = about | {"transaction_id": name}
        if name in ("withheld", "mended"):
            each.withhold([falls] * (2 + number), cause, HEARD, **own)
        if name == "mended":
            each.reopen("the meter was replaced", cause, HEARD)
        if name != "withheld":
            each.prepare("{}", timer, HEARD, stop=1_700_003_600 + number, **told, **own)
        if name in ("arrives", "refused"):
            each.submit("b1", timer, HEARD, **request)
        if name == "arrives":
            each.fail("b1", "HTTP 500", 500, None, False, timer, HEARD)
            each.submit("b2", timer, HEARD, **request)
            each.accept("b2", "202", "{}", timer, HEARD)
        if name == "refused":
            each.refuse("b1", "201", "the index does not rise", "{}", timer, HEARD)
            each.abandon("a meter of before", cause, HEARD)
        notebook.events += each.collect_events()


def badges(notebook: Notebook) -> None:
    """Badges of every fate, and a charge told a day late with one that was blocked."""
    cause = Operator(name="anna")
    for number, end in enumerate(("registered", "blocked", "unblocked", "expired", "removed", "registered again")):
        badge = Badge(badge_stream(f"b{number}"))
        terms = Terms(group="family", stations=("OLD",), evses=(Place("NEW", 1),), cache_s=60, expires_at=BEGIN)
        badge.register(f"b{number}", terms, cause, BEGIN)
        if end in ("blocked", "unblocked"):
            badge.block("lost", cause, BEGIN)
        match end:
            case "unblocked":
                badge.unblock("found", cause, BEGIN)
            case "expired":
                badge.register(f"B{number}", Terms(), cause, BEGIN)
                badge.expire("left", cause, BEGIN)
            case "removed" | "registered again":
                badge.remove("gone", cause, BEGIN)
        if end == "registered again":
            badge.register(f"B{number}", Terms(kind="eMAID"), cause, BEGIN)
            badge.assign("one", cause, BEGIN)
            badge.unassign("given back", cause, BEGIN)
            badge.assign("two", cause, BEGIN)
        if end == "unblocked":
            badge.assign("one", cause, BEGIN)
            badge.forget("asked for", "one", cause, BEGIN)
        notebook.events += badge.collect_events()
    late = Talk(notebook, "LATE", unknown_badges="reject")
    late.say("Authorize", {"idTag": "b1"})
    late.say("StartTransaction", start16(-1440, badge="b1"))
    free = Talk(notebook, "FREE", "2.0.1")
    free.say("TransactionEvent", event2("Started", 0, 1, id="free"))
    free.say("TransactionEvent", event2("Updated", 1, 2, id="free") | TOKEN)


def drivers(notebook: Notebook) -> None:
    """Two drivers; one is forgotten."""
    cause = Operator(name="anna")
    one, two = Driver("driver/one"), Driver("driver/two")
    one.register(DriverDetails(full_name="Paul Martin", email="paul@example.org"), cause, BEGIN)
    two.register(DriverDetails(full_name="Lea", language="fr", site="lyon"), cause, BEGIN)
    two.register(DriverDetails(full_name="Lea Petit", employer="ACME"), cause, BEGIN)
    one.forget("asked for", 1, 7, 0, cause, BEGIN)
    notebook.events += [*one.collect_events(), *two.collect_events()]


def priced(amount: str) -> Priced:
    """An hour, a line of energy with VAT."""
    excl = Decimal(amount)
    vat = excl / 5
    line = Line(
        subject="ENERGY", quantity=excl * 4, measured=excl * 4, unit="kWh", unit_price=Decimal("0.25"),
        vat_percent=Decimal(20), excl_vat=excl, vat=vat, incl_vat=excl + vat, element=0, begin=BEGIN,
        end=BEGIN + timedelta(hours=1),
    )  # fmt: skip
    return Priced(
        currency="EUR", tariff_id="T1", tariff_version=1, policy="line-half-up-1", tax_included=False, lines=(line,),
        taxes=taxes((line,)), excl_vat=excl, vat=vat, incl_vat=excl + vat, exact_excl_vat=excl,
        exact_incl_vat=excl + vat, energy_kwh=excl * 4, charging_h=Decimal(1), parking_h=Decimal(0),
        reservation_h=Decimal(0), begin=BEGIN, end=BEGIN + timedelta(hours=1), final=True,
    )  # fmt: skip


def bills(notebook: Notebook) -> None:
    """A bill of every fate, on an invoice and on a credit note; who pays, and by which rules."""
    cause, until = Operator(name="anna"), BEGIN + timedelta(days=9)
    payer, seller, grant = Payer("payer/acme"), Seller("seller/main"), Sponsorship("sponsorship/1")
    payer.register(PayerDetails(full_name="ACME"), cause, BEGIN)
    payer.register(PayerDetails(full_name="ACME SAS", split="COST_CENTRE"), cause, BEGIN)
    seller.register(SellerDetails(name="Bornes SAS"), cause, BEGIN)
    grant.grant("acme", "two", None, "R&D", True, BEGIN, until, cause, BEGIN)
    grant.end(None, cause, HEARD)
    home, rule = Allowance("allowance/1"), BenefitRule("benefit/work")
    home.agree("two", "NEW", Decimal("0.2062"), "EUR", BEGIN.date(), None, "contract", False, cause, BEGIN)
    home.end(BEGIN.date(), cause, BEGIN)
    rule.rule(Decimal(0), BEGIN.date(), None, ("lyon",), "the law", cause, BEGIN)
    rule.repeal(cause, BEGIN)
    known = sorted({
        (event.originator_id.removeprefix("transaction/"), event.station_id) for event in notebook.events
        if isinstance(event, Transaction.Ended) and event.station_id in ("OLD", "NEW")
    })  # fmt: skip
    account = Account(payer_id="acme", sponsorship_id="1", cost_centre="R&D", driver_id="two")
    items, fates = [], ("invoiced", "credited", "released", "withheld")
    for (transaction_id, station_id), fate in zip(known, fates, strict=False):
        bill = Bill(bill_stream(transaction_id))
        source = Source(station_id=station_id, month="2026-11", first_position=1, last_position=2)
        doubt = Unpriced(code="QUARANTINED", reason="the meter ran backwards")
        if fate in ("withheld", "released"):
            bill.settle(doubt, source, account, 2, cause, HEARD)
        if fate == "released":
            bill.release("seen", priced("2.00"), source, account, cause, HEARD, energy_kwh=Decimal(8))
        if fate in ("credited", "invoiced"):
            bill.settle(priced("3.00"), source, account, 2, cause, HEARD)
            benefit = Benefit(driver_id="two", cost=Decimal("3.60"), value=Decimal(0), currency="EUR", rule_id="work")
            bill.value(home.reimburse(Decimal(12)), benefit, cause, HEARD)
            bill.invoice(1, "one", cause, HEARD)
            items.append(BillItem(transaction_id, 1))
        if fate == "credited":
            bill.settle(priced("4.00"), source, account, 3, cause, HEARD)
            bill.deduct(1, "one", "two", False, cause, HEARD)
        if fate == "invoiced":
            bill.deduct(1, "one", "two", True, cause, HEARD)
        notebook.events += bill.collect_events()
    content = Content(
        kind="INVOICE", seller_id="main", payer_id="acme", month="2026-11", currency="EUR", items=tuple(items),
        excl_vat=Decimal(6), vat=Decimal("1.20"), incl_vat=Decimal("7.20"), cost_centre="R&D",
    )  # fmt: skip
    paper = Document(key="k", sha256="0" * 64, size_bytes=9)
    invoice, dropped, series = Invoice("invoice/one"), Invoice("invoice/gone"), Series("series/main/F2026")
    invoice.draw(content, cause, HEARD)
    dropped.draw(content, cause, HEARD)
    dropped.drop("draft again", cause, HEARD)
    number = series.number("one", HEARD.date(), cause, HEARD)
    invoice.issue(number, HEARD.date(), until.date(), paper, paper, cause, HEARD)
    invoice.credit("two", "A2026-000001", Decimal("7.20"), cause, HEARD)
    for aggregate in (payer, seller, grant, home, rule, invoice, dropped, series):
        notebook.events += aggregate.collect_events()


def settled(talk: Talk) -> None:
    """An operator binds an orphan to a charge, and closes another that its station left open."""
    numbers = [talk.say("StartTransaction", start16(30, 50, badge, 2))["transactionId"] for badge in ("B5", "B6")]
    opened = {known.station_transaction_id: known for known in talk.session.station.transactions.values()}
    talk.say("StopTransaction", stop16(888_888, 40, 150))
    talk.session.begin(Operator(name="anna"), talk.now)
    bound, closed = (talk.session.transaction(opened[str(number)].transaction_id) for number in numbers)
    talk.session.bind(max(talk.session.station.orphans), bound)
    talk.session.close(closed, "the car is gone")
    talk.session.commit(lambda error: None)


def commands(notebook: Notebook) -> None:
    """One command of every fate."""
    cause, raw = Operator(name="anna"), msgspec.Raw(b'{"status":"Accepted"}')
    for number, end in enumerate(("accepted", "rejected", "refused", "failed", "timed out", "expired", "open")):
        command = Command(f"command/{number}")
        command.request("OLD", "reset", {"kind": "SOFT"}, "anna", BEGIN + timedelta(minutes=1), cause, BEGIN)
        if end not in ("refused", "expired", "open"):
            command.send("c", "m", "Reset", raw, cause, BEGIN)
        match end:
            case "accepted" | "rejected":
                command.answer(end == "accepted", raw, None if end == "accepted" else "Rejected", cause, BEGIN)
                command.give_up("no charge began", cause, BEGIN)
                if end == "accepted":
                    command.fulfil("t", cause, BEGIN)
            case "refused":
                command.close(Command.Refused, "cannot", cause, BEGIN)
            case "failed":
                command.close(Command.Failed, "broke", cause, BEGIN)
            case "timed out":
                command.close(Command.TimedOut, "silent", cause, BEGIN)
            case "expired":
                command.close(Command.Expired, "late", cause, BEGIN)
        notebook.events += command.collect_events()


def tariffs(notebook: Notebook) -> None:
    """A site, a tariff in two versions, one that was withdrawn, and two assignments."""
    cause, now = Operator(name="anna"), BEGIN
    site = Site("site/lyon")
    site.register(Details(name="Lyon", city="Lyon", country="FR", time_zone="Europe/Paris"), cause, now)
    tariff, gone = Tariff("tariff/T1"), Tariff("tariff/OLD")
    for price in ("0.30", "0.45"):
        energy = Component(type="ENERGY", price=Decimal(price), vat_percent=Decimal(20))
        tariff.publish(TariffTerms(currency="EUR", elements=(Element(components=(energy,)),)), cause, now)
    gone.publish(TariffTerms(currency="EUR", elements=(Element(components=(energy,)),)), cause, now)
    gone.withdraw("too dear", cause, now)
    everywhere, here = Assignment("assignment/1"), Assignment("assignment/2")
    everywhere.assign("T1", Scope(), now, None, cause, now)
    here.assign("T1", Scope(station_id="OLD", evse_id=1, group="fleet"), now, now + timedelta(days=1), cause, now)
    here.revoke(cause, now + timedelta(hours=1))
    for aggregate in (site, tariff, gone, everywhere, here):
        notebook.events += aggregate.collect_events()


PREMISES = Premises(
    owner="Métropole", owner_siren="130025265", owner_contact="o@example.org", operator_contact="c@example.org",
    operator_phone="0111111111", brand="Bornes", pool_id="FRA68P69001", setting="STREET", insee="69383",
    longitude=Decimal("4.85"), latitude=Decimal("45.76"), entry="FREE", hours="24/7", two_wheelers=False,
    connection="DIRECT", delivery_point="12345678912345", opened_on=date(2026, 1, 14),
)  # fmt: skip
EQUIPMENT = Equipment(
    site="lyon", evse_uid="FRA68E690011", power_kw=Decimal(22), pay_per_use=True, bookable=False,
    outlets=(Outlet(socket="TYPE_2", tethered=True), Outlet(socket="EF")), accessibility="UNKNOWN",
    size_limit="aucune",
)  # fmt: skip


def points(notebook: Notebook) -> None:
    """Charge points: one to be published, one of which little is said, one withdrawn; maintenance ahead."""
    cause, soon = Operator(name="anna"), BEGIN + timedelta(hours=3)
    site = Site("site/lyon").replay([event for event in notebook.events if event.originator_id == "site/lyon"])
    site.register(msgspec.structs.replace(site.details or Details(), address="1 rue", operator="Bornes"), cause, BEGIN)
    site.declare(PREMISES, cause, BEGIN)
    whole, bare, gone = Point("point/OLD/1"), Point("point/NEW/1"), Point("point/SMART/1")
    whole.describe(EQUIPMENT, cause, BEGIN)
    whole.plan(soon, soon + timedelta(hours=1), "cable", cause, BEGIN)
    whole.plan(soon + timedelta(days=1), soon + timedelta(days=2), "again", cause, BEGIN)
    whole.cancel(3, cause, HEARD)
    bare.describe(Equipment(evse_uid="FRA68E690012"), cause, BEGIN)
    gone.describe(EQUIPMENT, cause, BEGIN)
    gone.withdraw("dismantled", cause, HEARD)
    yardstick, uptime = Yardstick(), Uptime("uptime/OLD/1")
    yardstick.adopt("2026-10", Method(unreachable="DOWN"), "asked for", cause, HEARD)
    for rule in (0, 1):
        figures = Figures(up_s=2_600_000, down_s=70_000 + rule, unknown_s=400 - rule)
        uptime.measure("2026-10", BEGIN - timedelta(days=53), rule, figures, cause, HEARD)
    for aggregate in (site, whole, bare, gone, yardstick, uptime):
        notebook.events += aggregate.collect_events()


def reservations(notebook: Notebook) -> None:
    """One reservation of every fate."""
    cause, until = Operator(name="anna"), BEGIN + timedelta(minutes=30)
    ends: list[Callable[[Reservation], None]] = [
        lambda each: None,
        lambda each: each.refuse("Occupied", cause, BEGIN),
        lambda each: each.place(cause, BEGIN),
        lambda each: each.use("t", BEGIN, cause, BEGIN),
        lambda each: each.cancel(cause, BEGIN),
        lambda each: each.expire(cause, until),
        lambda each: each.remove("Removed", cause, BEGIN),
    ]
    for number, end in enumerate(ends, 1):
        reservation = Reservation(f"reservation/{number}")
        reservation.request("OLD", f"B{number}", until, "anna", cause, BEGIN, evse_id=number)
        if number > 3:
            reservation.place(cause, BEGIN)
        end(reservation)
        notebook.events += reservation.collect_events()


def jobs(notebook: Notebook) -> None:
    """A firmware update that is done in pieces, a log that arrives, one that cannot, and a list that we push."""
    cause, now = Operator(name="anna"), BEGIN + timedelta(minutes=30)
    image, received, gone = (File(f"file/{name}") for name in ("image", "log", "gone"))
    facts: dict[str, Any] = {"size_bytes": 1000, "sha256": "ab" * 32, "md5": "cd" * 16, "stored_by": "anna"}
    image.store(cause, now, name="fw.bin", purpose="FIRMWARE", **facts)
    received.store(cause, now, name="a.log", purpose="LOG", station_id="NEW", job_id="2", **facts)
    gone.store(cause, now, name="old.bin", purpose="FIRMWARE", **facts)
    gone.delete("anna", cause, now)
    firmware = asked("1", "SIGNED_FIRMWARE", cause, file_id="image", file_name="fw.bin", size_bytes=1000)
    firmware.send(7, 1, cause, now)
    firmware.accept(None, 2, cause, now)
    firmware.begin_download(0, cause, now)
    firmware.end_download(400, False, cause, now)
    firmware.begin_download(400, cause, now)
    firmware.end_download(1000, True, cause, now)
    firmware.report("Downloaded", 3, None, cause, now)
    firmware.report("Installed", 4, None, cause, now)
    upload = asked("2", "LOG", cause, token_hash="ef" * 32)
    upload.accept("a.log", 1, cause, now)
    upload.refuse_upload("the disk is full", cause, now)
    upload.receive("log", "a.log", 1000, "ab" * 32, cause, now)
    upload.report("Uploaded", 2, None, cause, now)
    late = asked("3", "DIAGNOSTICS", cause)
    late.expire(cause, now + timedelta(hours=2))
    pushed = asked("4", "LOCAL_LIST", cause)
    pushed.progress("2 of 4 parts", 50.0, cause, now)
    for aggregate in (image, received, gone, firmware, upload, late, pushed):
        notebook.events += aggregate.collect_events()


def asked(job_id: str, kind: Kind, cause: Operator, **facts: Any) -> Job:
    job = Job(f"job/{job_id}")
    deadline = BEGIN + timedelta(hours=1)
    job.request(cause, BEGIN, station_id="NEW", kind=kind, requested_by="anna", deadline=deadline, **facts)
    return job


def extras(notebook: Notebook) -> None:
    """What only OCPP 2.1 stations do, what touches security, and what cannot be accepted."""
    talk = Talk(notebook, "EXTRA", "2.1")
    talk.boot()
    talk.say("SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": at(1)})
    settled = {"pspRef": "p", "status": "Settled", "settlementAmount": 12.35, "settlementTime": at(2)}
    talk.say("NotifySettlement", settled | {"vatCompany": {"name": "A", "address1": "B", "city": "C", "country": "D"}})
    talk.say("VatNumberValidation", {"vatNumber": "FR40303265045"})
    battery = [{"evseId": 1, "serialNumber": "s", "soC": 20, "soH": 90}]
    for number, kind in enumerate(("BatteryIn", "BatteryOut", "BatteryOutTimeout"), 5):
        token = {"idToken": "B1", "type": "ISO14443"}
        swap = {"eventType": kind, "requestId": min(number, 6), "idToken": token, "batteryData": battery}
        talk.say("BatterySwap", swap)
    cause = Operator(name="anna")
    pricelist = Pricelist("pricelist/EXTRA")
    pricelist.install(0, {"tariffId": "day", "currency": "EUR"}, cause, BEGIN)
    pricelist.install(1, {"tariffId": "night", "currency": "EUR"}, cause, BEGIN)
    pricelist.compare(1, {(1, "own"): "DRIVER"}, cause, BEGIN)
    pricelist.switch("t", {"tariffId": "own"}, cause, BEGIN)
    notebook.events += pricelist.collect_events()
    arranged = Swap("swap/ARRANGED")
    arranged.record(Swap.Arranged, cause, BEGIN, station_id="ARRANGED", request_id=1, badge="B1")
    notebook.events += arranged.collect_events()
    talk.session.begin(Message(version="2.1", action="X", message_id="m", connection_id="c"), talk.now)
    talk.session.tell(Station.MessageRefused, raw="[2]", code="NotImplemented", reason="none")
    talk.session.commit(lambda error: None)


def certificates(notebook: Notebook) -> None:
    """What we signed, of every fate, and what two listings and an answer told about the store of a station."""
    cause = Operator(name="anna")
    for number, end in enumerate(("signed", "delivered", "declined", "due", "revoked")):
        certificate = Certificate(f"certificate/{number:x}f")
        life = {"not_before": HEARD, "not_after": HEARD + timedelta(days=number)}
        facts = {"station_id": "NEW", "kind": "V2GCertificate", "common_name": "NEW", "chain": "PEM"}
        certificate.sign(cause, HEARD, **facts, **life)
        if end in ("delivered", "due", "revoked"):
            certificate.deliver(cause, HEARD)
        match end:
            case "declined":
                certificate.decline("Rejected", cause, HEARD)
            case "due":
                certificate.renew(cause, HEARD)
            case "revoked":
                certificate.revoke("stolen", cause, HEARD)
        notebook.events += certificate.collect_events()
    one, two, three = (HashData("SHA256", "AA", "BB", serial) for serial in ("1", "2", "3"))
    chain = Held("SHA256", "AA", "BB", "4", use="V2GCertificateChain", children=(one, two))
    root = Held("SHA256", "aa", "bb", "1", use="CSMSRootCertificate")
    trust = Trust("trust/NEW")
    trust.record(Trust.Listed, cause, HEARD, held=(chain, root))
    trust.record(Trust.Installed, cause, HEARD, use="V2GRootCertificate", certificate="PEM", hash_data=two)
    trust.record(Trust.Installed, cause, HEARD, use="MORootCertificate", certificate="PEM", hash_data=three)
    trust.record(Trust.Removed, cause, HEARD, hash_data=three)
    trust.record(Trust.Listed, cause, HEARD, uses=("V2GCertificateChain",))
    notebook.events += trust.collect_events()


def webhooks(notebook: Notebook) -> None:
    """Webhooks of every fate; one has dead letters, of which one arrives after all."""
    cause, known = Operator(name="anna"), ("station.booted.v1", "transaction.ended.v1")
    for number, end in enumerate(("active", "paused", "resumed", "disabled", "rotated", "removed")):
        hook = Webhook(f"webhook/{number}")
        hook.register("https://example.com/", ["transaction.*"], known, False, cause, BEGIN, "OLD", begin=number)
        if end in ("paused", "resumed"):
            hook.pause("maintenance", cause, BEGIN)
        match end:
            case "active":
                for position in (7, 8):
                    facts = {"subject": "transaction/1", "kind": "transaction.ended.v1", "attempts": 9}
                    hook.give_up(position, cause, BEGIN, first_tried_at=BEGIN, reason="422", **facts)
                hook.redeliver(7, cause, BEGIN)
                hook.arrive(7, cause, BEGIN)
                hook.replay_from(3, cause, BEGIN)
            case "resumed":
                hook.resume(cause, BEGIN)
            case "disabled":
                hook.disable("gone", 410, cause, BEGIN)
            case "rotated":
                hook.rotate(HEARD, cause, BEGIN)
                hook.test(500, "the target answered 500", cause, BEGIN)
            case "removed":
                hook.remove(cause, BEGIN)
        notebook.events += hook.collect_events()


def denied() -> Sequence[Event]:
    """Two who were not let in: one said who it was."""
    named, nameless = Admission("admission/OLD"), Admission("admission/-")
    link = Connection(connection_id="", gateway="", address="10.0.0.7:4711")
    facts: dict[str, Any] = {"address": "10.0.0.7:4711", "reason": "wrong password", "status": 401}
    named.record(Admission.Refused, link, HEARD, claimed_id="OLD", path="/ocpp/OLD", offered=("ocpp1.6",), **facts)
    nameless.record(Admission.Refused, link, HEARD, reason="unsupported protocol", unrecorded=7)
    return [*named.collect_events(), *nameless.collect_events()]


def limits(notebook: Notebook) -> None:
    """Smart charging: profiles installed, refused, reported, lost and cleared, limits of others, needs, sums."""
    new = Talk(notebook, "SMART", "2.1")
    new.boot()
    new.say("TransactionEvent", event2("Started", 0, 1, 500, id="smart", **TOKEN))
    (charge,) = new.session.transactions
    schedule = {"unit": "A", "start_schedule": at(0), "periods": [{"limit": "16"}, {"start_seconds": 60, "limit": "8"}]}
    most = {
        "id": 1,
        "purpose": "ChargingStationMaxProfile",
        "stack_level": 0,
        "kind": "Absolute",
        "schedules": [schedule],
    }
    now = {"unit": "A", "periods": [{"limit": "10"}]}
    own = {"purpose": "TxProfile", "stack_level": 0, "kind": "Relative", "schedules": [now], "transaction_id": charge}
    moving = {"id": 3, "purpose": "TxDefaultProfile", "stack_level": 0, "kind": "Dynamic", "schedules": [now]}
    yes, no = {"status": "Accepted"}, {"status": "Rejected"}
    for evse_id, wish in ((0, most), (1, own | {"id": 2}), (1, moving), (2, moving | {"id": 4, "stack_level": 1})):
        new.order("setChargingProfile", {"evse_id": evse_id, "charging_profile": wish}, yes)
    new.order("setChargingProfile", {"evse_id": 0, "charging_profile": most}, no)
    new.order("updateDynamicSchedule", {"profile_id": 3, "update": {"limit": "9.5"}}, yes)
    new.say("PullDynamicScheduleUpdate", {"chargingProfileId": 3})
    new.say("PullDynamicScheduleUpdate", {"chargingProfileId": 99})
    asked = new.order("getChargingProfiles", {"purpose": "TxDefaultProfile"}, yes)
    new.say("ReportChargingProfiles", report2(asked["requestId"], 3, 1))
    new.order("clearChargingProfile", {"profile_id": 1}, yes)
    wall = [{"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7}]}]
    new.say("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "EMS"}, "chargingSchedule": wall})
    new.say(
        "NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "SO", "isGridCritical": True}, "evseId": 1}
    )
    new.say("ClearedChargingLimit", {"chargingLimitSource": "SO", "evseId": 1})
    needs = {"energyAmount": 9000, "evMinCurrent": 6, "evMaxCurrent": 32, "evMaxVoltage": 230}
    wanted = {"requestedEnergyTransfer": "AC_three_phase", "acChargingParameters": needs, "departureTime": at(600)}
    new.say("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": wanted, "maxScheduleTuples": 3})
    new.say("NotifyEVChargingNeeds", {"evseId": 2, "chargingNeeds": wanted})
    new.say("NotifyEVChargingSchedule", {"evseId": 1, "timeBase": at(5), "chargingSchedule": wall[0]})
    new.say("NotifyPriorityCharging", {"transactionId": "smart", "activated": True})
    new.say("NotifyPriorityCharging", {"transactionId": "smart", "activated": False})
    new.order("notifyAllowedEnergyTransfer", {"transaction_id": charge, "transfers": ["DC"]}, yes)
    new.order("afrrSignal", {"signal": 5}, yes)
    sum_ = {"evseId": 1, "duration": 60, "scheduleStart": at(5), **wall[0]}
    del sum_["id"]
    new.order("getCompositeSchedule", {"evse_id": 1, "duration_seconds": 60}, yes | {"schedule": sum_})


def report2(request_id: int, profile_id: int, evse_id: int, **more: Any) -> dict[str, Any]:
    """A report of one dynamic profile (OCPP 2.1)."""
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}]}
    profile = {
        "id": profile_id,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Dynamic",
        "chargingSchedule": [schedule],
    }
    return {
        "requestId": request_id,
        "evseId": evse_id,
        "chargingLimitSource": "CSO",
        "chargingProfile": [profile],
    } | more


def grid(notebook: Notebook) -> None:
    """Distributed energy: controls set, superseded, begun, ended, reported, lost and cleared, and an alarm."""
    new = Talk(notebook, "GRID", "2.1")
    new.boot()
    curve = {"priority": 1, "unit": "PctMaxW", "points": [{"x": "50.2", "y": "100"}]}
    wish = {"control_type": "FreqWatt", "default": True, "settings": {"curve": curve}}
    yes, no = {"status": "Accepted"}, {"status": "NotSupported"}
    for name in ("a", "b", "c"):
        new.order("setDERControl", wish | {"control_id": name}, yes)
    new.order("setDERControl", wish | {"control_id": "d"}, yes | {"supersededIds": ["c"]})
    new.order("setDERControl", wish | {"control_id": "e"}, no)
    told = {"priority": 1, "yUnit": "PctMaxW", "curveData": [{"x": 50.2, "y": 100}]}
    line = {"id": "b", "curveType": "FreqWatt", "isDefault": True, "isSuperseded": False, "curve": told}
    asked = new.order("getDERControl", {"default": True}, yes)
    new.say("ReportDERControl", {"requestId": asked["requestId"], "curve": [line, line | {"id": "d"}], "tbc": True})
    new.say("ReportDERControl", {"requestId": asked["requestId"], "curve": [line | {"id": "c"}]})
    new.say("NotifyDERStartStop", {"controlId": "b", "started": True, "timestamp": at(1), "supersededIds": ["d"]})
    new.say("NotifyDERStartStop", {"controlId": "b", "started": False, "timestamp": at(2)})
    new.order("clearDERControl", {"default": True, "control_id": "b"}, yes)
    new.say("NotifyDERAlarm", {"controlType": "HVMustTrip", "gridEventFault": "OverVoltage", "timestamp": at(3)})
    new.say("NotifyDERAlarm", {"controlType": "HVMustTrip", "alarmEnded": True, "timestamp": at(4)})


def devices(notebook: Notebook) -> None:
    """What stations are made of, in every version: values, monitors, reports, messages and streams."""
    old = Talk(notebook, "KEYS")
    keys = [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}, {"key": "N", "readonly": True}]
    old.order("getConfiguration", {"keys": ["N", "?"]}, {"configurationKey": keys, "unknownKey": ["?"]})
    old.order("changeConfiguration", {"key": "HeartbeatInterval", "value": "60"}, {"status": "RebootRequired"})
    old.order("changeConfiguration", {"key": "??", "value": "1"}, {"status": "NotSupported"})
    old.boot()
    new = Talk(notebook, "PARTS", "2.1")
    for number, base in enumerate(("FullInventory", "ConfigurationInventory")):
        asked = new.order("getBaseReport", {"base": base}, {"status": "Accepted"})
        for seq_no in (2, 0, 1, 1)[number:]:
            new.say("NotifyReport", inventory2(asked["requestId"], seq_no, seq_no < 2))
    new.order("getReport", {"criteria": ["Problem"]}, {"status": "EmptyResultSet"})
    evse, state = {"component": "EVSE", "variable": "State", "evse_id": 1}, {"variable": {"name": "State"}}
    evse1 = {"component": {"name": "EVSE", "evse": {"id": 1}}} | state
    read = {"attributeStatus": "Accepted", "attributeValue": "Faulted"}
    new.order("getVariables", {"variables": [evse]}, {"getVariableResult": [evse1 | read]})
    wrong = {"attributeStatus": "Rejected", "attributeStatusInfo": {"reasonCode": "ReadOnly"}}
    new.order("setVariables", {"variables": [evse | {"value": "x"}]}, {"setVariableResult": [evse1 | wrong]})
    monitoring(new, evse, evse1)
    displaying(new)
    streaming(new)
    asked = new.order("customerInformation", {"report": True, "clear": False, "badge": "B"}, {"status": "Accepted"})
    told = {"data": "Anna", "seqNo": 0, "generatedAt": at(3), "requestId": asked["requestId"]}
    new.say("NotifyCustomerInformation", told)


def inventory2(request_id: int, seq_no: int, more: bool) -> dict[str, Any]:
    line = {
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "State" if seq_no else "Power"},
        "variableAttribute": [{"type": "Actual", "value": str(seq_no)}, {"type": "MinSet", "mutability": "ReadOnly"}],
        "variableCharacteristics": {"dataType": "decimal", "supportsMonitoring": True, "unit": "W", "maxLimit": 7.5},
    }
    return {"requestId": request_id, "generatedAt": at(1), "seqNo": seq_no, "tbc": more, "reportData": [line]}


def monitoring(new: Talk, evse: dict[str, Any], evse1: dict[str, Any]) -> None:
    rule: dict[str, Any] = {"severity": 5, "type": "UpperThreshold"}
    wish = evse | {"kind": "UpperThreshold", "value": 9, "severity": 5}
    for monitor_id, status in ((1, "Accepted"), (2, "Rejected")):
        result = evse1 | rule | {"status": status, "id": monitor_id}
        new.order("setVariableMonitoring", {"monitors": [wish]}, {"setMonitoringResult": [result]})
    asked = new.order("getMonitoringReport", {"criteria": ["DeltaMonitoring"]}, {"status": "Accepted"})
    known = {"transaction": False, "value": 1, "eventNotificationType": "HardWiredMonitor"} | rule
    monitor = evse1 | {"variableMonitoring": [known | {"id": monitor_id} for monitor_id in (3, 4)]}
    said = {"requestId": asked["requestId"], "seqNo": 0, "generatedAt": at(2), "monitor": [monitor]}
    new.say("NotifyMonitoringReport", said)
    gone = [{"id": 4, "status": "Accepted"}, {"id": 99, "status": "Rejected"}]
    new.order("clearVariableMonitoring", {"monitor_ids": [4, 99]}, {"clearMonitoringResult": gone})
    new.order("setMonitoringBase", {"base": "HardWiredOnly"}, {"status": "Accepted"})
    new.order("setMonitoringLevel", {"severity": 4}, {"status": "Accepted"})
    event = {"eventId": 1, "timestamp": at(2), "trigger": "Alerting", "actualValue": "10"}
    more = {"eventNotificationType": "CustomMonitor", "variableMonitoringId": 1, "cleared": True, "severity": 5}
    lines = [evse1 | event | more, evse1 | event | more | {"eventId": 2, "actualValue": "11"}]
    new.say("NotifyEvent", {"generatedAt": at(2), "seqNo": 0, "eventData": lines})


def displaying(new: Talk) -> None:
    text, accepted = {"content": "Hello", "format": "UTF8"}, {"status": "Accepted"}
    for message_id in (1, 2, 3):
        wish = {"message_id": message_id, "priority": "InFront", "text": text, "starts_at": at(1)}
        new.order("setDisplayMessage", wish, accepted)
    new.order("clearDisplayMessage", {"message_id": 2}, accepted)
    asked = new.order("getDisplayMessages", {}, accepted)
    shown = [{"id": 3, "priority": "InFront", "message": text}], [{"id": 4, "priority": "InFront", "message": text}]
    for lines, more in zip(shown, (True, False), strict=True):
        said = {"requestId": asked["requestId"], "messageInfo": lines, "tbc": more}
        new.say("NotifyDisplayMessages", said)


def streaming(new: Talk) -> None:
    stream = {"id": 1, "variableMonitoringId": 1, "params": {"interval": 10}}
    new.say("OpenPeriodicEventStream", {"constantStreamData": stream})
    new.order("adjustPeriodicEventStream", {"stream_id": 1, "values": 2}, {"status": "Accepted"})
    samples = [{"t": 0.5, "v": "1"}, {"t": 1e300, "v": "2"}]
    new.say("NotifyPeriodicEventStream", {"id": 1, "pending": 0, "basetime": at(4), "data": samples})
    new.say("ClosePeriodicEventStream", {"id": 1})
