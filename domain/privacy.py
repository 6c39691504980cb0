"""Privacy: which words of an event are about a person. They are sealed on their way into the store (ADR 0010).

What is found are places in the JSON of an event, not fields of classes: the payload of a station's message, the
parameters of a command and the raw text of a refused message hold the same badges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from domain.event import Event, Message

BADGES = (
    "badge", "group", "group_badge", "person", "customer_identifier",
    "idTag", "parentIdTag", "idToken", "additionalIdToken", "customerIdentifier",
)  # fmt: skip
"""Names of JSON strings that are the id of a badge, of a group of badges, or of a customer."""
LISTS = ("idTokens", "prioritizedEMAIDs", "badges")
"""Names of JSON arrays of such ids."""
TEXTS = (
    "full_name", "email", "phone", "licence_plate", "employer", "cost_centre", "message", "content", "text",
    "certificate", "exiRequest", "exiResponse",
)  # fmt: skip
"""Names of JSON strings that tell something about the person of the event."""

ACTIONS = {
    "Authorize": b"",
    "StartTransaction": b"",
    "StopTransaction": b"",
    "TransactionEvent": b'"idToken',
    "BatterySwap": b"",
    "DataTransfer": b"",
    "Get15118EVCertificate": b"",
}
"""Messages of stations that may name a person, and what is in their JSON if they do."""


class Place(NamedTuple):
    """Some bytes of an event's JSON: an id of a badge (`badge`), or a text about its person. `bare`: a JSON number."""

    start: int
    end: int
    badge: str | None
    bare: bool = False


def concerns(event: Event, state: bytes) -> bool:
    """May this event name a person? Asked for every event, so it must cost nothing."""
    if event.personal:
        return True
    cause = event.cause
    if cause.__class__ is not Message:
        return False
    sign = ACTIONS.get(cause.action)
    return sign is not None and sign in state


def either(names: tuple[str, ...]) -> bytes:
    return "|".join(names).encode()


STRING = rb'(?:[^"\\]|\\.)+'
NAMED = re.compile(
    rb'"(?:(?P<badges>%s)|(?P<badge>%s)|%s)"\s*:\s*(?:"(?P<value>%s)"|(?P<number>-?[0-9][0-9.eE+-]*)|\[(?P<list>[^\]]*)\])'
    % (either(LISTS), either(BADGES), either(TEXTS), STRING),
    re.IGNORECASE,
)
QUOTED = re.compile(
    rb'\\"(?:(?P<badge>%s)|%s)\\"\s*:\s*(?:\\"(?P<value>[^"\\]+)|(?P<number>[0-9][0-9.]*))'
    % (either(BADGES), either(TEXTS)),
    re.IGNORECASE,
)
"""The same within a JSON string: the raw text of a message, JSON that a vendor sends as a text."""
ITEM = re.compile(rb'"(%s)"' % STRING)
STREAM = re.compile(rb'"originator_id":"badge/(%s)"' % STRING)


def places(state: bytes) -> Iterator[Place]:
    """Everything in an event's JSON that is about a person, in no certain order."""
    for found in NAMED.finditer(state):
        if found["badges"]:
            for item in ITEM.finditer(state, *found.span("list")):
                yield Place(*item.span(1), text(item[1]))
        elif found["value"]:
            yield Place(*found.span("value"), text(found["value"]) if found["badge"] else None)
        elif found["number"] and found["badge"]:
            yield Place(*found.span("number"), found["number"].decode(), True)
    if b'\\"' in state:
        for found in QUOTED.finditer(state):
            kind = "value" if found["value"] else "number"
            yield Place(*found.span(kind), text(found[kind]) if found["badge"] else None)


def text(inside: bytes) -> str:
    """What is meant by the inside of a JSON string."""
    try:
        return str(msgspec.json.decode(b'"%s"' % inside)) if b"\\" in inside else inside.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return inside.decode("utf-8", "replace")
