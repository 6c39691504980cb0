"""Displays: which messages does a station show?"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Connection, Integer, Table, Text, func, or_, select

from domain.display import Display, Notice
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection, owner
from projections.table import METADATA, UtcTime

MESSAGE = Table(
    "display_message",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("message_id", Integer, primary_key=True),
    Column("priority", Text),
    Column("state", Text),
    Column("content", Text),
    Column("format", Text),
    Column("language", Text),
    Column("translations", JSON(none_as_null=True)),
    Column("starts_at", UtcTime),
    Column("ends_at", UtcTime),
    Column("station_transaction_id", Text),
    Column("display", Text),
    Column("evse_id", Integer),
    Column("seen_at", UtcTime),
    Column("removed_at", UtcTime),
    Column("position", BigInteger),
)
LISTING = Table(
    "display_listing",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("since", UtcTime),
)
"""A station has told all its messages: one that it has not told since then is gone."""

SAME = ("priority", "state", "starts_at", "ends_at", "station_transaction_id", "display", "evse_id")


def shown(changes: Changes, event: Display.MessageShown, position: int) -> None:
    seen(changes, event, event.message, position)


def removed(changes: Changes, event: Display.MessageRemoved, position: int) -> None:
    at = (owner(event), event.message_id)
    changes.put("display_message", at, removed_at=event.recorded_at, position=position)


def ordered(changes: Changes, event: Display.ReportOrdered, position: int) -> None:
    """The station has no message at all (O03.FR.05)."""
    if event.everything and event.status == "Unknown":
        changes.put("display_listing", (owner(event),), since=event.recorded_at)


def reported(changes: Changes, event: Display.MessagesReported, position: int) -> None:
    for message in event.messages:
        seen(changes, event, message, position)
    if event.everything_since is not None:
        changes.put("display_listing", (owner(event),), since=event.everything_since)


def seen(changes: Changes, event: Any, message: Notice, position: int) -> None:
    facts = {name: getattr(message, name) for name in SAME} | msgspec.structs.asdict(message.text)
    changes.put(
        "display_message",
        (owner(event), message.message_id),
        translations=msgspec.to_builtins(message.translations) or None,
        seen_at=event.recorded_at,
        removed_at=None,
        position=position,
        **facts,
    )


PROJECTION = Projection(
    name="display",
    tables={"display_message": MESSAGE, "display_listing": LISTING},
    handlers={
        Display.MessageShown: shown,
        Display.MessageRemoved: removed,
        Display.ReportOrdered: ordered,
        Display.MessagesReported: reported,
    },
)


def messages(connection: Connection, first: int, after: str | None, station_id: str, present: bool | None) -> Page:
    """Messages of a station by id, with `present`: it is there, as far as the station has told."""
    here = presence()
    query = select(MESSAGE, here.label("present")).select_from(joined()).where(MESSAGE.c.station_id == station_id)
    if present is not None:
        query = query.where(here if present else ~here)
    if after is not None:
        query = query.where(MESSAGE.c.message_id > key(after, tuple[int])[0])
    return page(list(connection.execute(query.order_by(MESSAGE.c.message_id).limit(first + 1))), first)


def count(connection: Connection, station_id: str, present: bool | None) -> int:
    here = presence()
    query = select(func.count()).select_from(joined()).where(MESSAGE.c.station_id == station_id)
    if present is not None:
        query = query.where(here if present else ~here)
    return int(connection.execute(query).scalar() or 0)


def joined() -> Any:
    return MESSAGE.join(LISTING, LISTING.c.station_id == MESSAGE.c.station_id, isouter=True)


def presence() -> Any:
    told = or_(LISTING.c.since.is_(None), MESSAGE.c.seen_at > LISTING.c.since)
    return MESSAGE.c.removed_at.is_(None) & told & MESSAGE.c.content.is_not(None)
