"""Pages: Relay cursors over stable keys, so that page one million costs what page one costs."""

from __future__ import annotations

import base64
import binascii
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row


class BadCursor(ValueError):
    """The cursor was not made by this list."""


class Page(NamedTuple):
    """Some rows, and whether there are more behind them."""

    rows: list[Row[Any]]
    more: bool


def page(rows: list[Row[Any]], first: int) -> Page:
    """Cut a result of `first + 1` rows to a page."""
    return Page(rows[:first], len(rows) > first)


def cursor(*key: Any) -> str:
    """Where a row is, as an opaque text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode()


def key(text: str, kinds: type[Any]) -> Any:
    """The key behind a cursor; `kinds` is the tuple type of the list. Raises BadCursor."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text.encode()), type=kinds)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise BadCursor(f"{text[:40]!r} is not a cursor of this list") from error
