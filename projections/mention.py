"""Mentions: where in the history is a topic, a cause, an operator, a command or a badge, without reading all of it?

One row per event would cost as much as the history. So what stations repeat all day (readings, heartbeats, statuses) is
noted once per block of positions; the stream of a charge, a reservation or a command is noted once as a whole; and
only what is rare has a row of its own. Badges are noted by a digest: who looks for one knows it already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Table, Text, select

from domain.badge import fold
from domain.catalog import CATALOG
from domain.command import Command
from domain.device import Device
from domain.event import Event, Message, Operator, Order, topic
from domain.job import Job
from domain.reservation import Reservation
from domain.station import Station
from domain.transaction import Transaction
from projections.change import Changes
from projections.projection import Handler, Projection
from projections.table import METADATA

BLOCK = 1_024
FREQUENT: tuple[type[Event], ...] = (
    Transaction.Started, Transaction.Metered, Transaction.ChargingStateReported, Transaction.Ended,
    Station.TransactionOpened, Station.TransactionClosed, Station.HeartbeatReceived, Station.StatusReported,
    Station.BadgeChecked, Station.Metered, Station.EventNotified, Station.MessageReceived, Device.StreamSampled,
)  # fmt: skip
WHOLE = ("transaction", "reservation", "command", "job")
"""A stream of these is about one charge, one promise, one wish: what is said of its beginning holds for all of it."""

MENTION = Table(
    "mention",
    METADATA,
    Column("subject", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)
STRAND = Table(
    "strand",
    METADATA,
    Column("subject", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


def of_topic(name: str) -> str:
    """The subject of a topic, of whatever version."""
    return f"topic/{name.rpartition('.')[0]}"


def of_cause(by: str) -> str:
    return f"cause/{by}"


def of_operator(name: str) -> str:
    return f"operator/{name}"


def of_command(command_id: str) -> str:
    return f"command/{command_id}"


def of_transaction(stream: str) -> str:
    """What a charge is to those that began it, ended it or came to it, in other streams than its own."""
    return f"of/{stream}"


def of_badge(badge: str) -> str:
    return f"badge/{hashlib.sha256(fold(badge).encode()).hexdigest()[:32]}"


SUBJECTS = {kind: of_topic(topic(kind)) for kind in CATALOG.events.values()}
OFTEN = frozenset({of_cause("ocpp"), *(SUBJECTS[kind] for kind in FREQUENT)})


def frequent(changes: Changes, event: Event, position: int) -> None:
    """One of very many: which block it is in will do."""
    changes.adds["mention"][SUBJECTS[type(event)], position - position % BLOCK] = {}
    caused(changes, event, position)


def rare(changes: Changes, event: Event, position: int) -> None:
    """One of few."""
    changes.add("mention", (SUBJECTS[type(event)], position))
    caused(changes, event, position)


def naming(before: Handler) -> Handler:
    """One that may name badges, too."""

    def named(changes: Changes, event: Event, position: int) -> None:
        before(changes, event, position)
        for badge in badges(event):
            note(changes, of_badge(badge), event, position)

    return named


def caused(changes: Changes, event: Event, position: int) -> None:
    cause = event.cause
    if isinstance(cause, Message):
        changes.adds["mention"]["cause/ocpp", position - position % BLOCK] = {}
        return
    changes.add("mention", (of_cause(str(cause.__struct_config__.tag)), position))
    if isinstance(cause, Operator):
        changes.add("mention", (of_operator(cause.name), position))
    elif isinstance(cause, Order):
        note(changes, of_command(cause.command_id), event, position)


def note(changes: Changes, subject: str, event: Event, position: int) -> None:
    """This event, and all that follows in its stream if that is about one thing."""
    if event.originator_id.partition("/")[0] in WHOLE:
        follow(changes, subject, event.originator_id, position)
    else:
        changes.add("mention", (subject, position))


def follow(changes: Changes, subject: str, stream: str, position: int) -> None:
    if (subject, stream) not in changes.adds["strand"]:
        changes.add("strand", (subject, stream), position=position)


def badges(event: Any) -> Iterable[str]:
    """The badges an event names."""
    if isinstance(event, Command.Requested):
        found = [event.parameters.get("badge")]
    else:
        found = [getattr(event, "badge", None), getattr(event, "group_badge", None)]
    return [badge for badge in found if isinstance(badge, str)]


def asked(changes: Changes, event: Command.Requested, position: int) -> None:
    """A command is the first thing that it led to; and one that stops a charge leads to its end."""
    rare(changes, event, position)
    follow(changes, event.originator_id, event.originator_id, position)
    stopped = event.parameters.get("transaction_id")
    if event.action == "remoteStop" and isinstance(stopped, str):
        follow(changes, event.originator_id, f"transaction/{stopped}", position)
        changes.add("mention", (of_transaction(f"transaction/{stopped}"), position))


def led(changes: Changes, event: Command.Fulfilled | Reservation.Used, position: int) -> None:
    """A charge had begun before we knew of whose doing."""
    rare(changes, event, position)
    follow(changes, event.originator_id, f"transaction/{event.transaction_id}", 0)
    changes.add("mention", (of_transaction(f"transaction/{event.transaction_id}"), position))


def undertaken(changes: Changes, event: Job.Requested, position: int) -> None:
    """The job that a command began."""
    rare(changes, event, position)
    if event.command_id is not None:
        follow(changes, of_command(event.command_id), event.originator_id, position)


SPECIAL: dict[type[Event], Handler] = {
    Command.Requested: asked,
    Command.Fulfilled: led,
    Reservation.Used: led,
    Job.Requested: undertaken,
}


def handler(kind: type[Event]) -> Handler:
    found = frequent if kind in FREQUENT else SPECIAL.get(kind, rare)
    names = kind is Command.Requested or not {"badge", "group_badge"}.isdisjoint(kind.__struct_fields__)
    return naming(found) if names else found


PROJECTION = Projection(
    name="mention",
    tables={"mention": MENTION, "strand": STRAND},
    handlers={kind: handler(kind) for kind in CATALOG.events.values()},
)


class Strand(NamedTuple):
    """A stream that concerns somebody from a position on."""

    stream: str
    position: int


def strands(connection: Connection, subject: str) -> list[Strand]:
    """The streams that are about a subject."""
    query = select(STRAND.c.stream, STRAND.c.position).where(STRAND.c.subject == subject)
    return [Strand(*row) for row in connection.execute(query)]


def positions(
    connection: Connection, subjects: Iterable[str], low: int, high: int, limit: int, descending: bool = False
) -> list[int]:
    """Where subjects are mentioned between two positions (neither included), the nearest first; those that are
    mentioned often by the first position of a block, which may lie before `low`."""
    lists = [some(connection, subject, low, high, limit, descending) for subject in subjects]
    return list(islice(dict.fromkeys(merge(*lists, reverse=descending)), limit))


def some(connection: Connection, subject: str, low: int, high: int, limit: int, descending: bool) -> list[int]:
    place = MENTION.c.position
    lowest = low - (low + 1) % BLOCK if subject in OFTEN else low
    query = select(place).where(MENTION.c.subject == subject, place > lowest, place < high)
    ordered = query.order_by(place.desc() if descending else place).limit(limit)
    return [int(position) for position in connection.execute(ordered).scalars()]


def concerns(connection: Connection, subject: str, stream: str, position: int) -> bool:
    """Is this event about the subject?"""
    whole = select(STRAND.c.position).where(
        STRAND.c.subject == subject, STRAND.c.stream == stream, STRAND.c.position <= position
    )
    single = select(MENTION.c.position).where(MENTION.c.subject == subject, MENTION.c.position == position)
    return any(connection.execute(query).first() is not None for query in (whole, single))
