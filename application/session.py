"""The session of a connected station: its aggregates in memory, one message at a time, events handed to the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

from application.badge import Badges
from application.journal import Done, Journal, Writer
from application.number import Numbers
from application.ports import Contracts, Line
from application.price import TALLY, Prices, Tally
from application.reservation import Book
from domain.aggregate import Aggregate
from domain.authorization import Purpose, Ruling, Verdict
from domain.event import AnyCause, Connection, Event, Message, Refusal
from domain.meter import Reading
from domain.signature import SignedText
from domain.station import KnownTransaction, Notice, Policy, Registration, Station
from domain.transaction import ChargingState, Transaction, identify, stream

ANSWERS_REMEMBERED = 16
TOLERANCE = timedelta(minutes=1)
LATE = timedelta(minutes=5)
SIGNED = "signed values"
"""What is noticed of a message in which the meter has signed something; unlike the others it is no quirk."""
A = TypeVar("A", bound=Aggregate)


class NotLoaded(Exception):
    """The message is about a stream that is not in memory: load it, then hear the message again."""

    def __init__(self, kind: type[Aggregate], stream: str) -> None:
        super().__init__(stream)
        self.kind = kind
        self.stream = stream


class NotAsked(Exception):
    """The answer is known to somebody outside: ask there, then hear the message again."""

    def __init__(self, question: str, content: dict[str, Any]) -> None:
        super().__init__(question)
        self.question = question
        self.content = content

    @property
    def key(self) -> bytes:
        return self.question.encode() + msgspec.json.encode(self.content, order="sorted")


@dataclass(frozen=True)
class Rules:
    """What a gateway needs to decide without asking anybody."""

    journal: Journal
    badges: Badges
    numbers: Numbers
    unknown_stations: Policy
    heartbeat_s: int
    reservations: Book = field(default_factory=Book)
    quirks: Counter[str] = field(default_factory=Counter)
    organisation: str = ""
    contracts: Contracts | None = None
    prices: Prices | None = None


class Remembered(NamedTuple):
    """A message already answered: the hash of its payload, and the answer a retry gets again."""

    payload: int
    answer: bytes


class Session:
    """The only writer of its station's streams. Not for two tasks at once."""

    def __init__(self, station: Station, transactions: dict[str, Transaction], rules: Rules) -> None:
        self.station = station
        self.transactions = transactions
        self.rules = rules
        self.writer = Writer()
        self.line: Line | None = None
        self.answers: dict[tuple[str | int, str], Remembered] = {}
        self.others: dict[str, Aggregate] = {}
        self.findings: dict[bytes, dict[str, Any] | Refusal] = {}
        self.tallies: dict[str, Tally] = {}
        self.certificate: str | None = None
        self.touched: list[Aggregate] = []
        self.signed = False
        self.cause: AnyCause
        self.now: datetime

    @property
    def station_id(self) -> str:
        return self.station.station_id

    def begin(self, cause: AnyCause, now: datetime) -> None:
        """What follows is because of this."""
        self.cause, self.now = cause, now

    def commit(self, done: Done) -> None:
        """Hand everything decided since `begin` to the journal."""
        events: list[Event] = []
        for aggregate in self.touched:
            events += aggregate.collect_events()
        self.touched.clear()
        if self.station.pending:
            events += self.station.collect_events()
        self.rules.journal.submit(events, self.writer, done)

    def discard(self) -> None:
        """Drop what was decided but not committed; the aggregates must be read again before the next message."""
        self.touched.clear()
        self.station.pending.clear()

    def answered(self, message: Message) -> bytes | None:
        """The answer already given to this very message, if it is a retry."""
        known = self.answers.get((message.message_id, message.action))
        if known is not None and known.payload == hash(bytes(message.payload)):
            return known.answer
        return None

    def remember(self, message: Message) -> None:
        """Keep an answer for retries; only the latest few, for a station asks one question at a time."""
        self.answers[message.message_id, message.action] = Remembered(
            hash(bytes(message.payload)), bytes(message.answer)
        )
        if len(self.answers) > ANSWERS_REMEMBERED:
            del self.answers[next(iter(self.answers))]

    def connect(self, line: Line, cause: Connection, ocpp_version: str, now: datetime) -> None:
        """A socket of the station opened; an older one is hung up."""
        if self.line is not None:
            self.line.close("a newer connection took over")
        self.line = line
        self.station.connect(cause, ocpp_version, now)

    def disconnect(
        self, line: Line, reason: str, cause: Connection, now: datetime, close_code: int | None = None
    ) -> bool:
        """That socket is gone. False if a newer one has taken over already."""
        if self.line is not line:
            return False
        self.line = None
        self.station.disconnect(reason, cause, now, close_code)
        return True

    def boot(self, **facts: Any) -> tuple[Registration, int]:
        """Admission and heartbeat interval in seconds; facts are the fields of `Station.Booted`."""
        status = self.station.admission(self.rules.unknown_stations)
        self.tell(Station.Booted, status=status, **facts)
        return status, self.rules.heartbeat_s

    def tell(self, kind: type[Event], /, **facts: Any) -> None:
        """Record a fact of the station that needs no decision."""
        self.station.record(kind, self.cause, self.now, **facts)

    def notice(self, rule: str) -> None:
        """The station does not keep to a rule, and was understood nevertheless: counted always, told once."""
        if rule is SIGNED:
            self.signed = True
            return
        self.rules.quirks[rule] += 1
        self.station.notice(rule, self.cause, self.now)

    def notify(self, occurred_at: datetime, seq_no: int, notices: tuple[Notice, ...], to_be_continued: bool) -> None:
        self.tell(
            Station.EventNotified,
            occurred_at=occurred_at,
            seq_no=seq_no,
            notices=notices,
            to_be_continued=to_be_continued,
        )

    def authorize(
        self,
        badge: str,
        kind: str | None = None,
        purpose: Purpose = "show",
        evse_id: int | None = None,
        transaction_id: str | None = None,
        at: datetime | None = None,
    ) -> Ruling:
        """May this badge charge at this station? Nothing is recorded."""
        station = self.station
        return self.rules.badges.judge(
            badge, kind, station.station_id, station.site, at or self.now, purpose, evse_id, transaction_id
        )

    def check(self, badge: str, kind: str | None, ruling: Ruling | None = None) -> Ruling:
        """A badge is presented; may it charge? `ruling`: what others have said of it already."""
        ruling = ruling or self.authorize(badge, kind)
        self.tell(Station.BadgeChecked, badge=badge, verdict=ruling.verdict, kind=kind, reason=ruling.reason)
        return ruling

    def startable(self, badge: str, kind: str | None, evse_id: int | None, force: bool) -> None:
        """Raises Refusal if we would not let the badge in when the station comes back with it, unless `force`."""
        ruling = self.authorize(badge, kind, "start", evse_id)
        if not ruling.accepted and not force:
            raise Refusal(f"the badge would be refused: {ruling.verdict} ({ruling.reason})")

    def doubt(
        self, transaction_id: str, badge: str, kind: str | None, ruling: Ruling, occurred_at: datetime, offline: bool
    ) -> None:
        """Flag a charge told late whose badge is refused now, or would have been at its start; it is kept anyway."""
        if not offline and self.now - occurred_at < LATE:
            return
        then = self.authorize(badge, kind, "stop", transaction_id=transaction_id, at=occurred_at)
        if not (ruling.accepted and then.accepted):
            self.tell(
                Station.BadgeDoubted,
                badge=badge,
                transaction_id=transaction_id,
                occurred_at=occurred_at,
                verdict=ruling.verdict,
                verdict_then=then.verdict,
                reason=ruling.reason or then.reason,
            )

    def start_numbered(
        self,
        evse_id: int,
        badge: str,
        meter_start_wh: float,
        occurred_at: datetime,
        reservation_id: int | None,
    ) -> tuple[int, Ruling]:
        """OCPP 1.6: we make the number. The same start told again gets the same answer (section 4.8)."""
        transaction_id = identify(self.station_id, f"{evse_id} {meter_start_wh!r} {badge}", occurred_at)
        known = self.known(transaction_id) or self.untimed(evse_id, badge, meter_start_wh, occurred_at)
        if known is not None:
            transaction = self.load(known)
            transaction.repeat("start", self.cause, self.now)
            ruling = self.authorize(badge, None, "start", evse_id, known.transaction_id)
            return int(known.station_transaction_id), ruling._replace(
                verdict=cast(Verdict, transaction.verdict or ruling.verdict)
            )
        ruling = self.authorize(badge, None, "start", evse_id, transaction_id)
        number = self.rules.numbers.take()
        self.open(
            transaction_id,
            station_transaction_id=str(number),
            evse_id=evse_id,
            connector_id=evse_id,
            occurred_at=occurred_at,
            badge=badge,
            verdict=ruling.verdict,
            meter_start_wh=meter_start_wh,
            reservation_id=reservation_id,
        )
        self.doubt(transaction_id, badge, None, ruling, occurred_at, offline=False)
        return number, ruling

    def untimed(
        self, evse_id: int, badge: str, meter_start_wh: float, occurred_at: datetime
    ) -> KnownTransaction | None:
        """The same start again, from a station that does not say when: still open there, and nothing has flowed."""
        here = self.station.open_on(evse_id) if occurred_at == self.now else None
        if here is None:
            return None
        transaction = self.load(here)
        same = (transaction.badge, transaction.meter_start_wh) == (badge, meter_start_wh)
        return here if same and not transaction.energy_wh else None

    def start(
        self,
        station_transaction_id: str,
        occurred_at: datetime,
        badge: str | None,
        readings: tuple[Reading, ...],
        seq_no: int,
        kind: str | None = None,
        ruling: Ruling | None = None,
        **facts: Any,
    ) -> None:
        """OCPP 2.x: the station made the id. A start after later messages only confirms it."""
        known = self.station.find(station_transaction_id)
        transaction = self.load(known) if known else None
        meter_start_wh = begin_register(readings)
        if transaction is None or reused(transaction, occurred_at):
            transaction_id = identify(self.station_id, station_transaction_id, occurred_at)
            self.open(
                transaction_id,
                station_transaction_id=station_transaction_id,
                occurred_at=occurred_at,
                badge=badge,
                verdict=ruling.verdict if ruling else None,
                meter_start_wh=meter_start_wh,
                readings=readings,
                seq_no=seq_no,
                **facts,
            )
            if badge and ruling:
                self.doubt(transaction_id, badge, kind, ruling, occurred_at, facts.get("offline", False))
        else:
            self.locate(transaction, facts.pop("evse_id"), facts.pop("connector_id"))
            facts.pop("offline")
            facts["verdict"] = ruling.verdict if ruling else None
            transaction.confirm(occurred_at, badge, meter_start_wh, readings, seq_no, self.cause, self.now, **facts)

    def find(
        self, station_transaction_id: str, occurred_at: datetime, evse_id: int | None, connector_id: int | None
    ) -> Transaction:
        """OCPP 2.x: the transaction a later event is about; one we never heard of is taken to have started then."""
        known = self.station.find(station_transaction_id)
        if known is not None:
            transaction = self.load(known)
            if evse_id and not transaction.evse_id:
                self.locate(transaction, evse_id, connector_id)
            return transaction
        return self.open(
            identify(self.station_id, station_transaction_id, occurred_at),
            station_transaction_id=station_transaction_id,
            occurred_at=occurred_at,
            evse_id=evse_id or 0,
            connector_id=connector_id,
            inferred=True,
        )

    def locate(self, transaction: Transaction, evse_id: int | None, connector_id: int | None) -> None:
        """The EVSE becomes known; what was open there is over."""
        if not evse_id or transaction.evse_id:
            return
        other = self.station.open_on(evse_id)
        other_transaction = self.load(other) if other else None
        transaction.locate(evse_id, connector_id, self.cause, self.now)
        self.tell(
            Station.TransactionLocated,
            transaction_id=transaction.transaction_id,
            evse_id=evse_id,
            connector_id=connector_id,
        )
        if other_transaction is not None and transaction.open:
            self.one_of(transaction, other_transaction)

    def open(self, transaction_id: str, **facts: Any) -> Transaction:
        """Begin a transaction and note it on the station; of two on one EVSE the one that began first is over."""
        other = self.station.open_on(facts["evse_id"])
        other_transaction = self.load(other) if other else None
        transaction = self.touch(Transaction(stream(transaction_id)))
        self.transactions[transaction_id] = transaction
        transaction.start(self.cause, self.now, station_id=self.station_id, **facts)
        self.rules.badges.charges.begin(transaction_id, facts.get("badge"), self.station_id, facts.get("verdict"))
        self.tell(
            Station.TransactionOpened,
            transaction_id=transaction_id,
            station_transaction_id=facts["station_transaction_id"],
            evse_id=facts["evse_id"],
            connector_id=facts.get("connector_id"),
        )
        if other_transaction is not None:
            self.one_of(transaction, other_transaction)
        return transaction

    def one_of(self, new: Transaction, other: Transaction) -> None:
        """Two are open on one EVSE: the one that began first, by the station's clock, must have ended before."""
        assert new.began_at is not None
        assert other.began_at is not None
        old, now = (other, new) if other.began_at <= new.began_at else (new, other)
        assert now.started_at is not None
        old.supersede(now.transaction_id, now.started_at, now.meter_start_wh, self.cause, self.now)
        self.closed(old)

    def meter(self, station_transaction_id: str | None, evse_id: int, readings: tuple[Reading, ...]) -> None:
        """Meter values of a connector: of the transaction they name, else of the one open there, else of none."""
        known = self.station.find(station_transaction_id) if station_transaction_id else None
        if known is None or not known.open:
            known = self.meant(known, station_transaction_id, evse_id, readings[0].at if readings else self.now)
        if known is None:
            self.tell(
                Station.Metered, evse_id=evse_id, readings=readings, station_transaction_id=station_transaction_id
            )
        else:
            self.load(known).meter(readings, self.cause, self.now)

    def meant(
        self, named: KnownTransaction | None, station_transaction_id: str | None, evse_id: int, at: datetime
    ) -> KnownTransaction | None:
        """Which transaction was read, when the id does not say: none, the station's own, or a past one."""
        if named is not None and self.within(named, at):
            return named
        here = self.station.open_on(evse_id)
        if here is not None and self.within(here, at):
            if station_transaction_id:
                self.station.name(here, station_transaction_id, self.cause, self.now)
            return here
        if named is not None:
            return named
        past = self.station.closed_on(evse_id)
        late = past is not None and self.station.closed_at is not None and at < self.station.closed_at
        return past if late and past is not None and self.within(past, at) else None

    def within(self, known: KnownTransaction, at: datetime) -> bool:
        """Was it going on then, by the station's clock?"""
        transaction = self.load(known)
        started = transaction.began_at is None or at >= transaction.began_at - TOLERANCE
        return started and (transaction.ended_at is None or at <= transaction.ended_at)

    def stop_numbered(
        self,
        number: int,
        occurred_at: datetime,
        reason: str,
        meter_stop_wh: float | None,
        badge: str | None,
        readings: tuple[Reading, ...],
    ) -> None:
        """OCPP 1.6: end what the number names; 0 or less, after an offline start, means the only one it can be.

        A number nobody knows never ends another transaction: it is kept as an orphan.
        """
        known = self.station.find(str(number)) or (self.only_open(badge, occurred_at) if number <= 0 else None)
        if known is not None:
            self.end(self.load(known), occurred_at, reason, meter_stop_wh, badge, readings)
            return
        self.tell(
            Station.TransactionOrphaned,
            station_transaction_id=str(number),
            occurred_at=occurred_at,
            meter_stop_wh=meter_stop_wh,
            reason=reason,
            readings=readings,
        )

    def only_open(self, badge: str | None, at: datetime) -> KnownTransaction | None:
        opened = [known for known in self.station.transactions.values() if known.open and self.within(known, at)]
        mine = [k for k in opened if badge is None or self.load(k).badge in (None, badge)]
        return mine[0] if len(mine) == 1 else None

    def sign(self, station_transaction_id: str | None, values: tuple[SignedText, ...]) -> None:
        """Keep what the meter has signed with the transaction that the message is about."""
        self.signed = False
        told = [each for each in self.touched if isinstance(each, Transaction) and each.pending]
        known = self.station.find(station_transaction_id) if station_transaction_id else None
        named = [each for each in told if known is not None and each.transaction_id == known.transaction_id]
        for transaction in (named or told)[:1] if values else ():
            transaction.sign(values, self.cause, self.now)

    def bind(self, orphan: int, transaction: Transaction) -> None:
        """An operator says which transaction an orphaned end belongs to: it ends as the station told."""
        said = self.station.bind(orphan, transaction.transaction_id, self.cause, self.now)
        reason = said.reason or "Local"
        self.end(transaction, said.occurred_at, reason, said.meter_stop_wh, None, said.readings)

    def close(self, transaction: Transaction, reason: str) -> None:
        """An operator or a rule closes what the station never ended."""
        transaction.close(reason, self.cause, self.now)
        self.closed(transaction)

    def end(
        self,
        transaction: Transaction,
        occurred_at: datetime,
        reason: str,
        meter_stop_wh: float | None,
        badge: str | None,
        readings: tuple[Reading, ...],
        seq_no: int | None = None,
        offline: bool = False,
    ) -> None:
        was_open = transaction.open
        transaction.end(
            occurred_at, reason, meter_stop_wh, badge, readings, self.cause, self.now, seq_no=seq_no, offline=offline
        )
        if was_open:
            self.closed(transaction)

    def report_state(
        self, transaction: Transaction, state: ChargingState, occurred_at: datetime, offline: bool = False
    ) -> None:
        transaction.report_state(state, occurred_at, self.cause, self.now, offline)

    def closed(self, transaction: Transaction) -> None:
        self.tell(Station.TransactionClosed, transaction_id=transaction.transaction_id)
        self.rules.badges.charges.end(transaction.transaction_id)
        kept = {known.transaction_id for known in self.station.transactions.values()}
        for transaction_id in [t for t in self.transactions if t not in kept]:
            del self.transactions[transaction_id]

    def of(self, kind: type[A], stream: str) -> A:
        """Another aggregate of this station, such as its device model; this session is the only writer of its stream.

        Raises NotLoaded the first time: ask for it before anything is recorded for this message.
        """
        aggregate = self.others.get(stream)
        if aggregate is None:
            raise NotLoaded(kind, stream)
        assert isinstance(aggregate, kind)
        return self.touch(aggregate)

    def inquire(self, question: str, content: dict[str, Any]) -> dict[str, Any]:
        """What the Plug & Charge backend says. Raises Refusal when it says nothing.

        Raises NotAsked the first time: inquire before anything is recorded for this message.
        """
        if self.rules.contracts is None:
            raise Refusal("no Plug & Charge backend is configured")
        inquiry = NotAsked(question, content)
        finding = self.findings.pop(inquiry.key, inquiry)
        if isinstance(finding, Exception):
            raise finding
        return finding

    async def ask(self, inquiry: NotAsked) -> None:
        """Find out what a message needs to know."""
        if inquiry.question == TALLY:
            transaction_id = inquiry.content["transaction_id"]
            assert self.rules.prices is not None
            self.tallies[transaction_id] = await self.rules.prices.tally(transaction_id)
            return
        assert self.rules.contracts is not None
        try:
            self.findings[inquiry.key] = await self.rules.contracts.ask(inquiry.question, inquiry.content)
        except Refusal as refusal:
            self.findings[inquiry.key] = refusal

    def keep(self, aggregate: Aggregate) -> None:
        """An aggregate that was asked for has been loaded."""
        if isinstance(aggregate, Transaction):
            self.transactions[aggregate.transaction_id] = aggregate
        else:
            self.others[aggregate.id] = aggregate

    def connector_of(self, payload: dict[str, Any]) -> int | None:
        """Which connector an OCPP 1.6 message means that names none: that of its transaction, or the only one."""
        known = self.station.find(str(payload.get("transactionId")))
        return self.station.lone_connector if known is None else known.connector_id

    def transaction(self, transaction_id: str) -> Transaction:
        """Any transaction of this station, however long it is over. Raises NotLoaded, and Refusal if there is none."""
        found = self.transactions.get(transaction_id)
        if found is None:
            raise NotLoaded(Transaction, stream(transaction_id))
        if found.station_id != self.station_id:
            raise Refusal("this station has no such transaction")
        return self.touch(found)

    def known(self, transaction_id: str) -> KnownTransaction | None:
        return next((k for k in self.station.transactions.values() if k.transaction_id == transaction_id), None)

    def load(self, known: KnownTransaction) -> Transaction:
        """The transaction in memory. Raises NotLoaded before anything is recorded for this message."""
        transaction = self.transactions.get(known.transaction_id)
        if transaction is None:
            raise NotLoaded(Transaction, stream(known.transaction_id))
        return self.touch(transaction)

    def touch(self, aggregate: A) -> A:
        if aggregate not in self.touched:
            self.touched.append(aggregate)
        return aggregate


def begin_register(readings: Sequence[Reading]) -> float | None:
    """The register at the start: the sample of Transaction.Begin, else the first there is."""
    said = [r for r in readings if r.register_wh is not None]
    begun = [r for r in said if r.context == "Transaction.Begin"]
    first = (begun or said)[:1]
    return first[0].register_wh if first else None


def end_register(readings: Sequence[Reading]) -> float | None:
    """The register at the end: the sample of Transaction.End, else the newest there is."""
    said = [r for r in readings if r.register_wh is not None]
    ended = [r for r in said if r.context == "Transaction.End"]
    last = max(ended or said, key=lambda r: r.at, default=None)
    return last.register_wh if last else None


def reused(transaction: Transaction, occurred_at: datetime) -> bool:
    """A start after the end that is not the one we know: the station uses the id a second time."""
    return not transaction.open and not transaction.inferred and occurred_at != transaction.started_at
