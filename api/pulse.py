"""The pulse of a process: how late its event loop is, and how long HTTP and GraphQL take."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.telemetry import Telemetry
from application.duration import Durations

log = logging.getLogger("bornier.http")

ANSWER_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LOOK_S = 1.0
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}


def durations() -> Durations:
    return Durations(ANSWER_S)


class Pulse:
    """What this process measures of itself; `/metrics` reads it."""

    def __init__(self, telemetry: Telemetry | None = None) -> None:
        self.telemetry = telemetry
        self.lag_s = 0.0
        self.requests: defaultdict[tuple[str, ...], Durations] = defaultdict(durations)
        self.operations: defaultdict[tuple[str, ...], Durations] = defaultdict(durations)
        self.followed: Counter[str] = Counter()

    async def watch(self) -> None:
        """Look once a second how late one is woken: whoever waits for this process waits that long, too."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self.lag_s = max(loop.time() - due, 0.0)


class Timed:
    """Measures every HTTP request, by the pattern of its address: an unknown one cannot make a new series."""

    def __init__(self, app: ASGIApp, pulse: Pulse) -> None:
        self.app = app
        self.pulse = pulse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            took = time.perf_counter() - began
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.pulse.requests[method, pattern(scope), str(status)].add(took)
            log.debug("%s %s: %d after %.1f ms", method, scope["path"], status, took * 1000)


def pattern(scope: Scope) -> str:
    """The route that was chosen."""
    for route in scope["app"].routes if "app" in scope else ():
        if isinstance(route, Route) and route.endpoint is scope.get("endpoint"):
            return route.path
    return "/static" if scope["path"].startswith("/static/") else "unknown"
