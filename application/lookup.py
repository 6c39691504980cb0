"""Looking up events of the store in either direction, by place or stream: always along one of its two indexes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from application.rarity import seldom

Row = tuple[int, str, int, str, bytes]
T = TypeVar("T")
AT_ONCE = 500


class End(NamedTuple):
    """The last event of a stream: its version and its position."""

    version: int
    position: int


class Lookup(ABC):
    """What both recorders do with the same words; `place` is how their database names the position."""

    place: str
    contains: str
    """Whether the JSON of a row has a word, in the words of the database."""

    @abstractmethod
    def fetch(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of a statement with `?` for parameters and `{table}` for the table of events."""

    def select_between(
        self,
        low: int,
        high: int,
        limit: int,
        descending: bool = False,
        topics: Sequence[str] = (),
        stream: str | None = None,
    ) -> list[Row]:
        """At most so many rows with a position above `low` and below `high`, the oldest or the newest first."""
        # Within a stream both orders are the same, but only its own index finds the stream, and only by version.
        where, values = ["{place} > ?", "{place} < ?"], [low, high]
        order, parameters = "{place}", list[Any](values)
        if stream is not None:
            bound = self.version_at(stream, high - 1 if descending else low)
            where = ["originator_id = ?", "originator_version <= ?" if descending else "originator_version > ?"]
            where.append("{sign}{place} > ?" if descending else "{sign}{place} < ?")
            order, parameters = "originator_version", [stream, bound, low if descending else high]
        if topics:
            where.append(f"topic IN ({marks(topics)})")
            parameters += topics
        direction = "DESC" if descending else "ASC"
        statement = f"{SELECT} WHERE {' AND '.join(where)} ORDER BY {order} {direction} LIMIT ?"
        return self.rows(statement, [*parameters, limit])

    def select_seldom(self, after: int, limit: int, topics: Sequence[str], stream: str | None = None) -> list[Row]:
        """At most so many rows after a position, of topics that come seldom: what comes often is not read."""
        one = [after, limit] if stream is None else [after, stream, limit]
        parameters = [value for topic in topics for value in (topic, *one)]
        return self.rows(seldom(topics, stream is not None), [*parameters, limit])

    def select_at(self, positions: Sequence[int]) -> list[Row]:
        """The rows at these positions, the oldest first."""
        found: list[Row] = []
        for some in parts(sorted(positions)):
            found += self.rows(f"{SELECT} WHERE {{place}} IN ({marks(some)}) ORDER BY {{place}}", some)
        return found

    def select_mentioning(self, words: Sequence[bytes], after: int, limit: int) -> list[Row]:
        """At most so many rows after a position whose JSON has any of these words; every row is looked at."""
        where = " OR ".join([self.contains] * len(words)) or "1 = 0"
        statement = f"{SELECT} WHERE {{place}} > ? AND ({where}) ORDER BY {{place}} LIMIT ?"
        return self.rows(statement, [after, *words, limit])

    def count_mentioning(self, words: Sequence[bytes]) -> int:
        """How many rows those are in all."""
        where = " OR ".join([self.contains] * len(words)) or "1 = 0"
        return int(self.fetch(self.worded(f"SELECT count(*) FROM {{table}} WHERE {where}"), list(words))[0][0])

    def ends(self, streams: Sequence[str]) -> dict[str, End]:
        """The last event of every stream that has one."""
        return {stream: end for some in parts(streams) for stream, end in self.some_ends(some)}

    def some_ends(self, streams: Sequence[str]) -> Iterator[tuple[str, End]]:
        statement = (
            f"WITH wanted (stream) AS (VALUES {', '.join(['(?)'] * len(streams))}) "
            "SELECT originator_id, originator_version, {place} FROM wanted JOIN {table} ON originator_id = stream "
            "AND originator_version = (SELECT max(originator_version) FROM {table} WHERE originator_id = stream)"
        )
        for stream, version, position in self.fetch(self.worded(statement), streams):
            yield stream, End(version, position)

    def version_at(self, stream: str, position: int) -> int:
        """The last version of a stream up to a position, 0 before its first: found by halving."""
        end = self.ends([stream]).get(stream, End(0, 0))
        if end.position <= position:
            return end.version
        low, high = 0, end.version
        while low < high:
            middle = (low + high + 1) // 2
            if self.position_of(stream, middle) <= position:
                low = middle
            else:
                high = middle - 1
        return low

    def position_of(self, stream: str, version: int) -> int:
        """Where a version is; the next one that is there, should somebody have removed it."""
        where = "originator_id = ? AND originator_version >= ? ORDER BY originator_version LIMIT 1"
        return int(self.fetch(self.worded(f"SELECT {{place}} FROM {{table}} WHERE {where}"), (stream, version))[0][0])

    def rows(self, statement: str, parameters: Sequence[Any]) -> list[Row]:
        return [
            (position, stream, version, topic, bytes(state))
            for position, stream, version, topic, state in self.fetch(self.worded(statement), parameters)
        ]

    def worded(self, statement: str) -> str:
        """SQLite must be told not to walk by position where a stream is wanted; PostgreSQL knows."""
        sign = "+" if self.place == "rowid" else ""
        return statement.replace("{place}", self.place).replace("{sign}", sign)


SELECT = "SELECT {place}, originator_id, originator_version, topic, state FROM {table}"


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for begin in range(0, len(values), AT_ONCE):
        yield values[begin : begin + AT_ONCE]


def marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))
