"""Ranges: the part of a file that a broken download still needs (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

ONE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(ValueError):
    """The file does not reach that far."""


class Span(NamedTuple):
    """The bytes from `first` up to, not including, `end`."""

    first: int
    end: int
    partial: bool


def span(headers: Mapping[str, str], size_bytes: int, etag: str) -> Span:
    """What a request wants; a range that cannot be read, or of another file, or of several pieces, is all of it.

    Raises Unsatisfiable.
    """
    whole = Span(0, size_bytes, False)
    found = ONE.fullmatch(headers.get("range", ""))
    if found is None or found[1] == found[2] == "" or headers.get("if-range", etag) != etag:
        return whole
    if found[1] == "":
        first, end = max(size_bytes - int(found[2]), 0), size_bytes
    else:
        first, end = int(found[1]), min(int(found[2]) + 1 if found[2] else size_bytes, size_bytes)
        if found[2] and int(found[2]) < first:
            return whole
    if first >= end:
        raise Unsatisfiable
    return Span(first, end, True)
