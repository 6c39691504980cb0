"""Audit: the seals over the history, made as it grows, and the proof that nothing under them was touched."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Engine, Integer, LargeBinary, Row, Table, func, insert, select

from domain.archive import Unreadable
from domain.audit import GENESIS, RANGE, Seal, leaf, path, root, seal, tree
from domain.catalog import CATALOG, Recorded
from projections.feed import Feed
from projections.page import Page, key, page
from projections.table import METADATA, UtcTime

log = logging.getLogger("bornier.audit")

REST_S = 1.0

SEAL = Table(
    "seal",
    METADATA,
    Column("first", BigInteger, primary_key=True),
    Column("last", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("sealed_at", UtcTime, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)


class Signer(Protocol):
    """Whoever holds the key. Ed25519 signs the same text always the same way."""

    def sign(self, text: bytes) -> bytes:
        """The signature, 64 bytes."""

    def genuine(self, text: bytes, signature: bytes) -> bool:
        """Did this key sign that text?"""

    @property
    def pem(self) -> str:
        """The public key, for whoever checks proofs."""


@dataclass(frozen=True)
class Fault:
    """Where the history is not what was sealed."""

    first: int
    last: int
    reason: str

    def __str__(self) -> str:
        return f"positions {self.first} to {self.last}: {self.reason}"


class Notary:
    """Seals every range of positions once it is full. Safe to run twice: the same history gives the same seal."""

    def __init__(self, engine: Engine, feed: Feed, signer: Signer, may: Callable[[], bool] = lambda: True) -> None:
        self.engine = engine
        self.feed = feed
        self.signer = signer
        self.may = may
        self.checked = False
        self.unwell: str | None = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, name="notary", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        if self.thread.is_alive():
            self.thread.join()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                sealed = self.may() and self.step()
                self.unwell = None
            except Exception as error:
                sealed = False
                self.unwell = f"the history cannot be sealed: {str(error).strip()}"
                log.warning("%s", self.unwell)
            if not sealed:
                self.stopping.wait(REST_S)

    def step(self) -> bool:
        """Seal the next range; False while it is not full."""
        with self.engine.connect() as connection:
            latest = connection.execute(select(SEAL).order_by(SEAL.c.first.desc()).limit(1)).first()
        before = read(latest) if latest else None
        if before is not None and not self.checked:
            self.check(before)
        self.checked = True
        first = before.last + 1 if before else 1
        if self.feed.head() < first + RANGE - 1:
            return False
        made = self.made(first, before.digest if before else GENESIS, before)
        with self.engine.begin() as connection:
            connection.execute(insert(SEAL).values(**fields(made)))
        return True

    def check(self, before: Seal) -> None:
        """Never go on under another key by mistake."""
        if not self.signer.genuine(before.text, before.signature):
            raise ValueError("the seals so far are of another key: set BORNIER_AUDIT_KEY to theirs")

    def made(self, first: int, previous: bytes, before: Seal | None) -> Seal:
        events = within(self.feed, first)
        at = CATALOG.decode(events[-1].topic, events[-1].state).recorded_at if events else before_at(before)
        sealed = seal(events, first, previous, at)
        return Seal(**fields(sealed) | {"signature": self.signer.sign(sealed.text)})


def before_at(before: Seal | None) -> Any:
    """A range without events is as old as the one before it."""
    assert before is not None
    return before.sealed_at


def within(feed: Feed, first: int) -> Sequence[Recorded]:
    """The events of the range that begins at a position."""
    return [row for row in feed.read(first - 1, RANGE) if row.position < first + RANGE]


def fields(of: Seal) -> dict[str, Any]:
    return {name: getattr(of, name) for name in of.__struct_fields__}


def read(row: Row[Any]) -> Seal:
    return Seal(**row._mapping)


def verify(
    connection: Connection, feed: Feed, signer: Signer, advance: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[Fault]:
    """Everything that is not as it was sealed: changed, removed or inserted events, broken chain, forged signatures."""
    previous, expected = GENESIS, 1
    total = connection.execute(select(func.max(SEAL.c.last))).scalar() or 0
    for found in map(read, connection.execute(select(SEAL).order_by(SEAL.c.first).execution_options(yield_per=500))):
        if found.first != expected or found.last != found.first + RANGE - 1:
            yield Fault(expected, found.first - 1, "the seal of these positions is missing")
        elif found.previous != previous:
            yield Fault(found.first, found.last, "the seal does not follow the one before it")
        if not signer.genuine(found.text, found.signature):
            yield Fault(found.first, found.last, "the signature of the seal is not of this key")
        try:
            yield from compare(found, within(feed, found.first))
        except Unreadable as reason:
            yield Fault(found.first, found.last, str(reason))
        previous, expected = found.digest, found.last + 1
        advance(found.last, total)


def compare(found: Seal, events: Sequence[Recorded]) -> Iterator[Fault]:
    if len(events) < found.count:
        yield Fault(found.first, found.last, f"{found.count - len(events)} of {found.count} events were removed")
    elif len(events) > found.count:
        yield Fault(found.first, found.last, f"{len(events) - found.count} events were inserted")
    elif root([leaf(event) for event in events]) != found.root:
        yield Fault(found.first, found.last, "an event was changed or replaced")


class Kept(msgspec.Struct, frozen=True):
    """A seal that somebody keeps outside: its text and its signature in hexadecimal."""

    text: str
    signature: str


def newest(connection: Connection) -> Kept | None:
    """The last seal, to be kept somewhere else."""
    row = connection.execute(select(SEAL).order_by(SEAL.c.first.desc()).limit(1)).first()
    return Kept(read(row).text.decode(), read(row).signature.hex()) if row else None


def missed(connection: Connection, signer: Signer, kept: Kept) -> Iterator[Fault]:
    """Is a seal that was kept still the one over its positions? Whoever has both the database and the key could write
    another history, or a shorter one, but not this seal. Raises ValueError for what is no seal."""
    try:
        said = dict(line.split(" ", 1) for line in kept.text.splitlines()[1:])
        first, last, signature = int(said["first"]), int(said["last"]), bytes.fromhex(kept.signature)
    except (KeyError, ValueError):
        raise ValueError("this is no seal that was kept") from None
    row = connection.execute(select(SEAL).where(SEAL.c.first == first)).first()
    if not signer.genuine(kept.text.encode(), signature):
        yield Fault(first, last, "the seal that was kept is not of this key")
    elif row is None or read(row).text != kept.text.encode():
        yield Fault(first, last, "the seal that was kept is not in the history: it was cut off or written again")


def sealed_up_to(connection: Connection) -> int:
    """The last position under a seal, 0 before the first one."""
    return int(connection.execute(select(func.max(SEAL.c.last))).scalar() or 0)


def under(connection: Connection, after: int, upto: int) -> list[Seal]:
    """The seals of whole ranges after a position, up to another, the oldest first."""
    query = select(SEAL).where(SEAL.c.first > after, SEAL.c.last <= upto).order_by(SEAL.c.first)
    return [read(row) for row in connection.execute(query)]


def seals(connection: Connection, first: int, after: str | None = None) -> Page:
    """Seals, the oldest first."""
    query = select(SEAL).order_by(SEAL.c.first).limit(first + 1)
    if after is not None:
        query = query.where(SEAL.c.first > key(after, tuple[int])[0])
    return page(list(connection.execute(query)), first)


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(SEAL)).scalar() or 0)


def prove(connection: Connection, feed: Feed, position: int) -> dict[str, Any] | None:
    """The inclusion proof of one event, as JSON for `docs/verify.py`; None while nothing is sealed there."""
    found = list(proofs(connection, feed, position, position))
    return found[0] if found else None


def proofs(connection: Connection, feed: Feed, first: int, last: int) -> Iterator[dict[str, Any]]:
    """The proofs of all sealed events from one position to another, range after range."""
    for found in covering(connection, first, last):
        events = within(feed, found.first)
        leaves = [leaf(event) for event in events]
        for index, event in enumerate(events):
            if first <= event.position <= last:
                yield proof(event, path(index, leaves), found)


def covering(connection: Connection, first: int, last: int) -> Iterator[Seal]:
    """The seals over a range of positions."""
    query = select(SEAL).where(SEAL.c.last >= first, SEAL.c.first <= last).order_by(SEAL.c.first)
    yield from map(read, connection.execute(query.execution_options(yield_per=500)))


def account(feed: Feed, found: Seal, marks: Callable[[Sequence[Recorded]], Sequence[Any]]) -> dict[str, Any]:
    """One seal and the tree under it, each event by its mark, as JSON for `docs/verify_export.py`."""
    events = within(feed, found.first)
    leaves = [leaf(event) for event in events]
    return {
        "seal": found.text.decode(),
        "signature": found.signature.hex(),
        "tree": tree(leaves, marks(events)),
    }


def shown(event: Recorded) -> dict[str, Any]:
    """An event as it is in a proof, as stored."""
    return event._asdict() | {"state": bytes(event.state).decode()}


def proofs_at(connection: Connection, feed: Feed, positions: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The proofs of the events at these positions, as far as they are sealed; every range is read once."""
    wanted, latest = sorted(set(positions)), sealed_up_to(connection)
    while wanted and wanted[0] <= latest:
        last = (wanted[0] - 1) // RANGE * RANGE + RANGE
        here = {position for position in wanted if position <= last}
        yield from (
            found for found in proofs(connection, feed, min(here), max(here)) if found["event"]["position"] in here
        )
        wanted = wanted[len(here) :]


def proof(event: Recorded, steps: Sequence[tuple[str, bytes]], found: Seal) -> dict[str, Any]:
    return {
        "format": "bornier-proof-v1",
        "event": shown(event),
        "path": [[side, sibling.hex()] for side, sibling in steps],
        "seal": found.text.decode(),
        "signature": found.signature.hex(),
    }
