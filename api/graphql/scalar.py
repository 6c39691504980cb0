"""Scalars of the schema, and the texts it takes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import strawberry
from graphql import GraphQLError, StringValueNode, Visitor
from strawberry.types.scalar import ScalarDefinition

DateTime = NewType("DateTime", datetime)
Position = NewType("Position", int)
Json = NewType("Json", object)
LONGEST = 10_000


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


def read_decimal(value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= 10**15:
        raise GraphQLError(f"{str(value)[:40]!r} is not an amount")
    return number


def scalar(name: str, description: str, serialize: Any, parse_value: Any) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=serialize, parse_value=parse_value)


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: scalar("DateTime", "A point in time, RFC 3339 in UTC.", write_time, read_time),
    Position: scalar("Position", "A place in the history: a 64-bit number that only grows.", int, read_position),
    Decimal: scalar("Decimal", 'An exact amount, as text: "12.35".', str, read_decimal),
    Json: scalar("JSON", "Any JSON value.", lambda value: value, lambda value: value),
}


class Texts(Visitor):
    """Looks at every text of a document."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        readable(node.value)


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
