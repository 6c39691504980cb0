"""Publications: what everybody may fetch, made once in a while and served from a file, however many fetch it."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast
from weakref import finalize

Work = Callable[[BinaryIO], object]


@dataclass(frozen=True)
class Copy:
    """A publication as it was at a moment; `etag` is the same while its content is."""

    path: Path
    etag: str
    made_at: float


@dataclass
class Place:
    """Where one publication is: the latest copy, and the one before, which somebody may still be reading."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    latest: Copy | None = None
    former: Copy | None = None


class Publications:
    """Files in a temporary folder, which goes with the process."""

    def __init__(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="bornier-")
        self.folder = Path(folder.name)
        self.places: dict[str, Place] = {}
        finalize(self, folder.cleanup)

    async def copy(self, name: str, fresh_s: float, work: Work) -> Copy:
        """The latest copy, made again if it is older than `fresh_s`; who comes meanwhile waits for that one."""
        place = self.places.setdefault(name, Place())
        async with place.lock:
            if place.latest is None or time.monotonic() - place.latest.made_at >= fresh_s:
                made = await asyncio.to_thread(self.make, work)
                gone, place.former, place.latest = place.former, place.latest, made
                if gone is not None:
                    gone.path.unlink(missing_ok=True)
            return place.latest

    def make(self, work: Work) -> Copy:
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as sink:
            work(cast(BinaryIO, sink))
            sink.flush()
            sink.seek(0)
            etag = hashlib.file_digest(sink, "sha256").hexdigest()[:32]
        return Copy(Path(sink.name), f'"{etag}"', time.monotonic())
