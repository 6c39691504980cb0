"""The feed: what projections need of the history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.catalog import Recorded


class Feed(Protocol):
    """The history in order, from any thread."""

    def read(self, after: int, limit: int, topics: Sequence[str] = ()) -> Sequence[Recorded]:
        """At most `limit` events after a position."""

    def head(self) -> int:
        """The last position."""

    def wait(self, beyond: int, timeout: float) -> bool:
        """Block until there may be something after a position."""
