"""What a line of the log is about: said once where it is known, and on every line that is written meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

ABOUT: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039, never changed, only replaced


@contextmanager
def about(**ids: str | None) -> Iterator[None]:
    """Inside the block lines are about this station, command, connection or principal."""
    token = ABOUT.set({**ABOUT.get(), **known(ids)})
    try:
        yield
    finally:
        ABOUT.reset(token)


def from_now_on(**ids: str | None) -> None:
    """The same for the rest of the task that says so, and the tasks it starts."""
    ABOUT.set({**ABOUT.get(), **known(ids)})


def known(ids: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in ids.items() if value is not None}
