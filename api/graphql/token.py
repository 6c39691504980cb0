"""Tokens of the API: who was given one, how far it reaches, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import strawberry

from api.access import POLICY
from api.graphql.command import said
from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime
from domain.event import Refusal
from projections import token as view
from projections.page import cursor

DEFAULT = timedelta(days=90)


@strawberry.enum(description="What somebody may do, in general.")
class Role(Enum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    AUDITOR = "auditor"
    DRIVER = "driver"


@strawberry.enum(description="Whether a token lets anybody in.")
class ApiTokenStatus(Enum):
    VALID = "VALID"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


@strawberry.type(description="A bearer token of the API. The token itself is shown once, when it is issued.")
class ApiToken:
    id: strawberry.ID = strawberry.field(description="Its id: the part of the token after bornier_.")
    name: str = strawberry.field(description="Who or what it was issued to; what it does is done in this name.")
    roles: list[Role] = strawberry.field(description="Its roles.")
    sites: list[strawberry.ID] = strawberry.field(description="The sites it is limited to; empty: all of them.")
    badges: list[str] = strawberry.field(description="The badges of a driver.")
    fields: list[str] = strawberry.field(
        description="The root fields (Query.stations) and routes (GET /api/events) it is limited to; empty: no limit."
    )
    status: ApiTokenStatus = strawberry.field(description="Whether it lets anybody in.")
    issued_by: str | None = strawberry.field(description="Who issued it.")
    issued_at: DateTime = strawberry.field(description="When.")
    expires_at: DateTime = strawberry.field(description="Until when it is valid.")
    used_at: DateTime | None = strawberry.field(description="When it was last used; written down once an hour.")
    revoked_by: str | None = strawberry.field(description="Who revoked it.")
    revoked_at: DateTime | None = strawberry.field(description="When it was revoked.")
    reason: str | None = strawberry.field(description="Why it was revoked.")


@strawberry.type(description="A token that has just been issued.")
class IssuedApiToken:
    token: ApiToken = strawberry.field(description="What is kept of it.")
    secret: str = strawberry.field(description="The token itself, this once: nobody can show it again.")


NAMES = ("id", "name", "sites", "badges", "fields", "issued_by", "issued_at", "expires_at", "used_at", "revoked_by",
         "revoked_at", "reason")  # fmt: skip


def api_token(row: Any) -> ApiToken:
    over = row.expires_at <= datetime.now(UTC)
    status = ApiTokenStatus.REVOKED if row.revoked_at else ApiTokenStatus.EXPIRED if over else ApiTokenStatus.VALID
    roles = [Role(role) for role in row.roles]
    return ApiToken(status=status, roles=roles, **{name: getattr(row, name) for name in NAMES})


async def shown(who: Asker, token_id: str) -> ApiToken:
    """A token as it is now."""
    await who.reads.caught_up("token", await who.reads.head())
    return api_token((await who.reads.run(lambda c: view.by_id(c, [token_id])))[token_id])


@strawberry.type
class TokenQuery:
    @strawberry.field(description="Tokens of the API, the newest first; those of the settings are not among them.")
    async def api_tokens(
        self, info: strawberry.Info, first: int | None = 50, after: str | None = None, valid: bool | None = None
    ) -> Connection[ApiToken]:
        reads, limit, now = asker(info).reads, bounded(first), datetime.now(UTC)
        position = await reads.position("token")
        found = await reads.run(lambda c: view.tokens(c, limit, after, valid, now))
        nodes = [(cursor(row.issued_at, row.id), api_token(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, valid, now)))


@strawberry.input(description="Give somebody a token of the API.")
class IssueApiTokenInput:
    name: str = said("Who or what it is for.")
    roles: list[Role] = said("Its roles; DRIVER stands alone, and needs badges.")
    sites: list[strawberry.ID] = said("The sites it is limited to; all of them when empty.", default_factory=list)
    badges: list[str] = said("The badges of a driver.", default_factory=list)
    fields: list[str] = said(
        "The root fields (Query.stations) and routes (GET /api/events) it is limited to; all that its roles may use "
        "when empty.",
        default_factory=list,
    )
    expires_at: DateTime | None = said("Until when, at most 5 years; 90 days when absent.", default=None)


@strawberry.input(description="Let nobody in with a token any more.")
class RevokeApiTokenInput:
    id: strawberry.ID = said("The token.")
    reason: str = said("Why, for whoever reads it later.")


@strawberry.type
class TokenMutation:
    @strawberry.mutation(description="Give somebody a token of the API; it is shown this once.")
    async def issue_api_token(self, info: strawberry.Info, input: IssueApiTokenInput) -> IssuedApiToken:
        who, until = asker(info), input.expires_at or datetime.now(UTC) + DEFAULT
        roles = [role.value for role in input.roles]
        limits = (input.sites, input.badges, known(input.fields))
        token_id, secret = await who.parts.tokens.issue(input.name, roles, until, who.name, *limits)
        return IssuedApiToken(token=await shown(who, token_id), secret=secret)

    @strawberry.mutation(description="Let nobody in with a token any more; every process knows within seconds.")
    async def revoke_api_token(self, info: strawberry.Info, input: RevokeApiTokenInput) -> ApiToken:
        who = asker(info)
        await who.parts.tokens.revoke(input.id, input.reason, who.name)
        return await shown(who, input.id)


def known(fields: list[str]) -> list[str]:
    """Raises Refusal for a field or a route that there is not."""
    for name in fields:
        if name not in POLICY:
            raise Refusal(f"there is no field or route {name[:100]!r}: say it like Query.stations or GET /api/events")
    return fields
