"""A trace: the conversation with a station as it went over the wire, told by the history alone.

One JSON object a line: `t` (epoch seconds, our clock when it was recorded), `cp`, `v`, `dir` (`open`, `in` from the
station, `out` to it, `close`) and `frame`. An answer has the time of its question: it leaves once that is durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from domain.command import Command
from domain.event import Event, Message
from domain.station import Station

BROKEN = 1006
ALREADY = ""
"""The id of a question whose answer was told part by part."""

Step = tuple[str, Any]


def lines(station_id: str, events: Iterable[Event], version: str = "") -> Iterator[str]:
    """The trace of one station from its events in the order of the history, whatever their streams.

    `version`: what it spoke when the events begin, if they do not begin with a connection.
    """
    said: tuple[Message, datetime] | None = None
    asked: dict[str, str] = {}
    for event in events:
        cause = event.cause
        if isinstance(event, Station.Connected):
            version = event.ocpp_version
        elif isinstance(event, Command.Sent):
            asked[event.originator_id] = event.message_id
        elif isinstance(cause, Message) and not isinstance(event, Station.MessageRefused):
            if said == (cause, event.recorded_at):  # one message may cause several events, next to each other
                continue
            said = cause, event.recorded_at
        for direction, frame in steps(station_id, event, asked):
            line = {"t": event.recorded_at.timestamp(), "cp": station_id, "v": version, "dir": direction}
            yield msgspec.json.format(msgspec.json.encode(line | {"frame": frame}), indent=-1).decode()


def steps(station_id: str, event: Event, asked: dict[str, str]) -> list[Step]:
    """What one event says about the wire."""
    match event:
        case Station.Connected():
            return [("open", [f"ocpp{event.ocpp_version}", f"/ocpp/{quote(station_id, safe='')}", None])]
        case Station.Disconnected():
            return [("close", [event.close_code or BROKEN])]
        case Station.MessageRefused():
            return refused(event)
        case Command.Sent():
            return [("out", [2, event.message_id, event.ocpp_action, event.payload])]
        case Command.Answered() if event.raw is not None:
            asked.pop(event.originator_id, None)
            return [("in", frame(event.raw))]
        case Command.Answered():
            message_id = asked.pop(event.originator_id, event.originator_id.removeprefix("command/"))
            return [("in", [3, message_id, event.answer])]
        case Station.AnswerRefused():
            return [("in", [5, event.message_id, event.code, event.description, event.details])]
        case Command.PartAnswered():
            asked[event.originator_id] = ALREADY
            return [("in", [3, event.message_id, event.answer])]
        case Command.Answered():
            message_id = asked.pop(event.originator_id, event.originator_id.removeprefix("command/"))
            return [] if message_id == ALREADY else [("in", [3, message_id, event.answer])]
        case Command.Failed() if event.raw is not None:
            return [("in", frame(event.raw))]
        case _ if isinstance(event.cause, Message):
            return heard(event.cause)
    return []


def heard(message: Message) -> list[Step]:
    """A CALL with the answer we gave, or a SEND (OCPP 2.1), which has none."""
    answer = bytes(message.answer)
    kind = 6 if answer == b"null" else 2
    asked: Step = ("in", [kind, message.message_id, message.action, message.payload])
    return [asked] if kind == 6 else [asked, ("out", [3, message.message_id, message.answer])]


def refused(event: Station.MessageRefused) -> list[Step]:
    """Word for word what came, and the error we answered, unless there was nobody to answer."""
    said: list[Step] = [("in", frame(event.raw))]
    cause = event.cause
    if not event.unanswered and isinstance(cause, Message) and cause.message_id != "":
        said.append(("out", [4, cause.message_id, event.code, event.reason[:255], {}]))
    return said


def frame(raw: str) -> msgspec.Raw | str:
    """A text as it came: JSON stays as it is, anything else is a string."""
    try:
        msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return raw
    return msgspec.Raw(raw.encode())
