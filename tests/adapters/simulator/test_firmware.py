"""A simulated station really fetches firmware and really delivers logs, and tells every step in its order."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.simulator.vocabulary import now
from tests.adapters.simulator.desk import Desk, at_desk, charging, until

VERSIONS = ["1.6", "2.0.1", "2.1"]
CONTENT = b"the new software"
PAST = "2026-01-01T00:00:00Z"


class Shelf(BaseHTTPRequestHandler):
    """Gives the firmware, takes logs."""

    taken: dict[str, bytes]

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/firmware" else 404)
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/firmware" else b"")

    def do_PUT(self) -> None:
        self.taken[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403 if self.path == "/full" else 201)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


@pytest.fixture
def shelf() -> Iterator[tuple[str, dict[str, bytes]]]:
    """The address of a file server, and what was delivered to it."""
    Shelf.taken = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Shelf.taken
    server.shutdown()
    thread.join()
    server.server_close()


def signer() -> tuple[str, str]:
    """A certificate, and its signature of the firmware."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Maker")])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now() - timedelta(1), now() + timedelta(1))
    pem = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    return pem, base64.b64encode(key.sign(CONTENT, ec.ECDSA(hashes.SHA256()))).decode()


def steps(desk: Desk, action: str = "FirmwareStatusNotification") -> list[Any]:
    return [payload["status"] for payload in desk.said(action)]


async def test_a_plain_update_of_ocpp_1_6_goes_step_by_step_and_boots_with_the_new_version(
    shelf: tuple[str, dict[str, bytes]],
) -> None:
    async with at_desk("1.6") as (desk, station):
        asked = {"location": f"{shelf[0]}/firmware", "retrieveDate": PAST}
        assert await desk.ask("UpdateFirmware", asked) == {}
        await until(lambda: len(desk.said("BootNotification")) == 2)
        assert steps(desk) == ["Downloading", "Downloaded", "Installing", "Installed"]
        assert desk.said("BootNotification")[1]["firmwareVersion"] == station.firmware.version != "1.0.0"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_signed_update_is_verified_before_it_is_installed(
    version: str, shelf: tuple[str, dict[str, bytes]]
) -> None:
    certificate, signature = signer()
    action, told = update_names(version)
    async with at_desk(version) as (desk, _):
        firmware = image(version, f"{shelf[0]}/firmware", certificate, signature)
        assert await desk.ask(action, {"requestId": 8, "firmware": firmware}) == {"status": "Accepted"}
        await until(lambda: len(desk.said("BootNotification")) == 2)
        assert steps(desk, told) == ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"]
        assert {payload["requestId"] for payload in desk.said(told)} == {8}
        desk.calls.clear()
        forged = image(version, f"{shelf[0]}/firmware", certificate, base64.b64encode(b"forged").decode())
        await desk.ask(action, {"requestId": 9, "firmware": forged})
        await until(lambda: len(steps(desk, told)) == 3)
        assert steps(desk, told) == ["Downloading", "Downloaded", "InvalidSignature"]
        wrong = image(version, f"{shelf[0]}/firmware", "no certificate", signature)
        assert await desk.ask(action, {"requestId": 10, "firmware": wrong}) == {"status": "InvalidCertificate"}
        event = await desk.hears("SecurityEventNotification")
        assert event["type"] == "InvalidFirmwareSigningCertificate"


def update_names(version: str) -> tuple[str, str]:
    if version == "1.6":
        return "SignedUpdateFirmware", "SignedFirmwareStatusNotification"
    return "UpdateFirmware", "FirmwareStatusNotification"


def image(version: str, location: str, certificate: str, signature: str) -> dict[str, Any]:
    return {
        "location": location,
        "retrieveDateTime": PAST,
        "signingCertificate": certificate,
        "signature": signature,
    }


async def test_a_file_that_is_not_there_is_told_and_installation_waits_for_the_end_of_a_charge(
    shelf: tuple[str, dict[str, bytes]],
) -> None:
    async with at_desk("2.0.1") as (desk, station):
        gone = {"location": f"{shelf[0]}/nothing", "retrieveDateTime": PAST}
        await desk.ask("UpdateFirmware", {"requestId": 1, "firmware": gone})
        await until(lambda: steps(desk) == ["Downloading", "DownloadFailed"])
        local = {"location": "file:///etc/hostname", "retrieveDateTime": PAST}
        await desk.ask("UpdateFirmware", {"requestId": 2, "firmware": local})
        await until(lambda: steps(desk) == ["Downloading", "DownloadFailed"] * 2)
        await charging(desk, station)
        good = {"location": f"{shelf[0]}/firmware", "retrieveDateTime": PAST}
        await desk.ask("UpdateFirmware", {"requestId": 3, "firmware": good})
        await desk.hears("FirmwareStatusNotification", lambda payload: payload["status"] == "InstallScheduled")
        again = await desk.ask("UpdateFirmware", {"requestId": 4, "firmware": good})
        assert again == {"status": "AcceptedCanceled"}
        station.stop("Local")
        await desk.hears("FirmwareStatusNotification", lambda p: (p["status"], p["requestId"]) == ("Installed", 4))


@pytest.mark.parametrize("good", [True, False])
async def test_firmware_for_the_neighbours_is_published_when_its_checksum_is_right(
    good: bool, shelf: tuple[str, dict[str, bytes]]
) -> None:
    checksum = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest() if good else "0" * 32
    async with at_desk("2.0.1") as (desk, _):
        asked = {"location": f"{shelf[0]}/firmware", "checksum": checksum, "requestId": 5}
        assert await desk.ask("PublishFirmware", asked) == {"status": "Accepted"}
        last = "Published" if good else "InvalidChecksum"
        await desk.hears("PublishFirmwareStatusNotification", lambda payload: payload["status"] == last)
        told = steps(desk, "PublishFirmwareStatusNotification")
        assert told == ["Downloading", "Downloaded", *(["ChecksumVerified", "Published"] if good else [last])]
        answer = await desk.ask("UnpublishFirmware", {"checksum": checksum})
        assert answer == {"status": "Unpublished" if good else "NoFirmware"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_log_is_delivered_with_what_happened(version: str, shelf: tuple[str, dict[str, bytes]]) -> None:
    address, taken = shelf
    async with at_desk(version) as (desk, _):
        asked = {"requestId": 3, "logType": "DiagnosticsLog", "log": {"remoteLocation": f"{address}/log"}}
        answer = await desk.ask("GetLog", asked)
        assert answer["status"] == "Accepted"
        assert answer["filename"].startswith("S1-DiagnosticsLog-")
        await until(lambda: steps(desk, "LogStatusNotification") == ["Uploading", "Uploaded"])
        assert b"sent BootNotification" in taken["/log"]
        asked["log"] = {"remoteLocation": f"{address}/full"}
        await desk.ask("GetLog", asked)
        await until(lambda: steps(desk, "LogStatusNotification")[2:] == ["Uploading", "UploadFailure"])


async def test_diagnostics_of_ocpp_1_6_are_delivered(shelf: tuple[str, dict[str, bytes]]) -> None:
    address, taken = shelf
    async with at_desk("1.6") as (desk, _):
        answer = await desk.ask("GetDiagnostics", {"location": f"{address}/diagnostics", "stopTime": PAST})
        assert answer["fileName"]
        await until(lambda: steps(desk, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"])
        assert taken["/diagnostics"] == b"# DiagnosticsLog of S1\n"
