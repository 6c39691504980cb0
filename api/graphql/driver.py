"""Drivers: who they are, which badges they hold, and how they are forgotten."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.command import said
from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime
from application.driver import Forgetting as Forgot
from domain.driver import Details, stream
from projections import driver as view
from projections.page import place

NAMES = Details.__struct_fields__


@strawberry.type(description="A badge that a driver holds or has held.")
class HeldBadge:
    badge: str = strawberry.field(description="The badge.")
    since: DateTime | None = strawberry.field(description="Since when.")
    until: DateTime | None = strawberry.field(description="When it was given back; null: the driver holds it.")


@strawberry.type(description="A person who charges.")
class Driver:
    id: strawberry.ID = strawberry.field(description="Random; it says nothing about the person.")
    full_name: str = strawberry.field(description="The name; `forgotten` for who has been forgotten.")
    email: str | None = strawberry.field(description="The e-mail address.")
    phone: str | None = strawberry.field(description="The telephone number.")
    language: str | None = strawberry.field(description="The language (RFC 5646).")
    employer: str | None = strawberry.field(description="For whom the driver works.")
    cost_centre: str | None = strawberry.field(description="Where the employer books the charges.")
    licence_plate: str | None = strawberry.field(description="The licence plate of the car.")
    site: strawberry.ID | None = strawberry.field(description="The site the driver belongs to.")
    registered_at: DateTime | None = strawberry.field(description="When somebody first made the driver known.")
    forgotten_at: DateTime | None = strawberry.field(description="When the driver was forgotten.")

    @strawberry.field(description="The badges, those given back included, the latest first.")
    async def badges(self, info: strawberry.Info) -> list[HeldBadge]:
        rows = await asker(info).reads.run(lambda c: view.holdings(c, self.id))
        return [HeldBadge(badge=row.badge, since=row.since, until=row.until) for row in rows]


def driver(row: Any) -> Driver:
    names = ("id", *NAMES, "registered_at", "forgotten_at")
    return Driver(**{name: getattr(row, name) for name in names})


async def told(who: Asker, driver_id: str) -> Driver:
    """A driver as the history tells it: whoever changed it sees the change at once."""
    return driver(await who.reads.retold(view.PROJECTION, view.DRIVER, stream(driver_id)))


@strawberry.type
class DriverQuery:
    @strawberry.field(description="One driver, forgotten or not.")
    async def driver(self, info: strawberry.Info, id: strawberry.ID) -> Driver | None:
        found = (await asker(info).reads.run(lambda c: view.by_id(c, [id]))).get(id)
        return driver(found) if found is not None else None

    @strawberry.field(description="Drivers who are not forgotten, in the order of their ids.")
    async def drivers(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        search: str | None = None,
        site: strawberry.ID | None = None,
    ) -> Connection[Driver]:
        reads, limit, wanted = asker(info).reads, bounded(first), (search, site)
        position = await reads.position("driver")
        found = await reads.run(lambda c: view.drivers(c, limit, after, *wanted))
        nodes = [(place(row, view.DRIVER), driver(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, *wanted)))


@strawberry.input(description="Make a driver known. What is left out is not known.")
class RegisterDriverInput:
    full_name: str = said("The name.")
    id: strawberry.ID | None = said("A driver who is known already, to say anew who it is.", default=None)
    email: str | None = said("The e-mail address.", default=None)
    phone: str | None = said("The telephone number.", default=None)
    language: str | None = said("The language (RFC 5646).", default=None)
    employer: str | None = said("For whom the driver works.", default=None)
    cost_centre: str | None = said("Where the employer books the charges.", default=None)
    licence_plate: str | None = said("The licence plate of the car.", default=None)
    site: strawberry.ID | None = said("The site the driver belongs to.", default=None)


@strawberry.input(description="Give a badge to a driver.")
class AssignBadgeInput:
    driver_id: strawberry.ID = said("The driver.")
    badge: str = said("The badge; it need not be registered.")


@strawberry.input(description="Take a badge back from its driver.")
class UnassignBadgeInput:
    badge: str = said("The badge.")
    reason: str = said("Why. It stays in the history for ever: write nothing about the person.")


@strawberry.input(description="Forget a driver, for ever.")
class ForgetDriverInput:
    id: strawberry.ID = said("The driver.")
    reason: str = said("Why. It stays in the history for ever: write nothing about the person.")


@strawberry.input(description="Forget a badge that no driver holds, for ever.")
class ForgetBadgeInput:
    badge: str = said("The badge, or the group of badges.")
    reason: str = said("Why. It stays in the history for ever: write nothing about the person.")


@strawberry.type(description="What was forgotten. Read models follow within the time a rebuild takes.")
class Forgetting:
    badges: int = strawberry.field(description="So many badges.")
    events: int = strawberry.field(description="So many events can never be read in full again.")
    plain_events: int = strawberry.field(
        description="So many were stored before anything was sealed, and still tell which badge it was."
    )


def forgetting(told: Forgot) -> Forgetting:
    return Forgetting(**told._asdict())


@strawberry.type
class DriverMutation:
    @strawberry.mutation(description="Make a driver known; with an id, say anew who it is.")
    async def register_driver(self, info: strawberry.Info, input: RegisterDriverInput) -> Driver:
        who, details = asker(info), Details(**{name: getattr(input, name) for name in NAMES})
        return await told(who, await who.parts.drivers.register(input.id, details, who.name))

    @strawberry.mutation(description="Give a badge to a driver; what it did while nobody held it is now theirs.")
    async def assign_badge(self, info: strawberry.Info, input: AssignBadgeInput) -> Driver:
        who = asker(info)
        await who.parts.drivers.assign(input.driver_id, input.badge, who.name)
        return await told(who, input.driver_id)

    @strawberry.mutation(description="Take a badge back; what the driver did with it stays theirs.")
    async def unassign_badge(self, info: strawberry.Info, input: UnassignBadgeInput) -> Driver:
        who = asker(info)
        return await told(who, await who.parts.drivers.unassign(input.badge, input.reason, who.name))

    @strawberry.mutation(description="Destroy the keys of a driver and of their badges. Nobody can undo it.")
    async def forget_driver(self, info: strawberry.Info, input: ForgetDriverInput) -> Forgetting:
        who = asker(info)
        return forgetting(await who.parts.drivers.forget(input.id, input.reason, who.name))

    @strawberry.mutation(description="Destroy the keys of a badge that no driver holds. Nobody can undo it.")
    async def forget_badge(self, info: strawberry.Info, input: ForgetBadgeInput) -> Forgetting:
        who = asker(info)
        return forgetting(await who.parts.drivers.forget_badge(input.badge, input.reason, who.name))
