"""A yardstick: how availability is reckoned, from a month on. Adopting another one edits nothing.

No text of the Union or of France that we know prescribes a formula (AFIR and the décret 2017-26 only ask for the
figure). The default follows the one public rule that does, 23 CFR 680.116(b) of the United States: planned maintenance
is left out. Time in which nobody knew is shown apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from domain import declaration
from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

Verdict = Literal["UP", "DOWN", "EXCLUDED", "UNKNOWN"]
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)
STREAM = "yardstick/uptime"
LONGEST_TOLERANCE_S = 86_400


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as what.

    `tolerance_s`: a lost connection is nothing for so long, the point counts as it was. `unreachable`: what the time
    after that counts as. `maintenance`: what time counts as in which a point does not work, or nobody knows, while
    maintenance was announced for it.
    """

    tolerance_s: int = 600
    unreachable: Literal["UNKNOWN", "DOWN", "UP"] = "UNKNOWN"
    maintenance: Literal["EXCLUDED", "DOWN"] = "EXCLUDED"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One method with its number: 0 is what holds while nobody has adopted another."""

    number: int
    from_month: str
    method: Method
    adopted_at: datetime | None = None
    reason: str | None = None


BUILT_IN = Rule(number=0, from_month="2000-01", method=Method())


class Yardstick(Aggregate):
    """All rules that were ever adopted."""

    class Adopted(Event, tag="yardstick.adopted.v1"):
        """From a month on availability is reckoned so; months from then on that are reckoned already are again."""

        number: int
        from_month: str
        method: Method
        reason: str

    def __init__(self, stream: str = STREAM) -> None:
        super().__init__(stream)
        self.rules: list[Rule] = [BUILT_IN]

    def adopt(self, from_month: str, method: Method, reason: str, cause: AnyCause, now: datetime) -> None:
        if not MONTH.fullmatch(from_month):
            raise Refusal("a month is written like 2026-11")
        if not 0 <= method.tolerance_s <= LONGEST_TOLERANCE_S:
            raise Refusal(f"the tolerance is between 0 and {LONGEST_TOLERANCE_S} seconds")
        if rule_for(self.rules, from_month).method == method and self.rules[-1].from_month <= from_month:
            raise Refusal(f"this is how {from_month} is reckoned already")
        self.record(
            Yardstick.Adopted, cause, now, number=len(self.rules), from_month=from_month, method=method,
            reason=declaration.text(reason),
        )  # fmt: skip

    def apply(self, event: Event) -> None:
        if isinstance(event, Yardstick.Adopted):
            rule = Rule(
                number=event.number, from_month=event.from_month, method=event.method, adopted_at=event.recorded_at,
                reason=event.reason,
            )  # fmt: skip
            self.rules.append(rule)


def rule_for(rules: Sequence[Rule], month: str) -> Rule:
    """The latest rule that speaks of a month."""
    return next(rule for rule in reversed(rules) if rule.from_month <= month)
