"""Numbers for ever."""

from __future__ import annotations

from domain.number import LAST, Number
from tests.scenario import NOW, SOMEBODY, refused


def test_blocks_never_overlap() -> None:
    number = Number()
    blocks = [number.reserve(count, "g", SOMEBODY, NOW) for count in (10, 1, 5)]
    assert [*blocks[0], *blocks[1], *blocks[2]] == list(range(1, 17))


def test_numbers_end_where_ocpp_integers_end() -> None:
    number = Number()
    number.reserve(LAST, "g", SOMEBODY, NOW)
    refused(number, lambda n: n.reserve(1, "g", SOMEBODY, NOW), "2,147,483,647")
