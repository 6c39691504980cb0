"""The machine a benchmark ran on, so that its figures can be judged."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psycopg

from api.bench.database import SQLITE, kind

PACKAGES = ("bornier", "eventsourcing", "jsonschema-rs", "msgspec", "ocpp", "orjson", "psycopg", "uvloop", "websockets")
SYNCS = 100


def describe(places: tuple[str, ...]) -> dict[str, Any]:
    """Everything that moves the figures and is not ours."""
    return {
        "cpu": cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: installed(name) for name in PACKAGES},
        "load_average": list(os.getloadavg()),
        "fdatasync_ms": round(fdatasync_ms(), 3),
        "databases": {kind(place): settings(place) for place in places},
    }


def cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def fdatasync_ms() -> float:
    """How long the disk takes to make 4 KiB durable, median."""
    sync = getattr(os, "fdatasync", os.fsync)
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(SYNCS):
            file.write(b"\0" * 4096)
            file.flush()
            began = time.perf_counter()
            sync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def settings(place: str) -> dict[str, str]:
    """The settings of a PostgreSQL server that decide what durable means."""
    if kind(place) == SQLITE:
        return {"journal_mode": "wal", "synchronous": "full"}
    with psycopg.connect(place) as connection:
        names = ("server_version", "fsync", "synchronous_commit", "wal_sync_method", "shared_buffers")
        return {name: str(connection.execute(f"SHOW {name}".encode()).fetchone()[0]) for name in names}  # type: ignore[index]
