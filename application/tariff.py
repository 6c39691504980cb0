"""Tariffs: publishing, withdrawing, assigning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from application.amend import amend
from application.history import History
from application.journal import Journal
from application.price import Pricebook
from domain.aggregate import Aggregate
from domain.assignment import Assignment, Scope
from domain.assignment import stream as assignment_stream
from domain.event import Operator, Refusal
from domain.site import Details, Premises, Site
from domain.site import stream as site_stream
from domain.tariff import Tariff, Terms
from domain.tariff import stream as tariff_stream

A = TypeVar("A", bound=Aggregate)
Read = Callable[[Any], tuple[str | None, Terms]]
"""A foreign document → its id and its terms."""
Write = Callable[[str, Terms, datetime, str], dict[str, Any]]
"""Id, terms, time of publication, version of the foreign format → its document."""


class Tariffs:
    """Every method returns once the change is durable and this process prices by it; raises Refusal."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        book: Pricebook,
        read: Read,
        write: Write,
        clock: Callable[[], datetime],
    ) -> None:
        self.journal = journal
        self.history = history
        self.book = book
        self.read = read
        self.write = write
        self.clock = clock

    async def publish(self, tariff_id: str | None, document: Any, operator: str) -> Tariff:
        """A new version of a tariff, from an OCPI document; without an id, that of the document."""
        said, terms = self.read(document)
        if not (tariff_id or said):
            raise Refusal("the tariff needs an id")
        return await self.change(
            lambda: Tariff(tariff_stream(str(tariff_id or said))),
            lambda tariff: tariff.publish(terms, Operator(name=operator), self.clock()),
        )

    async def withdraw(self, tariff_id: str, reason: str | None, operator: str) -> Tariff:
        return await self.change(
            lambda: Tariff(tariff_stream(tariff_id)),
            lambda tariff: tariff.withdraw(reason, Operator(name=operator), self.clock()),
        )

    async def assign(
        self, tariff_id: str, scope: Scope, starts_at: datetime | None, ends_at: datetime | None, operator: str
    ) -> Assignment:
        """From now on, or from then on. Raises Refusal where there is no such tariff."""
        version = self.book.tariffs.get(tariff_id)
        if version is None or version.values[-1].terms is None:
            raise Refusal(f"there is no tariff {tariff_id}, or it is withdrawn")
        name = assignment_stream(str(uuid4()))
        return await self.change(
            lambda: Assignment(name),
            lambda each: each.assign(tariff_id, scope, starts_at, ends_at, Operator(name=operator), self.clock()),
        )

    async def revoke(self, assignment_id: str, operator: str) -> Assignment:
        return await self.change(
            lambda: Assignment(assignment_stream(assignment_id)),
            lambda each: each.revoke(Operator(name=operator), self.clock()),
        )

    async def register_site(self, site_id: str, details: Details, premises: Premises | None, operator: str) -> Site:
        """Both in one go; without premises, those that were declared hold."""

        def decide(site: Site) -> None:
            site.register(details, Operator(name=operator), self.clock())
            if premises is not None:
                site.declare(premises, Operator(name=operator), self.clock())

        return await self.change(lambda: Site(site_stream(site_id)), decide)

    async def change(self, blank: Callable[[], A], decide: Callable[[A], None]) -> A:
        changed = await amend(self.journal, self.history, blank, decide)
        await asyncio.to_thread(self.book.load)
        return changed
