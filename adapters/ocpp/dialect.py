"""A dialect: one OCPP version as a table of what we hear and what we can say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any, NamedTuple

import orjson

from application.session import Session

Payload = dict[str, Any]
EMPTY = b"{}"


class Said(NamedTuple):
    """A request in the words of one OCPP version."""

    action: str
    payload: Payload


class Verdict(NamedTuple):
    """What an answer of the station means to the person who asked."""

    accepted: bool
    reason: str | None = None


Hear = Callable[[Session, Payload], bytes]
Say = Callable[[Session, Payload], Said]


Heed = Callable[[Session, Payload, Payload, Payload], None]
"""(session, parameters of the command, payload we sent, payload of the answer)."""


@dataclass(frozen=True)
class Dialect:
    """`hear`: action → what it does to the session, and the answer as JSON. `kept`: valid messages that are recorded
    as they are, with their answer. `say`: command → request. `heed`: command → what its answer tells us beyond the fate
    of the command. What is in no table cannot be said in this version; `cannot` says why.
    """

    version: str
    hear: Mapping[str, Hear]
    kept: Mapping[str, bytes]
    say: Mapping[str, Say]
    heed: Mapping[str, Heed]
    cannot: Mapping[str, str]
    admits_pending: bool = False


def compose(version: str, *parts: ModuleType, admits_pending: bool = False) -> Dialect:
    """A dialect out of the files of its folder, each with some of the tables HEAR, KEPT, SAY, HEED, CANNOT.

    A later file wins over an earlier one: that is how 2.1 changes what it takes from 2.0.1.
    """

    def table(name: str) -> dict[str, Any]:
        return {key: value for part in parts for key, value in getattr(part, name, {}).items()}

    return Dialect(
        version,
        hear=table("HEAR"),
        kept=table("KEPT"),
        say=table("SAY"),
        heed=table("HEED"),
        cannot=table("CANNOT"),
        admits_pending=admits_pending,
    )


GOOD = {"Accepted", "Scheduled", "Unlocked", "RebootRequired"}


def read(answer: Payload) -> Verdict:
    """Understand an answer: its status, or the statuses of its parts; no status at all is a plain answer."""
    parts = answer.get("setVariableResult") or answer.get("getVariableResult")
    if parts:
        return read_parts(parts)
    status = answer.get("status")
    if status is None or status in GOOD:
        return Verdict(True)
    return Verdict(False, explain(status, answer.get("statusInfo")))


def read_parts(parts: list[Payload]) -> Verdict:
    refused = [
        f"{part['component']['name']}.{part['variable']['name']}: "
        + explain(part["attributeStatus"], part.get("attributeStatusInfo"))
        for part in parts
        if part["attributeStatus"] not in GOOD
    ]
    return Verdict(not refused, "; ".join(refused) or None)


def explain(status: str, detail: Payload | None) -> str:
    """The station's status with its own reason, if it gave one."""
    words = [str(detail[key]) for key in ("reasonCode", "additionalInfo") if detail.get(key)] if detail else []
    return f"{status} ({', '.join(words)})" if words else status


def dump(answer: Payload) -> bytes:
    return orjson.dumps(answer)


def text(value: Any) -> str:
    """Any value as compact JSON, for where OCPP wants a text."""
    return orjson.dumps(value).decode()


def stamp(at: datetime) -> str:
    """RFC 3339, UTC, milliseconds: the only time format every station reads."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def given(**fields: Any) -> Payload:
    """A payload without what was not said: OCPP has no null."""
    return {name: value for name, value in fields.items() if value is not None}
