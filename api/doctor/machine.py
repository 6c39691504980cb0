"""The machine: room on its disks, its ports, and how many files a process may open."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Mapping
from pathlib import Path

import httpx

from api.doctor.finding import Finding, Findings, fail, ok, warn

LOW, EMPTY = 0.1, 0.02
OTHERS = 256
"""What a process opens besides the sockets of stations: databases, logs, libraries."""


def disks(places: Mapping[str, Path]) -> Findings:
    """Room for bytes and for files, once per file system."""
    seen: dict[int, str] = {}
    for name, place in places.items():
        here = standing(place)
        device = here.stat().st_dev
        if device in seen:
            continue
        seen[device] = name
        yield room(name, here)


def standing(place: Path) -> Path:
    """The place, or the nearest folder above it that exists."""
    place = place.absolute()
    return next(path for path in (place, *place.parents) if path.exists())


def room(name: str, place: Path) -> Finding:
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    bytes_left = found.f_bavail / found.f_blocks if found.f_blocks else 1.0
    files_left = found.f_favail / found.f_files if found.f_files else 1.0
    words = f"{free / 1e9:,.1f} GB ({bytes_left:.0%}) and {files_left:.0%} of the inodes are free at {place} ({name})"
    if min(bytes_left, files_left) > LOW:
        return ok("disk", words)
    mend = "make room or enlarge the disk: when it is full, stations are refused"
    return (warn if min(bytes_left, files_left) > EMPTY else fail)("disk", words, mend)


def ports(host: str, wanted: Mapping[str, int]) -> Findings:
    """Free, or taken by Bornier itself. A process that runs tells so on its HTTP port."""
    ours = running(host, wanted.get("BORNIER_HTTP_PORT", 0))
    for name, port in wanted.items():
        if port == 0:
            yield ok("ports", f"{name} is any free port")
        elif free(host, port):
            yield ok("ports", f"{port} is free for {name}")
        elif ours:
            yield ok("ports", f"Bornier listens at {port}")
        else:
            yield fail("ports", f"another program listens at {host}:{port}", f"end it, or choose another {name}")


def running(host: str, port: int) -> bool:
    shown = f"[{host}]" if ":" in host else host
    with httpx.Client(verify=False, timeout=2) as client:  # whose certificate it is does not matter here
        return any(alive(client, f"{scheme}://{shown}:{port}/health/live") for scheme in ("http", "https"))


def alive(client: httpx.Client, address: str) -> bool:
    try:
        return bool(client.get(address).json() == {"status": "alive"})
    except (httpx.HTTPError, OSError, ValueError):
        return False


def free(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        return False
    return True


def descriptors(stations: int, limit: int | None = None) -> Finding:
    """Every station is one open file. A process takes as many as the administrator allows (the hard limit)."""
    limit = limit or resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    words = f"{limit:,} files may be open, for {stations:,} known stations"
    mend = f"raise the limit: ulimit -Hn {max(2 * stations + OTHERS, 65536)}, or LimitNOFILE= of systemd"
    if limit == resource.RLIM_INFINITY or limit > 2 * stations + OTHERS:
        return ok("open files", words)
    return (warn if limit > stations + OTHERS else fail)("open files", words, mend)
