"""Nothing that was answered is ever lost: not when the process is killed, not when the database goes away."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from websockets.exceptions import WebSocketException

from api.bootstrap.privacy import opened
from api.extract import json_line
from api.settings import Settings
from application.history import History
from application.store import Store
from projections.catalog import PROJECTIONS
from projections.rebuild import rebuild
from projections.runner import Runner
from tests.end_to_end.client import Station
from tests.end_to_end.server import Server

STATIONS = 12
HEAR_S = 1.5


def meter(number: int, register: int) -> dict[str, Any]:
    sample = {"value": str(register), "context": "Sample.Periodic"}
    return {
        "connectorId": 1,
        "transactionId": number,
        "meterValue": [{"timestamp": "2026-11-23T10:00:00Z", "sampledValue": [sample]}],
    }


async def talk(url: str, name: str, answered: set[str]) -> None:
    """One station that charges and meters until its connection dies; it writes down every id that was answered."""
    try:
        async with Station(url, name) as charger:
            await charger.boot()
            started = await charger.call(
                "StartTransaction",
                {"connectorId": 1, "idTag": "T", "meterStart": 5, "timestamp": "2026-11-23T10:00:00Z"},
            )
            for register in range(10, 1_000_000):
                message_id = f"{name}/{register}"
                await charger.call("MeterValues", meter(started["transactionId"], register), message_id)
                answered.add(message_id)
                await asyncio.sleep(random.random() / 200)
    except (WebSocketException, OSError, TimeoutError):
        return


async def load(server: Server, seconds: float) -> tuple[set[str], list[asyncio.Task[None]]]:
    answered: set[str] = set()
    tasks = [asyncio.create_task(talk(server.ocpp, f"CP{n}", answered)) for n in range(STATIONS)]
    await asyncio.sleep(seconds)
    return answered, tasks


def recorded(database: str) -> list[str]:
    """Message ids of all meter values in the history."""
    store = Store(database)
    try:
        rows = History(store.recorder).read(0, 10**9, ("transaction.metered.v1",))
        return [json.loads(json_line(row))["data"]["cause"]["message_id"] for row in rows]
    finally:
        store.close()


@pytest.mark.timeout(120)
async def test_every_answered_message_survives_a_kill_exactly_once(database: str) -> None:
    with Server(database) as server:
        answered, tasks = await load(server, HEAR_S)
        server.kill()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    found = await asyncio.to_thread(recorded, database)
    assert len(answered) > 50
    assert len(found) == len(set(found))
    assert answered <= set(found)
    with Server(database) as server:
        head = (await server.ask("{ events(first: 1) { position } }"))["events"]["position"]
        caught_up = "{ transactions(first: 500) { position edges { node { id energyWh endedAt } } } }"
        await server.until(caught_up, lambda data: data["transactions"]["position"] >= head)
        connected = await server.ask("{ stations(connected: true) { totalCount } }")
        assert connected["stations"]["totalCount"] == 0
    differences = await asyncio.to_thread(differing, database)
    assert differences == 0


def differing(database: str) -> int:
    """Rows that a rebuild from zero would make otherwise."""
    with opened(Settings(database=database)) as here:
        runner = Runner(here.engine, here.history, list(PROJECTIONS.values()))
        while runner.step():
            pass
        return sum(rebuild(here.engine, here.history, each, swap=False).total for each in PROJECTIONS.values())
