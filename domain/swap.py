"""Battery swap (échange de batteries): empty batteries go in, full ones come out (OCPP 2.1, block S)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.aggregate import Aggregate
from domain.event import Event


def stream(station_id: str) -> str:
    return f"swap/{station_id}"


class Battery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One battery in a slot of a swap station."""

    evse_id: int
    serial_number: str
    soc_percent: float
    soh_percent: float
    produced_at: datetime | None = None
    detail: str | None = None


class Swap(Aggregate):
    """The battery swaps of one station; `request_id` ties what belongs together."""

    forgetful = True

    class Arranged(Event, tag="swap.arranged.v1"):
        """The station agreed to a swap that an operator or a program asked for."""

        personal = "badge"
        station_id: str
        request_id: int
        badge: str

    class BatteriesInserted(Event, tag="swap.batteries_inserted.v1"):
        """The driver put batteries in."""

        personal = "badge"
        station_id: str
        request_id: int
        badge: str
        batteries: tuple[Battery, ...]

    class BatteriesTaken(Event, tag="swap.batteries_taken.v1"):
        """The driver took batteries out."""

        personal = "badge"
        station_id: str
        request_id: int
        badge: str
        batteries: tuple[Battery, ...]

    class BatteriesLeft(Event, tag="swap.batteries_left.v1"):
        """The driver did not take the batteries in time."""

        personal = "badge"
        station_id: str
        request_id: int
        badge: str
        batteries: tuple[Battery, ...]

    def apply(self, event: Event) -> None:
        pass
