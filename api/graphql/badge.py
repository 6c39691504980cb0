"""Badges (id tokens): who may charge, on which terms, and what was said of them."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry
from graphql import GraphQLError

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Position
from domain.badge import Place, Terms, fold, stream
from projections import badge as view
from projections.page import cursor

MOST_AT_ONCE = 1_000


@strawberry.type(description="One EVSE of one station.")
class BadgePlace:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int = strawberry.field(description="Its EVSE (OCPP 1.6: connector).")


@strawberry.type(description="A badge (id token): personal data as soon as somebody is known to carry it.")
class Badge:
    badge: str = strawberry.field(description="What is read from the card, or the contract id; compared without case.")
    kind: str = strawberry.field(description="Its OCPP 2.x token type: ISO14443, KeyCode, eMAID, …")
    group: str | None = strawberry.field(
        description="Badges of a group may stop each other's charges (groupIdToken; OCPP 1.6: parentIdTag)."
    )
    expires_at: DateTime | None = strawberry.field(description="Until when it may charge.")
    concurrent: int = strawberry.field(description="How many charges it may pay for at once.")
    stations: list[strawberry.ID] = strawberry.field(description="Stations where it may charge.")
    sites: list[strawberry.ID] = strawberry.field(description="Sites where it may charge.")
    evses: list[BadgePlace] = strawberry.field(
        description="Single EVSEs where it may charge. With no station, site or EVSE it may charge anywhere."
    )
    cache_seconds: int | None = strawberry.field(description="How long a station may remember our verdict, s.")
    language: str | None = strawberry.field(description="The driver's language (RFC 5646), for the station's screen.")
    message: str | None = strawberry.field(description="What the station may show the driver.")
    priority: int | None = strawberry.field(description="Charging priority from -9 to 9; 0 when null.")
    blocked: bool = strawberry.field(description="It may not charge.")
    blocked_reason: str | None = strawberry.field(description="Why it may not.")
    registered_at: DateTime = strawberry.field(description="When it was registered, the last time.")
    removed_at: DateTime | None = strawberry.field(description="When it was removed; null while it is registered.")
    position: Position = strawberry.field(description="The latest event that changed it.")

    @strawberry.field(description="Bornier's ids of the charges it pays for now.")
    async def charging(self, info: strawberry.Info) -> list[strawberry.ID]:
        found = await asker(info).reads.run(lambda c: view.charging(c, self.badge))
        return [strawberry.ID(each) for each in found]


NAMES = (
    "badge", "kind", "group", "expires_at", "concurrent", "stations", "sites", "language", "message", "priority",
    "blocked", "blocked_reason", "registered_at", "removed_at", "position",
)  # fmt: skip


def badge(row: Any) -> Badge:
    places = [BadgePlace(station_id=place["station_id"], evse_id=place["evse_id"]) for place in row.evses]
    return Badge(cache_seconds=row.cache_s, evses=places, **{name: getattr(row, name) for name in NAMES})


async def told(who: Asker, id_: str) -> Badge:
    """A badge as the history tells it: whoever changed it sees the change at once."""
    return badge(await who.reads.retold(view.PROJECTION, view.BADGE, stream(id_)))


@strawberry.enum(description="When a badge was looked at.")
class CheckOccasion(Enum):
    AUTHORIZE = "AUTHORIZE"
    START = "START"
    LATE_START = "LATE_START"


@strawberry.type(description="What we said of a badge that was presented.")
class BadgeCheck:
    badge: str = strawberry.field(description="The badge as the station said it.")
    station_id: strawberry.ID = strawberry.field(description="Where.")
    at: DateTime = strawberry.field(description="When we judged.")
    occasion: CheckOccasion = strawberry.field(
        description="LATE_START: an offline charge told late, flagged because the badge is or was not welcome."
    )
    verdict: str = strawberry.field(description="What we said, in OCPP 2.x words: Accepted, Blocked, ConcurrentTx, …")
    reason: str | None = strawberry.field(description="Why, in words.")
    kind: str | None = strawberry.field(description="Its token type as the station said it (OCPP 2.x).")
    transaction_id: strawberry.ID | None = strawberry.field(description="The charge it was about.")
    started_at: DateTime | None = strawberry.field(description="When that charge began, by the station's clock.")
    verdict_then: str | None = strawberry.field(description="LATE_START: what the verdict would have been then.")


CHECK_NAMES = (
    "badge", "station_id", "at", "verdict", "reason", "kind", "transaction_id", "started_at", "verdict_then",
)  # fmt: skip


def check(row: Any) -> BadgeCheck:
    return BadgeCheck(
        occasion=CheckOccasion(row.occasion),
        **{name: getattr(row, name) for name in CHECK_NAMES},
    )


@strawberry.type
class BadgeQuery:
    @strawberry.field(description="One badge, removed or not; compared without case.")
    async def badge(self, info: strawberry.Info, id: strawberry.ID) -> Badge | None:
        found = (await asker(info).reads.run(lambda c: view.by_id(c, [fold(id)]))).get(fold(id))
        return badge(found) if found is not None else None

    @strawberry.field(description="Registered badges in the order of their ids.")
    async def badges(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        search: str | None = None,
        group: str | None = None,
        blocked: bool | None = None,
    ) -> Connection[Badge]:
        reads, limit, wanted = asker(info).reads, bounded(first), (search, group, blocked)
        position = await reads.position("badge")
        found = await reads.run(lambda c: view.badges(c, limit, after, *wanted))
        nodes = [(cursor(row.id), badge(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, *wanted)))

    @strawberry.field(description="What we said of badges that were presented, the latest first.")
    async def badge_checks(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        badge: str | None = None,
        station_id: strawberry.ID | None = None,
    ) -> Connection[BadgeCheck]:
        reads, limit, wanted = asker(info).reads, bounded(first), (badge, station_id)
        position = await reads.position("badge")
        found = await reads.run(lambda c: view.checks(c, limit, after, *wanted))
        nodes = [(cursor(row.position), check(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count_checks(c, *wanted)))


@strawberry.input(description="One EVSE of one station.")
class BadgePlaceInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("Its EVSE (OCPP 1.6: connector).")


@strawberry.input(description="Make a badge known, so that it may charge.")
class RegisterBadgeInput:
    badge: str = said("What is read from the card, or the contract id.")
    kind: str = said("Its OCPP 2.x token type.", default="ISO14443")
    group: str | None = said("Badges of a group may stop each other's charges.", default=None)
    expires_at: DateTime | None = said("Until when it may charge.", default=None)
    concurrent: int = said("How many charges it may pay for at once.", default=1)
    stations: list[strawberry.ID] | None = said("Stations where it may charge.", default=None)
    sites: list[strawberry.ID] | None = said("Sites where it may charge.", default=None)
    evses: list[BadgePlaceInput] | None = said(
        "Single EVSEs where it may charge. With no station, site or EVSE it may charge anywhere.", default=None
    )
    cache_seconds: int | None = said("How long a station may remember our verdict, s.", default=None)
    language: str | None = said("The driver's language (RFC 5646).", default=None)
    message: str | None = said("What the station may show the driver.", default=None)
    priority: int | None = said("Charging priority from -9 to 9.", default=None)


def terms(wish: RegisterBadgeInput) -> Terms:
    return Terms(
        kind=wish.kind,
        group=wish.group,
        expires_at=wish.expires_at,
        concurrent=wish.concurrent,
        stations=tuple(wish.stations or ()),
        sites=tuple(wish.sites or ()),
        evses=tuple(Place(place.station_id, place.evse_id) for place in wish.evses or ()),
        cache_s=wish.cache_seconds,
        language=wish.language,
        message=wish.message,
        priority=wish.priority,
    )


@strawberry.input(description="Make many badges known.")
class ImportBadgesInput:
    badges: list[RegisterBadgeInput] = said(f"At most {MOST_AT_ONCE:,} at once.")


@strawberry.type(description="A badge that was not imported.")
class RefusedBadge:
    badge: str = strawberry.field(description="The badge.")
    reason: str = strawberry.field(description="Why not.")


@strawberry.type(description="What became of an import.")
class ImportedBadges:
    registered: int = strawberry.field(description="How many are registered now.")
    refused: list[RefusedBadge] = strawberry.field(description="Those that are not, each with the reason.")


@strawberry.input(description="A badge, and why something is done with it.")
class BlockBadgeInput:
    badge: str = said("The badge.")
    reason: str = said("Why.")


@strawberry.input(description="Clear the authorization cache of a station.")
class ClearCacheInput:
    station_id: strawberry.ID = said("The station.")
    deadline_seconds: int | None = deadline()


@strawberry.type
class BadgeMutation:
    @strawberry.mutation(description="Make a badge known; registering it again replaces its terms.")
    async def register_badge(self, info: strawberry.Info, input: RegisterBadgeInput) -> Badge:
        who = asker(info)
        await who.parts.registry.register_badge(input.badge, terms(input), who.name)
        return await told(who, input.badge)

    @strawberry.mutation(description="Make many badges known; those that are refused do not hinder the others.")
    async def import_badges(self, info: strawberry.Info, input: ImportBadgesInput) -> ImportedBadges:
        if len(input.badges) > MOST_AT_ONCE:
            raise GraphQLError(f"at most {MOST_AT_ONCE:,} badges at once", extensions={"code": "BAD_USER_INPUT"})
        who, wanted = asker(info), [(each.badge, terms(each)) for each in input.badges]
        refused = await who.parts.registry.register_badges(wanted, who.name)
        lines = [RefusedBadge(badge=badge, reason=reason) for badge, reason in refused]
        return ImportedBadges(registered=len(wanted) - len(lines), refused=lines)

    @strawberry.mutation(description="From now on this badge may not charge.")
    async def block_badge(self, info: strawberry.Info, input: BlockBadgeInput) -> Badge:
        who = asker(info)
        await who.parts.registry.block_badge(input.badge, input.reason, who.name)
        return await told(who, input.badge)

    @strawberry.mutation(description="From now on this badge may charge again.")
    async def unblock_badge(self, info: strawberry.Info, input: BlockBadgeInput) -> Badge:
        who = asker(info)
        await who.parts.registry.unblock_badge(input.badge, input.reason, who.name)
        return await told(who, input.badge)

    @strawberry.mutation(description="The time of this badge is over now, whatever its expiry time said.")
    async def expire_badge(self, info: strawberry.Info, input: BlockBadgeInput) -> Badge:
        who = asker(info)
        await who.parts.registry.expire_badge(input.badge, input.reason, who.name)
        return await told(who, input.badge)

    @strawberry.mutation(description="Remove a badge; what it paid for stays. Registering it again brings it back.")
    async def remove_badge(self, info: strawberry.Info, input: BlockBadgeInput) -> Badge:
        who = asker(info)
        await who.parts.registry.remove_badge(input.badge, input.reason, who.name)
        return await told(who, input.badge)

    @strawberry.mutation(description="Let a station forget which badges it has seen (authorization cache).")
    async def clear_cache(self, info: strawberry.Info, input: ClearCacheInput) -> Command:
        return await ask(info, "clearCache", input)
