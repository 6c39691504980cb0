"""A job: something asked of a station that lasts, such as a firmware update or the upload of a log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

Kind = Literal["FIRMWARE", "SIGNED_FIRMWARE", "PUBLISH_FIRMWARE", "DIAGNOSTICS", "LOG", "LOCAL_LIST"]
Outcome = Literal[
    "INSTALLED", "PUBLISHED", "UPLOADED", "SYNCHRONISED", "DOWNLOAD_FAILED", "INVALID_SIGNATURE", "INSTALL_FAILED",
    "INVALID_CHECKSUM", "PUBLISH_FAILED", "UPLOAD_FAILED", "FAILED", "REFUSED", "SUPERSEDED", "EXPIRED",
]  # fmt: skip

FILES_EACH = 5
STEPS_EACH = 300
FINAL: dict[str, Outcome] = {
    "Installed": "INSTALLED",
    "DownloadFailed": "DOWNLOAD_FAILED",
    "InvalidSignature": "INVALID_SIGNATURE",
    "InstallationFailed": "INSTALL_FAILED",
    "InstallVerificationFailed": "INSTALL_FAILED",
    "Published": "PUBLISHED",
    "InvalidChecksum": "INVALID_CHECKSUM",
    "PublishFailed": "PUBLISH_FAILED",
    "Uploaded": "UPLOADED",
    "UploadFailed": "UPLOAD_FAILED",
    "UploadFailure": "UPLOAD_FAILED",
    "BadMessage": "UPLOAD_FAILED",
    "PermissionDenied": "UPLOAD_FAILED",
    "NotSupportedOperation": "UPLOAD_FAILED",
    "AcceptedCanceled": "SUPERSEDED",
}
"""What a station says last, in any version of OCPP (FirmwareStatus, UploadLogStatus, PublishFirmwareStatus)."""
UPLOADS: tuple[Kind, ...] = ("DIAGNOSTICS", "LOG")
GOOD = ("INSTALLED", "PUBLISHED", "UPLOADED", "SYNCHRONISED")
NOTHING_CAME = "the station says it has uploaded, but nothing arrived at the address it was given"
NEVER_SAID = "the file arrived; the station never said that it was done"


def stream(job_id: str) -> str:
    return f"job/{job_id}"


class Job(Aggregate):
    """One lasting request to one station, from asking to its one final outcome."""

    class Requested(Event, tag="job.requested.v1"):
        """Somebody asked for it, to be done before a deadline."""

        station_id: str
        kind: Kind
        requested_by: str
        deadline: datetime
        command_id: str | None = None
        location: str | None = None
        token_hash: str | None = None
        file_id: str | None = None
        file_name: str | None = None
        size_bytes: int | None = None
        sha256: str | None = None
        log_type: str | None = None

    class Sent(Event, tag="job.sent.v1"):
        """The station was asked; `request_id` is how its reports will name the job, if its OCPP version names them."""

        heard: int
        request_id: int | None = None

    class Accepted(Event, tag="job.accepted.v1"):
        """The station will do it; `file_name` is what it will call the file it uploads."""

        heard: int
        file_name: str | None = None

    class Progressed(Event, tag="job.progressed.v1"):
        """It went one step on, in the words of the station; `heard` is the position of the message that said so."""

        status: str
        heard: int | None = None
        percent: float | None = None
        detail: str | None = None

    class DownloadBegan(Event, tag="job.download_began.v1"):
        """The station began to fetch the file from us, at this byte."""

        first_byte: int = 0

    class DownloadEnded(Event, tag="job.download_ended.v1"):
        """The station has the file up to this byte, or broke off there."""

        next_byte: int
        complete: bool

    class FileReceived(Event, tag="job.file_received.v1"):
        """A file of the station arrived and is stored."""

        file_id: str
        file_name: str
        size_bytes: int
        sha256: str

    class UploadRefused(Event, tag="job.upload_refused.v1"):
        """A file of the station could not be kept; the job goes on, for the station may try again."""

        reason: str

    class Ended(Event, tag="job.ended.v1"):
        """It is over, well or not."""

        outcome: Outcome
        heard: int | None = None
        reason: str | None = None

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.asked: Job.Requested | None = None
        self.outcome: Outcome | None = None
        self.request_id: int | None = None
        self.sent = False
        self.accepted = False
        self.downloading = False
        self.heard = 0
        self.files = 0
        self.kind: Kind
        self.station_id: str
        self.deadline: datetime
        self.token_hash: str | None = None

    @property
    def job_id(self) -> str:
        return self.id.removeprefix("job/")

    @property
    def over(self) -> bool:
        return self.outcome is not None

    @property
    def open(self) -> bool:
        """It has begun and is not over."""
        return self.asked is not None and self.outcome is None

    @property
    def crowded(self) -> bool:
        """So much has happened that only its end is still worth recording."""
        return self.version >= STEPS_EACH

    def request(self, cause: AnyCause, now: datetime, **facts: Any) -> None:
        """Ask for it; facts are the fields of `Job.Requested`."""
        if self.asked is not None:
            raise Refusal("this job has been asked for already")
        self.record(Job.Requested, cause, now, **facts)

    def send(self, request_id: int | None, heard: int, cause: AnyCause, now: datetime) -> None:
        """The station was asked."""
        if self.open and heard > self.heard and not self.sent:
            self.record(Job.Sent, cause, now, request_id=request_id, heard=heard)

    def accept(self, file_name: str | None, heard: int, cause: AnyCause, now: datetime) -> None:
        """The station said yes."""
        if self.open and heard > self.heard and not self.accepted:
            self.record(Job.Accepted, cause, now, file_name=file_name, heard=heard)

    def report(self, status: str, heard: int, detail: str | None, cause: AnyCause, now: datetime) -> None:
        """The station said where it is. Idle says nothing about a job (L01.FR.25, N01.FR.13)."""
        if not self.open or heard <= self.heard or status == "Idle":
            return
        outcome = FINAL.get(status)
        if outcome is not None or not self.crowded:
            self.record(Job.Progressed, cause, now, status=status, heard=heard, detail=detail)
        if outcome == "UPLOADED" and self.awaits_file:
            self.end("UPLOAD_FAILED", NOTHING_CAME, cause, now)
        elif outcome is not None:
            self.end(outcome, None if outcome in GOOD else detail or status, cause, now)

    @property
    def awaits_file(self) -> bool:
        """The station was given an address of ours to upload to, and nothing has arrived there."""
        return self.asked is not None and self.kind in UPLOADS and self.token_hash is not None and not self.files

    def progress(self, status: str, percent: float | None, cause: AnyCause, now: datetime) -> None:
        """One step of a job that we do ourselves, such as the synchronisation of a local list."""
        if self.open and not self.crowded:
            self.record(Job.Progressed, cause, now, status=status, percent=percent)

    def begin_download(self, first_byte: int, cause: AnyCause, now: datetime) -> None:
        """The station fetches the file. A station that takes it in pieces begins once."""
        self.serving(now)
        if (not self.downloading or first_byte == 0) and not self.crowded:
            self.record(Job.DownloadBegan, cause, now, first_byte=first_byte)

    def end_download(self, next_byte: int, complete: bool, cause: AnyCause, now: datetime) -> None:
        """The last byte was sent, or the connection broke."""
        if self.open and not self.crowded:
            self.record(Job.DownloadEnded, cause, now, next_byte=next_byte, complete=complete)

    def receive(
        self, file_id: str, file_name: str, size_bytes: int, sha256: str, cause: AnyCause, now: datetime
    ) -> None:
        """A file arrived; a station that tries again may send a few."""
        self.serving(now)
        if self.files >= FILES_EACH:
            raise Refusal(f"this job has {FILES_EACH} files already")
        self.record(
            Job.FileReceived, cause, now, file_id=file_id, file_name=file_name, size_bytes=size_bytes, sha256=sha256
        )

    def refuse_upload(self, reason: str, cause: AnyCause, now: datetime) -> None:
        """A file could not be kept."""
        if self.open and not self.crowded:
            self.record(Job.UploadRefused, cause, now, reason=reason)

    def serving(self, now: datetime) -> None:
        """Its one-time address may be used until it is over. Raises Refusal."""
        if not self.open or now >= self.deadline:
            raise Refusal("this address has been used: the job is over")

    def end(
        self, outcome: Outcome, reason: str | None, cause: AnyCause, now: datetime, heard: int | None = None
    ) -> None:
        """Its one final outcome; what comes later changes nothing."""
        if self.open:
            self.record(Job.Ended, cause, now, outcome=outcome, reason=reason, heard=heard)

    def expire(self, cause: AnyCause, now: datetime) -> None:
        """The deadline has passed. An upload that did arrive is a good end of an upload."""
        if not self.open or now < self.deadline:
            return
        if self.kind in UPLOADS and self.files:
            self.end("UPLOADED", NEVER_SAID, cause, now)
        else:
            self.end("EXPIRED", f"nothing more was heard until {self.deadline:%Y-%m-%d %H:%M:%S} UTC", cause, now)

    def apply(self, event: Event) -> None:
        match event:
            case Job.Requested():
                self.asked, self.kind, self.station_id = event, event.kind, event.station_id
                self.deadline, self.token_hash = event.deadline, event.token_hash
            case Job.Sent():
                self.sent, self.request_id, self.heard = True, event.request_id, event.heard
            case Job.Accepted():
                self.accepted, self.heard = True, event.heard
            case Job.Progressed():
                self.heard = event.heard or self.heard
            case Job.DownloadBegan():
                self.downloading = True
            case Job.DownloadEnded():
                self.downloading = not event.complete
            case Job.FileReceived():
                self.files += 1
            case Job.Ended():
                self.outcome = event.outcome
