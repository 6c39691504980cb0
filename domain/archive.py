"""An archive: a closed range of positions as a file, one event a line as it is stored, and the seals over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from domain.audit import Seal, leaf, root
from domain.catalog import Recorded

FORMAT = "bornier-archive-v1"
SEALS = 8
"""Ranges of the audit in one file: some megabytes before compression."""


class Line(msgspec.Struct, frozen=True):
    """One event; `data` is its JSON byte for byte, so that its hash stays the same."""

    position: int
    stream: str
    version: int
    topic: str
    data: msgspec.Raw


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What lies beside a file: what is in it, and the signed checkpoints over it."""

    format: str = FORMAT
    name: str
    first: int
    last: int
    count: int
    sha256: str
    key: str
    seals: tuple[Seal, ...]


class Untrue(ValueError):
    """The events are not those that were sealed."""


class Unreadable(ValueError):
    """A file of the archive cannot be read, or is not as it was written."""


LINES = msgspec.json.Decoder(Line)


def name(first: int, last: int) -> str:
    """Sorted by name is sorted by position."""
    return f"bornier-{first:012d}-{last:012d}.jsonl.zst"


def beside(file: str) -> str:
    """The name of the manifest of a file."""
    return file.removesuffix(".jsonl.zst") + ".json"


def lines(events: Iterable[Recorded]) -> bytes:
    encoder = msgspec.json.Encoder()
    return encoder.encode_lines([Line(*event[:4], msgspec.Raw(event.state)) for event in events])


def parse(content: bytes) -> list[Recorded]:
    """Raises msgspec.DecodeError."""
    return [
        Recorded(line.position, line.stream, line.version, line.topic, bytes(line.data))
        for line in LINES.decode_lines(content)
    ]


def check(events: Sequence[Recorded], seals: Sequence[Seal]) -> None:
    """Raises Untrue unless these are all the events under these seals, and nothing else."""
    if len(events) != sum(seal.count for seal in seals):
        raise Untrue(f"{len(events):,} events where {sum(seal.count for seal in seals):,} were sealed")
    for seal in seals:
        under = [event for event in events if seal.first <= event.position <= seal.last]
        if len(under) != seal.count or root([leaf(event) for event in under]) != seal.root:
            raise Untrue(f"positions {seal.first} to {seal.last} are not as they were sealed")
