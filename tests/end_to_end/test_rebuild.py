"""`bornier rebuild` beside a running Bornier: stations go on, a kill leaves nothing, and the exit code tells."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import inspect, text
from typer.testing import CliRunner, Result

from api.cli import cli
from projections.engine import engine
from projections.projection import SHADOW
from tests.end_to_end.client import Station
from tests.end_to_end.server import ROOT, Server
from tests.end_to_end.test_audit import bornier


def shadows(database: str) -> list[str]:
    here = engine(database)
    try:
        return [name for name in inspect(here).get_table_names() if name.endswith(SHADOW)]
    finally:
        here.dispose()


@contextmanager
def unswappable(database: str) -> Iterator[None]:
    """Keep a rebuild from ending, without keeping stations from talking."""
    here = engine(database)
    with here.connect() as connection:
        if here.dialect.name == "postgresql":
            connection.execute(text("SELECT * FROM station LIMIT 1")).all()
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
        connection.rollback()
    here.dispose()


def kill_in_the_middle(database: str) -> None:
    command = [sys.executable, "-m", "api.cli", "rebuild", "station", "--database", database]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 30
        while not shadows(database):
            assert time.monotonic() < deadline
            assert process.poll() is None
        with unswappable(database):
            process.kill()
            process.wait()


async def test_a_rebuild_beside_a_running_bornier(database: str) -> None:
    with Server(database) as server:
        async with Station(server.ocpp, "LIVE") as station:
            await station.boot()
            await asyncio.to_thread(kill_in_the_middle, database)
            assert (await station.call("Heartbeat", {}))["currentTime"]
            enough = asyncio.Event()
            talk = asyncio.create_task(heartbeats(station, enough))
            done = await asyncio.to_thread(bornier, "rebuild", "station", "trace", "--database", database)
            enough.set()
            assert (done.returncode, done.stderr) == (0, "")
            assert await talk > 10
        await server.until("{ stations(connected: true) { totalCount } }", lambda d: not d["stations"]["totalCount"])
    assert shadows(database) == []
    same = asked("station", "trace", "--diff", "--json", "--database", database)
    assert [json.loads(line)["changed"] for line in same.stdout.splitlines()] == [0, 0]
    assert same.exit_code == 0
    forge(database)
    other = asked("station", "--diff", "--database", database)
    assert (other.exit_code, '  ~ station id=LIVE  vendor: "forged" → "V"' in other.stdout) == (1, True)
    assert "station: 1 of 1 row would change: 0 added, 0 removed, 1 changed" in other.stdout
    unknown = asked("nothing", "--diff", "--database", database)
    assert (unknown.exit_code, unknown.stderr.startswith("bornier: there is no read model 'nothing'")) == (2, True)


def asked(*arguments: str) -> Result:
    """`bornier rebuild` in this process."""
    return CliRunner().invoke(cli, ["rebuild", *arguments])


async def heartbeats(station: Station, enough: asyncio.Event) -> int:
    answered = 0
    while not enough.is_set():
        await station.call("Heartbeat", {})
        answered += 1
        await asyncio.sleep(0.005)
    return answered


def forge(database: str) -> None:
    here = engine(database)
    with here.begin() as connection:
        connection.execute(text("UPDATE station SET vendor = 'forged'"))
    here.dispose()
