"""The schema: all queries, mutations and subscriptions, with one policy, one set of limits and one way to fail."""

from __future__ import annotations

import logging
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaxAliasesLimiter, MaxTokensLimiter, QueryDepthLimiter, SchemaExtension
from strawberry.schema.config import StrawberryConfig

from api.access import POLICY
from api.graphql.command import CommandMutation, CommandQuery, CommandSubscription
from api.graphql.context import asker
from api.graphql.cost import CostLimiter
from api.graphql.event import EventQuery, EventSubscription
from api.graphql.registry import RegistryMutation
from api.graphql.scalar import SCALARS
from api.graphql.station import StationQuery, StationSubscription
from api.graphql.transaction import TransactionQuery, TransactionSubscription
from domain.event import Refusal
from projections.page import BadCursor

log = logging.getLogger("bornier.graphql")

DEPTH, ALIASES, TOKENS = 12, 30, 4_000
LONGEST = 10_000


@strawberry.type(description="Who is asking.")
class Me:
    name: str = strawberry.field(description="The name behind the token.")
    roles: list[str] = strawberry.field(description="viewer, operator, admin, auditor, driver.")
    sites: list[str] = strawberry.field(description="The sites the rights are limited to; empty: all of them.")


@strawberry.type
class MeQuery:
    @strawberry.field(description="Who is asking, and with which roles.")
    def me(self, info: strawberry.Info) -> Me:
        principal = asker(info).principal
        return Me(name=asker(info).name, roles=sorted(principal.roles if principal else ()), sites=[])


@strawberry.type(description="What can be read.")
class Query(StationQuery, TransactionQuery, CommandQuery, EventQuery, MeQuery):
    pass


@strawberry.type(description="What can be asked for.")
class Mutation(CommandMutation, RegistryMutation):
    pass


@strawberry.type(description="What can be followed.")
class Subscription(StationSubscription, TransactionSubscription, CommandSubscription, EventSubscription):
    pass


class Guard(SchemaExtension):
    """Every root field has a rule in the policy; a field without one is closed."""

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        if info.path.prev is None and not info.field_name.startswith("__"):
            permit(info)
            readable(kwargs)
        return _next(root, info, *args, **kwargs)


def permit(info: Any) -> None:
    """Raise UNAUTHENTICATED or FORBIDDEN unless the policy lets this principal ask this."""
    principal = info.context["asker"].principal
    if principal is None:
        raise GraphQLError("a bearer token is needed", extensions={"code": "UNAUTHENTICATED"})
    right = POLICY.get(f"{info.parent_type.name}.{info.field_name}")
    if right is None or not principal.may(right):
        raise GraphQLError(f"{principal.name} may not use {info.field_name}", extensions={"code": "FORBIDDEN"})


CODES: tuple[tuple[type[Exception], str], ...] = (
    (Refusal, "BAD_USER_INPUT"),
    (BadCursor, "BAD_USER_INPUT"),
)


def readable(value: Any) -> None:
    """Texts that no database keeps and texts without end are refused before anybody looks at them."""
    if isinstance(value, str):
        if len(value) > LONGEST or "\0" in value or (not value.isascii() and not encodable(value)):
            raise GraphQLError(
                f"a text has at most {LONGEST:,} characters, no NUL and no half of a pair",
                extensions={"code": "BAD_USER_INPUT"},
            )
    elif isinstance(value, dict):
        for part in value.values():
            readable(part)
    elif isinstance(value, list):
        for part in value:
            readable(part)


def encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Schema(strawberry.Schema):
    """Every error has a code; what a caller cannot act on keeps its details to itself."""

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        for error in errors:
            tell(error)


def tell(error: GraphQLError) -> None:
    """Make the error what the caller may see."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if error.extensions and "code" in error.extensions:
        return
    if cause is None or isinstance(cause, GraphQLError):
        code = (getattr(cause, "extensions", None) or {}).get("code", "BAD_USER_INPUT")
    else:
        code = next((name for kind, name in CODES if isinstance(cause, kind)), "INTERNAL")
    if code == "INTERNAL":
        log.error("a query failed", exc_info=cause)
        error.message = "Bornier could not answer this; the log says why"
    error.extensions = {"code": code}


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    extensions=[
        Guard,
        lambda: QueryDepthLimiter(max_depth=DEPTH),
        lambda: MaxAliasesLimiter(max_alias_count=ALIASES),
        lambda: MaxTokensLimiter(max_token_count=TOKENS),
        CostLimiter,
    ],
    config=StrawberryConfig(scalar_map=SCALARS),
)
