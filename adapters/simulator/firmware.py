"""Firmware of a simulated station: fetched, checked, installed, each step told (OCPP 1.6 4.5 and 5.19, 2.x L01-L04)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from adapters.simulator.file import download
from adapters.simulator.vocabulary import Payload, Said, now, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station

RETRY_S = 1.0


@dataclass
class Update:
    """What is asked: from where, when, and signed by whom."""

    location: str
    retrieve_at: str
    install_at: str | None = None
    request_id: int | None = None
    signed: bool = False
    certificate: str | None = None
    signature: str | None = None
    retries: int = 0


class Firmware:
    """The software of one station, and the update that is going on."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.version = "1.0.0"
        self.status = "Idle"
        self.update: Update | None = None
        self.job: asyncio.Task[None] | None = None
        self.published: dict[str, str] = {}

    @property
    def busy(self) -> bool:
        return self.job is not None and not self.job.done()

    def begin(self, update: Update) -> bool:
        """Start an update; True if it takes the place of another."""
        replaced = self.busy
        if self.job is not None:
            self.job.cancel()
        self.update = update
        self.job = self.station.go(partial(self.run, update))
        return replaced

    async def run(self, update: Update) -> None:
        if until(update.retrieve_at) > 0:
            await self.tell("DownloadScheduled")
            await asyncio.sleep(until(update.retrieve_at))
        await self.tell("Downloading")
        content = await download(update.location, update.retries, RETRY_S)
        if content is None:
            await self.tell("DownloadFailed")
            return
        await self.tell("Downloaded")
        if update.signature is not None:
            genuine = signed_by(content, update)
            await self.tell("SignatureVerified" if genuine else "InvalidSignature")
            if not genuine:
                return
        await self.install(content, update)

    async def install(self, content: bytes, update: Update) -> None:
        """Not while a car charges, and not before it is time."""
        if self.station.charge is not None or until(update.install_at) > 0:
            await self.tell("InstallScheduled")
        while self.station.charge is not None or until(update.install_at) > 0:
            await asyncio.sleep(min(0.1, self.station.pace_s))
        await self.tell("Installing")
        await asyncio.sleep(self.station.pace_s)
        if not content:
            await self.tell("InstallationFailed")
            return
        self.version = f"1.{hashlib.sha256(content).digest()[0]}.0"
        await self.tell("Installed")
        self.station.restart("FirmwareUpdate")

    async def tell(self, step: str) -> None:
        """One FirmwareStatusNotification; the plain update of OCPP 1.6 knows fewer steps."""
        self.status = step
        said = self.notification(step)
        if said is not None:
            await self.station.say(said)
            await asyncio.sleep(min(0.02, self.station.pace_s))

    def notification(self, step: str) -> Said | None:
        update = self.update
        numbered = {} if update is None or update.request_id is None else {"requestId": update.request_id}
        if self.station.version != "1.6":
            return Said("FirmwareStatusNotification", {"status": step} | ({} if step == "Idle" else numbered))
        if update is not None and update.signed:
            return Said("SignedFirmwareStatusNotification", {"status": step} | numbered)
        plain = ("Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed")
        return Said("FirmwareStatusNotification", {"status": step}) if step in plain else None

    def report(self) -> Said:
        """What a TriggerMessage gets: the step that is going on, or Idle (OCPP 1.6 section 5.17, L01.FR.20)."""
        said = self.notification(self.status if self.busy else "Idle")
        return said or Said("FirmwareStatusNotification", {"status": "Idle"})

    async def publish(self, payload: Payload) -> None:
        """L03: fetch it once, check it, and offer it to the local network."""

        async def tell(step: str, **more: object) -> None:
            body = {"status": step, "requestId": payload["requestId"], **more}
            await self.station.say(Said("PublishFirmwareStatusNotification", body))

        await tell("Downloading")
        content = await download(payload["location"], payload.get("retries", 0), RETRY_S)
        if content is None:
            await tell("DownloadFailed")
            return
        await tell("Downloaded")
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != payload["checksum"].lower():
            await tell("InvalidChecksum")
            return
        await tell("ChecksumVerified")
        self.published[payload["checksum"]] = payload["location"]
        await tell("Published", location=[payload["location"]])


def signed_by(content: bytes, update: Update) -> bool:
    """Is this the file that the manufacturer signed (SHA-256, base64)?"""
    certificate = read(update.certificate)
    if certificate is None or update.signature is None:
        return False
    key = certificate.public_key()
    try:
        signature = base64.b64decode(update.signature)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(SHA256()))
        else:
            return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def read(pem: str | None) -> Certificate | None:
    """The signing certificate, if it is one and it is its time."""
    try:
        certificate = load_pem_x509_certificate((pem or "").encode())
    except ValueError:
        return None
    return certificate if certificate.not_valid_before_utc <= now() < certificate.not_valid_after_utc else None


def until(moment: str | None) -> float:
    """Seconds from now to a moment; none for the past."""
    if moment is None:
        return 0.0
    at = datetime.fromisoformat(moment)
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=now().tzinfo)) - now()).total_seconds())


def update16(station: Station, payload: Payload) -> Payload:
    """OCPP 1.6 section 5.19."""
    station.firmware.begin(Update(payload["location"], payload["retrieveDate"], retries=payload.get("retries", 0)))
    return {}


def update_signed(station: Station, payload: Payload) -> Payload:
    """SignedUpdateFirmware of the security whitepaper, and UpdateFirmware of 2.x: both may replace an update."""
    firmware = payload["firmware"]
    retrieve_at = firmware.get("retrieveDateTime") or firmware["retrieveDate"]
    signer = firmware.get("signingCertificate")
    if signer is not None and read(signer) is None:
        station.alarm("InvalidFirmwareSigningCertificate")
        return {"status": "InvalidCertificate"}
    replaced = station.firmware.begin(
        Update(
            firmware["location"],
            retrieve_at,
            firmware.get("installDateTime"),
            payload["requestId"],
            signed=True,
            certificate=signer,
            signature=firmware.get("signature"),
            retries=payload.get("retries", 0),
        )
    )
    return {"status": "AcceptedCanceled" if replaced else "Accepted"}


def publish(station: Station, payload: Payload) -> Payload:
    station.go(partial(station.firmware.publish, payload))
    return status(True)


def unpublish(station: Station, payload: Payload) -> Payload:
    """L04."""
    gone = station.firmware.published.pop(payload["checksum"], None)
    return {"status": "NoFirmware" if gone is None else "Unpublished"}


OBEY16 = {"UpdateFirmware": update16, "SignedUpdateFirmware": update_signed}
OBEY201 = {"UpdateFirmware": update_signed, "PublishFirmware": publish, "UnpublishFirmware": unpublish}
