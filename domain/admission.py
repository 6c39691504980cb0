"""Admission: who tried to connect and was not let in."""

from __future__ import annotations

from domain.aggregate import Aggregate
from domain.event import Event

NOBODY = "-"


def stream(station_id: str | None) -> str:
    """The attempts in the name of one station; those that named none share a stream."""
    return f"admission/{station_id or NOBODY}"


class Admission(Aggregate):
    """Connections not let in. Whoever knocks too often is only counted, so that nobody can fill the history."""

    forgetful = True

    class Refused(Event, tag="admission.refused.v1"):
        """Somebody wanted to connect as a station and was not let in; `status` is HTTP's, none if TLS failed."""

        reason: str
        status: int | None = None
        claimed_id: str | None = None
        address: str | None = None
        path: str | None = None
        offered: tuple[str, ...] = ()
        unrecorded: int = 0

    def apply(self, event: Event) -> None:
        """Nothing of the past is needed."""
