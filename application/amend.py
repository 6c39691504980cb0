"""Amending a stream that no session holds: load, decide, record; again when somebody else was quicker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from application.history import History
from application.journal import Fenced, Journal
from application.snapshot import load
from domain.aggregate import Aggregate
from domain.event import Refusal

TRIES = 5
A = TypeVar("A", bound=Aggregate)


async def amend(journal: Journal, history: History, blank: Callable[[], A], decide: Callable[[A], None]) -> A:
    """Returns once the decision is durable. Raises Refusal when a rule says no, or others keep being quicker."""
    for _ in range(TRIES):
        aggregate, _ = await asyncio.to_thread(load, history, blank())
        decide(aggregate)
        try:
            await journal.record(aggregate.collect_events())
        except Fenced:
            continue
        return aggregate
    raise Refusal("somebody else keeps changing this; try again")
