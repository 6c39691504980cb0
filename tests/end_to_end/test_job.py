"""Jobs that last, end to end: a station that really fetches firmware and really sends logs, over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server

VERSIONS = ["1.6", "2.0.1", "2.1"]
IMAGE = bytes(range(256)) * 1_000
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
VIEWER = "token-of-a-viewer-12"
FIELDS = """id kind status stationStatus percent requestId fileId fileName sizeBytes sha256 startedAt endedAt error
  steps { status detail }"""
JOB = f"query ($id: ID!) {{ job(id: $id) {{ {FIELDS} }} }}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("job") / "bornier.db"
    with Server(f"sqlite:///{place}", BORNIER_FILE_BYTES="300000", BORNIER_TOKENS=f"vera:viewer:{VIEWER}") as running:
        yield running


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


async def bring(server: Server, name: str = "fw.bin", content: bytes = IMAGE) -> dict[str, Any]:
    """Upload an image."""
    async with httpx.AsyncClient(headers=HEADERS) as client:
        response = await client.post(f"{server.http}/api/files", params={"name": name}, content=content)
    assert response.status_code == 201, response.text
    file: dict[str, Any] = response.json()
    return file


async def told(station: Station) -> dict[str, Any]:
    """The command the station got last."""
    payload: dict[str, Any] = station.heard[-1][3]
    return payload


def address(payload: dict[str, Any]) -> str:
    """Where a command sends the station."""
    place = payload.get("firmware") or payload.get("log") or payload
    return str(place.get("location") or place["remoteLocation"])


async def report(station: Station, status: str, payload: dict[str, Any]) -> None:
    """FirmwareStatusNotification, with the id of the job where the version has one."""
    number = {"requestId": payload["requestId"]} if "requestId" in payload else {}
    assert await station.call("FirmwareStatusNotification", {"status": status} | number) == {}


async def said_log(station: Station, status: str, payload: dict[str, Any]) -> None:
    """LogStatusNotification; DiagnosticsStatusNotification where the command had no id."""
    if "requestId" in payload:
        await station.call("LogStatusNotification", {"status": status, "requestId": payload["requestId"]})
    else:
        await station.call("DiagnosticsStatusNotification", {"status": status})


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_station_fetches_firmware_from_us_and_installs_it(server: Server, version: str) -> None:
    file = await bring(server)
    assert file["sha256"] == hashlib.sha256(IMAGE).hexdigest()
    async with Station(server.ocpp, f"FW{version}", version) as station:
        station.commands["UpdateFirmware"] = {} if version == "1.6" else {"status": "Accepted"}
        await station.boot()
        asked = await ask(server, "updateFirmware", stationId=station.station_id, file=file["id"], retries=2)
        assert (await job(server, asked, "RUNNING"))["startedAt"]
        payload = await told(station)
        assert payload["retries"] == 2
        await report(station, "Downloading", payload)
        async with httpx.AsyncClient() as client:
            head = await client.head(address(payload))
            assert (head.status_code, head.headers["content-length"]) == (200, str(len(IMAGE)))
            first = await client.get(address(payload), headers={"Range": "bytes=0-999"})
            assert (first.status_code, first.content) == (206, IMAGE[:1000])
            rest = await client.get(
                address(payload), headers={"Range": "bytes=1000-", "If-Range": first.headers["etag"]}
            )
            assert first.content + rest.content == IMAGE
            assert rest.headers["content-range"] == f"bytes 1000-{len(IMAGE) - 1}/{len(IMAGE)}"
        for status in ("Downloaded", "Installing", "Installed"):
            await report(station, status, payload)
        done = await job(server, asked, "INSTALLED")
        async with httpx.AsyncClient() as client:
            assert (await client.get(address(payload))).status_code == 410
    assert (done["percent"], done["error"], done["fileName"]) == (100, None, "fw.bin")
    assert done["endedAt"]
    assert [step["status"] for step in done["steps"]] == [
        "Requested", "Sent", "Accepted", "Downloading", "Download began", "Download complete", "Downloaded",
        "Installing", "Installed", "INSTALLED",
    ]  # fmt: skip


LOGS = [
    ("1.6", "getDiagnostics", {}, {"fileName": "d.zip"}),
    ("1.6", "getLog", {"logType": "SECURITY_LOG"}, {"status": "Accepted", "filename": "d.zip"}),
    ("2.0.1", "getDiagnostics", {}, {"status": "Accepted", "filename": "d.zip"}),
    ("2.0.1", "getLog", {"logType": "SECURITY_LOG"}, {"status": "Accepted"}),
    ("2.1", "getLog", {"logType": "DATA_COLLECTOR_LOG", "oldestAt": "2026-11-01T00:00:00Z"}, {"status": "Accepted"}),
]


@pytest.mark.parametrize(("version", "mutation", "wish", "answer"), LOGS)
@pytest.mark.parametrize("way", ["PUT", "POST", "form", "folder"])
async def test_a_station_sends_a_log_to_us(
    server: Server, version: str, mutation: str, wish: dict[str, Any], answer: dict[str, Any], way: str
) -> None:
    content = b"line\n" * 10_000
    async with Station(server.ocpp, f"{way}{version}{mutation}", version) as station:
        station.commands["GetLog"] = station.commands["GetDiagnostics"] = answer
        await station.boot()
        asked = await ask(server, mutation, stationId=station.station_id, **wish)
        await job(server, asked, "RUNNING")
        payload = await told(station)
        await said_log(station, "Uploading", payload)
        async with httpx.AsyncClient() as client:
            response = await send(client, way, address(payload), content)
        assert response.status_code == 201, response.text
        await said_log(station, "Uploaded", payload)
        done = await job(server, asked, "UPLOADED", "UPLOAD_FAILED")
    assert (done["status"], done["error"], done["fileName"]) == ("UPLOADED", None, "my_log_1_.txt")
    assert done["sha256"] == hashlib.sha256(content).hexdigest()
    async with httpx.AsyncClient(headers=HEADERS) as client:
        assert (await client.get(f"{server.http}/api/files/{done['fileId']}")).content == content
    query = "query ($s: ID) { files(stationId: $s, purpose: LOG) { edges { node { id jobId sizeBytes } } } }"
    listed = await server.until(query, lambda d: d["files"]["edges"], s=station.station_id)
    assert listed["files"]["edges"][0]["node"] == {"id": done["fileId"], "jobId": asked, "sizeBytes": len(content)}


async def send(client: httpx.AsyncClient, way: str, url: str, content: bytes) -> httpx.Response:
    if way == "form":
        return await client.post(url, data={"note": "x"}, files={"uploadfile": ("../etc/my log(1).txt", content)})
    if way == "folder":
        return await client.put(f"{url}/my%20log(1).txt", content=content)
    disposition = 'form-data; name="uploadfile"; filename="../etc/my log(1).txt"'
    headers = {"Content-Disposition": disposition, "Content-Type": "application/zip"}
    return await client.request(way, url, content=content, headers=headers)
