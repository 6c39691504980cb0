"""How fast somebody may ask: never more than the bucket at once, never more than its inflow in the long run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.pace import KNOWN, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_used_up_comes_back_with_time() -> None:
    clock = Clock()
    pace = Pace(60, clock=clock)
    assert [pace.take("a", 30) for _ in range(3)] == [None, None, 30]
    assert pace.take("b") is None
    clock.now = 29.9
    assert pace.take("a", 30) == 1
    clock.now = 30
    assert pace.take("a", 30) is None


def test_what_is_larger_than_the_bucket_needs_a_full_one_and_not_for_ever() -> None:
    clock = Clock()
    pace = Pace(60, clock=clock)
    assert pace.take("a", 1_000) is None
    assert pace.take("a", 1_000) == 60
    clock.now = 60
    assert pace.take("a", 1_000) is None


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0.1, 20)), max_size=50))
def test_nobody_gets_more_than_there_is(asks: list[tuple[float, float]]) -> None:
    clock = Clock()
    pace = Pace(60, clock=clock)
    got = 0.0
    for wait, cost in asks:
        clock.now += wait
        if pace.take("a", cost) is None:
            got += cost
        assert got <= 60 + clock.now + 1e-6


@given(st.floats(0.1, 60), st.floats(0.1, 60))
def test_who_waits_as_told_is_let_in(first: float, second: float) -> None:
    clock = Clock()
    pace = Pace(60, clock=clock)
    assert pace.take("a", first) is None
    wait = pace.wait("a", second)
    clock.now += wait or 0
    assert pace.take("a", second) is None


def test_the_longest_silent_are_forgotten() -> None:
    pace = Pace(60)
    for number in range(KNOWN + 10):
        pace.take(str(number))
    assert len(pace.left) == KNOWN
