"""Certificates of our own authority at work, and Plug & Charge with a backend and without."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from websockets.exceptions import InvalidStatus

from tests import pki
from tests.end_to_end.client import PATIENCE_S, Station
from tests.end_to_end.secure import Secure, secured

EV = {"iso15118SchemaVersion": "urn:iso:15118:20:AC", "action": "Install"}
TOKEN = {"idToken": "DEXXXC0000001", "type": "eMAID"}


@pytest.fixture(scope="module")
def backend() -> Iterator[pki.Backend]:
    with pki.Backend(pki.Authority("V2G root")) as running:
        yield running


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, backend: pki.Backend) -> Iterator[Secure]:
    more = {"BORNIER_ORGANISATION": "ACME", "BORNIER_CONTRACTS": backend.address}
    with secured(tmp_path_factory.mktemp("certificate"), **more) as running:
        yield running


async def certified(secure: Secure, station: Station, folder: Path) -> tuple[Path, Path]:
    """Ask for a certificate and get it, by itself."""
    key = pki.new_key()
    csr = pki.request(station.station_id, key)
    assert (await station.call("SignCertificate", {"csr": csr}))["status"] == "Accepted"
    async with asyncio.timeout(PATIENCE_S):
        while not station.heard:
            await asyncio.sleep(0.01)
    files = folder / f"{station.station_id}.pem", folder / f"{station.station_id}.key"
    files[0].write_text(station.heard[-1][3]["certificateChain"])
    files[1].write_text(pki.secret(key))
    return files


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_station_connects_with_the_certificate_it_asked_for_until_it_is_revoked(
    secure: Secure, tmp_path: Path, version: str
) -> None:
    server, wss, name = secure.server, await secure.server.wss(), f"OWN{version}"
    async with Station(server.ocpp, name, version) as station:
        await station.boot()
        pair = await certified(secure, station, tmp_path)
    async with Station(wss, name, version, tls=secure.tls(pair)) as station:
        await station.boot()
        serial = pki.serial_of(pair[0].read_text())
        revoke = f'mutation {{ revokeCertificate(input: {{serialNumber: "{serial}", reason: "stolen"}}) {{ status }} }}'
        assert (await server.ask(revoke))["revokeCertificate"]["status"] == "REVOKED"
        async with asyncio.timeout(PATIENCE_S):
            await station.listener
    with pytest.raises(InvalidStatus) as refused:
        async with Station(wss, name, version, tls=secure.tls(pair)):
            pass
    assert refused.value.response.status_code == 403
    data = await server.until(
        "{ certificateAuthority { revocationList } }",
        lambda d: crl(d).get_revoked_certificate_by_serial_number(int(serial, 16)) is not None,
    )
    root = x509.load_pem_x509_certificate((await authority(secure)).encode())
    assert crl(data).is_signature_valid(root.public_key())  # type: ignore[arg-type]


def crl(data: dict[str, Any]) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl(data["certificateAuthority"]["revocationList"].encode())


async def authority(secure: Secure) -> str:
    return str((await secure.server.ask("{ certificateAuthority { root } }"))["certificateAuthority"]["root"])


async def test_a_certificate_is_only_good_for_the_station_it_was_signed_for(secure: Secure, tmp_path: Path) -> None:
    """Even if its common name is that of another station: a station says itself which serial number it has."""
    async with Station(secure.server.ocpp, "THIEF", "2.0.1") as station:
        boot = {"vendorName": "V", "model": "M", "serialNumber": "VICTIM"}
        await station.call("BootNotification", {"reason": "PowerUp", "chargingStation": boot})
        station.station_id = "VICTIM"
        pair = await certified(secure, station, tmp_path)
    with pytest.raises(InvalidStatus) as refused:
        async with Station(await secure.server.wss(), "VICTIM", "2.0.1", tls=secure.tls(pair)):
            pass
    assert refused.value.response.status_code == 403


BAD: dict[str, Callable[[], str]] = {
    "1024 bits": lambda: pki.request("ASKER", pki.new_key("1024")),
    "common name": lambda: pki.request("SOMEBODY"),
    "organisation": lambda: pki.request("ASKER", organisation="Others"),
    "not a certificate signing request": lambda: "nonsense",
}


@pytest.mark.parametrize("reason", BAD)
async def test_what_may_not_be_signed_is_rejected_with_a_reason(secure: Secure, reason: str) -> None:
    async with Station(secure.server.ocpp, "ASKER", "2.1") as station:
        await station.boot()
        answer = await station.call("SignCertificate", {"csr": BAD[reason]()})
    assert answer["status"] == "Rejected"
    assert reason in answer["statusInfo"]["additionalInfo"]
    query = '{ events(stream: "trust/ASKER", topics: ["trust.signature_refused.v1"], first: 500) { edges { node { data } } } }'  # fmt: skip # noqa: E501
    edges = (await secure.server.ask(query))["events"]["edges"]
    assert reason in edges[-1]["node"]["data"]["reason"]


async def test_the_states_of_a_chain_come_back_in_its_order(secure: Secure, backend: pki.Backend) -> None:
    leaves = [backend.authority.issue(name, pki.new_key()) for name in ("one", "two")]
    asked = [
        {"certificateHashData": pki.named(leaf, backend.authority.certificate), "source": "CRL", "urls": ["http://x"]}
        for leaf in leaves
    ]
    backend.revoked.add(asked[1]["certificateHashData"]["serialNumber"])  # type: ignore[index]
    async with Station(secure.server.ocpp, "CHAIN", "2.1") as station:
        await station.boot()
        answer = await station.call("GetCertificateChainStatus", {"certificateStatusRequests": asked})
    assert [line["status"] for line in answer["certificateStatus"]] == ["Good", "Revoked"]
    assert [line["certificateHashData"] for line in answer["certificateStatus"]] == [
        line["certificateHashData"] for line in asked
    ]


async def test_a_car_without_a_contract_is_told_so(secure: Secure) -> None:
    async with Station(secure.server.ocpp, "CAR", "2.1") as station:
        await station.boot()
        none = await station.call("Get15118EVCertificate", EV | {"exiRequest": "NONE"})
        assert (none["status"], none["exiResponse"]) == ("Failed", "")
        assert none["statusInfo"]["additionalInfo"] == "no contract for this car"
        more = EV | {"exiRequest": "AAAA", "maximumContractCertificateChains": 2}
        some = await station.call("Get15118EVCertificate", more)
    assert (some["status"], some["remainingContracts"]) == ("Accepted", 0)
    assert base64.b64decode(some["exiResponse"]) == b"contract for AAAA"


async def test_a_contract_certificate_is_judged_with_the_badge(secure: Secure, backend: pki.Backend) -> None:
    """C07.FR.13 to C07.FR.17."""
    server = secure.server
    await server.ask(f'mutation {{ registerBadge(input: {{badge: "{TOKEN["idToken"]}", kind: "eMAID"}}) {{ badge }} }}')
    await server.ask('mutation { registerBadge(input: {badge: "DEXXXC0000002", kind: "eMAID"}) { badge } }')
    await server.ask('mutation { blockBadge(input: {badge: "DEXXXC0000002", reason: "unpaid"}) { badge } }')
    leaf = backend.authority.issue("contract", pki.new_key())
    past = backend.authority.issue("past", pki.new_key(), begin=-3 * pki.DAY, end=-pki.DAY)
    one = pki.named(leaf, backend.authority.certificate) | {"responderURL": "http://x"}
    async with Station(server.ocpp, "PNC", "2.0.1") as station:
        await station.boot()

        async def verdict(badge: str, **proof: Any) -> tuple[str, str]:
            token = TOKEN | {"idToken": badge}
            answer = await station.call("Authorize", {"idToken": token, **proof})
            return answer["certificateStatus"], answer["idTokenInfo"]["status"]

        good, blocked = TOKEN["idToken"], "DEXXXC0000002"
        assert await verdict(good, iso15118CertificateHashData=[one]) == ("Accepted", "Accepted")
        assert await verdict(good, certificate=pki.pem(leaf)) == ("Accepted", "Accepted")
        assert await verdict(blocked, certificate=pki.pem(leaf)) == ("ContractCancelled", "Blocked")
        assert await verdict(good, certificate=pki.pem(past)) == ("CertificateExpired", "Expired")
        assert await verdict(good, certificate="nonsense") == ("CertChainError", "Invalid")


async def test_without_a_backend_nothing_is_guessed(tmp_path: Path, backend: pki.Backend) -> None:
    one = pki.named(backend.authority.certificate, backend.authority.certificate) | {"responderURL": "http://x"}
    with secured(tmp_path) as alone:
        async with Station(alone.server.ocpp, "ALONE", "2.1") as station:
            await station.boot()
            status = await station.call("GetCertificateStatus", {"ocspRequestData": one})
            contract = await station.call("Get15118EVCertificate", EV | {"exiRequest": "AAAA"})
            judged = await station.call("Authorize", {"idToken": TOKEN, "iso15118CertificateHashData": [one]})
            assert (await station.call("Authorize", {"idToken": TOKEN}))["idTokenInfo"]["status"] == "Accepted"
    assert status["status"] == contract["status"] == "Failed"
    assert "no Plug & Charge backend" in status["statusInfo"]["additionalInfo"]
    assert (judged["certificateStatus"], judged["idTokenInfo"]["status"]) == ("CertChainError", "Invalid")
