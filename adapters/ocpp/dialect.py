"""A dialect: one OCPP version as a table of what we hear and what we can say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, NamedTuple

import orjson

from application.session import Session

Payload = dict[str, Any]
EMPTY = b"{}"


HIDDEN = "***"


class Secret(NamedTuple):
    """A credential, as this version spells it: it goes on the wire where the payload says HIDDEN, and nowhere else."""

    credential_id: str
    spell: Callable[[str], str] = str


class Said(NamedTuple):
    """A request in the words of one OCPP version; where a station takes only so much at once, `rest` are the payloads
    of the calls that follow, each after the answer to the one before. `unchecked`: neither it nor its answer has
    to fit a schema."""

    action: str
    payload: Payload
    rest: tuple[Payload, ...] = ()
    unchecked: bool = False
    secret: Secret | None = None


def portioned(action: str, name: str, lines: list[Any], wish: Payload) -> Said:
    """A request about many lines, in as many calls as a station needs that takes `at_once` of them."""
    most, longest = wish.get("at_once") or len(lines), wish.get("bytes_at_once")
    portions: list[list[Any]] = [[]]
    for line in lines:
        too_long = longest is not None and len(dump({name: [*portions[-1], line]})) > longest
        if portions[-1] and (too_long or len(portions[-1]) >= most):
            portions.append([])
        portions[-1].append(line)
    first, *rest = [{name: portion} for portion in portions]
    return Said(action, first, tuple(rest))


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


GOOD = {"Accepted", "AcceptedCanceled", "Scheduled", "Unlocked", "Unpublished", "RebootRequired"}
PARTS = ("setVariableResult", "getVariableResult", "setMonitoringResult", "clearMonitoringResult")


def joined(answers: Sequence[Payload]) -> Payload:
    """The answers to all calls of one command as one: their lists one after the other, of anything else the latest."""
    whole: Payload = {}
    for answer in answers:
        for name, value in answer.items():
            whole[name] = [*whole.get(name, ()), *value] if isinstance(value, list) else value
    return whole


def read(answer: Payload) -> Verdict:
    """Understand an answer: its status, or the statuses of its parts; no status at all is a plain answer."""
    for name in PARTS:
        if answer.get(name):
            return read_parts(answer[name])
    status = answer.get("status")
    if status is None or status in GOOD:
        return Verdict(True)
    return Verdict(False, explain(status, answer.get("statusInfo")))


def read_parts(parts: list[Payload]) -> Verdict:
    refused = [
        f"{subject(part)}: {explain(status, part.get('attributeStatusInfo') or part.get('statusInfo'))}"
        for part in parts
        if (status := part.get("attributeStatus") or part["status"]) not in GOOD
    ]
    return Verdict(not refused, "; ".join(refused) or None)


def subject(part: Payload) -> str:
    """What a part of an answer is about: a variable, or a monitor."""
    if "variable" not in part:
        return f"monitor {part['id']}"
    return f"{part['component']['name']}.{part['variable']['name']}"


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


def moment(wish: str | None) -> str | None:
    """A time of a command's parameters, as stations read it."""
    return stamp(datetime.fromisoformat(wish).astimezone(UTC)) if wish else None


def given(**fields: Any) -> Payload:
    """A payload without what was not said: OCPP has no null."""
    return {name: value for name, value in fields.items() if value is not None}
