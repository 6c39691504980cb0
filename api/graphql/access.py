"""Requests that were refused."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.page import Connection, listing
from api.graphql.scalar import DateTime, Position
from projections import access as view


@strawberry.type(description="Somebody asked the API for something and did not get it.")
class RefusedAccess:
    position: Position = strawberry.field(description="Its place in the history.")
    at: DateTime = strawberry.field(description="When.")
    code: str = strawberry.field(
        description="UNAUTHENTICATED, FORBIDDEN, NOT_FOUND (of another site), RATE_LIMITED, UNAVAILABLE; MANY: of all "
        "kinds, more in one minute than are told one by one."
    )
    reason: str = strawberry.field(description="Why, in words.")
    asked: str = strawberry.field(description="The root field or the route.")
    name: str | None = strawberry.field(description="Who asked, as far as it is known.")
    address: str | None = strawberry.field(description="From which host.")
    times: int = strawberry.field(description="How often: the same again within a minute is told together.")


def refused(row: Any) -> RefusedAccess:
    return RefusedAccess(position=row.position, at=row.at, **{name: getattr(row, name) for name in view.FACTS})


@strawberry.type
class AccessQuery:
    @strawberry.field(description="Requests that were refused, the newest first.")
    async def refused_accesses(
        self,
        info: strawberry.Info,
        name: str | None = None,
        address: str | None = None,
        code: str | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[RefusedAccess]:
        column = view.ACCESS.c.position
        return await listing(info, "access", column, first, after, refused, name=name, address=address, code=code)
