"""TLS of the HTTP listener: the ready line is true, old protocols are refused, renewed files are served."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from migrations.migrate import upgrade
from tests import pki
from tests.end_to_end.server import TOKEN, Server


class Place:
    """A server with TLS, the root of its certificate, and the folder of its files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, pki.Authority()
        certificate, key = self.renew()
        database = f"sqlite:///{folder}/bornier.db"
        upgrade(database)
        files = {"BORNIER_HTTP_TLS_CERTIFICATE": str(certificate), "BORNIER_HTTP_TLS_KEY": str(key)}
        self.server = Server(database, **files)

    def renew(self) -> tuple[Path, Path]:
        """A new certificate in place of the one there is."""
        return self.root.pair(self.folder, "http", host="localhost")

    @property
    def address(self) -> str:
        return f"https://localhost:{urlsplit(self.server.http).port}"

    def tls(self, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        context = pki.trusting(self.root.pem)
        context.maximum_version = newest
        return context

    async def serial(self) -> int:
        """The number of the certificate that is served now."""
        port = urlsplit(self.server.http).port
        _, writer = await asyncio.open_connection("localhost", port, ssl=self.tls())
        shown = writer.get_extra_info("ssl_object").getpeercert()["serialNumber"]
        writer.close()
        await writer.wait_closed()
        return int(shown, 16)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("tls"))
    with made.server:
        yield made


async def test_people_and_followers_come_over_tls(place: Place) -> None:
    assert place.server.http.startswith("https://127.0.0.1:")
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=place.address, verify=place.tls(), headers=bearer) as client:
        answer = await client.post("/graphql", json={"query": "{ me { name } }"})
        assert answer.json() == {"data": {"me": {"name": "admin"}}}
        assert answer.headers["strict-transport-security"]
        assert "Secure" in (await client.post("/api/session")).headers["set-cookie"]
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(f"wss{place.address[5:]}/graphql", ssl=place.tls(), subprotocols=protocols) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {TOKEN}"}}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_no_plain_http_and_no_old_tls(place: Place) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.HTTPError):
            await client.get(f"{place.address.replace('https', 'http')}/health/live")
    old = place.tls()
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with httpx.AsyncClient(verify=old) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{place.address}/health/live")
    async with httpx.AsyncClient(verify=place.tls(ssl.TLSVersion.TLSv1_2)) as client:
        assert (await client.get(f"{place.address}/health/live")).status_code == 200


async def test_a_renewed_certificate_is_served_and_a_broken_file_changes_nothing(place: Place) -> None:
    before = await place.serial()
    certificate, _ = place.renew()
    renewed = await place.serial()
    assert renewed != before
    certificate.write_text("no certificate")
    os.utime(certificate, (1, 1))
    assert await place.serial() == renewed
