"""Advenir: under which identifier it knows our charge points, what it is sent, and what its answers mean.

Source: the agreement of three independent open clients; no public specification was found (docs/advenir.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal
from domain.preflight import Charge, Point

Mode = Literal["operation", "curve"]
Index = Literal["relative", "raw"]

EVSE_ID = re.compile(r"FR[A-Z0-9]{3}E[A-Z0-9]{1,29}")
SEPARATED = re.compile(r"[A-Z]{2}[*-]")
PLAIN = re.compile(r"[A-Za-z0-9*._:-]{1,64}")
OUR_BUG = ("101", "103")
WRONG_USER = "104"
RECORDED = "202"
FAR_APART = "203"
MEANING = {
    "101": "the data are not in the expected format",
    "103": "the JSON cannot be read",
    "104": "the UserID is not valid",
    "201": "the index does not rise while time does",
    "202": "the session is recorded already",
    "203": "more than 12 hours between two indexes",
}


def stream(station_id: str, evse_id: int) -> str:
    return f"advenir/{station_id}/{evse_id}"


class Advenir(Aggregate):
    """One EVSE that Advenir funds, and under which identifier it is known there."""

    class PointRegistered(Event, tag="advenir.point_registered.v1"):
        """Charges of this EVSE that began at `since` or later are told to Advenir, under this identifier."""

        station_id: str
        evse_id: int
        identifier: str
        since: datetime
        rated_power_w: float | None = None

    class PointRemoved(Event, tag="advenir.point_removed.v1"):
        """Charges of this EVSE are not told any more; what was told stays told."""

        station_id: str
        evse_id: int

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.told: tuple[str, datetime, float | None] | None = None

    def register(
        self, station_id: str, evse_id: int, identifier: str, since: datetime, rated_power_w: float | None,
        cause: AnyCause, now: datetime,
    ) -> None:  # fmt: skip
        """Registering again replaces what was said. Raises Refusal for what Advenir could not know."""
        if not station_id:
            raise Refusal("which station?")
        if not 1 <= evse_id <= 10_000:
            raise Refusal(f"{evse_id} is no EVSE: they are numbered from 1")
        if rated_power_w is not None and not 0 < rated_power_w <= 4_000_000:
            raise Refusal(f"{rated_power_w:g} W is no rated power: more than 0, at most 4,000,000")
        known_form(identifier)
        if self.told != (identifier, since, rated_power_w):
            self.record(
                Advenir.PointRegistered, cause, now, station_id=station_id, evse_id=evse_id, identifier=identifier,
                since=since, rated_power_w=rated_power_w,
            )  # fmt: skip

    def remove(self, station_id: str, evse_id: int, cause: AnyCause, now: datetime) -> None:
        if self.told is None:
            raise Refusal("this EVSE is not registered for Advenir")
        self.record(Advenir.PointRemoved, cause, now, station_id=station_id, evse_id=evse_id)

    def apply(self, event: Event) -> None:
        match event:
            case Advenir.PointRegistered():
                self.told = event.identifier, event.since, event.rated_power_w
            case Advenir.PointRemoved():
                self.told = None


def known_form(identifier: str) -> None:
    """An EVSE id (FR*XYZ*E…, with or without separators) or the id of the charge box. Raises Refusal."""
    if not PLAIN.fullmatch(identifier):
        raise Refusal(f"{identifier[:80]!r} is no identifier: letters, digits and * . _ : - only, 64 at most")
    bare = identifier.replace("*", "").replace("-", "")
    if SEPARATED.match(identifier) and not EVSE_ID.fullmatch(bare):
        raise Refusal(f"{identifier!r} is no EVSE id: FR, three characters of the operator, E, then 1 to 29 characters")


def user_id_form(user_id: str) -> None:
    """Raises Refusal."""
    try:
        UUID(user_id)
    except ValueError:
        raise Refusal(f"{user_id[:80]!r} is no UserID of Advenir: it is a UUID") from None


def content(charge: Charge, mode: Mode, index: Index) -> str:
    """What is sent of one charge, as JSON; the same charge gives the same text."""
    zero = charge.points[0].wh if index == "relative" else 0
    points = [Point(at, wh - zero) for at, wh in charge.points]
    told: Any = operation(points) if mode == "operation" else curve(points)
    return json.dumps(told, separators=(",", ":"))


def operation(points: Sequence[Point]) -> dict[str, int]:
    first, last = points[0], points[-1]
    return {"StartTransaction": first.at, "StopTransaction": last.at, "StartValue": first.wh, "StopValue": last.wh}


def curve(points: Sequence[Point]) -> list[dict[str, int]]:
    return [{"timestamp": at, "value": wh} for at, wh in points]


def body(user_id: str, told: Iterable[tuple[str, str, str]]) -> bytes:
    """One request: (identifier, transaction, content) of each charge, under the UserID of the operator."""
    points: dict[str, dict[str, Any]] = {}
    for identifier, transaction_id, text in told:
        points.setdefault(identifier, {})[transaction_id] = json.loads(text)
    return json.dumps({user_id: points}, separators=(",", ":")).encode()


class Verdict(NamedTuple):
    """What an answer says of one charge. `alone`: it must be sent by itself, for the answer did not say which."""

    fate: Literal["accepted", "refused", "failed"]
    code: str | None = None
    reason: str = ""
    alone: bool = False


def judge(status: str, details: Mapping[str, Sequence[Any] | None], pairs: Sequence[tuple[int, int]]) -> list[Verdict]:
    """What an answer (`statut`, `details`) means for each charge of the request, known by its start and stop."""
    if WRONG_USER in details:
        return [Verdict("failed", WRONG_USER, MEANING[WRONG_USER])] * len(pairs)
    named = {code: paired(told) for code, told in details.items()}
    general = sorted(code for code, told in named.items() if not told)
    fallback = unnamed(status, general, len(pairs), any(named.values()))
    return [of_pair(pair, named) or fallback for pair in pairs]


def paired(told: Sequence[Any] | None) -> set[tuple[Any, Any]]:
    """Start, stop, start, stop, … as pairs."""
    flat = [each for each in told if type(each) is int] if isinstance(told, list) else []
    return set(zip(flat[::2], flat[1::2], strict=False))


def of_pair(pair: tuple[int, int], named: Mapping[str, set[tuple[Any, Any]]]) -> Verdict | None:
    codes = sorted(code for code, pairs in named.items() if pair in pairs)
    wrong = [code for code in codes if code != RECORDED]
    if wrong:
        return refused(wrong[0])
    return Verdict("accepted", RECORDED) if codes else None


def unnamed(status: str, general: Sequence[str], size: int, others: bool) -> Verdict:
    """What holds for a charge that the answer does not name."""
    wrong = [code for code in general if code != RECORDED]
    if status == "OK" and not wrong:
        return Verdict("accepted")
    if not wrong and not general and others:
        return Verdict("failed", None, "the request was refused because of others in it")
    if size > 1:
        code = next(iter([*wrong, *general]), None)
        return Verdict("failed", code, "the answer does not say which", alone=True)
    return refused(wrong[0]) if wrong else Verdict("accepted", RECORDED) if general else refused(None)


def refused(code: str | None) -> Verdict:
    meaning = MEANING.get(code, f"an unknown code: {code[:40]}") if code else "no reason was given"
    return Verdict("refused", code, meaning)
