"""The tariffs a station has installed to show prices and to reckon costs by itself (OCPP 2.1, I07 to I11)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event

Kind = Literal["DEFAULT", "DRIVER"]
Entry = tuple[int, str]
"""EVSE (0: the whole station) and tariff id."""


def stream(station_id: str) -> str:
    return f"pricelist/{station_id}"


class Pricelist(Aggregate):
    """Which tariff is in force on which EVSE of a station."""

    class Installed(Event, tag="pricelist.installed.v1"):
        """The station took a tariff as the default of an EVSE; EVSE 0 is all of them."""

        station_id: str
        evse_id: int
        tariff_id: str
        tariff: dict[str, Any]

    class Found(Event, tag="pricelist.found.v1"):
        """The station says that it has a tariff we did not know to be there."""

        station_id: str
        evse_id: int
        tariff_id: str
        kind: Kind

    class Withdrawn(Event, tag="pricelist.withdrawn.v1"):
        """A tariff is no longer in force on an EVSE: it was cleared, or another one took its place."""

        station_id: str
        evse_id: int
        tariff_id: str

    class Switched(Event, tag="pricelist.switched.v1"):
        """A running transaction goes on with another tariff."""

        station_id: str
        transaction_id: str
        tariff_id: str
        tariff: dict[str, Any]

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.entries: dict[Entry, Kind] = {}

    @property
    def station_id(self) -> str:
        return self.id.removeprefix("pricelist/")

    def install(self, evse_id: int, tariff: dict[str, Any], cause: AnyCause, now: datetime) -> None:
        """One default an EVSE: a new one takes the place of the old; one for the whole station, of all."""
        tariff_id = str(tariff["tariffId"])
        old = [entry for entry, kind in self.entries.items() if kind == "DEFAULT" and evse_id in (0, entry[0])]
        self.withdraw([entry for entry in old if entry != (evse_id, tariff_id)], cause, now)
        self.record(
            Pricelist.Installed,
            cause,
            now,
            station_id=self.station_id,
            evse_id=evse_id,
            tariff_id=tariff_id,
            tariff=tariff,
        )

    def clear(self, tariff_id: str | None, evse_id: int | None, cause: AnyCause, now: datetime) -> None:
        """The station cleared one default or all of them, on one EVSE or on all (I10)."""
        defaults = [entry for entry, kind in self.entries.items() if kind == "DEFAULT"]
        gone = [(at, name) for at, name in defaults if evse_id in (None, 0, at) and tariff_id in (None, name)]
        self.withdraw(gone, cause, now)

    def compare(self, evse_id: int, said: dict[Entry, Kind], cause: AnyCause, now: datetime) -> None:
        """The station says what it has on an EVSE (0: everywhere)."""
        mine = [entry for entry in self.entries if evse_id in (0, entry[0])]
        self.withdraw([entry for entry in mine if entry not in said], cause, now)
        for (where, tariff_id), kind in said.items():
            if (where, tariff_id) not in self.entries:
                facts = {"evse_id": where, "tariff_id": tariff_id, "kind": kind}
                self.record(Pricelist.Found, cause, now, station_id=self.station_id, **facts)

    def switch(self, transaction_id: str, tariff: dict[str, Any], cause: AnyCause, now: datetime) -> None:
        facts = {"transaction_id": transaction_id, "tariff_id": tariff["tariffId"], "tariff": tariff}
        self.record(Pricelist.Switched, cause, now, station_id=self.station_id, **facts)

    def withdraw(self, entries: Iterable[Entry], cause: AnyCause, now: datetime) -> None:
        for evse_id, tariff_id in entries:
            facts = {"evse_id": evse_id, "tariff_id": tariff_id}
            self.record(Pricelist.Withdrawn, cause, now, station_id=self.station_id, **facts)

    def apply(self, event: Event) -> None:
        match event:
            case Pricelist.Installed():
                self.entries[event.evse_id, event.tariff_id] = "DEFAULT"
            case Pricelist.Found():
                self.entries[event.evse_id, event.tariff_id] = event.kind
            case Pricelist.Withdrawn():
                self.entries.pop((event.evse_id, event.tariff_id), None)
