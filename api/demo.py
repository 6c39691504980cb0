"""The demo: a real Bornier, a simulated fleet that speaks OCPP to it, and what happens, on the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape

from adapters.simulator import replay
from adapters.simulator.fleet import Fleet, Summary
from api.bootstrap.run import running
from api.operator import operate
from api.settings import Settings

QUERY = "{ stations { edges { node { id connected connectors { evseId status } } } } transactions(first: 5) { edges { node { stationId badge energyWh powerW socEnd cost { inclVat currency } } } } }"  # fmt: skip # noqa: E501
console = Console(highlight=False, soft_wrap=True)


async def show(settings: Settings, stations: int, duration: float | None, stop: asyncio.Event) -> None:
    """Run everything in one process and tell what happens until somebody stops it."""
    async with running(settings) as process:
        print(process.ready_line, flush=True)
        console.print(f"\n[bold]Bornier[/] is running with {stations} simulated stations (OCPP 1.6, 2.0.1 and 2.1).")
        console.print(f"  GraphiQL   {process.http}/graphql   header: Authorization: Bearer {settings.admin_token}")
        console.print(f"  try        {QUERY}")
        console.print(f"  health     {process.http}/health/ready   metrics {process.http}/metrics")
        console.print("  history    bornier events --database " + settings.database + " --follow")
        console.print("  stop       Ctrl-C\n")
        fleet = Fleet(url=str(process.ocpp), stations=stations, on_activity=tell)
        asking = asyncio.create_task(operate(str(process.http), settings.admin_token, stations, stop, tell))
        summary = await until_stopped(fleet, stop, duration)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    report(summary)


async def drive(
    url: str,
    stations: int,
    versions: tuple[str, ...],
    speed: float,
    seed: int,
    password: str | None,
    duration: float | None,
    stop: asyncio.Event,
) -> None:
    """The fleet alone, against any CSMS."""
    fleet = Fleet(
        url=url, stations=stations, versions=versions, speed=speed, seed=seed, password=password, on_activity=tell
    )
    report(await until_stopped(fleet, stop, duration))


async def play(url: str, lines: Sequence[str], speed: float, password: str | None, stop: asyncio.Event) -> bool:
    """A recorded conversation against any CSMS; False if it answers otherwise than it was answered then."""
    outcome = await replay.play(url, replay.read(lines), speed, password, stop, tell)
    for note in outcome.notes:
        console.print(f"[dim]note[/] {escape(note)}")
    console.print(f"\n{outcome}")
    return not outcome.differences


async def until_stopped(fleet: Fleet, stop: asyncio.Event, duration: float | None) -> Summary:
    return await fleet.run(stop, duration)


def tell(line: str) -> None:
    """One thing that happened, with the time."""
    console.print(f"[dim]{datetime.now():%H:%M:%S}[/] {escape(line)}")


def report(summary: Summary) -> None:
    console.print(f"\n{summary}")
