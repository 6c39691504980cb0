"""Sites: where stations are."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime
from domain.site import Details
from projections import site as view


@strawberry.type(description="A place with stations.")
class Site:
    id: strawberry.ID = strawberry.field(description="As stations name it.")
    name: str | None = strawberry.field(description="What people call it.")
    address: str | None = strawberry.field(description="Street and number.")
    postal_code: str | None = strawberry.field(description="Postal code.")
    city: str | None = strawberry.field(description="City.")
    country: str | None = strawberry.field(description="ISO 3166, two letters.")
    time_zone: str | None = strawberry.field(description="IANA name; null: that of the settings (BORNIER_TIME_ZONE).")
    operator: str | None = strawberry.field(description="Who runs it.")
    registered_at: DateTime | None = strawberry.field(description="When it was registered, the last time.")


def site(row: Any) -> Site:
    return Site(id=row.id, registered_at=row.registered_at, **{name: getattr(row, name) for name in view.DETAILS})


@strawberry.type
class SiteQuery:
    @strawberry.field(description="One site.")
    async def site(self, info: strawberry.Info, id: strawberry.ID) -> Site | None:
        found = (await asker(info).reads.run(lambda c: view.by_id(c, [id]))).get(id)
        return site(found) if found is not None else None

    @strawberry.field(description="Registered sites in the order of their ids.")
    async def sites(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        search: str | None = None,
    ) -> Connection[Site]:
        return await listed(info, "site", view.sites(search), view.SITE, site, first, after)


@strawberry.input(description="Make a site known, or say anew what it is: what is not said is forgotten.")
class RegisterSiteInput:
    id: strawberry.ID = said("As stations name it.")
    name: str | None = said("What people call it.", default=None)
    address: str | None = said("Street and number.", default=None)
    postal_code: str | None = said("Postal code.", default=None)
    city: str | None = said("City.", default=None)
    country: str | None = said("ISO 3166, two capitals.", default=None)
    time_zone: str | None = said("IANA name, such as Europe/Paris: tariffs speak of its clock.", default=None)
    operator: str | None = said("Who runs it.", default=None)


@strawberry.type
class SiteMutation:
    @strawberry.mutation(description="Make a site known, with its address and its time zone.")
    async def register_site(self, info: strawberry.Info, input: RegisterSiteInput) -> Site:
        who = asker(info)
        details = Details(**{name: getattr(input, name) for name in view.DETAILS})
        made = await who.parts.tariffs.register_site(input.id, details, who.name)
        own = {name: getattr(made.details, name) for name in view.DETAILS}
        return Site(id=input.id, registered_at=DateTime(who.parts.tariffs.clock()), **own)
