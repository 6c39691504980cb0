"""Files that a simulated station fetches and delivers over HTTP, really."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable
from functools import partial
from urllib.error import URLError
from urllib.parse import urlsplit

PATIENCE_S = 20
LARGEST = 64 * 1024 * 1024


async def download(location: str, retries: int = 0, pause_s: float = 1.0) -> bytes | None:
    """The content of an address, or None after the last try."""
    return await tried(retries, pause_s, partial(fetch, location))


async def upload(location: str, content: bytes, retries: int = 0, pause_s: float = 1.0) -> bool:
    """Was the content taken?"""
    return await tried(retries, pause_s, partial(deliver, location, content)) is not None


async def tried(retries: int, pause_s: float, work: Callable[[], bytes]) -> bytes | None:
    for attempt in range(retries + 1):
        if attempt:
            await asyncio.sleep(pause_s)
        try:
            return await asyncio.to_thread(work)
        except (URLError, OSError, ValueError):
            continue
    return None


def fetch(location: str) -> bytes:
    with urllib.request.urlopen(request(location), timeout=PATIENCE_S) as response:
        content: bytes = response.read(LARGEST)
    return content


def deliver(location: str, content: bytes) -> bytes:
    asked = request(location)
    asked.data, asked.method = content, "PUT"
    asked.add_header("Content-Type", "application/octet-stream")
    with urllib.request.urlopen(asked, timeout=PATIENCE_S) as response:
        answer: bytes = response.read(LARGEST)
    return answer


def request(location: str) -> urllib.request.Request:
    """Raises ValueError for what is not HTTP: a station does not read its own disk."""
    if urlsplit(location).scheme not in ("http", "https"):
        raise ValueError(f"{location!r} is not an http address")
    return urllib.request.Request(location)
