"""Access: who asked for what and was refused."""

from __future__ import annotations

from datetime import datetime

from domain.aggregate import Aggregate
from domain.event import Event


def stream(day: datetime) -> str:
    """The refusals of one day share a stream."""
    return f"access/{day:%Y-%m-%d}"


class Access(Aggregate):
    """Refused requests. Who is refused again and again is counted, so that nobody can fill the history."""

    forgetful = True

    class Refused(Event, tag="access.refused.v1"):
        """Somebody asked the API for something and did not get it; `times`: how often, since it was told last."""

        code: str
        reason: str
        asked: str
        name: str | None = None
        address: str | None = None
        times: int = 1

    def apply(self, event: Event) -> None:
        """Nothing of the past is needed."""
