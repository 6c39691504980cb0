"""Times that people type."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(text: str | None) -> datetime | None:
    """A time somebody typed; without a zone it is UTC. Raises ValueError."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: say it like 2026-11-23T19:05:40Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
