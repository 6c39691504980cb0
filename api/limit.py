"""What the operating system lets a process do: how many files and sockets it may have open."""

from __future__ import annotations

import logging
import resource

log = logging.getLogger("bornier")


def open_all() -> int:
    """Allow ourselves as many as the administrator does: each station is one. Returns the number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError) as error:  # macOS has a limit of its own below an endless one
            log.warning("only %d files and sockets may be open: %s", soft, error)
            return soft
    return hard


def open_enough(needed: int) -> None:
    """The same. Raises ValueError where so many are not allowed."""
    allowed = open_all()
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        raise ValueError(
            f"{needed:,} open files are needed but only {allowed:,} allowed: raise `ulimit -Hn`, or take fewer stations"
        )
