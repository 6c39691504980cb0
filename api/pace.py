"""Pace: how much somebody may ask for in a minute, with some at once."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

KNOWN = 10_000


class Pace:
    """A bucket for each key that fills up again by itself; bounded, the longest silent are forgotten."""

    def __init__(
        self, per_minute: float, at_once: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second = per_minute / 60
        self.size = at_once if at_once is not None else per_minute
        self.clock = clock
        self.left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str, cost: float = 1) -> int | None:
        """Seconds until there is room for this; None if now. What is larger than the bucket fits a full one."""
        missing = min(cost, self.size) - self.filled(key)
        return max(math.ceil(missing / self.per_second), 1) if missing > 0 else None

    def take(self, key: str, cost: float = 1) -> int | None:
        """Take it if there is room; otherwise in how many seconds there is."""
        wait = self.wait(key, cost)
        if wait is None:
            self.left[key] = (self.filled(key) - min(cost, self.size), self.clock())
            self.left.move_to_end(key)
            if len(self.left) > KNOWN:
                self.left.popitem(last=False)
        return wait

    def filled(self, key: str) -> float:
        left, at = self.left.get(key, (self.size, self.clock()))
        return min(self.size, left + (self.clock() - at) * self.per_second)
