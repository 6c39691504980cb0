"""Rarity: heartbeats and readings are nearly all of a history; what is rare is found without reading past them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.catalog import CATALOG
from domain.event import Event
from domain.station import Station
from domain.transaction import Transaction


def named(*kinds: type[Event]) -> tuple[str, ...]:
    return tuple(sorted(name for kind in kinds for name in CATALOG.names(kind)))


UNHEEDED = named(*Station.unheeded)
OFTEN = frozenset(named(*Station.unheeded, Station.StatusReported, Transaction.Metered))


def but(topics: Iterable[str]) -> str:
    """The condition of an index, which a statement must repeat word for word to be answered from it."""
    quoted = ", ".join(f"'{topic}'" for topic in sorted(topics))
    return f"topic NOT IN ({quoted})"


def indexes(table: str, position: str) -> list[str]:
    """Two indexes over the little that is rare, so that what comes often costs nothing."""
    by_topic = f"(topic{f', {position}' if position != 'rowid' else ''})"
    return [
        f"CREATE INDEX IF NOT EXISTS stored_events_by_topic ON {table} {by_topic} WHERE {but(OFTEN)}",
        "CREATE INDEX IF NOT EXISTS stored_events_heeded ON "
        f"{table} (originator_id, originator_version) WHERE {but(UNHEEDED)}",
    ]


def seldom(topics: Sequence[str], stream: bool = False) -> str:
    """Rows after a position, oldest first, of topics that come seldom: one look into the index for each topic.

    Parameters: topic, position, stream if asked for, and limit for each topic; then the limit.
    """
    one = (
        "SELECT * FROM (SELECT {place} AS place, originator_id, originator_version, topic, state FROM {table} "
        f"WHERE topic = ? AND {{place}} > ?{' AND originator_id = ?' if stream else ''} AND {but(OFTEN)} "
        "ORDER BY {place} LIMIT ?)"
    )
    return " UNION ALL ".join(f"{one} AS t{at}" for at, _ in enumerate(topics)) + " ORDER BY 1 LIMIT ?"


def heeded(unheeded: bool) -> str:
    """Rows of a stream after a version, oldest first, with or without what no later decision of a station needs."""
    return (
        "SELECT 0, originator_id, originator_version, topic, state FROM {table} WHERE originator_id = ? "
        f"AND originator_version > ?{'' if unheeded else f' AND {but(UNHEEDED)}'} ORDER BY originator_version LIMIT ?"
    )
