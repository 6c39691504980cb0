"""Making stations known."""

from __future__ import annotations

import strawberry

from api.graphql.command import said
from api.graphql.context import asker


@strawberry.type(description="A station as it is registered.")
class RegisteredStation:
    id: strawberry.ID = strawberry.field(description="Its id.")
    site: str | None = strawberry.field(description="Its site.")


@strawberry.input(description="Make a station known, so that it is accepted.")
class RegisterStationInput:
    id: strawberry.ID = said("The last segment of its WebSocket address.")
    site: strawberry.ID | None = said("The site it belongs to.", default=None)
    password: str | None = said(
        "Its HTTP Basic password (OCPP security profile 1 and 2); none when absent.", default=None
    )
    security_profile: int | None = said(
        "The lowest security profile it may use, 0 (lab only) to 3; the setting BORNIER_SECURITY_PROFILE when absent.",
        default=None,
    )
    certificate_name: str | None = said("The common name in its certificates; its id when absent.", default=None)
    strict: bool = said("Refuse whatever is not valid OCPP, even where its meaning is plain.", default=False)


@strawberry.type
class RegistryMutation:
    @strawberry.mutation(description="Make a station known; registering it again is refused.")
    async def register_station(
        self,
        info: strawberry.Info,
        input: RegisterStationInput,
    ) -> RegisteredStation:
        who = asker(info)
        await who.parts.registry.register_station(
            input.id,
            input.site,
            input.password,
            who.name,
            input.security_profile,
            input.certificate_name,
            input.strict,
        )
        return RegisteredStation(id=input.id, site=input.site)
