"""Transfers: a file between a station and us, over HTTP, at an address that is good for one job."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from application.command import Orders
from application.file import Files, TooLarge
from application.firmware import verify
from application.job import Jobs
from application.ports import StorageFailed
from domain.command import Command
from domain.event import Operator, Refusal, Transfer
from domain.file import File, plain_name
from domain.job import UPLOADS, Job, Kind, stream

Asked = tuple[str, Command.Requested, str | None]
PATH = "/api/files/job"


class NoSuchAddress(LookupError):
    """Nobody was given this address; whether it was ever near one is nobody's business."""


class Transfers:
    """Asks stations to fetch or to send files, and serves the addresses they are given for it."""

    def __init__(self, jobs: Jobs, files: Files, orders: Orders, public_url: str = "") -> None:
        self.jobs = jobs
        self.files = files
        self.orders = orders
        self.public_url = public_url

    async def update_firmware(self, station_id: str, wish: dict[str, Any], operator: str) -> Asked:
        """Have a station install firmware: a file of ours, or one that lies elsewhere (L01, L02).

        Raises Refusal for a signature that does not fit, unless the wish says `force`.
        """
        certificate, signature = wish.get("signing_certificate"), wish.get("signature")
        file = await self.image(wish)
        if (certificate is None) != (signature is None):
            raise Refusal("a signature and its signing certificate go together")
        if certificate and signature and not wish.get("force"):
            verify(certificate, signature, file.kept.sha256 if file else None, self.jobs.clock())
        times = [datetime.fromisoformat(wish[name]) for name in ("retrieve_at", "install_at") if name in wish]
        kind: Kind = "SIGNED_FIRMWARE" if signature else "FIRMWARE"
        return await self.ask(station_id, "updateFirmware", kind, wish, operator, file, max(times, default=None))

    async def publish_firmware(self, station_id: str, wish: dict[str, Any], operator: str) -> Asked:
        """Have a local controller fetch firmware and serve it to its stations (L03)."""
        file = await self.image(wish)
        if file is not None:
            wish["checksum"] = file.kept.md5
        elif not wish.get("checksum"):
            raise Refusal("a firmware that lies elsewhere needs its MD5 checksum (L03.FR.02)")
        return await self.ask(station_id, "publishFirmware", "PUBLISH_FIRMWARE", wish, operator, file)

    async def get_log(self, station_id: str, action: str, kind: Kind, wish: dict[str, Any], operator: str) -> Asked:
        """Have a station send a log: to us, unless the wish names another location (N01)."""
        return await self.ask(station_id, action, kind, wish, operator)

    async def image(self, wish: dict[str, Any]) -> File | None:
        """The firmware image that is meant; None when it lies elsewhere."""
        file_id = wish.get("file")
        if (file_id is None) == (wish.get("location") is None):
            raise Refusal("name either a file that was uploaded or the location of one")
        if file_id is None:
            return None
        file = await self.files.of(file_id)
        if file.kept.purpose != "FIRMWARE":
            raise Refusal(f"{file.kept.name} is not a firmware image")
        return file

    async def ask(
        self,
        station_id: str,
        action: str,
        kind: Kind,
        wish: dict[str, Any],
        operator: str,
        file: File | None = None,
        start: datetime | None = None,
    ) -> Asked:
        """Record the job and its command together; they have the same id."""
        job_id, wait_s = str(uuid4()), wish.pop("deadline_seconds", None)
        deadline = self.jobs.deadline(wish.pop("finish_within_seconds", None), start)
        expiry = self.jobs.clock() + timedelta(seconds=wait_s or self.orders.deadline_s)
        facts: dict[str, Any] = {"location": wish.get("location"), "log_type": wish.get("log_type")}
        if file is not None:
            kept = file.kept
            facts |= {"file_id": file.file_id, "file_name": kept.name}
            facts |= {"size_bytes": kept.size_bytes, "sha256": kept.sha256}
        if wish.get("location") is None:
            token = secrets.token_urlsafe(32)
            facts["token_hash"] = hashed(token)
            wish["address"] = "/".join(filter(None, (self.public_url + PATH, job_id, token, facts.get("file_name"))))
        job = Job(stream(job_id))
        cause = Operator(name=operator)
        job.request(
            cause,
            self.jobs.clock(),
            station_id=station_id,
            kind=kind,
            requested_by=operator,
            deadline=max(deadline, expiry),
            command_id=job_id,
            **facts,
        )
        return await self.orders.request(
            station_id, action, wish, operator, wait_s, command_id=job_id, along=job.collect_events()
        )

    async def admit(self, job_id: str, token: str, upload: bool) -> Job:
        """The job behind an address. Raises NoSuchAddress, and Refusal when it has been used up."""
        job = await self.jobs.read(job_id)
        if job.token_hash is None or not hmac.compare_digest(job.token_hash, hashed(token)):
            raise NoSuchAddress("there is nothing at this address")
        if (job.kind in UPLOADS) != upload:
            raise Refusal("this address is for uploads" if job.kind in UPLOADS else "this address is for downloads")
        job.serving(self.jobs.clock())
        return job

    async def begin_download(self, job: Job, first: int, cause: Transfer) -> None:
        """A station fetches its file, or goes on fetching it."""
        await self.jobs.change(job.job_id, lambda j: j.begin_download(first, cause, self.jobs.clock()))

    async def end_download(self, job: Job, next_byte: int, complete: bool, cause: Transfer) -> None:
        """It has it up to here."""
        await self.jobs.change(job.job_id, lambda j: j.end_download(next_byte, complete, cause, self.jobs.clock()))

    async def receive(
        self, job: Job, chunks: AsyncIterator[bytes], name: Callable[[], str], content_type: str | None, cause: Transfer
    ) -> File:
        """Keep what a station sends. Raises what Files.store raises, after telling the job why."""
        job_id = job.job_id
        try:
            file = await self.files.store(
                chunks,
                lambda: plain_name(name(), f"{job.station_id}.log"),
                "LOG",
                job.station_id,
                cause,
                content_type=content_type,
                station_id=job.station_id,
                job_id=job_id,
            )
        except (TooLarge, StorageFailed, Refusal) as error:
            reason = str(error)
            await self.jobs.change(job_id, lambda j: j.refuse_upload(reason, cause, self.jobs.clock()))
            raise
        kept = file.kept
        try:
            await self.jobs.change(
                job_id,
                lambda j: j.receive(file.file_id, kept.name, kept.size_bytes, kept.sha256, cause, self.jobs.clock()),
            )
        except Refusal:
            await self.files.delete(file.file_id, "Bornier")
            raise
        return file


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
