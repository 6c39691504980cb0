"""Audit: proof that the history is whole. Events become leaves of Merkle trees, whose roots are sealed in a chain.

The tree is that of RFC 6962 (certificate transparency), section 2.1: SHA-256, leaves and nodes told apart by a first
byte, a list of n leaves split at the largest power of two below n.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from domain.catalog import Recorded

RANGE = 1_024
"""Positions a seal covers. Fixed for ever: ranges are 1..1024, 1025..2048, and so on."""
GENESIS = bytes(32)


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """One signed checkpoint over a range of positions. `count`: a database may leave positions empty, and it shows."""

    first: int
    last: int
    count: int
    root: bytes
    previous: bytes
    sealed_at: datetime
    signature: bytes = b""

    @property
    def text(self) -> bytes:
        """What is signed. The time is that of the last event, so that the same history gives the same seals."""
        at = self.sealed_at.isoformat().replace("+00:00", "Z")
        return (
            f"bornier seal v1\nfirst {self.first}\nlast {self.last}\ncount {self.count}\n"
            f"root {self.root.hex()}\nprevious {self.previous.hex()}\nat {at}\n"
        ).encode()

    @property
    def digest(self) -> bytes:
        """What the next seal calls `previous`."""
        return hashlib.sha256(self.text).digest()


def leaf(event: Recorded) -> bytes:
    """The hash of one event: place, stream, version, topic and its JSON, byte for byte."""
    stream, topic = event.stream.encode(), event.topic.encode()
    return hashlib.sha256(
        b"\0"
        + event.position.to_bytes(8, "big")
        + event.version.to_bytes(8, "big")
        + len(stream).to_bytes(4, "big")
        + stream
        + len(topic).to_bytes(4, "big")
        + topic
        + bytes(event.state)
    ).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The hash of a list of leaves (RFC 6962 MTH)."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        pairs = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0]


def path(index: int, leaves: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """What a leaf must be hashed with, and from which side, to come to the root."""
    return list(climb(index, list(leaves)))


def climb(index: int, level: list[bytes]) -> Iterator[tuple[str, bytes]]:
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            yield ("left" if sibling < index else "right"), level[sibling]
        pairs = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level, index = pairs + level[len(level) - len(level) % 2 :], index // 2


HIDDEN = object()
"""The mark of a leaf of which only the hash is told."""


def tree(leaves: Sequence[bytes], marks: Sequence[Any]) -> Any:
    """One proof for many leaves: each is its mark, whatever is hidden together is one hash, two halves are a list."""
    level = [(leaf, leaf.hex() if mark is HIDDEN else mark) for leaf, mark in zip(leaves, marks, strict=True)]
    while len(level) > 1:
        pairs = [joined(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0][1] if level else None


def joined(left: tuple[bytes, Any], right: tuple[bytes, Any]) -> tuple[bytes, Any]:
    above = node(left[0], right[0])
    hidden = isinstance(left[1], str) and isinstance(right[1], str)
    return above, above.hex() if hidden else [left[1], right[1]]


def follow(start: bytes, steps: Sequence[tuple[str, bytes]]) -> bytes:
    """The root that a leaf and its path lead to."""
    found = start
    for side, sibling in steps:
        found = node(sibling, found) if side == "left" else node(found, sibling)
    return found


def seal(events: Sequence[Recorded], first: int, previous: bytes, at: datetime) -> Seal:
    """The seal of a whole range, not yet signed."""
    return Seal(
        first=first,
        last=first + RANGE - 1,
        count=len(events),
        root=root([leaf(event) for event in events]),
        previous=previous,
        sealed_at=at,
    )
