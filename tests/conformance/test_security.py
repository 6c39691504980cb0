"""Security: profiles, passwords, TLS, sub-protocols (OCPP 1.6 security whitepaper; OCPP 2.0.1 block A)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from tests import pki
from tests.end_to_end.client import Station
from tests.end_to_end.secure import Secure, secured
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order
from tests.end_to_end.test_security import NEW, OLD, SET, accepted, ended, register, said

SUITES = {
    "ec": ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    "rsa": ("AES128-GCM-SHA256", "AES256-GCM-SHA384"),
}
UNLUCKY = (OSError, EOFError, InvalidMessage, ConnectionClosed)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    with secured(tmp_path_factory.mktemp("security")) as running:
        yield running


@pytest.fixture(scope="module")
def server(secure: Secure) -> Server:
    return secure.server


async def booted(station: Station) -> None:
    """Boot, and the state of the connectors, as the reusable state Booted has it."""
    assert (await station.boot())["status"] == "Accepted"
    if station.version == "1.6":
        status: dict[str, Any] = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    else:
        status = {"timestamp": "2026-11-23T10:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    assert await station.call("StatusNotification", status) == {}


async def refused(url: str, station_id: str, **how: Any) -> int:
    with pytest.raises(InvalidStatus) as answer:
        async with Station(url, station_id, **how):
            pass
    return answer.value.response.status_code


BASIC = [
    pytest.param("1.6", marks=pytest.mark.octt("1.6", "TC_085_CSMS")),
    pytest.param("2.0.1", marks=pytest.mark.octt("2.0.1", "TC_A_01_CSMS")),
]


@pytest.mark.parametrize("version", BASIC)
async def test_the_right_name_and_password_are_let_in(server: Server, version: str) -> None:
    name = f"BASIC{version}"
    await register(server, name, password=OLD)
    async with Station(server.ocpp, name, version, OLD) as station:
        await booted(station)


@pytest.mark.octt("2.0.1", "TC_A_02_CSMS")
async def test_a_name_that_is_not_the_stations_is_refused(server: Server) -> None:
    await register(server, "NAMED", password=OLD)
    station = Station(server.ocpp, "NAMED", "2.0.1")
    station.headers = Station(server.ocpp, "NAMEDInvalid", password=OLD).headers
    with pytest.raises(InvalidStatus) as answer:
        async with station:
            pass
    assert answer.value.response.status_code == 401


@pytest.mark.octt("2.0.1", "TC_A_03_CSMS")
async def test_a_wrong_password_is_refused(server: Server) -> None:
    await register(server, "GUESSED", password=OLD)
    assert await refused(server.ocpp, "GUESSED", version="2.0.1", password="Another*Pass_word-16") == 401


CHANGE = [
    pytest.param("1.6", marks=pytest.mark.octt("1.6", "TC_073_CSMS")),
    pytest.param("2.0.1", marks=pytest.mark.octt("2.0.1", "TC_A_09_CSMS")),
]


@pytest.mark.parametrize("version", CHANGE)
async def test_a_new_password_is_set_and_the_station_returns_with_it(server: Server, version: str) -> None:
    name = f"CHANGE{version}"
    await register(server, name, password=OLD)
    async with Station(server.ocpp, name, version, OLD) as station:
        await booted(station)
        station.commands["SetVariables"] = accepted
        made = (await server.ask(SET, id=name, password=NEW))["setPassword"]
        await ended(server, made["command"]["id"], "ACCEPTED")
        payload = station.heard[-1][3]
        if version == "1.6":
            assert payload["key"] == "AuthorizationKey"
            assert bytes.fromhex(payload["value"]) == NEW.encode()
        else:
            (line,) = payload["setVariableData"]
            assert (line["component"], line["variable"]) == ({"name": "SecurityCtrlr"}, {"name": "BasicAuthPassword"})
            assert said(station) == NEW
    async with Station(server.ocpp, name, version, NEW) as station:
        await booted(station)
    assert await refused(server.ocpp, name, version=version, password=OLD) == 401


@pytest.mark.octt("2.0.1", "TC_A_10_CSMS")
async def test_the_old_password_stays_when_the_new_is_rejected(server: Server) -> None:
    await register(server, "KEEP", password=OLD)
    async with Station(server.ocpp, "KEEP", "2.0.1", OLD) as station:
        await booted(station)
        station.commands["SetVariables"] = lambda payload: {
            "setVariableResult": [
                line | {"attributeStatus": "Rejected"} for line in accepted(payload)["setVariableResult"]
            ]
        }
        made = (await server.ask(SET, id="KEEP", password=NEW))["setPassword"]
        await ended(server, made["command"]["id"], "REJECTED")
    async with Station(server.ocpp, "KEEP", "2.0.1", OLD) as station:
        await booted(station)


TLS = [
    pytest.param("1.6", marks=pytest.mark.octt("1.6", "TC_086_CSMS")),
    pytest.param("2.0.1", marks=pytest.mark.octt("2.0.1", "TC_A_04_CSMS")),
]


@pytest.mark.parametrize("version", TLS)
async def test_the_server_proves_itself_by_its_certificate(secure: Secure, version: str) -> None:
    """A00.FR.306 to A00.FR.321, A00.FR.502 to A00.FR.510: version, cipher suites, key, serial number, common name."""
    name, wss = f"TLS{version}", await secure.server.wss()
    await register(secure.server, name, password=OLD)
    for suites in SUITES.values():
        for suite in suites:
            tls = secure.tls(newest=ssl.TLSVersion.TLSv1_2)
            tls.set_ciphers(suite)
            async with Station(wss, name, version, OLD, tls) as station:
                shown = station.socket.transport.get_extra_info("ssl_object")
                assert (shown.version(), shown.cipher()[0], shown.compression()) == ("TLSv1.2", suite, None)
                assert shown.getpeercert()["serialNumber"]
    async with Station(wss, name, version, OLD, secure.tls()) as station:
        assert station.socket.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        await booted(station)


@pytest.mark.octt("2.0.1", "TC_A_06_CSMS")
async def test_an_old_version_of_tls_is_hung_up(secure: Secure) -> None:
    await register(secure.server, "OLDTLS", password=OLD)
    place = urlsplit(await secure.server.wss())
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=10) as line:
        line.sendall(hello(0x0302))
        answer = line.recv(1024)
    assert answer[:1] in (b"", b"\x15"), "nothing but an alert"
    async with Station(await secure.server.wss(), "OLDTLS", "2.0.1", OLD, secure.tls()) as station:
        await booted(station)


def hello(version: int) -> bytes:
    """The ClientHello of a version OpenSSL no longer speaks: no session, two RSA suites, no compression."""
    suites = b"\x00\x2f\x00\x35"
    body = version.to_bytes(2) + bytes(range(32)) + b"\x00" + len(suites).to_bytes(2) + suites + b"\x01\x00"
    shake = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + len(shake).to_bytes(2) + shake


MUTUAL = [
    pytest.param("1.6", marks=pytest.mark.octt("1.6", "TC_087_CSMS")),
    pytest.param("2.0.1", marks=pytest.mark.octt("2.0.1", "TC_A_07_CSMS")),
]


@pytest.mark.parametrize("version", MUTUAL)
async def test_a_station_proves_itself_by_its_certificate(secure: Secure, version: str) -> None:
    name = f"MUTUAL{version}"
    await register(secure.server, name, securityProfile=3)
    async with Station(await secure.server.wss(), name, version, tls=secure.tls(secure.pair(name))) as station:
        await booted(station)


@pytest.mark.octt("2.0.1", "TC_A_08_CSMS")
@pytest.mark.parametrize("fault", ["unknown", "expired", "another"])
async def test_an_invalid_certificate_of_a_station_is_hung_up(secure: Secure, fault: str) -> None:
    name = f"BAD{fault}"
    await register(secure.server, name, securityProfile=3)
    wss = await secure.server.wss()
    if fault == "another":
        assert await refused(wss, name, version="2.0.1", tls=secure.tls(secure.pair(f"NOT{name}"))) == 403
    else:
        folder = secure.folder / fault
        folder.mkdir()
        signer = pki.Authority("Nobody") if fault == "unknown" else secure.maker
        pair = signer.pair(folder, name, begin=-3 * pki.DAY, end=-pki.DAY if fault == "expired" else pki.DAY)
        with pytest.raises(UNLUCKY):
            async with Station(wss, name, "2.0.1", tls=secure.tls(pair)) as station:
                await station.boot()
    async with Station(wss, name, "2.0.1", tls=secure.tls(secure.pair(name))) as station:
        await booted(station)


@pytest.mark.octt("1.6", "TC_083_CSMS")
async def test_a_higher_profile_is_set_and_the_lower_refused_afterwards_in_ocpp_16(secure: Secure) -> None:
    server = secure.server
    await register(server, "RISE16", password=OLD)
    async with Station(server.ocpp, "RISE16", password=OLD) as station:
        await booted(station)
        command = await order(server, 'setSecurityProfile(input: {stationId: "RISE16", profile: 2})')
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["ChangeConfiguration", {"key": "SecurityProfile", "value": "2"}]
    async with Station(await server.wss(), "RISE16", password=OLD, tls=secure.tls()) as station:
        await booted(station)
    assert await refused(server.ocpp, "RISE16", password=OLD) == 403


@pytest.mark.octt("2.0.1", "TC_A_19_CSMS")
async def test_a_higher_profile_is_set_and_the_lower_refused_afterwards_in_ocpp_201(secure: Secure) -> None:
    server, wss = secure.server, await secure.server.wss()
    await register(server, "RISE201", password=OLD)
    async with Station(server.ocpp, "RISE201", "2.0.1", OLD) as station:
        await booted(station)
        station.commands["SetVariables"] = accepted
        await order(server, NETWORK % wss)
        sent = station.heard[-1][3]
        assert sent["connectionData"]["ocppCsmsUrl"] == wss
        assert (sent["connectionData"]["securityProfile"], sent["connectionData"]["ocppTransport"]) == (2, "JSON")
        await order(server, PRIORITY % "RISE201")
        (line,) = station.heard[-1][3]["setVariableData"]
        assert (line["variable"]["name"], line["component"]["name"]) == (
            "NetworkConfigurationPriority",
            "OCPPCommCtrlr",
        )
        assert line["attributeValue"] == "1,0"
        await order(server, 'reset(input: {stationId: "RISE201", kind: HARD})')
        assert station.heard[-1][2] == "Reset"
    async with Station(wss, "RISE201", "2.0.1", OLD, secure.tls()) as station:
        await booted(station)
    assert await refused(server.ocpp, "RISE201", version="2.0.1", password=OLD) == 403


NETWORK = """setNetworkProfile(input: {stationId: "RISE201", slot: 1, url: "%s", securityProfile: 2})"""
PRIORITY = """setVariables(input: {stationId: "%s", variables: [
  {component: "OCPPCommCtrlr", variable: "NetworkConfigurationPriority", value: "1,0"}]})"""

SUBPROTOCOLS = [
    pytest.param("1.6", marks=pytest.mark.octt("1.6", "TC_088_CSMS")),
    pytest.param("2.0.1", marks=pytest.mark.octt("2.0.1", "TC_B_58_CSMS")),
]


@pytest.mark.parametrize("version", SUBPROTOCOLS)
async def test_the_sub_protocol_is_agreed_or_the_socket_closes(server: Server, version: str) -> None:
    """OCPP-J 3.1: without a common one the handshake completes without the header, and the socket closes at once."""
    ours, others = Subprotocol(f"ocpp{version}"), [Subprotocol("ocpp0.1"), Subprotocol("soap")]
    async with connect(f"{server.ocpp}/SUB{version}", subprotocols=[*others, ours]) as line:
        assert line.subprotocol == ours
    async with connect(f"{server.ocpp}/SUB{version}", subprotocols=others) as line:
        assert line.subprotocol is None
        with pytest.raises(ConnectionClosed):
            await line.recv()
