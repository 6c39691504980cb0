"""Certificates (OCPP 1.6 security whitepaper A02, M03 to M05; OCPP 2.0.1 blocks A and M)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from domain.x509 import common_name, serial
from tests import pki
from tests.end_to_end.client import PATIENCE_S, Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order

ROOT, MAKER = pki.Authority("CSMS root"), pki.Authority("Maker root")
INSTALL = "mutation ($input: InstallCertificateInput!) { installCertificate(input: $input) { id } }"
USES = {
    "CSMS_ROOT": "CSMSRootCertificate",
    "MANUFACTURER_ROOT": "ManufacturerRootCertificate",
    "V2G_ROOT": "V2GRootCertificate",
    "MO_ROOT": "MORootCertificate",
    "V2G_CHAIN": "V2GCertificateChain",
}
FINAL = {"ACCEPTED", "REJECTED", "FAILED", "TIMED_OUT", "EXPIRED"}


@pytest.fixture(scope="module")
def backend() -> Iterator[pki.Backend]:
    with pki.Backend(pki.Authority("V2G root")) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, backend: pki.Backend) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("certificate") / "bornier.db"
    with Server(f"sqlite:///{place}", BORNIER_CONTRACTS=backend.address) as running:
        yield running


async def renew(server: Server, station: Station, kind: str, sent: str, answer: str = "Accepted") -> x509.Certificate:
    """Reusable state RenewChargingStationCertificate; the certificate that was brought."""
    station.commands["CertificateSigned"] = {"status": answer}
    await order(server, f'renewCertificate(input: {{stationId: "{station.station_id}", kind: {kind}}})')
    assert station.heard[-1][3] == {"requestedMessage": sent}
    key, request = pki.new_key(), {}
    if station.version != "1.6":
        request = {"certificateType": "V2GCertificate" if kind == "V2G" else "ChargingStationCertificate"}
    csr = pki.request(station.station_id, key)
    assert await station.call("SignCertificate", {"csr": csr, **request}) == {"status": "Accepted"}
    payload = await heard(station, "CertificateSigned")
    assert payload == {"certificateChain": payload["certificateChain"], **request}
    certificate = x509.load_pem_x509_certificates(payload["certificateChain"].encode())[0]
    authority = (await server.ask("{ certificateAuthority { root } }"))["certificateAuthority"]["root"]
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))
    assert certificate.public_key() == key.public_key()
    assert common_name(certificate.subject) == station.station_id
    return certificate


async def heard(station: Station, action: str) -> dict[str, Any]:
    """The payload of a command that comes by itself."""
    async with asyncio.timeout(PATIENCE_S):
        while not station.heard or station.heard[-1][2] != action:
            await asyncio.sleep(0.01)
    payload: dict[str, Any] = station.heard[-1][3]
    return payload


async def fate(server: Server, station_id: str, certificate: x509.Certificate, wanted: str) -> None:
    query = "query ($id: ID!) { certificates(stationId: $id) { edges { node { serialNumber status reason } } } }"

    def settled(data: dict[str, Any]) -> bool:
        nodes = {e["node"]["serialNumber"]: e["node"]["status"] for e in data["certificates"]["edges"]}
        return nodes.get(serial(certificate)) == wanted

    await server.until(query, settled, id=station_id)


RENEWALS = [
    pytest.param("1.6", "CHARGING_STATION", "SignChargePointCertificate", marks=pytest.mark.octt("1.6", "TC_074_CSMS")),
    pytest.param(
        "2.0.1", "CHARGING_STATION", "SignChargingStationCertificate", marks=pytest.mark.octt("2.0.1", "TC_A_11_CSMS")
    ),
    pytest.param("2.0.1", "V2G", "SignV2GCertificate", marks=pytest.mark.octt("2.0.1", "TC_A_12_CSMS")),
    pytest.param("2.0.1", "COMBINED", "SignCombinedCertificate", marks=pytest.mark.octt("2.0.1", "TC_A_13_CSMS")),
]


@pytest.mark.parametrize(("version", "kind", "sent"), RENEWALS)
async def test_a_certificate_is_renewed_by_request(server: Server, version: str, kind: str, sent: str) -> None:
    async with Station(server.ocpp, f"RENEW{version}{kind}", version) as station:
        await station.boot()
        certificate = await renew(server, station, kind, sent)
        await fate(server, station.station_id, certificate, "DELIVERED")


INVALID = [
    pytest.param("1.6", "SignChargePointCertificate", marks=pytest.mark.octt("1.6", "TC_077_CSMS")),
    pytest.param("2.0.1", "SignChargingStationCertificate", marks=pytest.mark.octt("2.0.1", "TC_A_14_CSMS")),
]


@pytest.mark.parametrize(("version", "sent"), INVALID)
async def test_a_certificate_the_station_finds_invalid_is_declined(server: Server, version: str, sent: str) -> None:
    async with Station(server.ocpp, f"INVALID{version}", version) as station:
        await station.boot()
        certificate = await renew(server, station, "CHARGING_STATION", sent, "Rejected")
        await fate(server, station.station_id, certificate, "DECLINED")
        kind = "InvalidChargePointCertificate" if version == "1.6" else "InvalidChargingStationCertificate"
        await security_event(server, station, kind)


@pytest.mark.octt("1.6", "TC_078_CSMS")
async def test_an_invalid_root_is_rejected_and_reported(server: Server) -> None:
    async with Station(server.ocpp, "TC078") as station:
        await station.boot()
        command = await install(server, station, "CSMS_ROOT", ROOT.pem, "Rejected")
        assert command["status"] == "REJECTED"
        await security_event(server, station, "InvalidCentralSystemCertificate")


async def security_event(server: Server, station: Station, kind: str) -> None:
    payload = {"type": kind, "timestamp": "2026-11-23T10:00:00Z"}
    assert await station.call("SecurityEventNotification", payload) == {}
    query = "query ($stream: ID!) { events(stream: $stream, topics: [\"station.security_event_reported.v1\"]) { edges { node { data } } } }"  # fmt: skip # noqa: E501
    (edge,) = (await server.ask(query, stream=f"station/{station.station_id}"))["events"]["edges"]
    assert edge["node"]["data"]["kind"] == kind


async def install(server: Server, station: Station, use: str, pem: str, answer: str) -> dict[str, Any]:
    """Reusable state CertificateInstalled."""
    station.commands["InstallCertificate"] = {"status": answer}
    wish = {"stationId": station.station_id, "use": use, "certificate": pem}
    asked = await server.ask(INSTALL, input=wish)
    data = await server.until(
        "query ($id: ID!) { command(id: $id) { status error answer } }",
        lambda d: d["command"] and d["command"]["status"] in FINAL,
        id=asked["installCertificate"]["id"],
    )
    kind = USES[use].replace("CSMSRoot", "CentralSystemRoot") if station.version == "1.6" else USES[use]
    assert station.heard[-1][2:] == ["InstallCertificate", {"certificateType": kind, "certificate": pem}]
    command: dict[str, Any] = data["command"]
    return command


INSTALLS = [
    pytest.param("1.6", "MANUFACTURER_ROOT", marks=pytest.mark.octt("1.6", "TC_075_1_CSMS")),
    pytest.param("1.6", "CSMS_ROOT", marks=pytest.mark.octt("1.6", "TC_075_2_CSMS")),
    pytest.param("2.0.1", "CSMS_ROOT", marks=pytest.mark.octt("2.0.1", "TC_M_01_CSMS")),
    pytest.param("2.0.1", "MANUFACTURER_ROOT", marks=pytest.mark.octt("2.0.1", "TC_M_02_CSMS")),
    pytest.param("2.0.1", "V2G_ROOT", marks=pytest.mark.octt("2.0.1", "TC_M_03_CSMS")),
    pytest.param("2.0.1", "MO_ROOT", marks=pytest.mark.octt("2.0.1", "TC_M_04_CSMS")),
]


@pytest.mark.parametrize(("version", "use"), INSTALLS)
async def test_a_root_is_installed(server: Server, version: str, use: str) -> None:
    async with Station(server.ocpp, f"ROOT{version}{use}", version) as station:
        await station.boot()
        assert (await install(server, station, use, ROOT.pem, "Accepted"))["status"] == "ACCEPTED"
        await holds(server, station, [(use, serial(ROOT.certificate))])


@pytest.mark.octt("2.0.1", "TC_M_05_CSMS")
async def test_a_root_that_could_not_be_installed_is_not_held(server: Server) -> None:
    async with Station(server.ocpp, "TCM05", "2.0.1") as station:
        await station.boot()
        command = await install(server, station, "CSMS_ROOT", ROOT.pem, "Failed")
        assert (command["status"], command["error"]) == ("REJECTED", "Failed")
        await holds(server, station, [])


async def holds(server: Server, station: Station, wanted: list[tuple[str, str]]) -> None:
    query = "query ($id: ID!) { trustedCertificates(stationId: $id) { use serialNumber } }"

    def shown(data: dict[str, Any]) -> bool:
        return [(row["use"], row["serialNumber"]) for row in data["trustedCertificates"]] == wanted

    await server.until(query, shown, id=station.station_id)


async def listed(server: Server, station: Station, uses: list[str], *held: dict[str, Any]) -> dict[str, Any]:
    """Reusable state GetInstalledCertificates; the command."""
    answer: dict[str, Any] = {"status": "Accepted" if held else "NotFound"}
    if held:
        name = "certificateHashData" if station.version == "1.6" else "certificateHashDataChain"
        answer[name] = list(held)
    station.commands["GetInstalledCertificateIds"] = answer
    wish = f", uses: [{', '.join(uses)}]" if uses else ""
    command = await order(server, f'getInstalledCertificateIds(input: {{stationId: "{station.station_id}"{wish}}})')
    kinds = [USES[use] for use in uses]
    if station.version == "1.6":
        assert station.heard[-1][3] == {"certificateType": kinds[0].replace("CSMSRoot", "CentralSystemRoot")}
    else:
        assert station.heard[-1][3] == ({"certificateType": kinds} if kinds else {})
    return command


def link(use: str, one: dict[str, str], *children: dict[str, str]) -> dict[str, Any]:
    """An entry of certificateHashDataChain."""
    entry: dict[str, Any] = {"certificateType": USES[use], "certificateHashData": one}
    return entry | {"childCertificateHashData": list(children)} if children else entry


def own(authority: pki.Authority, algorithm: str = "SHA256") -> dict[str, str]:
    return pki.named(authority.certificate, authority.certificate, algorithm)


@pytest.mark.octt("2.0.1", "TC_M_12_CSMS")
async def test_roots_are_listed_in_every_hash_algorithm(server: Server) -> None:
    async with Station(server.ocpp, "TCM12", "2.0.1") as station:
        await station.boot()
        for algorithm in ("SHA256", "SHA384", "SHA512"):
            command = await listed(server, station, ["CSMS_ROOT"], link("CSMS_ROOT", own(ROOT, algorithm)))
            assert command["status"] == "ACCEPTED"
        query = "query ($id: ID!) { trustedCertificates(stationId: $id) { hashAlgorithm issuerKeyHash } }"
        data = await server.until(
            query, lambda d: [r["hashAlgorithm"] for r in d["trustedCertificates"]] == ["SHA512"], id="TCM12"
        )
        assert data["trustedCertificates"][0]["issuerKeyHash"] == own(ROOT, "SHA512")["issuerKeyHash"]


LISTS = [
    pytest.param(["MANUFACTURER_ROOT"], marks=pytest.mark.octt("2.0.1", "TC_M_13_CSMS")),
    pytest.param(["V2G_ROOT"], marks=pytest.mark.octt("2.0.1", "TC_M_14_CSMS")),
    pytest.param(["V2G_CHAIN"], marks=pytest.mark.octt("2.0.1", "TC_M_15_CSMS")),
    pytest.param(["MO_ROOT"], marks=pytest.mark.octt("2.0.1", "TC_M_16_CSMS")),
    pytest.param(["CSMS_ROOT", "MANUFACTURER_ROOT"], marks=pytest.mark.octt("2.0.1", "TC_M_17_CSMS")),
    pytest.param([], marks=pytest.mark.octt("2.0.1", "TC_M_18_CSMS")),
]


@pytest.mark.parametrize("uses", LISTS)
async def test_what_a_station_holds_is_listed(server: Server, uses: list[str]) -> None:
    signers = {use: pki.Authority(use) for use in uses or USES}
    async with Station(server.ocpp, "LIST" + "-".join(uses), "2.0.1") as station:
        await station.boot()
        children = (own(ROOT), own(MAKER))
        held = [link(u, own(signer), *(children if u == "V2G_CHAIN" else ())) for u, signer in signers.items()]
        assert (await listed(server, station, uses, *held))["status"] == "ACCEPTED"
        ordered = sorted(signers, key=lambda use: USES[use])
        await holds(server, station, [(use, serial(signers[use].certificate)) for use in ordered])


@pytest.mark.octt("2.0.1", "TC_M_19_CSMS")
async def test_nothing_to_list_is_no_fault(server: Server) -> None:
    async with Station(server.ocpp, "TCM19", "2.0.1") as station:
        await station.boot()
        command = await listed(server, station, ["MANUFACTURER_ROOT"])
        assert (command["status"], command["error"]) == ("REJECTED", "NotFound")
        await holds(server, station, [])


DELETES = [
    pytest.param("1.6", "SHA256", "Accepted", marks=pytest.mark.octt("1.6", "TC_076_CSMS")),
    *(
        pytest.param("2.0.1", algorithm, "Accepted", marks=pytest.mark.octt("2.0.1", "TC_M_20_CSMS"))
        for algorithm in ("SHA256", "SHA384", "SHA512")
    ),
    pytest.param("2.0.1", "SHA256", "Failed", marks=pytest.mark.octt("2.0.1", "TC_M_21_CSMS")),
]


@pytest.mark.parametrize(("version", "algorithm", "answer"), DELETES)
async def test_a_certificate_is_deleted_by_the_hashes_the_station_reported(
    server: Server, version: str, algorithm: str, answer: str
) -> None:
    async with Station(server.ocpp, f"DELETE{version}{algorithm}{answer}", version) as station:
        await station.boot()
        await install(server, station, "CSMS_ROOT", ROOT.pem, "Accepted")
        one = own(ROOT, algorithm)
        await listed(server, station, ["CSMS_ROOT"], one if version == "1.6" else link("CSMS_ROOT", one))
        station.commands["DeleteCertificate"] = {"status": answer}
        fields = ", ".join(f'{name}: "{value}"' for name, value in one.items())
        command = await order(server, f'deleteCertificate(input: {{stationId: "{station.station_id}", {fields}}})')
        assert station.heard[-1][2:] == ["DeleteCertificate", {"certificateHashData": one}]
        assert command["status"] == ("ACCEPTED" if answer == "Accepted" else "REJECTED")
        left = [] if answer == "Accepted" else [("CSMS_ROOT", serial(ROOT.certificate))]
        await holds(server, station, left)


@pytest.mark.octt("2.0.1", "TC_M_24_CSMS")
async def test_the_state_of_a_certificate_is_an_ocsp_response(server: Server, backend: pki.Backend) -> None:
    """M06.FR.02, M06.FR.03, M06.FR.08, M06.FR.09: DER of RFC 6960, in base64, about the certificate that was asked."""
    leaf = backend.authority.issue("SubCA", pki.new_key(), authority=True)
    one = pki.named(leaf, backend.authority.certificate)
    async with Station(server.ocpp, "TCM24", "2.0.1") as station:
        await station.boot()
        request = {"ocspRequestData": one | {"responderURL": "http://ocsp.example"}}
        answer = await station.call("GetCertificateStatus", request)
    assert answer["status"] == "Accepted"
    response = ocsp.load_der_ocsp_response(base64.b64decode(answer["ocspResult"]))
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert (response.serial_number, response.issuer_key_hash.hex()) == (leaf.serial_number, one["issuerKeyHash"])


EV = [
    pytest.param("Install", marks=pytest.mark.octt("2.0.1", "TC_M_26_CSMS")),
    pytest.param("Update", marks=pytest.mark.octt("2.0.1", "TC_M_28_CSMS")),
]


@pytest.mark.parametrize("action", EV)
async def test_a_car_gets_its_contract_from_the_backend(server: Server, backend: pki.Backend, action: str) -> None:
    exi = base64.b64encode(f"EXI {action}".encode()).decode()
    request = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": action, "exiRequest": exi}
    async with Station(server.ocpp, f"EV{action}", "2.0.1") as station:
        await station.boot()
        answer = await station.call("Get15118EVCertificate", request)
    contract = base64.b64encode(f"contract for {exi}".encode()).decode()
    assert answer == {"status": "Accepted", "exiResponse": contract}
    assert ("ev-certificate", {"stationId": f"EV{action}", **request}) in backend.asked
