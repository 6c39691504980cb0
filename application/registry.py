"""The registry: operators make stations and badges known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from application.amend import amend
from application.badge import Badges
from application.gateway import Gateway
from application.history import History
from application.journal import Journal
from application.ports import Credentials
from domain.aggregate import Aggregate
from domain.badge import Badge, Terms
from domain.badge import stream as badge_stream
from domain.event import Operator, Refusal
from domain.security import Security
from domain.security import stream as security_stream
from domain.station import Station
from domain.station import stream as station_stream

AT_ONCE = 50
A = TypeVar("A", bound=Aggregate)


class Registry:
    """Every method returns once the change is durable, and raises Refusal when a rule says no."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        credentials: Credentials,
        clock: Callable[[], datetime],
        gateway: Gateway | None,
        badges: Badges | None,
    ) -> None:
        self.journal = journal
        self.history = history
        self.credentials = credentials
        self.clock = clock
        self.gateway = gateway
        self.badges = badges

    async def register_station(
        self,
        station_id: str,
        site: str | None,
        password: str | None,
        operator: str,
        profile: int | None = None,
        common_name: str | None = None,
        strict: bool = False,
    ) -> None:
        """Accept a station from its next boot on; with a password it must present it (security profile 1 or 2).

        `strict`: what it says and is not valid is refused, even where the meaning is plain.
        """
        check_station_id(station_id)
        await self.register(station_id, site, operator, strict)
        if password is not None:
            await self.credentials.store(station_id, password)
        if profile is not None:
            await self.require_profile(station_id, profile, "registered so", operator)
        if common_name is not None:
            await self.change_security(station_id, lambda s: s.name(common_name, Operator(name=operator), self.clock()))

    async def require_profile(self, station_id: str, profile: int, reason: str | None, operator: str) -> None:
        """The lowest security profile a station may use from its next connection on; the only way to lower it."""
        await self.change_security(
            station_id, lambda s: s.require(profile, reason, Operator(name=operator), self.clock())
        )

    async def change_security(self, station_id: str, decide: Callable[[Security], None]) -> None:
        await self.change(lambda: Security(security_stream(station_id)), decide)

    async def register(self, station_id: str, site: str | None, operator: str, strict: bool) -> None:
        session = self.gateway.sessions.get(station_id) if self.gateway else None
        if self.gateway is not None and session is not None:
            session.station.register(site, Operator(name=operator), self.clock(), strict)
            await self.gateway.flush(session)
            return
        await self.change(
            lambda: Station(station_stream(station_id)),
            lambda station: station.register(site, Operator(name=operator), self.clock(), strict),
        )

    async def register_badge(self, badge: str, terms: Terms, operator: str) -> None:
        """Make a badge known; registering it again replaces its terms."""
        await self.change_badge(badge, lambda b: b.register(badge, terms, Operator(name=operator), self.clock()))

    async def register_badges(self, badges: Sequence[tuple[str, Terms]], operator: str) -> list[tuple[str, str]]:
        """Many at once; returns those that were refused, each with the reason."""
        refused: list[tuple[str, str]] = []

        async def register(badge: str, terms: Terms) -> None:
            try:
                await self.change(
                    lambda: Badge(badge_stream(badge)),
                    lambda b: b.register(badge, terms, Operator(name=operator), self.clock()),
                )
            except Refusal as refusal:
                refused.append((badge, str(refusal)))

        for at in range(0, len(badges), AT_ONCE):
            await asyncio.gather(*(register(*each) for each in badges[at : at + AT_ONCE]))
        await self.tell_badges()
        return refused

    async def block_badge(self, badge: str, reason: str, operator: str) -> None:
        await self.change_badge(badge, lambda b: b.block(reason, Operator(name=operator), self.clock()))

    async def unblock_badge(self, badge: str, reason: str, operator: str) -> None:
        await self.change_badge(badge, lambda b: b.unblock(reason, Operator(name=operator), self.clock()))

    async def expire_badge(self, badge: str, reason: str, operator: str) -> None:
        await self.change_badge(badge, lambda b: b.expire(reason, Operator(name=operator), self.clock()))

    async def remove_badge(self, badge: str, reason: str, operator: str) -> None:
        await self.change_badge(badge, lambda b: b.remove(reason, Operator(name=operator), self.clock()))

    async def change_badge(self, badge: str, decide: Callable[[Badge], None]) -> None:
        """Decide on a badge; when this process is a gateway it knows the result before we return."""
        await self.change(lambda: Badge(badge_stream(badge)), decide)
        await self.tell_badges()

    async def tell_badges(self) -> None:
        if self.badges is not None:
            await asyncio.to_thread(self.badges.load)

    async def change(self, blank: Callable[[], A], decide: Callable[[A], None]) -> None:
        await amend(self.journal, self.history, blank, decide)


def check_station_id(station_id: str) -> None:
    """OCPP 2.x identifierString, 1 to 48 characters; we accept up to 255, without control characters."""
    if not 1 <= len(station_id) <= 255 or not station_id.isprintable():
        raise Refusal("a station id has 1 to 255 printable characters")
