"""Durations: how often something took how long."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence


class Durations:
    """Counted in classes, each up to a bound in seconds. One thread adds, any thread reads."""

    __slots__ = ("bounds", "counts", "total_s")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total_s += seconds

    def __len__(self) -> int:
        return sum(self.counts)

    def buckets(self) -> Iterator[tuple[str, float]]:
        """As Prometheus counts: everything up to a bound; the last bound is infinite."""
        seen = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            seen += count
            yield bound, seen
