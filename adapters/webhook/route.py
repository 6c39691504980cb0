"""The route of one webhook: reads what concerns it, delivers in order per stream, waits and tries again.

An event that the target refuses holds back its own stream only; a target that does not answer rests as a whole, and
nothing more is read for it. Whatever happens here, other webhooks do not notice.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from adapters.webhook.ledger import Lanes, Ledger
from adapters.webhook.parcel import Parcel, fresh, letter, number
from adapters.webhook.station import Stations
from application.history import History
from application.ports import Caller, Reply
from application.webhook import TOPICS
from domain.event import Timer
from domain.webhook import Patience, Webhook, matches

log = logging.getLogger("bornier.webhook")

PAGE = 100
LANES = 8
ROOM = 5_000
STRIKES = 5
"""After so many rounds in which nothing arrived, one event at a time is tried, at the shortest pause."""
GONE = 410
UNWELL = (None, 429, 502, 503, 504)
"""Answers that say nothing about the event: nobody is there, or not now."""
SAVE_EVERY = timedelta(seconds=5)
SHORTEST_REST_S, LONGEST_REST_S, LOOK_S = 0.02, 0.25, 1.0
CAUSE = Timer(rule="webhook delivery")
Decide = Callable[[Webhook], None]


class Route:
    """Lives in the deliverer's event loop. `row`: the webhook as the read model tells it."""

    def __init__(
        self,
        row: Row[Any],
        ledger: Ledger,
        history: History,
        stations: Stations,
        caller: Caller,
        record: Callable[[Decide], Awaitable[None]],
        patience: Patience,
        clock: Callable[[], datetime],
    ) -> None:
        self.row = row
        self.ledger = ledger
        self.history = history
        self.stations = stations
        self.caller = caller
        self.record = record
        self.patience = patience
        self.clock = clock
        self.secrets: list[str] = []
        self.topics = [topic for topic in TOPICS if any(matches(pattern, topic) for pattern in row.topics)]
        self.cursor: dict[str, Any] = {}
        self.lanes: Lanes = {}
        self.dead: set[int] = set()
        self.stopping = False
        self.halted = False
        self.carriers: list[asyncio.Task[None]] = []
        self.replies: list[Reply] = []
        self.tried: list[dict[str, Any]] = []
        self.opened_at = clock()
        self.looked_at = self.saved_at = clock() - timedelta(days=1)

    async def run(self) -> None:
        rest_s = SHORTEST_REST_S
        while not self.stopping:
            try:
                moved = await self.round()
            except Exception as error:
                log.warning("webhook %s waits: %s", self.row.id, str(error).strip() or type(error).__name__)
                self.cursor, moved, rest_s = {}, False, LOOK_S
            rest_s = SHORTEST_REST_S if moved else min(2 * rest_s, LONGEST_REST_S)
            if not moved:
                await asyncio.sleep(rest_s)

    def hurry(self) -> None:
        """What is on its way now need not arrive: it will be sent again."""
        for carrier in self.carriers:
            carrier.cancel()

    async def round(self) -> bool:
        """Deliver what is due; False when nothing is."""
        now = self.clock()
        if not self.cursor or self.cursor["handled"] < self.row.position:
            self.cursor, self.lanes, self.dead = await asyncio.to_thread(self.ledger.load, self.row)
        if not self.secrets:
            self.cursor |= {"failing_since": self.cursor["failing_since"] or now, "reason": LOCKED}
            return await self.save(now)
        rests_until = self.cursor["rests_until"]
        if rests_until is not None and now < rests_until:
            return await self.save(now)
        probing, before = rests_until is not None, self.cursor["position"]
        lanes = self.due(now)
        untried = any(not lane[0].attempts for lane in lanes.values())
        if not (probing and untried) and sum(map(len, self.lanes.values())) < ROOM:
            lanes |= await self.read(1 if probing else PAGE)
        if not lanes:
            return await self.save(now) or self.cursor["position"] != before
        await self.carry([likeliest(lanes)] if probing else list(lanes.values()))
        await self.settle()
        return True

    def due(self, now: datetime) -> Lanes:
        """The lanes whose first parcel need not wait any longer."""
        return {name: lane for name, lane in self.lanes.items() if lane[0].due_at is None or lane[0].due_at <= now}

    async def read(self, limit: int) -> Lanes:
        """Some more of the history; returns the lanes that begin with it. What follows a parcel that waits, waits."""
        known, now, begun = self.history.latest, self.clock(), {}
        if known <= self.cursor["position"] and now - self.looked_at < timedelta(seconds=LOOK_S):
            return {}
        self.looked_at = now
        rows = await asyncio.to_thread(self.history.read, self.cursor["position"], limit, self.topics)
        for row in rows:
            if self.row.station_id is None or await asyncio.to_thread(self.stations.about, row, self.row.station_id):
                if row.stream not in self.lanes:
                    begun[row.stream] = self.lanes[row.stream] = []
                self.lanes[row.stream].append(fresh(row))
        self.cursor["position"] = rows[-1].position if rows else max(known, self.cursor["position"])
        return begun

    async def carry(self, lanes: list[list[Parcel]]) -> None:
        """Several lanes at once, each in order."""
        gate = asyncio.Semaphore(LANES)
        self.halted, self.replies, self.tried = False, [], []
        self.carriers = [asyncio.create_task(self.carry_lane(lane, gate)) for lane in lanes]
        ended = await asyncio.gather(*self.carriers, return_exceptions=True)
        self.carriers = []
        for fault in ended:
            if isinstance(fault, Exception):
                raise fault

    async def carry_lane(self, lane: list[Parcel], gate: asyncio.Semaphore) -> None:
        async with gate:
            for parcel in lane:
                if self.halted or self.stopping or not await self.deliver(parcel):
                    return

    async def deliver(self, parcel: Parcel) -> bool:
        if parcel.row is None:
            (parcel.row,) = await asyncio.to_thread(self.history.read, parcel.position - 1, 1)
        at = self.clock()
        reply = await self.caller.send(
            self.row.url, self.secrets, number(self.row.id, parcel.position), letter(parcel.row)
        )
        self.replies.append(reply)
        self.cursor["number"] += 1
        self.tried.append(
            {
                "number": self.cursor["number"], "position": parcel.position, "topic": parcel.topic, "at": at,
                "duration_ms": reply.duration_ms, "status": reply.status, "reason": reply.reason,
            }
        )  # fmt: skip
        parcel.first_tried_at, parcel.tried = parcel.first_tried_at or at, True
        if reply.delivered:
            parcel.done = True
            return True
        self.put_back(parcel, reply)
        return False

    def put_back(self, parcel: Parcel, reply: Reply) -> None:
        """It waits, alone with its stream or with everything, and comes again."""
        alone = reply.status not in UNWELL and reply.status != GONE
        self.halted = self.halted or not alone
        parcel.note(reply, counts=alone)
        pause_s = self.patience.pause_s(parcel.attempts, random.random(), reply.retry_after_s) if alone else 0.0
        parcel.due_at = self.clock() + timedelta(seconds=pause_s)

    async def settle(self) -> None:
        """Write down how the round ended: what is final in the history first, then the rest."""
        now = self.clock()
        self.judge(now)
        parcels = [parcel for lane in self.lanes.values() for parcel in lane if parcel.tried or not parcel.kept]
        for parcel in parcels:
            if parcel.done and parcel.position in self.dead:
                await self.resurrect(parcel)
            elif parcel.tried and not parcel.done and self.lost(parcel, now):
                await self.bury(parcel)
        if not await asyncio.to_thread(self.ledger.settle, self.cursor, parcels, self.tried):
            self.cursor = {}
            return
        self.saved_at = now
        self.lanes = {name: left for name, lane in self.lanes.items() if (left := [p for p in lane if not p.done])}
        await self.turn_off(now)

    def judge(self, now: datetime) -> None:
        """What the answers of a round say about the target."""
        arrived = sum(reply.delivered for reply in self.replies)
        failed = [reply for reply in self.replies if not reply.delivered]
        self.cursor["delivered"] += arrived
        self.cursor["refused"] += len(failed)
        if arrived:
            self.cursor |= {"failures": 0, "failing_since": None, "rests_until": None, "reason": None}
            self.cursor["delivered_at"] = now
        if failed:
            self.cursor["reason"] = failed[-1].reason
        if failed and not arrived:
            self.cursor["failures"] += 1
            self.cursor["failing_since"] = self.cursor["failing_since"] or now
        self.cursor["unwell"] = self.cursor["unwell"] + 1 if self.halted else 0
        if self.halted and failed:
            wish_s = max(reply.retry_after_s for reply in failed)
            pause_s = self.patience.pause_s(self.cursor["unwell"], random.random(), wish_s)
            self.cursor["rests_until"] = now + timedelta(seconds=pause_s)
        elif failed and self.cursor["failures"] >= STRIKES:
            self.cursor["rests_until"] = now + timedelta(seconds=self.patience.first_s)

    def lost(self, parcel: Parcel, now: datetime) -> bool:
        return self.patience.exhausted(parcel.attempts, parcel.first_tried_at, now)

    async def resurrect(self, parcel: Parcel) -> None:
        """A dead letter arrived after all."""
        await self.record(lambda webhook: webhook.arrive(parcel.position, CAUSE, self.clock()))
        self.dead.discard(parcel.position)

    async def bury(self, parcel: Parcel) -> None:
        """Give up on an event, in the history first."""
        facts = {
            "subject": parcel.stream, "kind": parcel.topic, "attempts": parcel.attempts, "answer": parcel.answer,
            "first_tried_at": parcel.first_tried_at, "reason": parcel.reason or "", "status": parcel.status,
        }  # fmt: skip
        await self.record(lambda webhook: webhook.give_up(parcel.position, CAUSE, self.clock(), **facts))
        self.dead.add(parcel.position)
        parcel.done = True
        log.warning("webhook %s: event %d is a dead letter: %s", self.row.id, parcel.position, parcel.reason)

    async def turn_off(self, now: datetime) -> None:
        """Stop for good where the target is gone, or has taken nothing for too long."""
        gone = any(reply.status == GONE for reply in self.replies)
        if gone:
            reason, status = "the target answered 410: it is gone for good", GONE
        elif self.patience.over(self.cursor["failing_since"], now):
            hours = self.patience.off_s / 3600
            reason, status = f"the target took nothing for {hours:g} hours: {self.cursor['reason']}", None
        else:
            return
        await self.record(lambda webhook: webhook.disable(reason, status, CAUSE, self.clock()))
        self.stopping = True
        log.warning("webhook %s is off: %s", self.row.id, reason)

    async def save(self, now: datetime) -> bool:
        """Write down now and then how far we are where nothing concerns us; always False."""
        if now - self.saved_at >= SAVE_EVERY:
            self.saved_at = now
            if not await asyncio.to_thread(self.ledger.settle, self.cursor, (), ()):
                self.cursor = {}
        return False


LOCKED = "its secret cannot be opened here: all processes need the same BORNIER_KEYS"


def likeliest(lanes: Lanes) -> list[Parcel]:
    """One parcel, to see whether the target is well again: one that it has not refused itself, if there is one."""
    return min(lanes.values(), key=lambda lane: (lane[0].attempts, lane[0].position))[:1]
