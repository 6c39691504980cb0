"""An event: one fact of the history, and what made it happen."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

import msgspec


class Cause(msgspec.Struct, tag_field="by", kw_only=True, omit_defaults=True):
    """What made an event happen. The subclasses are every way in."""


def nothing() -> msgspec.Raw:
    return msgspec.Raw(b"null")


class Message(Cause, tag="ocpp"):
    """A station said something: the OCPP CALL as received, and the answer we gave.

    `payload` and `answer` are JSON texts, so that a conversation can be replayed from the history alone.
    """

    version: str
    action: str
    message_id: str | int
    connection_id: str
    payload: msgspec.Raw = msgspec.field(default_factory=nothing)
    answer: msgspec.Raw = msgspec.field(default_factory=nothing)


class Connection(Cause, tag="connection"):
    """A WebSocket opened or closed."""

    connection_id: str
    gateway: str
    address: str | None = None


class Order(Cause, tag="command"):
    """A command of an operator, on its way to the station or back."""

    command_id: str


class Operator(Cause, tag="operator"):
    """A person or a program that asked through the API."""

    name: str


class Timer(Cause, tag="timer"):
    """A deadline passed, or the system did something by itself."""

    rule: str


class Transfer(Cause, tag="http"):
    """Somebody used a one-time address over HTTP, to fetch a file or to send one."""

    address: str | None = None


AnyCause = Message | Connection | Order | Operator | Timer | Transfer


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="topic"):
    """What every event carries: its stream, its place in it, when we recorded it and why.

    Its msgspec tag is its public, versioned topic (`transaction.started.v1`): the name in the store, on Kafka and in
    subscriptions. Times are UTC; units are in field names; `occurred_at` is the clock of the station.
    """

    personal: ClassVar[Literal["", "badge", "card", "driver", "stream"]] = ""
    """Whose key seals what is about a person in it: that of each badge it names, or of its stream (ADR 0010)."""

    originator_id: str
    originator_version: int
    recorded_at: datetime
    cause: AnyCause


def topic(kind: type[Event]) -> str:
    """The public name of a class of events."""
    tag: Any = kind.__struct_config__.tag
    return str(tag)


class Refusal(Exception):
    """A rule said no; the text is for the person who asked."""
