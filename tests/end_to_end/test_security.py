"""How safely stations connect: profiles, TLS, client certificates, passwords, and those who are not let in."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from tests import pki
from tests.end_to_end.client import Station
from tests.end_to_end.secure import Secure, secured
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import COMMAND, FINAL, order

VERSIONS = ["1.6", "2.0.1", "2.1"]
SECURITY = "query ($id: ID!) { stationSecurity(stationId: $id) { leastProfile reachedProfile passwordOnItsWay } }"
ATTEMPTS = """query ($id: ID, $address: String, $after: String) {
  connectionAttempts(stationId: $id, address: $address, first: 2, after: $after) { totalCount pageInfo { endCursor }
    edges { node { stationId address path offered reason status unrecorded } } } }"""
OLD, NEW = "old-password-1234567", "new-password-7654321"
SET = "mutation ($id: ID!, $password: String) { setPassword(input: {stationId: $id, password: $password}) { password command { id parameters } } }"  # fmt: skip # noqa: E501


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    with secured(tmp_path_factory.mktemp("security")) as running:
        yield running


async def register(server: Server, station_id: str, **more: Any) -> None:
    wish = {"id": station_id, **more}
    await server.ask("mutation ($input: RegisterStationInput!) { registerStation(input: $input) { id } }", input=wish)


async def status(url: str, station_id: str, **how: Any) -> int:
    """What a station is answered that is not let in."""
    with pytest.raises(InvalidStatus) as refused:
        async with Station(url, station_id, **how):
            pass
    return refused.value.response.status_code


async def test_each_profile_is_recognised_and_never_left_for_a_lower_one(secure: Secure) -> None:
    server, wss = secure.server, await secure.server.wss()
    await register(server, "UP", password=OLD)
    pair = secure.pair("UP")
    async with Station(server.ocpp, "UP", password=OLD) as station:
        await station.boot()
    assert (await server.ask(SECURITY, id="UP"))["stationSecurity"]["reachedProfile"] == 1
    async with Station(wss, "UP", password=OLD, tls=secure.tls()) as station:
        assert (await station.boot())["status"] == "Accepted"
    assert (await server.ask(SECURITY, id="UP"))["stationSecurity"]["reachedProfile"] == 2
    assert await status(server.ocpp, "UP", password=OLD) == 403
    async with Station(wss, "UP", tls=secure.tls(pair)) as station:
        assert (await station.boot())["status"] == "Accepted"
    assert (await server.ask(SECURITY, id="UP"))["stationSecurity"]["reachedProfile"] == 3
    assert await status(wss, "UP", password=OLD, tls=secure.tls()) == 403
    lower = 'mutation { requireSecurityProfile(input: {stationId: "UP", profile: 1, reason: "lab"}) { leastProfile } }'
    assert (await server.ask(lower))["requireSecurityProfile"]["leastProfile"] == 1
    async with Station(server.ocpp, "UP", password=OLD):
        pass


async def test_a_station_that_must_use_tls_is_refused_without(secure: Secure) -> None:
    await register(secure.server, "TLS", password=OLD, securityProfile=2)
    assert await status(secure.server.ocpp, "TLS", password=OLD) == 403
    assert await status(await secure.server.wss(), "TLS", tls=secure.tls()) == 401
    async with Station(await secure.server.wss(), "TLS", password=OLD, tls=secure.tls()):
        pass


@pytest.mark.parametrize(
    "cipher",
    ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-GCM-SHA384"],
)
async def test_the_cipher_suites_of_the_specification_are_spoken(secure: Secure, cipher: str) -> None:
    tls = secure.tls(newest=ssl.TLSVersion.TLSv1_2)
    tls.set_ciphers(cipher)
    async with Station(await secure.server.wss(), "CIPHER", tls=tls) as station:
        assert station.socket.transport.get_extra_info("cipher")[0] == cipher


async def test_a_certificate_of_another_station_or_nobody_is_refused(secure: Secure) -> None:
    wss = await secure.server.wss()
    other = secure.pair("OTHER")
    assert await status(wss, "MINE", tls=secure.tls(other)) == 403
    stranger = pki.Authority("Stranger").pair(secure.folder, "STRANGER")
    past = secure.pair("PAST", begin=-3 * pki.DAY, end=-pki.DAY)
    for name, pair in (("STRANGER", stranger), ("PAST", past)):
        with pytest.raises((OSError, EOFError, InvalidMessage, ConnectionClosed)):
            async with Station(wss, name, tls=secure.tls(pair)) as station:
                await station.boot()
    seen = await secure.server.until(
        ATTEMPTS, lambda d: any("expired" in e["node"]["reason"] for e in d["connectionAttempts"]["edges"])
    )
    node = seen["connectionAttempts"]["edges"][0]["node"]
    assert (node["stationId"], node["status"], node["path"]) == (None, None, None)
    assert node["address"].startswith("127.0.0.1:")


async def test_a_certificate_may_bear_the_name_an_operator_gave(secure: Secure) -> None:
    await register(secure.server, "BAPTISED", certificateName="SN-0815")
    pair = secure.pair("SN-0815")
    async with Station(await secure.server.wss(), "BAPTISED", tls=secure.tls(pair)) as station:
        assert (await station.boot())["status"] == "Accepted"


async def test_a_renewed_server_certificate_is_used_without_a_restart(secure: Secure) -> None:
    before = (secure.folder / "ecdsa.pem").read_text()
    tls = secure.tls(newest=ssl.TLSVersion.TLSv1_2)
    tls.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    secure.root.pair(secure.folder, "ecdsa", host="localhost")
    async with Station(await secure.server.wss(), "FRESH", tls=tls) as station:
        shown = station.socket.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert ssl.DER_cert_to_PEM_cert(shown).split() == (secure.folder / "ecdsa.pem").read_text().split()
    assert (secure.folder / "ecdsa.pem").read_text() != before


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_old_password_is_valid_until_the_station_returns_with_the_new(secure: Secure, version: str) -> None:
    server, name = secure.server, f"ROTATE{version}"
    await register(server, name, password=OLD)
    async with Station(server.ocpp, name, version, OLD) as station:
        await station.boot()
        station.commands["SetVariables"] = accepted
        made = (await server.ask(SET, id=name, password=NEW))["setPassword"]
        assert made["password"] is None
        await ended(server, made["command"]["id"], "ACCEPTED")
        assert said(station) == (NEW.encode().hex().upper() if version == "1.6" else NEW)
    assert (await server.ask(SECURITY, id=name))["stationSecurity"]["passwordOnItsWay"]
    async with Station(server.ocpp, name, version, OLD):
        pass
    async with Station(server.ocpp, name, version, NEW):
        pass
    assert await status(server.ocpp, name, version=version, password=OLD) == 401
    topics = [e["node"]["topic"] for e in (await facts(server, f"security/{name}"))]
    assert topics == ["security.profile_reached.v1", "security.password_offered.v1", "security.password_adopted.v1"]


async def test_a_password_the_station_rejects_is_void(secure: Secure) -> None:
    server = secure.server
    await register(server, "STUBBORN", password=OLD)
    async with Station(server.ocpp, "STUBBORN", password=OLD) as station:
        await station.boot()
        station.commands["ChangeConfiguration"] = {"status": "Rejected"}
        made = (await server.ask(SET, id="STUBBORN", password=NEW))["setPassword"]
        await ended(server, made["command"]["id"], "REJECTED")
        await server.until(SECURITY, lambda d: not d["stationSecurity"]["passwordOnItsWay"], id="STUBBORN")
    assert await status(server.ocpp, "STUBBORN", password=NEW) == 401
    async with Station(server.ocpp, "STUBBORN", password=OLD):
        pass


async def test_a_password_the_station_never_answered_may_have_been_taken(secure: Secure) -> None:
    server = secure.server
    await register(server, "SILENT", password=OLD)
    async with Station(server.ocpp, "SILENT", password=OLD) as station:
        await station.boot()
        station.commands["ChangeConfiguration"] = None
        made = (await server.ask(SET, id="SILENT", password=NEW))["setPassword"]
        while not station.heard:
            await asyncio.sleep(0.01)
    await ended(server, made["command"]["id"], "FAILED")
    async with Station(server.ocpp, "SILENT", password=NEW):
        pass


async def test_a_station_that_sends_the_hexadecimal_text_is_understood(secure: Secure) -> None:
    server = secure.server
    async with Station(server.ocpp, "HEX") as station:
        await station.boot()
        made = (await server.ask(SET, id="HEX"))["setPassword"]
        await ended(server, made["command"]["id"], "ACCEPTED")
        text = said(station)
    assert bytes.fromhex(text).decode() == made["password"]
    for _ in range(2):
        async with Station(server.ocpp, "HEX", password=text):
            pass
    async with Station(server.ocpp, "HEX", password=made["password"]):
        pass
    assert await status(server.ocpp, "HEX", password=text[:-2] + "00") == 401


async def test_a_password_too_long_for_ocpp_16_is_refused(secure: Secure) -> None:
    async with Station(secure.server.ocpp, "LONG") as station:
        await station.boot()
        made = (await secure.server.ask(SET, id="LONG", password="x" * 21))["setPassword"]
        command = await ended(secure.server, made["command"]["id"], "REJECTED")
        assert "20 bytes" in command["error"]


@pytest.mark.parametrize(
    "mutation",
    [
        'changeConfiguration(input: {stationId: "K", key: "AuthorizationKey", value: "6162"}) { id }',
        'setVariables(input: {stationId: "K", variables: [{component: "SecurityCtrlr", variable: "BasicAuthPassword", '
        'value: "cleartext-1234567"}]}) { id }',
        'setPassword(input: {stationId: "K", password: "short"}) { password }',
    ],
)
async def test_a_password_is_not_sent_where_it_would_be_kept(secure: Secure, mutation: str) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.post(
            f"{secure.server.http}/graphql",
            json={"query": f"mutation {{ {mutation} }}"},
            headers={"Authorization": f"Bearer {secure.server.settings['BORNIER_ADMIN_TOKEN']}"},
        )
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "password" in error["message"]


async def test_no_password_is_in_the_database_or_in_the_log(secure: Secure) -> None:
    server = secure.server
    await register(server, "GREP", password=OLD)
    async with Station(server.ocpp, "GREP", password=OLD) as station:
        await station.boot()
        station.commands["ChangeConfiguration"] = None
        given = (await server.ask(SET, id="GREP", password=NEW))["setPassword"]
        made = (await server.ask(SET, id="GREP"))["setPassword"]["password"]
        while not station.heard:
            await asyncio.sleep(0.01)
    assert await status(server.ocpp, "GREP", password="wrong-password-9") == 401
    sent = [e["node"]["data"] for e in await facts(server, f"command/{given['command']['id']}")]
    assert {"key": "AuthorizationKey", "value": "***"} in [line.get("payload") for line in sent]
    kept = b"".join(file.read_bytes() for file in secure.folder.glob("bornier.db*") if file.is_file())
    assert len(kept) > 10_000
    for text in (OLD, NEW, made, "wrong-password-9", "cleartext-1234567"):
        for spelling in (text, text.encode().hex(), text.encode().hex().upper()):
            assert spelling.encode() not in kept, text
            assert spelling not in secure.log.read_text(), text


async def test_whoever_is_not_let_in_is_a_fact(secure: Secure) -> None:
    server = secure.server
    await register(server, "GATE", password=OLD)
    for password in ("wrong-1", "wrong-2", "wrong-3"):
        assert await status(server.ocpp, "GATE", password=password) == 401
    seen = await server.until(ATTEMPTS, lambda d: d["connectionAttempts"]["totalCount"] == 3, id="GATE")
    page = seen["connectionAttempts"]
    assert len(page["edges"]) == 2
    node = page["edges"][0]["node"]
    assert (node["stationId"], node["status"], node["path"]) == ("GATE", 401, "/ocpp/GATE")
    assert (node["offered"], node["reason"]) == (["ocpp1.6"], "unknown station or wrong password")
    rest = await server.ask(ATTEMPTS, id="GATE", after=page["pageInfo"]["endCursor"])
    assert len(rest["connectionAttempts"]["edges"]) == 1
    elsewhere = await server.ask(ATTEMPTS, id="GATE", address="10.9.8.7")
    assert elsewhere["connectionAttempts"]["totalCount"] == 0
    assert (await facts(server, "station/GATE"))[-1]["node"]["topic"] == "station.registered.v1"


async def test_no_common_version_is_a_fact(secure: Secure) -> None:
    async with connect(f"{secure.server.ocpp}/OLDER", subprotocols=[Subprotocol("ocpp1.5")]):
        pass
    seen = await secure.server.until(ATTEMPTS, lambda d: d["connectionAttempts"]["totalCount"] == 1, id="OLDER")
    node = seen["connectionAttempts"]["edges"][0]["node"]
    assert (node["reason"], node["offered"]) == ("no common sub-protocol", ["ocpp1.5"])


async def test_whoever_fails_too_often_waits(secure: Secure) -> None:
    server = secure.server
    await register(server, "STORM", password=OLD)
    answers = [await status(server.ocpp, "STORM", password=f"guess-{n}") for n in range(12)]
    assert answers == [401] * 10 + [429] * 2
    with pytest.raises(InvalidStatus) as refused:
        async with Station(server.ocpp, "STORM", password=OLD):
            pass
    assert 0 < int(refused.value.response.headers["Retry-After"]) <= 60
    seen = await server.until(ATTEMPTS, lambda d: d["connectionAttempts"]["totalCount"] >= 10, id="STORM")
    assert seen["connectionAttempts"]["totalCount"] == 10
    async with Station(server.ocpp, "CALM"):
        pass
    async with httpx.AsyncClient() as client:
        token = {"Authorization": f"Bearer {server.settings['BORNIER_ADMIN_TOKEN']}"}
        figures = (await client.get(f"{server.http}/metrics", headers=token)).text
    assert 'bornier_denials_total{status="429"} 3.0' in figures


def accepted(payload: dict[str, Any]) -> dict[str, Any]:
    """SetVariables, all of them."""
    lines = [
        {"component": line["component"], "variable": line["variable"], "attributeStatus": "Accepted"}
        for line in payload["setVariableData"]
    ]
    return {"setVariableResult": lines}


def said(station: Station) -> str:
    """The password as it came over the wire."""
    payload = station.heard[-1][3]
    return str(payload["value"] if station.version == "1.6" else payload["setVariableData"][0]["attributeValue"])


async def ended(server: Server, command_id: str, wanted: str) -> dict[str, Any]:
    data = await server.until(COMMAND, lambda d: d["command"] and d["command"]["status"] in FINAL, id=command_id)
    command: dict[str, Any] = data["command"]
    assert command["status"] == wanted, json.dumps(command)
    return command


async def facts(server: Server, stream: str) -> list[dict[str, Any]]:
    query = "query ($stream: ID!) { events(stream: $stream, first: 500) { edges { node { topic data } } } }"
    edges: list[dict[str, Any]] = (await server.ask(query, stream=stream))["events"]["edges"]
    return edges


async def test_a_profile_is_raised_by_command_in_ocpp_16(secure: Secure) -> None:
    async with Station(secure.server.ocpp, "RAISE") as station:
        await station.boot()
        command = await order(secure.server, 'setSecurityProfile(input: {stationId: "RAISE", profile: 2})')
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["ChangeConfiguration", {"key": "SecurityProfile", "value": "2"}]
    async with Station(secure.server.ocpp, "RAISE2", "2.0.1") as station:
        await station.boot()
        command = await order(secure.server, 'setSecurityProfile(input: {stationId: "RAISE2", profile: 2})')
        assert "setNetworkProfile" in command["error"]
