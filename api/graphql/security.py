"""Security of stations: profiles and passwords."""

from __future__ import annotations

import asyncio

import strawberry

from api.graphql.command import Command, ask, deadline, requested, said
from api.graphql.context import Asker, asker
from application.snapshot import load
from domain.event import Refusal
from domain.security import Security, stream


@strawberry.type(description="How a station proves who it is.")
class StationSecurity:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    least_profile: int = strawberry.field(description="The lowest security profile (0 to 3) it may connect with.")
    reached_profile: int = strawberry.field(description="The highest it has connected with; it may not go back.")
    common_name: str | None = strawberry.field(description="The name in its certificates where that is not its id.")
    password_on_its_way: bool = strawberry.field(description="It has been given a new password and not used it yet.")


@strawberry.type(description="A new password on its way to a station.")
class OfferedPassword:
    command: Command = strawberry.field(description="The command that carries it; it does not show it.")
    password: str | None = strawberry.field(description="The password, this once, if it was made here.")


@strawberry.input(description="Give a station a new HTTP Basic password.")
class SetPasswordInput:
    station_id: strawberry.ID = said("The station.")
    password: str | None = said(
        "The password, 16 to 40 characters (OCPP 1.6: 16 to 20); one is made when absent.", default=None
    )
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Tell a station to use a higher security profile (OCPP 1.6).")
class SetSecurityProfileInput:
    station_id: strawberry.ID = said("The station.")
    profile: int = said("1, 2 or 3: higher than its present one.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Decide the lowest security profile of a station.")
class RequireSecurityProfileInput:
    station_id: strawberry.ID = said("The station.")
    profile: int = said("0 (lab only), 1, 2 or 3.")
    reason: str | None = said("Why.", default=None)


async def security(who: Asker, station_id: str) -> StationSecurity:
    parts = who.parts
    if not await who.reads.visible("station", station_id):
        raise Refusal(f"there is no station {station_id}")
    known, _ = await asyncio.to_thread(load, parts.history, Security(stream(station_id)))
    return StationSecurity(
        station_id=strawberry.ID(station_id),
        least_profile=known.least(parts.settings.least_profile),
        reached_profile=known.reached,
        common_name=known.common_name,
        password_on_its_way=bool(known.offered),
    )


@strawberry.type
class SecurityQuery:
    @strawberry.field(description="How a station proves who it is.")
    async def station_security(self, info: strawberry.Info, station_id: strawberry.ID) -> StationSecurity:
        return await security(asker(info), station_id)


@strawberry.type
class SecurityMutation:
    @strawberry.mutation(description="Give a station a new password; the old one stays valid until it uses the new.")
    async def set_password(self, info: strawberry.Info, input: SetPasswordInput) -> OfferedPassword:
        who = asker(info)
        passwords = who.parts.passwords
        made, asked = await passwords.offer(input.station_id, input.password, who.name, input.deadline_seconds)
        return OfferedPassword(command=requested(*asked), password=made if input.password is None else None)

    @strawberry.mutation(description="Tell a station to use a higher security profile (OCPP 1.6).")
    async def set_security_profile(self, info: strawberry.Info, input: SetSecurityProfileInput) -> Command:
        return await ask(info, "setSecurityProfile", input)

    @strawberry.mutation(description="Decide the lowest security profile of a station: the only way to lower it.")
    async def require_security_profile(
        self,
        info: strawberry.Info,
        input: RequireSecurityProfileInput,
    ) -> StationSecurity:
        who = asker(info)
        await who.parts.registry.require_profile(input.station_id, input.profile, input.reason, who.name)
        return await security(who, input.station_id)
