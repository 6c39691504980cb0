"""The log of a simulated station, uploaded where the CSMS wants it (OCPP 1.6 section 5.9, 2.x N01)."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from adapters.simulator.file import upload
from adapters.simulator.firmware import RETRY_S
from adapters.simulator.vocabulary import Payload, Said, now, stamp

if TYPE_CHECKING:
    from adapters.simulator.station import Station

LINES = 2_000


class Diary:
    """What a station remembers of what happened, and the upload that is going on."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.lines: deque[tuple[datetime, str, str]] = deque(maxlen=LINES)
        self.job: asyncio.Task[None] | None = None
        self.status = "Idle"
        self.request_id: int | None = None
        self.old = False

    @property
    def busy(self) -> bool:
        return self.job is not None and not self.job.done()

    def note(self, kind: str, words: str) -> None:
        self.lines.append((now(), kind, words))

    def text(self, kind: str, since: str | None, until: str | None) -> bytes:
        """One line for each thing that happened; the security log has only what touches security."""
        begin = datetime.fromisoformat(since) if since else None
        end = datetime.fromisoformat(until) if until else None
        chosen = [
            f"{stamp(at)} {what} {words}\n"
            for at, what, words in self.lines
            if (kind != "SecurityLog" or what == "security")
            and (begin is None or begin <= at)
            and (end is None or at <= end)
        ]
        return "".join([f"# {kind} of {self.station.identity}\n", *chosen]).encode()

    def begin(self, location: str, content: bytes, retries: int, request_id: int | None, old: bool = False) -> bool:
        """Start an upload; True if it takes the place of another."""
        replaced = self.busy
        if self.job is not None:
            self.job.cancel()
        self.request_id, self.old = request_id, old
        self.job = self.station.go(partial(self.run, location, content, retries))
        return replaced

    async def run(self, location: str, content: bytes, retries: int) -> None:
        await self.tell("Uploading")
        taken = await upload(location, content, retries, RETRY_S)
        failed = "UploadFailed" if self.old else "UploadFailure"
        await self.tell("Uploaded" if taken else failed)

    async def tell(self, step: str) -> None:
        self.status = step
        await self.station.say(self.notification(step))

    def notification(self, step: str) -> Said:
        if self.old:
            return Said("DiagnosticsStatusNotification", {"status": step})
        numbered = {} if self.request_id is None or step == "Idle" else {"requestId": self.request_id}
        return Said("LogStatusNotification", {"status": step} | numbered)

    def report(self, old: bool) -> Said:
        """What a TriggerMessage gets."""
        if self.busy and self.old == old:
            return self.notification(self.status)
        return Said("DiagnosticsStatusNotification" if old else "LogStatusNotification", {"status": "Idle"})

    def name(self, kind: str) -> str:
        return f"{self.station.identity}-{kind}-{now():%Y%m%dT%H%M%S}.txt"


def get_diagnostics(station: Station, payload: Payload) -> Payload:
    content = station.diary.text("DiagnosticsLog", payload.get("startTime"), payload.get("stopTime"))
    station.diary.begin(payload["location"], content, payload.get("retries", 0), None, old=True)
    return {"fileName": station.diary.name("DiagnosticsLog")}


def get_log(station: Station, payload: Payload) -> Payload:
    """N01; a newer request takes the place of one that is going on."""
    kind, log = payload["logType"], payload["log"]
    content = station.diary.text(kind, log.get("oldestTimestamp"), log.get("latestTimestamp"))
    replaced = station.diary.begin(log["remoteLocation"], content, payload.get("retries", 0), payload["requestId"])
    return {"status": "AcceptedCanceled" if replaced else "Accepted", "filename": station.diary.name(kind)}


OBEY16 = {"GetDiagnostics": get_diagnostics, "GetLog": get_log}
OBEY201 = {"GetLog": get_log}
