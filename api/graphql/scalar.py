"""Scalars of the schema."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

DateTime = NewType("DateTime", datetime)
Position = NewType("Position", int)
Json = NewType("Json", object)


def write_time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_time(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise GraphQLError(f"{str(value)[:40]!r} is not a time of RFC 3339") from None


def read_position(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise GraphQLError("a position is a whole number from 0 to 2^63-1")
    return value


def scalar(name: str, description: str, serialize: Any, parse_value: Any) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=serialize, parse_value=parse_value)


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: scalar("DateTime", "A point in time, RFC 3339 in UTC.", write_time, read_time),
    Position: scalar("Position", "A place in the history: a 64-bit number that only grows.", int, read_position),
    Json: scalar("JSON", "Any JSON value.", lambda value: value, lambda value: value),
}
