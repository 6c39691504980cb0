"""Firmware: what a local controller says about publishing it. Updates of a station itself are told by the station."""

from __future__ import annotations

from domain.aggregate import Aggregate
from domain.event import Event


def stream(station_id: str) -> str:
    return f"firmware/{station_id}"


class Firmware(Aggregate):
    """What a station that serves firmware to others says about it (OCPP 2.x)."""

    forgetful = True

    class PublicationProgressed(Event, tag="firmware.publication_progressed.v1"):
        """Publishing a firmware went one step on; once published, these are its addresses."""

        status: str
        request_id: int | None = None
        locations: tuple[str, ...] = ()
        reason: str | None = None

    def apply(self, event: Event) -> None:
        """Nothing to remember."""
