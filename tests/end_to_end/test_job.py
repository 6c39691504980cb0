"""Jobs that last, end to end: a station that really fetches firmware and really sends logs, over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from socket import MSG_WAITALL, SO_RCVBUF, SOL_SOCKET, socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server
from tests.end_to_end.transfer import (
    CURVE,
    HEADERS,
    IMAGE,
    RSA,
    address,
    ask,
    begun,
    bring,
    certificate,
    download,
    job,
    report,
    report_log,
    signature,
    upload,
)  # fmt: skip

VERSIONS = ["1.6", "2.0.1", "2.1"]
VIEWER = "token-of-a-viewer-12"
LIMIT = 12_000_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("job")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with Server(
        f"sqlite:///{home}/bornier.db", BORNIER_FILE_BYTES=str(LIMIT), BORNIER_TOKENS=f"vera:viewer:{VIEWER}"
    ) as running:
        yield running


def charger(server: Server, name: str, version: str = "2.0.1") -> Station:
    station = Station(server.ocpp, f"{name}{version}", version)
    if version == "1.6":
        station.commands |= {"UpdateFirmware": {}, "GetDiagnostics": {"fileName": "d.zip"}}
    return station


def stored(home: Path) -> set[str]:
    """What lies in the storage."""
    return {path.name for path in (home / "bornier-files").glob("*")}


async def fails(server: Server, mutation: str, **wish: Any) -> str:
    """Why something cannot be asked."""
    kind = mutation[0].upper() + mutation[1:] + "Input!"
    query = f"mutation ($input: {kind}) {{ {mutation}(input: $input) {{ id }} }}"
    async with httpx.AsyncClient(headers=HEADERS) as client:
        answer = (
            await client.post(f"{server.http}/graphql", json={"query": query, "variables": {"input": wish}})
        ).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", answer
    return str(answer["errors"][0]["message"])


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_station_fetches_firmware_from_us_and_installs_it(server: Server, version: str) -> None:
    async with charger(server, "FW", version) as station:
        await station.boot()
        asked, payload = await begun(server, station, "updateFirmware", file=await bring(server), retries=2)
        assert payload["retries"] == 2
        await report(station, "Downloading", payload)
        async with httpx.AsyncClient() as client:
            head = await client.head(address(payload))
            assert (head.status_code, head.headers["content-length"]) == (200, str(len(IMAGE)))
            first = await client.get(address(payload), headers={"Range": "bytes=0-999"})
            assert (first.status_code, first.content) == (206, IMAGE[:1000])
            rest = {"Range": "bytes=1000-", "If-Range": first.headers["etag"]}
            second = await client.get(address(payload), headers=rest)
            assert second.headers["content-range"] == f"bytes 1000-{len(IMAGE) - 1}/{len(IMAGE)}"
            assert first.content + second.content == IMAGE
            assert (await client.get(address(payload), headers={"Range": "bytes=999999-"})).status_code == 416
        for status in ("Downloaded", "Installing", "Installed"):
            await report(station, status, payload)
        done = await job(server, asked, "INSTALLED")
        async with httpx.AsyncClient() as client:
            assert (await client.get(address(payload))).status_code == 410
    assert (done["percent"], done["error"], done["fileName"]) == (100, None, "fw.bin")
    assert done["startedAt"] < done["endedAt"]
    assert [step["status"] for step in done["steps"]] == [
        "Requested", "Sent", "Accepted", "Downloading", "Download began", "Download complete", "Downloaded",
        "Installing", "Installed", "INSTALLED",
    ]  # fmt: skip


LOGS = [
    ("1.6", "getDiagnostics", {}),
    ("1.6", "getLog", {"logType": "SECURITY_LOG"}),
    ("2.0.1", "getDiagnostics", {}),
    ("2.0.1", "getLog", {"logType": "SECURITY_LOG"}),
    ("2.1", "getLog", {"logType": "DATA_COLLECTOR_LOG", "oldestAt": "2026-11-01T00:00:00Z"}),
]
WAYS = ["PUT", "POST", "form", "folder"]


async def send(way: str, url: str, content: bytes) -> httpx.Response:
    """Upload in one of the ways that stations know (N01.FR.18, N01.FR.19)."""
    async with httpx.AsyncClient() as client:
        if way == "form":
            return await client.post(url, data={"note": "x"}, files={"file": ("../etc/my log(1).txt", content)})
        if way == "folder":
            return await client.put(f"{url}/my%20log(1).txt", content=content)
        disposition = 'form-data; name="uploadfile"; filename="../etc/my log(1).txt"'
        return await client.request(way, url, content=content, headers={"Content-Disposition": disposition})


@pytest.mark.parametrize(("version", "mutation", "wish"), LOGS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_station_sends_a_log_to_us(
    server: Server, version: str, mutation: str, wish: dict[str, Any], way: str
) -> None:
    content = b"line\n" * 10_000
    async with charger(server, f"{way}{mutation}", version) as station:
        await station.boot()
        asked, payload = await begun(server, station, mutation, **wish)
        await report_log(station, "Uploading", payload)
        response = await send(way, address(payload), content)
        assert response.status_code == 201, response.text
        await report_log(station, "Uploaded", payload)
        done = await job(server, asked, "UPLOADED", "UPLOAD_FAILED")
    assert (done["status"], done["error"], done["fileName"]) == ("UPLOADED", None, "my_log_1_.txt")
    assert done["sha256"] == hashlib.sha256(content).hexdigest()
    async with httpx.AsyncClient(headers=HEADERS) as client:
        assert (await client.get(f"{server.http}/api/files/{done['fileId']}")).content == content
    query = "query ($s: ID) { files(stationId: $s, purpose: LOG) { edges { node { id jobId sizeBytes } } } }"
    listed = await server.until(query, lambda d: d["files"]["edges"], s=station.station_id)
    assert listed["files"]["edges"][0]["node"] == {"id": done["fileId"], "jobId": asked, "sizeBytes": len(content)}


async def test_an_address_is_for_one_job_and_one_direction(server: Server) -> None:
    async with charger(server, "ONE") as one, charger(server, "TWO") as two:
        await one.boot()
        await two.boot()
        _, first = await begun(server, one, "updateFirmware", file=await bring(server))
        _, second = await begun(server, two, "getLog")
        mine, other = (urlsplit(address(payload)).path.split("/") for payload in (first, second))
        async with httpx.AsyncClient(base_url=server.http) as client:
            for path in (f"/api/files/job/{mine[4]}/{other[5]}", f"/api/files/job/{mine[4]}/{mine[5][:-1]}",
                         f"/api/files/job/nobody/{mine[5]}"):  # fmt: skip
                assert (await client.get(path)).status_code == 404
                assert (await client.put(path, content=b"x")).status_code == 404
            assert (await client.put("/".join(mine), content=b"x")).status_code == 410
            assert (await client.get("/".join(other))).status_code == 410
            assert (await client.get("/".join(mine))).status_code == 200


async def test_a_download_that_breaks_off_is_a_fact_and_may_go_on(server: Server) -> None:
    async with charger(server, "BROKEN") as station:
        await station.boot()
        image = IMAGE * 46
        asked, payload = await begun(server, station, "updateFirmware", file=await bring(server, content=image))
        place = urlsplit(address(payload))
        with socket() as narrow:
            narrow.setsockopt(SOL_SOCKET, SO_RCVBUF, 4_096)
            narrow.connect((place.hostname, place.port))
            narrow.sendall(f"GET {place.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert len(narrow.recv(200_000, MSG_WAITALL)) == 200_000
        query = "query ($id: ID!) { job(id: $id) { percent steps { status } } }"
        broken = await server.until(query, lambda d: d["job"]["steps"][-1]["status"] == "Download broke off", id=asked)
        assert 0 < broken["job"]["percent"] < 100
        assert await download(payload) == image
        await report(station, "Installed", payload)
        done = await job(server, asked, "INSTALLED")
    assert [step["status"] for step in done["steps"]].count("Download began") == 2


async def test_an_upload_that_breaks_off_leaves_nothing_and_may_come_again(server: Server, home: Path) -> None:
    before = stored(home)
    async with charger(server, "HALF") as station:
        await station.boot()
        asked, payload = await begun(server, station, "getLog")
        place = urlsplit(address(payload))
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(f"PUT {place.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\nhalf".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await upload(payload)
        await report_log(station, "Uploaded", payload)
        done = await job(server, asked, "UPLOADED")
    assert stored(home) - before == {done["fileId"]}


@pytest.mark.parametrize("told", [True, False])
async def test_a_file_that_is_too_large_is_refused_and_the_job_says_so(server: Server, home: Path, told: bool) -> None:
    before, content = stored(home), b"x" * (LIMIT + 1)

    async def pieces() -> Any:
        for at in range(0, len(content), 500_000):
            yield content[at : at + 500_000]

    async with charger(server, f"LARGE{told}") as station:
        await station.boot()
        asked, payload = await begun(server, station, "getLog")
        async with httpx.AsyncClient() as client:
            for url, headers in ((address(payload), {}), (f"{server.http}/api/files", HEADERS)):
                response = await client.post(url, content=content if told else pieces(), headers=headers)
                assert response.status_code == 413
                assert f"{LIMIT:,}" in response.json()["detail"]
        await report_log(station, "UploadFailure", payload)
        done = await job(server, asked, "UPLOAD_FAILED")
    assert {"status": "Upload refused", "detail": f"a file has at most {LIMIT:,} bytes"} in done["steps"]
    assert stored(home) == before


BAD = [
    ("multipart/form-data; boundary=X", b"--X\r\nContent-Disposition: form-data; name=a\r\n\r\nno file\r\n--X--", 400),
    ("multipart/form-data; boundary=X", b'--X\r\nContent-Disposition: form-data; filename="a"\r\n\r\nhalf', 400),
    ("multipart/form-data; boundary=X", b"nonsense", 400),
    ("application/octet-stream", b"", 422),
]


@pytest.mark.parametrize(("kind", "content", "status"), BAD)
async def test_what_is_no_file_is_refused(server: Server, home: Path, kind: str, content: bytes, status: int) -> None:
    before = stored(home)
    async with httpx.AsyncClient(headers=HEADERS) as client:
        response = await client.post(f"{server.http}/api/files", content=content, headers={"Content-Type": kind})
    assert response.status_code == status, response.text
    assert stored(home) == before


async def test_a_storage_that_is_away_is_said_to_sender_and_job_and_comes_back(server: Server, home: Path) -> None:
    await bring(server)
    folder, aside = home / "bornier-files", home / "aside"
    async with charger(server, "AWAY") as station:
        await station.boot()
        asked, payload = await begun(server, station, "getLog")
        folder.rename(aside)
        folder.write_text("in the way")
        try:
            async with httpx.AsyncClient() as client:
                response = await client.put(address(payload), content=b"log")
                assert (response.status_code, response.json()["status"]) == (507, 507)
                assert "could not keep" in response.json()["detail"]
                image = await client.post(f"{server.http}/api/files", content=IMAGE, headers=HEADERS)
                assert image.status_code == 507
        finally:
            folder.unlink()
            aside.rename(folder)
        await upload(payload)
        await report_log(station, "Uploaded", payload)
        done = await job(server, asked, "UPLOADED")
    assert "Upload refused" in [step["status"] for step in done["steps"]]


async def test_a_station_that_says_uploaded_without_uploading_is_not_believed(server: Server) -> None:
    async with charger(server, "LIAR") as station:
        await station.boot()
        asked, payload = await begun(server, station, "getLog")
        await report_log(station, "Uploaded", payload)
        assert "nothing arrived" in (await job(server, asked, "UPLOAD_FAILED"))["error"]


async def test_a_file_may_go_elsewhere(server: Server) -> None:
    async with charger(server, "ELSEWHERE") as station:
        await station.boot()
        asked, payload = await begun(server, station, "getLog", location="sftp://logs.example/in")
        assert address(payload) == "sftp://logs.example/in"
        await report_log(station, "Uploaded", payload)
        await job(server, asked, "UPLOADED")


async def test_diagnostics_that_an_old_station_does_not_have_are_refused(server: Server) -> None:
    async with charger(server, "EMPTY", "1.6") as station:
        station.commands["GetDiagnostics"] = {}
        await station.boot()
        asked = await ask(server, "getDiagnostics", stationId=station.station_id)
        assert "no diagnostics" in (await job(server, asked, "REFUSED"))["error"]


async def test_without_an_id_a_report_is_about_the_latest_job(server: Server) -> None:
    async with charger(server, "NOID", "1.6") as station:
        await station.boot()
        file = await bring(server)
        first, _ = await begun(server, station, "updateFirmware", file=file)
        second, payload = await begun(server, station, "updateFirmware", file=file)
        await job(server, first, "SUPERSEDED")
        await report(station, "Idle", payload)
        await report(station, "Installed", payload)
        done = await job(server, second, "INSTALLED")
    assert "Idle" not in [step["status"] for step in done["steps"]]


async def test_a_job_ends_with_the_command_that_nobody_heard(server: Server) -> None:
    async with charger(server, "GONE") as station:
        await station.boot()
    expired = await ask(server, "getLog", stationId=station.station_id, deadlineSeconds=1)
    unknown = await ask(server, "getLog", stationId="NOBODY")
    assert "not connected" in (await job(server, expired, "EXPIRED"))["error"]
    assert "no station" in (await job(server, unknown, "REFUSED"))["error"]


async def test_a_job_that_is_never_heard_of_again_ends_by_its_own_deadline(server: Server) -> None:
    async with charger(server, "SILENT") as station:
        await station.boot()
        asked, payload = await begun(server, station, "getLog", finishWithinSeconds=1, deadlineSeconds=2)
        done = await job(server, asked, "EXPIRED")
        async with httpx.AsyncClient() as client:
            assert (await client.put(address(payload), content=b"late")).status_code == 410
    assert "nothing more was heard" in done["error"]


async def test_what_one_version_cannot_say_is_rejected_with_a_reason(server: Server) -> None:
    file = await bring(server)
    async with charger(server, "OLD", "1.6") as old, charger(server, "MID", "2.0.1") as mid:
        await old.boot()
        await mid.boot()
        later = {"file": file, "installAt": "2099-01-01T00:00:00Z"}
        wrong = await fails(server, "updateFirmware", stationId=old.station_id, **later)
        assert "within 30 days" in wrong
        for mutation, station, wish, reason in (
            ("publishFirmware", old, {"file": file}, "no local controllers"),
            ("getLog", mid, {"logType": "DATA_COLLECTOR_LOG"}, "DataCollectorLog"),
        ):
            asked = await ask(server, mutation, stationId=station.station_id, **wish)
            assert reason in (await job(server, asked, "REFUSED"))["error"]


@pytest.mark.parametrize("key", [RSA, CURVE], ids=["rsa", "curve"])
async def test_a_signature_is_checked_before_any_station_is_asked(server: Server, key: Any) -> None:
    file, pem = await bring(server), certificate(key)
    good, wrong = signature(key), signature(key, b"another image")
    async with charger(server, f"SIGN{type(key).__name__}", "1.6") as station:
        await station.boot()
        named = {"stationId": station.station_id, "file": file}
        for reason, wish in {
            "does not fit": {"signature": wrong, "signingCertificate": pem},
            "go together": {"signature": good},
            "Base64": {"signature": "%%%", "signingCertificate": pem},
            "PEM": {"signature": good, "signingCertificate": "nonsense"},
            "not valid now": {"signature": good, "signingCertificate": certificate(key, -1)},
        }.items():
            assert reason in await fails(server, "updateFirmware", **named, **wish)
        assert station.heard == []
        forced = {"signature": wrong, "signingCertificate": pem, "force": True}
        await ask(server, "updateFirmware", **named, **forced)
        asked, payload = await begun(
            server, station, "updateFirmware", file=file, signature=good, signingCertificate=pem
        )
        assert payload["firmware"]["signature"] == good
        assert (await job(server, asked, "RUNNING"))["kind"] == "SIGNED_FIRMWARE"


async def test_only_who_may_command_touches_files(server: Server, home: Path) -> None:
    file = await bring(server, "../../x y.bin")
    async with httpx.AsyncClient(base_url=server.http) as client:
        for headers, status in (({}, 401), ({"Authorization": f"Bearer {VIEWER}"}, 403)):
            assert (await client.post("/api/files", content=b"x", headers=headers)).status_code == status
            assert (await client.get(f"/api/files/{file}", headers=headers)).status_code == status
        found = await client.get(f"/api/files/{file}", headers=HEADERS)
        assert found.content == IMAGE
        assert found.headers["content-disposition"] == 'attachment; filename="x_y.bin"'
        assert (await client.get("/api/files/none", headers=HEADERS)).status_code == 404
        query = "mutation ($id: ID!) { deleteFile(input: {file: $id}) { name } }"
        assert (await server.ask(query, id=file))["deleteFile"] == {"name": "x_y.bin"}
        assert (await client.get(f"/api/files/{file}", headers=HEADERS)).status_code == 404
    assert file not in stored(home)
    assert "deleted" in await fails(server, "updateFirmware", stationId="S", file=file)


async def test_a_one_time_address_is_not_shown_to_who_may_read_commands(server: Server) -> None:
    async with charger(server, "SECRET") as station:
        await station.boot()
        asked, payload = await begun(server, station, "updateFirmware", file=await bring(server))
    data = await server.ask("query ($id: ID!) { command(id: $id) { parameters } }", VIEWER, id=asked)
    token = urlsplit(address(payload)).path.split("/")[5]
    assert token not in json.dumps(data)
    events = "query ($s: ID) { events(stream: $s) { edges { node { data } } } }"
    assert token not in json.dumps(await server.ask(events, s=f"job/{asked}"))


async def test_a_follower_of_a_job_goes_on_where_it_stopped(server: Server) -> None:
    async with charger(server, "FOLLOW") as station:
        await station.boot()
        start = (await server.ask("{ jobs { position } }"))["jobs"]["position"]
        asked, payload = await begun(server, station, "updateFirmware", file=await bring(server))
        await report(station, "Downloading", payload)
        await report(station, "Installed", payload)
        await job(server, asked, "INSTALLED")
    query = f'subscription {{ jobChanged(id: "{asked}", after: {start}) {{ status position }} }}'
    address_ = server.http.replace("http", "ws", 1)
    async with connect(f"{address_}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as line:
        await line.send(
            json.dumps({"type": "connection_init", "payload": HEADERS | {"authorization": f"Bearer {TOKEN}"}})
        )
        await line.recv()
        await line.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))
        async with asyncio.timeout(20):
            told = json.loads(await line.recv())["payload"]["data"]["jobChanged"]
    assert told["status"] == "INSTALLED"
    assert told["position"] > start
