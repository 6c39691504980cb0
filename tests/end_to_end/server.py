"""A real `bornier run` in its own process, and ways to talk to it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from uuid import uuid4

import httpx

ROOT = Path(__file__).parent.parent.parent
TOKEN = "token-of-the-tests-1234"
PATIENCE_S = 30


class Server:
    """Starts on free ports; ends when the block ends, whatever happened in it."""

    def __init__(self, database: str, *arguments: str, **settings: str) -> None:
        self.command = [
            sys.executable, "-m", "api.cli", "run", "--database", database, "--ocpp-port", "0", "--http-port", "0",
            *arguments,
        ]  # fmt: skip
        self.settings = {
            "BORNIER_AUDIT_KEY": "" if database.startswith("sqlite") else f"{tempfile.gettempdir()}/{uuid4()}.pem",
            "BORNIER_UNKNOWN_STATIONS": "accept",
            "BORNIER_UNKNOWN_BADGES": "accept",
            "BORNIER_ADMIN_TOKEN": TOKEN,
        } | settings
        self.log: IO[str] | None = None
        self.process: subprocess.Popen[str]
        self.ocpp = self.http = ""

    def __enter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BORNIER_")}
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=environment | self.settings,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("bornier ready"), f"not ready: {line!r}"
        for place in line.split()[2:]:
            name, _, address = place.partition("=")
            setattr(self, name, address)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    async def wss(self) -> str:
        """Where stations connect with TLS."""
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            body = (await client.get(f"{self.http}/health/ready")).json()
        (address,) = (place for place in body["ocpp"] if place.startswith("wss://"))
        return str(address)

    def kill(self) -> None:
        """As if the power went."""
        self.process.kill()
        self.process.wait()

    async def ask(self, query: str, token: str = TOKEN, **variables: Any) -> dict[str, Any]:
        """Answer of GraphQL; fails on errors."""
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            response = await client.post(
                f"{self.http}/graphql",
                json={"query": query, "variables": variables},
                headers={"Authorization": f"Bearer {token}"},
            )
        answer = response.json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def until(self, query: str, wanted: Any, **variables: Any) -> dict[str, Any]:
        """Ask again until `wanted(data)` holds."""
        for _ in range(PATIENCE_S * 20):
            data = await self.ask(query, **variables)
            if wanted(data):
                return data
            await asyncio.sleep(0.05)
        raise AssertionError(f"never happened: {query}; last {data}")
