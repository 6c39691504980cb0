"""Submissions: made from the events of a transaction, checked before anything is sent, and decided about by people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor
from typing import Any, Literal, NamedTuple

from application.amend import amend
from application.history import History
from application.journal import Journal
from application.ports import Candidate, Ledger
from domain.advenir import Index, Mode, content
from domain.catalog import CATALOG, Recorded
from domain.event import AnyCause, Operator
from domain.preflight import GAP_S, Charge, Defect, Limits, Point, check, mend, sendable, twin
from domain.submission import Submission, stream
from domain.transaction import stream as transaction_stream
from domain.usage import Facts

ROUNDING_WH = 1
LATELY = 10_000

Fate = Literal["prepared", "withheld", "kept"]


@dataclass(frozen=True)
class Terms:
    """How charges are told, and which are left out. They wait `delay_s` after their end for late readings."""

    mode: Mode = "operation"
    index: Index = "relative"
    least_wh: int = 0
    least_s: int = 0
    delay_s: int = 3_600
    batch: int = 100


class Draft(NamedTuple):
    """A charge as it would be told, what is wrong with it, and from which events it was made."""

    charge: Charge
    mode: Mode
    defects: list[Defect]
    rows: Sequence[Recorded]


class Submissions:
    """Makes submissions; sends nothing."""

    def __init__(
        self, journal: Journal, history: History, ledger: Ledger, terms: Terms, clock: Callable[[], datetime]
    ) -> None:
        self.journal = journal
        self.history = history
        self.ledger = ledger
        self.terms = terms
        self.clock = clock
        self.lately: dict[tuple[str, tuple[int, int]], str] = {}

    async def prepare(self, candidate: Candidate, cause: AnyCause) -> Fate:
        """Make what is to be made of a charge; nothing where it was made already and nothing is new."""
        draft = await asyncio.to_thread(self.draft, candidate)
        facts = self.facts(candidate, draft)
        made: list[Fate] = ["kept"]

        def decide(submission: Submission) -> None:
            made[:] = [self.make(submission, draft, facts, cause)]

        await amend(self.journal, self.history, lambda: Submission(stream(candidate.transaction_id)), decide)
        if made[0] == "prepared":
            self.remember(draft.charge)
        return made[0]

    def make(self, submission: Submission, draft: Draft, facts: dict[str, Any], cause: AnyCause) -> Fate:
        if not submission.wants(facts["last_position"]):
            return "kept"
        if submission.sparse and draft.mode == "operation":
            draft = draft._replace(mode="curve")
        if not sendable(draft.defects):
            submission.withhold(draft.defects, cause, self.clock(), **facts)
            return "withheld"
        charge, repetitions = mend(draft.charge), sum(defect.mended for defect in draft.defects)
        start, stop = charge.pair
        submission.prepare(
            content(charge, draft.mode, self.terms.index), cause, self.clock(), mode=draft.mode, start=start, stop=stop,
            energy_wh=charge.energy_wh, points=2 if draft.mode == "operation" else len(charge.points),
            repetitions=repetitions, **facts,
        )  # fmt: skip
        return "prepared"

    def facts(self, candidate: Candidate, draft: Draft) -> dict[str, Any]:
        return {
            "transaction_id": candidate.transaction_id, "station_id": candidate.station_id,
            "evse_id": candidate.evse_id, "identifier": candidate.identifier,
            "first_position": draft.rows[0].position, "last_position": draft.rows[-1].position,
        }  # fmt: skip

    def draft(self, candidate: Candidate) -> Draft:
        """The charge as it would be told now. Blocks; nothing is written."""
        rows = self.history.stream(transaction_stream(candidate.transaction_id))
        charge = charge_of(Facts(CATALOG.decode(row.topic, row.state) for row in rows), candidate)
        defects = check(charge, Limits(int(self.clock().timestamp()), self.terms.least_wh, self.terms.least_s))
        mode = self.terms.mode
        if mode == "operation" and len(charge.points) > 1 and charge.pair[1] - charge.pair[0] > GAP_S:
            mode = "curve"
        elif mode == "operation":
            defects = [defect for defect in defects if defect.rule != "close"]
        if len(charge.points) > 1 and (other := self.twin(charge)) is not None:
            defects.append(twin(charge, other))
        return Draft(charge, mode, defects, rows)

    def twin(self, charge: Charge) -> str | None:
        """The read model may be a moment behind what this process has made itself."""
        other = self.lately.get((charge.identifier, charge.pair))
        if other is not None and other != charge.transaction_id:
            return other
        return self.ledger.twin(charge.identifier, charge.pair, charge.transaction_id)

    def remember(self, charge: Charge) -> None:
        self.lately[charge.identifier, charge.pair] = charge.transaction_id
        while len(self.lately) > LATELY:
            del self.lately[next(iter(self.lately))]

    async def retry(self, transaction_id: str, reason: str, by: str) -> Submission:
        """Make it anew and try again. Raises Refusal for what is on its way or has arrived."""
        cause = Operator(name=by)
        made = await self.change(transaction_id, lambda each: each.reopen(reason, cause, self.clock()))
        candidate = await asyncio.to_thread(self.ledger.candidate, transaction_id)
        if candidate is not None:
            await self.prepare(candidate, cause)
        return made

    async def abandon(self, transaction_id: str, reason: str, by: str) -> Submission:
        """Never tell it. Raises Refusal for what has arrived."""
        cause = Operator(name=by)
        return await self.change(transaction_id, lambda each: each.abandon(reason, cause, self.clock()))

    async def change(self, transaction_id: str, decide: Callable[[Submission], None]) -> Submission:
        return await amend(self.journal, self.history, lambda: Submission(stream(transaction_id)), decide)


def charge_of(facts: Facts, candidate: Candidate) -> Charge:
    """What may be told of a charge: whole seconds and whole Wh, in the order of time, from the start to the stop."""
    return Charge(
        transaction_id=candidate.transaction_id,
        identifier=candidate.identifier,
        points=tuple(points_of(facts)),
        told_end=facts.told,
        doubt=facts.doubt,
        rated_power_w=candidate.rated_power_w,
    )


def points_of(facts: Facts) -> list[Point]:
    start, stop = facts.started_at, facts.ended_at
    if start is None or stop is None or facts.meter_start_wh is None:
        return []
    read = sorted((r.at, r.register_wh) for r in facts.readings if r.register_wh is not None and start <= r.at <= stop)
    last_wh = facts.meter_stop_wh if facts.meter_stop_wh is not None else read[-1][1] if read else None
    first = point(start, facts.meter_start_wh)
    if last_wh is None:
        return [first]
    last = point(stop, last_wh)
    between = [snapped(point(at, wh), first, last) for at, wh in thinned(read, {start, stop})]
    return [first, *between, last]


def point(at: datetime, wh: float) -> Point:
    return Point(floor(at.timestamp()), floor(wh))


def thinned(read: Sequence[tuple[datetime, float]], edges: set[datetime]) -> list[tuple[datetime, float]]:
    """Of several instants within a second one counts, for seconds are all that can be told: an edge, or the last."""
    chosen = {floor(at.timestamp()): at for at in [*(at for at, _ in read), *edges]}
    return [(at, wh) for at, wh in read if chosen[floor(at.timestamp())] == at]


def snapped(read: Point, *edges: Point) -> Point:
    """A reading at the start or the stop is that of the start or the stop, but for rounding."""
    return next((edge for edge in edges if edge.at == read.at and abs(edge.wh - read.wh) <= ROUNDING_WH), read)
