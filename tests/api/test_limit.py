"""A process takes what it may, and says when that is not enough."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from api.limit import open_all, open_enough

FILES = resource.RLIMIT_NOFILE


@pytest.fixture(autouse=True)
def little() -> Iterator[None]:
    """As a shell sets it: fewer than allowed."""
    soft, hard = resource.getrlimit(FILES)
    resource.setrlimit(FILES, (soft - 1, hard))
    yield
    resource.setrlimit(FILES, (soft, hard))


def test_a_process_allows_itself_all_it_may() -> None:
    allowed = open_all()

    assert resource.getrlimit(FILES) == (allowed, allowed)


def test_too_few_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(
        ValueError, match=r"1,000,000,000 open files are needed but only .* allowed: raise `ulimit -Hn`"
    ):
        open_enough(10**9)
