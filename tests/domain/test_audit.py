"""The tree and the chain: any event leads to its root, and no other event does."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from domain.audit import GENESIS, follow, leaf, node, path, root, seal
from domain.catalog import Recorded

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
hashes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def event(position: int, state: bytes = b"{}") -> Recorded:
    return Recorded(position, "station/CP001", position, "station.booted.v1", state)


def split(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word: split at the largest power of two smaller than n."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node(split(leaves[:k]), split(leaves[k:]))


@given(hashes)
def test_the_root_is_that_of_the_standard(leaves: list[bytes]) -> None:
    assert root(leaves) == split(leaves)


@given(hashes, st.data())
def test_every_leaf_leads_to_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    assert follow(leaves[index], path(index, leaves)) == root(leaves)


@given(hashes, st.data())
def test_another_leaf_leads_elsewhere(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    assert follow(bytes(31) + b"\7", path(index, leaves)) != root(leaves) or leaves[index] == bytes(31) + b"\7"


def test_no_part_of_an_event_can_change_unseen() -> None:
    one = event(1)
    others = [
        one._replace(position=2),
        one._replace(stream="station/CP002"),
        one._replace(version=2),
        one._replace(topic="station.connected.v1"),
        one._replace(state=b'{"a":1}'),
        one._replace(stream="station/CP001s", topic="tation.booted.v1"),
    ]
    assert len({leaf(each) for each in [one, *others]}) == len(others) + 1


def test_a_seal_names_its_range_its_count_and_the_one_before() -> None:
    first = seal([event(1), event(2)], 1, GENESIS, NOW)
    second = seal([event(1025)], 1025, first.digest, NOW)
    assert (second.first, second.last, second.count) == (1025, 2048, 1)
    assert first.digest.hex() in second.text.decode()
    assert seal([event(1), event(3)], 1, GENESIS, NOW).digest != first.digest
