"""A fleet of simulated stations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from adapters.simulator.pause import rest
from adapters.simulator.station import Station

CONNECTS_PER_S = 100.0


@dataclass
class Summary:
    """What a fleet did."""

    stations: int
    calls: int
    answers: int
    errors: int
    charges: int
    energy_wh: float

    def __str__(self) -> str:
        return (
            f"{self.stations} stations made {self.calls} calls, {self.answers} were answered, {self.errors} with an "
            f"error; {self.charges} charges, {self.energy_wh / 1000:.2f} kWh"
        )


@dataclass
class Fleet:
    """Stations SIM0001, SIM0002, … of the given versions in turn; the same seed gives the same fleet."""

    url: str
    stations: int
    versions: tuple[str, ...] = ("1.6", "2.0.1", "2.1")
    speed: float = 60.0
    seed: int = 1
    password: str | None = None
    on_activity: Callable[[str], None] = lambda line: None
    prefix: str = "SIM"
    pause_s: float = 10.0
    """About how long a connector waits for the next car."""

    async def run(self, stop: asyncio.Event, duration: float | None = None) -> Summary:
        """Let them live until stopped, or for so many seconds."""
        fleet = [self.station(number) for number in range(self.stations)]
        ending = asyncio.Event()
        lives = [asyncio.create_task(self.live(station, number, ending)) for number, station in enumerate(fleet)]
        await rest(stop, 10**9 if duration is None else duration)
        ending.set()
        _, late = await asyncio.wait(lives, timeout=2.0)
        for life in late:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        links = [station.link for station in fleet]
        return Summary(
            stations=self.stations,
            calls=sum(link.calls for link in links),
            answers=sum(link.answers for link in links),
            errors=sum(link.errors for link in links),
            charges=sum(station.charges for station in fleet),
            energy_wh=sum(station.energy_wh for station in fleet),
        )

    def station(self, number: int) -> Station:
        version = self.versions[number % len(self.versions)]
        identity = f"{self.prefix}{number + 1:04d}"
        return Station(
            self.url,
            identity,
            version,
            self.seed,
            self.speed,
            self.password,
            pause_s=self.pause_s,
            tell=self.on_activity,
        )

    async def live(self, station: Station, number: int, ending: asyncio.Event) -> None:
        await rest(ending, number / CONNECTS_PER_S)
        await station.live(ending)
