"""Advenir: which points it funds, and telling it of their charges, batch by batch, until it has them."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import uuid4

from application.amend import amend
from application.history import History
from application.journal import Fenced, Journal
from application.ports import Candidate, Ledger, Regulator, Told, Wanted
from application.process import loaded
from application.submission import Draft, Fate, Submissions
from domain.advenir import OUR_BUG, WRONG_USER, Advenir, Verdict, body, judge
from domain.advenir import stream as point_stream
from domain.event import AnyCause, Operator, Refusal, Timer
from domain.submission import Submission, stream

log = logging.getLogger("bornier.advenir")

LOOK_S = 5.0
BACK = timedelta(days=35)
"""Charges that began longer ago are looked for once a day, and when a point was registered."""
AT_ONCE = 1_000
CAUSE: AnyCause = Timer(rule="advenir")
REST_S, LONGEST_REST = 60, 5
TOO_MUCH = (400, 413, 422)
"""A server that says so of many may take them one by one."""
Progress = Callable[[int, int], None]
Line = tuple[int, str, int, str, datetime, float | None]
"""Number of the line, station, EVSE, identifier, since, rated power."""


def nobody(done: int, total: int) -> None:
    """Watches."""


class Funding:
    """Where operators say what Advenir funds."""

    def __init__(self, journal: Journal, history: History, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.clock = clock

    async def register(
        self, station_id: str, evse_id: int, identifier: str, since: datetime, rated_power_w: float | None, by: str
    ) -> Advenir:
        """Raises Refusal for what Advenir could not know."""
        cause = Operator(name=by)
        return await self.change(
            station_id, evse_id,
            lambda point: point.register(station_id, evse_id, identifier, since, rated_power_w, cause, self.clock()),
        )  # fmt: skip

    async def register_all(self, lines: Iterable[Line], by: str) -> list[tuple[int, str]]:
        """Register many; what is refused does not hinder the others. Returns (number of the line, reason)."""
        refused = []
        for number, station_id, evse_id, identifier, since, power in lines:
            try:
                await self.register(station_id, evse_id, identifier, since, power, by)
            except Refusal as refusal:
                refused.append((number, str(refusal)))
        return refused

    async def remove(self, station_id: str, evse_id: int, by: str) -> Advenir:
        """Raises Refusal where there is none."""
        cause = Operator(name=by)
        return await self.change(
            station_id, evse_id, lambda point: point.remove(station_id, evse_id, cause, self.clock())
        )

    async def change(self, station_id: str, evse_id: int, decide: Callable[[Advenir], None]) -> Advenir:
        return await amend(self.journal, self.history, lambda: Advenir(point_stream(station_id, evse_id)), decide)


class Summary(NamedTuple):
    """What became of the charges that were looked at."""

    prepared: int = 0
    withheld: int = 0
    kept: int = 0

    @property
    def total(self) -> int:
        return sum(self)

    def plus(self, fate: Fate) -> Summary:
        return self._replace(**{fate: getattr(self, fate) + 1})


class Round(NamedTuple):
    """What became of what was sent. `closed`: why nothing more could be sent now."""

    accepted: int = 0
    refused: int = 0
    failed: int = 0
    closed: str | None = None

    @property
    def sent(self) -> int:
        return self.accepted + self.refused + self.failed

    def joined(self, other: Round) -> Round:
        return Round(
            self.accepted + other.accepted, self.refused + other.refused, self.failed + other.failed,
            self.closed or other.closed,
        )  # fmt: skip


class Exporter:
    """Makes and sends. Of several processes one does it; killed at any moment, at most the same is sent again.

    Without a regulator, charges are made and checked, and wait.
    """

    def __init__(
        self, submissions: Submissions, regulator: Regulator | None, may: Callable[[], bool] = lambda: True
    ) -> None:
        self.submissions = submissions
        self.ledger: Ledger = submissions.ledger
        self.journal, self.history, self.clock = submissions.journal, submissions.history, submissions.clock
        self.regulator = regulator
        self.may = may
        self.looked: tuple[int, datetime] | None = None
        self.fresh: list[str] = []
        self.failures = 0
        self.rests_until = datetime.min.replace(tzinfo=UTC)

    async def watch(self) -> None:
        while True:
            try:
                if await asyncio.to_thread(self.may):
                    await self.turn()
            except Exception as error:  # the database is away, or a fault of ours: said, and tried again
                log.warning("Advenir waits: %s", str(error).strip() or type(error).__name__)
            await asyncio.sleep(LOOK_S)

    async def turn(self) -> Round:
        """Make what is to be made, and send what is to be sent."""
        funded_at = await asyncio.to_thread(self.ledger.funded_at)
        if not funded_at:
            return Round()
        settled = self.clock() - timedelta(seconds=self.submissions.terms.delay_s)
        await self.prepare(Wanted(self.since(funded_at), None, settled))
        return await self.send() if self.clock() >= self.rests_until else Round()

    def since(self, funded_at: int) -> datetime | None:
        """How far back to look; None: from the beginning."""
        now = self.clock()
        if self.looked is None or self.looked[0] != funded_at or now > self.looked[1] + timedelta(days=1):
            self.looked = funded_at, now
            return None
        return now - BACK

    async def prepare(
        self, wanted: Wanted, by: str | None = None, most: int | None = None, progress: Progress = nobody
    ) -> Summary:
        """Make a submission of every charge that is wanted and was not made yet."""
        cause: AnyCause = Operator(name=by) if by else CAUSE
        found = Summary()
        async for candidate in self.pages(partial(self.ledger.due, wanted)):
            fate = await self.made(candidate, cause)
            found = found.plus(fate)
            if fate == "prepared" and self.regulator is not None:
                self.fresh.append(candidate.transaction_id)
            progress(found.total, found.total)
            if found.total == most:
                break
        return found

    async def made(self, candidate: Candidate, cause: AnyCause) -> Fate:
        """One charge that cannot be read does not keep the others waiting."""
        try:
            return await self.submissions.prepare(candidate, cause)
        except (Refusal, LookupError, ValueError) as error:
            log.error("nothing can be made of transaction %s for Advenir: %s", candidate.transaction_id, error)
            return "kept"

    async def preview(self, wanted: Wanted) -> AsyncIterator[tuple[Candidate, Draft]]:
        """What would be told of every charge that is wanted, and what is wrong with it; nothing is written."""
        async for candidate in self.pages(partial(self.ledger.charges, wanted)):
            yield candidate, await asyncio.to_thread(self.submissions.draft, candidate)

    async def pages(self, read: Callable[[str | None], tuple[list[Candidate], str | None]]) -> AsyncIterator[Candidate]:
        after = None
        while True:
            candidates, after = await asyncio.to_thread(read, after)
            for candidate in candidates:
                yield candidate
            if after is None:
                return

    async def send(self, progress: Progress = nobody) -> Round:
        """Send what waits, until there is nothing, or nobody answers."""
        total = Round()
        if self.regulator is None:
            return total
        while due := await self.waiting():
            for batch in batches(due, self.submissions.terms.batch):
                total = total.joined(await self.carry(batch, self.regulator))
                progress(total.sent, total.sent)
                if total.closed:
                    self.rest(total.closed)
                    return total
        self.failures = 0
        return total

    def rest(self, reason: str) -> None:
        self.failures += 1
        self.rests_until = self.clock() + timedelta(seconds=REST_S * min(self.failures, LONGEST_REST))
        log.warning("Advenir is told later: %s", reason)

    async def waiting(self) -> list[Submission]:
        """What may be sent now, as the history tells it: the read model is a moment behind."""
        fresh, self.fresh = self.fresh, []
        found, after = await self.loaded(fresh), 0
        seen = set(fresh)
        while len(found) < AT_ONCE:
            ids, next_ = await asyncio.to_thread(self.ledger.waiting, after, self.clock())
            found += await self.loaded([each for each in ids if each not in seen])
            if next_ is None:
                break
            after = next_
        return found

    async def loaded(self, ids: Sequence[str]) -> list[Submission]:
        found = [await loaded(self.history, Submission(stream(each))) for each in ids]
        return [each for each in found if each.due(self.clock())]

    async def carry(self, batch: Sequence[Submission], regulator: Regulator) -> Round:
        """One request: recorded, sent, and its answer recorded for each charge in it."""
        number, sent = uuid4().hex, body(regulator.user_id, map(told_of, batch))
        request = {
            "verb": regulator.verb, "url": regulator.url, "user_id": regulator.user_id, "size": len(batch),
            "body_sha256": hashlib.sha256(sent).hexdigest(),
        }  # fmt: skip
        for submission in batch:
            submission.submit(number, CAUSE, self.clock(), **request)
        try:
            await self.journal.record([event for each in batch for event in each.collect_events()])
        except Fenced:
            return Round()  # somebody abandoned one of them, or sends them too: the next turn looks again
        told = await regulator.send(sent)
        verdicts = verdicts_of(told, batch)
        say(verdicts)
        await asyncio.gather(
            *(self.settle(each, number, verdict, told) for each, verdict in zip(batch, verdicts, strict=True))
        )
        self.fresh += [each.transaction_id for each, verdict in zip(batch, verdicts, strict=True) if verdict.alone]
        return counted(verdicts, told)

    async def settle(self, sent: Submission, number: str, verdict: Verdict, told: Told) -> None:
        await amend(self.journal, self.history, lambda: Submission(sent.id), partial(self.note, number, verdict, told))

    def note(self, number: str, verdict: Verdict, told: Told, submission: Submission) -> None:
        now = self.clock()
        match verdict.fate:
            case "accepted":
                submission.accept(number, verdict.code, told.answer, CAUSE, now)
            case "refused":
                submission.refuse(number, verdict.code, verdict.reason, told.answer, CAUSE, now)
            case "failed":
                submission.fail(number, verdict.reason, told.status, verdict.code, verdict.alone, CAUSE, now)


def batches(waiting: Iterable[Submission], most: int) -> list[list[Submission]]:
    """Requests: of one mode each, no two charges with the same start and stop, for answers name nothing else."""
    made: list[list[Submission]] = []
    room: dict[str, list[tuple[list[Submission], set[tuple[int, int]]]]] = {}
    for submission in waiting:
        prepared = submission.prepared
        assert prepared is not None
        if submission.alone:
            made.append([submission])
            continue
        pair, kept = (prepared.start, prepared.stop), room.setdefault(prepared.mode, [])
        fitting = next((each for each in kept if len(each[0]) < most and pair not in each[1]), None)
        if fitting is None:
            fitting = [], set()
            kept.append(fitting)
            made.append(fitting[0])
        fitting[0].append(submission)
        fitting[1].add(pair)
    return made


def told_of(submission: Submission) -> tuple[str, str, str]:
    assert submission.prepared is not None
    return submission.prepared.identifier, submission.transaction_id, submission.prepared.content


def verdicts_of(told: Told, batch: Sequence[Submission]) -> list[Verdict]:
    if told.reason is not None:
        alone = told.status in TOO_MUCH and len(batch) > 1
        return [Verdict("failed", None, told.reason, alone)] * len(batch)
    pairs = [(each.prepared.start, each.prepared.stop) for each in batch if each.prepared is not None]
    return judge(told.statut, told.details, pairs)


def say(verdicts: Iterable[Verdict]) -> None:
    """What somebody must look at."""
    for code in sorted({verdict.code for verdict in verdicts if verdict.code and verdict.fate != "accepted"}):
        if code == WRONG_USER:
            log.error("Advenir does not know the UserID: see BORNIER_ADVENIR_USER_ID; nothing is lost")
        elif code in OUR_BUG:
            log.error("Advenir cannot read what Bornier sends (code %s): please report it", code)


def counted(verdicts: Sequence[Verdict], told: Told) -> Round:
    fates = [verdict.fate for verdict in verdicts]
    wrong_user = any(verdict.code == WRONG_USER for verdict in verdicts)
    closed = told.reason or ("the UserID is not valid (code 104)" if wrong_user else None)
    return Round(fates.count("accepted"), fates.count("refused"), fates.count("failed"), closed)
