"""The operator of the demo: now and then it asks a station for something, through GraphQL like anybody else."""

from __future__ import annotations

import asyncio
import itertools
import json
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from adapters.simulator.pause import rest

EVERY_S = 12.0
FIRST_S = 6.0
LIMIT = """setChargingProfile(input: {stationId: "%s", evseId: 0, chargingProfile: {purpose: TX_DEFAULT_PROFILE,
  kind: RELATIVE, schedules: [{unit: W, periods: [{startSeconds: 0, limit: "3000"}, {startSeconds: 30, limit: "7000"}]}]
  }})"""
SCHEDULE = """getCompositeSchedule(input: {stationId: "%s", evseId: 1, durationSeconds: 60, unit: W})"""
HOLD = """reserveNow(input: {stationId: "%s", evseId: 1, badge: "04A2B1", expiresAt: "UNTIL"})"""
LOG = """getLog(input: {stationId: "%s"})"""
FREE = """clearChargingProfile(input: {stationId: "%s", evseId: 0})"""
TARIFF = """publishTariff(input: {ocpi: {id: "demo", currency: "EUR", type: "REGULAR",
  last_updated: "2026-01-01T00:00:00Z", elements: [{price_components: [
    {type: "ENERGY", price: 0.35, vat: 20, step_size: 1},
    {type: "PARKING_TIME", price: 2.00, vat: 20, step_size: 60}]}]}})"""
EVERYWHERE = """assignTariff(input: {tariffId: "demo"})"""
PRICES = (TARIFF, EVERYWHERE)
ACTS = (LIMIT, SCHEDULE, LOG, HOLD, FREE)


async def operate(http: str, token: str, stations: int, stop: asyncio.Event, tell: Callable[[str], None]) -> None:
    """A price for every charge, then one act after another, at every station in turn; who is busy or away says so."""
    for act in PRICES:
        await asyncio.to_thread(ask, http, token, written(act, ""))
    await rest(stop, FIRST_S)
    for number, act in enumerate(itertools.cycle(ACTS)):
        if stop.is_set():
            return
        station_id = f"SIM{number // len(ACTS) % stations + 1:04d}"
        tell(f"the operator asks {act.partition('(')[0]} of {station_id}")
        await asyncio.to_thread(ask, http, token, written(act, station_id))
        await rest(stop, EVERY_S)


def written(act: str, station_id: str) -> str:
    until = datetime.now(UTC) + timedelta(minutes=1)
    return f"mutation {{ {act.replace('%s', station_id).replace('UNTIL', until.isoformat())} {{ id }} }}"


def ask(http: str, token: str, query: str) -> None:
    """Raises ValueError with the words of GraphQL if it does not understand."""
    request = urllib.request.Request(
        f"{http}/graphql",
        json.dumps({"query": query}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        answer = json.load(response)
    if "errors" in answer:
        raise ValueError(answer["errors"][0]["message"])
