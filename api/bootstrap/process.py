"""A process at work: what runs in it for as long as it lives, and where it listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from api.settings import Settings

log = logging.getLogger("bornier")


@dataclass
class Running:
    """A process at work, and where it listens."""

    settings: Settings
    ocpp: str | None = None
    http: str | None = None
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def ready_line(self) -> str:
        """The one line on stdout that says where to connect."""
        places = [f"ocpp={self.ocpp}" if self.ocpp else "", f"http={self.http}" if self.http else ""]
        return " ".join(["bornier ready", *filter(None, places)])

    def go(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something for as long as the process lives; if it ends by a fault, the process ends too."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(self.ended)
        self.tasks.append(task)

    def ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.critical("%s failed", task.get_name(), exc_info=task.exception())
            self.failed.set()

    async def cancel(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def clock() -> datetime:
    return datetime.now(UTC)


def shown(host: str) -> str:
    """A host as it is written in an address."""
    return f"[{host}]" if ":" in host else host
