"""Pre-flight: what Advenir would refuse of a charge, found before anything is sent.

Source: the answers of its web service (codes 101, 201, 203) as three independent open clients know them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

GAP_S = 12 * 3600
"""Two indexes further apart than this are refused with code 203."""
MARGIN = 1.1


class Defect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with a charge. `mended`: it is put right, and does not keep the charge from being sent."""

    rule: str
    what: str
    where: str = ""
    values: dict[str, Any] = msgspec.field(default_factory=dict)
    mended: bool = False


class Point(NamedTuple):
    """A register: Unix seconds and Wh. Whole numbers, unless whoever wrote it did not know better."""

    at: Any
    wh: Any


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What may be told of one transaction. `told_end`: the station itself said when it ended."""

    transaction_id: str
    identifier: str
    points: tuple[Point, ...]
    told_end: bool = True
    doubt: str | None = None
    rated_power_w: float | None = None

    @property
    def where(self) -> str:
        return f"{self.identifier} {self.transaction_id}"

    @property
    def pair(self) -> tuple[int, int]:
        """Start and stop: all that an answer of Advenir names a charge by."""
        return self.points[0].at, self.points[-1].at

    @property
    def energy_wh(self) -> int:
        return int(self.points[-1].wh - self.points[0].wh)


class Limits(NamedTuple):
    """Now, as Unix seconds; charges with less than this are left out."""

    now: int
    least_wh: int = 0
    least_s: int = 0


Rule = Callable[[Charge, Limits], Iterable[Defect]]


def check(charge: Charge, limits: Limits) -> list[Defect]:
    """Everything that is wrong with one charge. The later rules reckon, so they need the first ones to hold."""
    found = [defect for rule in FIRST for defect in rule(charge, limits)]
    if not found:
        found = [defect for rule in THEN for defect in rule(charge, limits)]
    return [msgspec.structs.replace(defect, where=charge.where) for defect in found]


def check_all(charges: Sequence[Charge], limits: Limits) -> list[Defect]:
    """Everything that is wrong with charges of one request."""
    reckoned = [charge for charge in charges if charge.points and not any(whole(charge, limits))]
    return [*(defect for charge in charges for defect in check(charge, limits)), *twins(reckoned)]


def sendable(defects: Iterable[Defect]) -> bool:
    return all(defect.mended for defect in defects)


def mend(charge: Charge) -> Charge:
    """The same charge without exact repetitions."""
    return msgspec.structs.replace(charge, points=tuple(dict.fromkeys(charge.points)))


def ended(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """The station told when it ended: a start that was sent twice leaves a transaction that never ends."""
    if not charge.told_end:
        yield Defect(rule="ended", what="the station never told its end: a start that was sent twice, or a lost stop")


def undoubted(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """Nobody doubts its figures."""
    if charge.doubt is not None:
        yield Defect(rule="undoubted", what=charge.doubt)


def indexed(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """There are an index at the start and one at the stop."""
    if charge.told_end and len(charge.points) < 2:
        yield Defect(rule="indexed", what="an index at the start and one at the stop are needed",
                     values={"indexes": len(charge.points)})  # fmt: skip


def whole(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """Times are whole Unix seconds, indexes whole Wh: numbers, never texts (code 101)."""
    for point in charge.points:
        for name, value in zip(("timestamp", "value"), point, strict=True):
            if isinstance(value, bool) or not isinstance(value, int):
                yield Defect(rule="whole", what=f"{name} is no whole number", values={name: value})


def past(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """Nothing lies in the future."""
    latest = max(point.at for point in charge.points)
    if latest > limits.now:
        yield Defect(rule="past", what="it lies in the future", values={"timestamp": latest, "now": limits.now})


def ordered(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """Times never run backwards."""
    for one, next_ in pairwise(charge.points):
        if next_.at < one.at:
            yield Defect(rule="ordered", what="times run backwards", values={"from": one.at, "to": next_.at})


def single(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """Every point comes once; exact repetitions are left out."""
    for point, times in Counter(charge.points).items():
        for _ in range(times - 1):
            yield Defect(rule="single", what="the same point again", values=point._asdict(), mended=True)


def consistent(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """At one time there is one index (code 201)."""
    points = mend(charge).points
    for one, next_ in pairwise(sorted(points)):
        if one.at == next_.at:
            values = {"timestamp": one.at, "value": one.wh, "other": next_.wh}
            yield Defect(rule="consistent", what="two indexes at the same time", values=values)


def rising(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """The index never falls (code 201)."""
    for one, next_ in pairwise(charge.points):
        if next_.wh < one.wh:
            values = {"timestamp": next_.at, "value": next_.wh, "before": one.wh}
            yield Defect(rule="rising", what="the index falls", values=values)


def close(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """No two indexes are more than 12 hours apart (code 203)."""
    for one, next_ in pairwise(charge.points):
        if next_.at - one.at > GAP_S:
            values = {"from": one.at, "to": next_.at, "hours": round((next_.at - one.at) / 3600, 2)}
            yield Defect(rule="close", what="more than 12 hours between two indexes", values=values)


def plausible(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """Not more energy than the charge point can give in that time, and a tenth."""
    start, stop = charge.pair
    if charge.rated_power_w is not None:
        most_wh = round(charge.rated_power_w * (stop - start) / 3600 * MARGIN)
        if charge.energy_wh > most_wh:
            values = {"energy_wh": charge.energy_wh, "most_wh": most_wh}
            yield Defect(rule="plausible", what="more energy than the charge point can give", values=values)


def charged(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """Energy was given, and not less than what is worth telling."""
    if 0 <= charge.energy_wh < max(limits.least_wh, 1):
        what = "no energy was given" if charge.energy_wh == 0 else "too little energy to be told"
        yield Defect(rule="charged", what=what, values={"energy_wh": charge.energy_wh})


def lasting(charge: Charge, limits: Limits) -> Iterator[Defect]:
    """It lasted, and not shorter than what is worth telling."""
    start, stop = charge.pair
    if 0 <= stop - start < max(limits.least_s, 1):
        yield Defect(rule="lasting", what="it is too short to be told", values={"seconds": stop - start})


def twins(charges: Sequence[Charge]) -> list[Defect]:
    """No two charges of a point begin and stop at the same time: one of them is the other, told twice."""
    first: dict[tuple[str, tuple[int, int]], str] = {}
    found = []
    for charge in charges:
        other = first.setdefault((charge.identifier, charge.pair), charge.transaction_id)
        if other != charge.transaction_id:
            found.append(twin(charge, other))
    return found


def twin(charge: Charge, other: str) -> Defect:
    values = {"transaction": other, "start": charge.pair[0], "stop": charge.pair[1]}
    return Defect(rule="twins", what="another charge has the same start and stop", where=charge.where, values=values)


FIRST: tuple[Rule, ...] = (ended, undoubted, indexed, whole)
THEN: tuple[Rule, ...] = (past, ordered, single, consistent, rising, close, plausible, charged, lasting)
