"""Making stations and badges known."""

from __future__ import annotations

import strawberry

from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.scalar import DateTime


@strawberry.type(description="A station as it is registered.")
class RegisteredStation:
    id: strawberry.ID = strawberry.field(description="Its id.")
    site: str | None = strawberry.field(description="Its site.")


@strawberry.type(description="A badge (id token).")
class Badge:
    badge: str = strawberry.field(description="What is read from the card, or the contract id.")


@strawberry.input(description="Make a station known, so that it is accepted.")
class RegisterStationInput:
    id: strawberry.ID = said("The last segment of its WebSocket address.")
    site: strawberry.ID | None = said("The site it belongs to.", default=None)
    password: str | None = said(
        "Its HTTP Basic password (OCPP security profile 1 and 2); none when absent.", default=None
    )


@strawberry.input(description="Make a badge known, so that it may charge.")
class RegisterBadgeInput:
    badge: str = said("What is read from the card, or the contract id.")
    kind: str = said("Its OCPP 2.x token type.", default="ISO14443")
    group: str | None = said("Badges of a group may stop each other's charges.", default=None)
    expires_at: DateTime | None = said("Until when it may charge.", default=None)


@strawberry.input(description="Block a badge, or unblock it.")
class BlockBadgeInput:
    badge: str = said("The badge.")
    reason: str = said("Why.")


@strawberry.type
class RegistryMutation:
    @strawberry.mutation(description="Make a station known; registering it again is refused.")
    async def register_station(
        self,
        info: strawberry.Info,
        input: RegisterStationInput,
    ) -> RegisteredStation:
        who = asker(info)
        await who.parts.registry.register_station(input.id, input.site, input.password, who.name)
        return RegisteredStation(id=input.id, site=input.site)

    @strawberry.mutation(description="Make a badge known; registering it again replaces its group and expiry.")
    async def register_badge(self, info: strawberry.Info, input: RegisterBadgeInput) -> Badge:
        who = asker(info)
        await who.parts.registry.register_badge(input.badge, input.kind, input.group, input.expires_at, who.name)
        return Badge(badge=input.badge)

    @strawberry.mutation(description="From now on this badge may not charge.")
    async def block_badge(self, info: strawberry.Info, input: BlockBadgeInput) -> Badge:
        who = asker(info)
        await who.parts.registry.block_badge(input.badge, input.reason, who.name)
        return Badge(badge=input.badge)

    @strawberry.mutation(description="From now on this badge may charge again.")
    async def unblock_badge(self, info: strawberry.Info, input: BlockBadgeInput) -> Badge:
        who = asker(info)
        await who.parts.registry.unblock_badge(input.badge, input.reason, who.name)
        return Badge(badge=input.badge)
