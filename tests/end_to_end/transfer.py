"""Jobs from both ends: asked for over GraphQL, told by a station, files over HTTP."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateBuilder, Name, NameAttribute, random_serial_number
from cryptography.x509.oid import NameOID

from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server

IMAGE = bytes(range(256)) * 1_000
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
FIELDS = """id kind status stationStatus percent requestId fileId fileName sizeBytes sha256 startedAt endedAt error
  steps { status detail }"""
JOB = f"query ($id: ID!) {{ job(id: $id) {{ {FIELDS} }} }}"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
RSA, CURVE = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())


def certificate(key: Key, days: int = 1) -> str:
    """A firmware signing certificate of yesterday, valid for so many days from now."""
    name, now = Name([NameAttribute(NameOID.COMMON_NAME, "Maker")]), datetime.now(UTC)
    builder = CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(random_serial_number()).not_valid_before(now - timedelta(days=9))
    signed = builder.not_valid_after(now + timedelta(days=days)).sign(key, SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


def signature(key: Key, content: bytes = IMAGE) -> str:
    """Over a whole image, as L01.FR.04 says."""
    if isinstance(key, rsa.RSAPrivateKey):
        made = key.sign(content, padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH), SHA256())
    else:
        made = key.sign(content, ec.ECDSA(SHA256()))
    return base64.b64encode(made).decode()


SIGNED = {"signature": signature(CURVE), "signingCertificate": certificate(CURVE)}


async def ask(server: Server, mutation: str, **wish: Any) -> str:
    """Ask for a job; its id."""
    kind = mutation[0].upper() + mutation[1:] + "Input!"
    query = f"mutation ($input: {kind}) {{ {mutation}(input: $input) {{ id }} }}"
    return str((await server.ask(query, input=wish))[mutation]["id"])


async def job(server: Server, job_id: str, *statuses: str) -> dict[str, Any]:
    """The job, when it has one of these statuses."""
    data = await server.until(JOB, lambda d: d["job"] and d["job"]["status"] in statuses, id=job_id)
    found: dict[str, Any] = data["job"]
    return found


async def begun(server: Server, station: Station, mutation: str, **wish: Any) -> tuple[str, dict[str, Any]]:
    """Ask for a job and wait until the station has agreed: its id, and what the station was sent."""
    job_id = await ask(server, mutation, stationId=station.station_id, **wish)
    await job(server, job_id, "RUNNING")
    payload: dict[str, Any] = station.heard[-1][3]
    return job_id, payload


async def bring(server: Server, name: str = "fw.bin", content: bytes = IMAGE) -> str:
    """Upload an image; its id."""
    async with httpx.AsyncClient(headers=HEADERS) as client:
        response = await client.post(f"{server.http}/api/files", params={"name": name}, content=content)
    assert response.status_code == 201, response.text
    assert response.json()["sha256"] == hashlib.sha256(content).hexdigest()
    return str(response.json()["id"])


def address(payload: dict[str, Any]) -> str:
    """Where a command sends the station."""
    place = payload.get("firmware") or payload.get("log") or payload
    return str(place.get("location") or place["remoteLocation"])


async def report(station: Station, status: str, payload: dict[str, Any]) -> None:
    """Say where a firmware update is, in the message that fits the command."""
    number = {"requestId": payload["requestId"]} if "requestId" in payload else {}
    action = "SignedFirmwareStatusNotification" if station.version == "1.6" and number else "FirmwareStatusNotification"
    assert await station.call(action, {"status": status} | number) == {}


async def report_log(station: Station, status: str, payload: dict[str, Any]) -> None:
    """Say where an upload is, in the message that fits the command."""
    number = {"requestId": payload["requestId"]} if "requestId" in payload else {}
    action = "LogStatusNotification" if number else "DiagnosticsStatusNotification"
    assert await station.call(action, {"status": status} | number) == {}


async def upload(payload: dict[str, Any], content: bytes = b"line\n" * 100) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.put(address(payload), content=content)).status_code == 201


async def download(payload: dict[str, Any]) -> bytes:
    async with httpx.AsyncClient() as client:
        response = await client.get(address(payload))
    assert response.status_code == 200
    return response.content
