"""A car tells what it needs and gets a schedule: within a minute, or its ISO 15118 conversation ends (K15.FR.08)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

import msgspec

from application.command import Orders
from application.history import History
from application.session import Session
from domain.catalog import CATALOG
from domain.event import Event, Refusal
from domain.profile import Profile, stream
from domain.schedule import ChargingProfile

log = logging.getLogger("bornier.profile")

TOPICS = tuple(name for kind in (Profile.NeedsReported, Profile.PlanReported) for name in CATALOG.names(kind))
DEADLINE_S = 60
NAME = "smart charging"


class Offers:
    """Follows what the cars of this gateway's stations say, and asks the stations to give them schedules."""

    def __init__(
        self,
        orders: Orders,
        history: History,
        held: Callable[[str], Session | None],
        clock: Callable[[], datetime],
    ) -> None:
        self.orders = orders
        self.history = history
        self.held = held
        self.clock = clock

    async def follow(self) -> None:
        """From now on: what cars said before we started is too old for an answer."""
        async for batch in self.history.follow(self.history.head(), TOPICS):
            for row in batch:
                await self.consider(CATALOG.decode(row.topic, row.state))

    async def consider(self, event: Event) -> None:
        """Needs we accepted, or a plan that takes too much: the car gets a schedule (K15.FR.07, K15.FR.13)."""
        wants = (isinstance(event, Profile.NeedsReported) and event.status == "Accepted") or (
            isinstance(event, Profile.PlanReported) and not event.accepted
        )
        if not wants or not isinstance(event, Profile.NeedsReported | Profile.PlanReported):
            return
        station_id = event.originator_id.removeprefix("profile/")
        session = self.held(station_id)
        offer = self.offer(session, event.evse_id) if session is not None else None
        if offer is None:
            return
        wish = {"evse_id": event.evse_id, "charging_profile": plain(offer), "offered": not offer.id}
        try:
            await self.orders.request(station_id, "setChargingProfile", wish, NAME, DEADLINE_S)
        except Refusal as refusal:
            log.warning("station %s: no schedule for the car at EVSE %s: %s", station_id, event.evse_id, refusal)

    def offer(self, session: Session, evse_id: int) -> ChargingProfile | None:
        """What the car there may have, while its charge is open."""
        charge = session.station.open_on(evse_id)
        known = session.others.get(stream(session.station_id))
        if charge is None or not isinstance(known, Profile):
            return None
        transaction = session.transactions.get(charge.transaction_id)
        now = self.clock()
        since = transaction.started_at if transaction is not None else None
        return known.offer(evse_id, since or now, now)


def plain(offer: ChargingProfile) -> object:
    """A profile as the parameters of a command."""
    return msgspec.to_builtins(offer)
