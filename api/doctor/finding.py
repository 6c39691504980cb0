"""A finding: one thing the doctor looked at, how it is, and how to mend it in one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

Verdict = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """`mend` is empty when nothing is to be done."""

    check: str
    verdict: Verdict
    words: str
    mend: str = ""


Findings = Iterator[Finding]


def ok(check: str, words: str) -> Finding:
    return Finding(check, "ok", words)


def warn(check: str, words: str, mend: str) -> Finding:
    return Finding(check, "warn", words, mend)


def fail(check: str, words: str, mend: str) -> Finding:
    return Finding(check, "fail", words, mend)


def first_line(error: BaseException) -> str:
    """What an exception says, without the lines for programmers."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
