"""A simulated station trusts the roots it is given, and takes only the certificate that it asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.ocsp import OCSPRequestBuilder
from cryptography.x509.oid import NameOID

from adapters.simulator.vocabulary import now
from tests.adapters.simulator.desk import at_desk

VERSIONS = ["1.6", "2.0.1", "2.1"]


class Authority:
    """A certificate authority for one test."""

    def __init__(self, days: float = 10) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root")])
        self.root = self.certify(self.name, self.key.public_key(), 17, days)

    def certify(self, subject: x509.Name, key: object, number: int, days: float = 10) -> x509.Certificate:
        begin = now() - timedelta(20)
        built = x509.CertificateBuilder(self.name, subject, key, number, begin, now() + timedelta(days))  # type: ignore[arg-type]
        return built.sign(self.key, hashes.SHA256())

    def answer(self, csr: str) -> str:
        request = x509.load_pem_x509_csr(csr.encode())
        return pem(self.certify(request.subject, request.public_key(), 99))


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def root_kind(version: str) -> str:
    return "CentralSystemRootCertificate" if version == "1.6" else "CSMSRootCertificate"


@pytest.mark.parametrize("version", VERSIONS)
async def test_roots_are_installed_listed_and_deleted_by_their_hashes(version: str) -> None:
    authority, kind = Authority(), root_kind(version)
    listing = {"certificateType": kind if version == "1.6" else [kind]}
    async with at_desk(version) as (desk, _):
        assert await desk.ask("GetInstalledCertificateIds", listing) == {"status": "NotFound"}
        asked = {"certificateType": kind, "certificate": pem(authority.root)}
        assert await desk.ask("InstallCertificate", asked) == {"status": "Accepted"}
        for bad in ("no certificate", pem(Authority(days=-1).root)):
            answer = await desk.ask("InstallCertificate", {"certificateType": kind, "certificate": bad})
            assert answer == {"status": "Rejected"}
        answer = await desk.ask("GetInstalledCertificateIds", listing)
        (row,) = answer.get("certificateHashData") or [
            chain["certificateHashData"] for chain in answer["certificateHashDataChain"]
        ]
        ocsp = OCSPRequestBuilder().add_certificate(authority.root, authority.root, hashes.SHA256()).build()
        assert (row["issuerNameHash"], row["issuerKeyHash"]) == (
            ocsp.issuer_name_hash.hex(),
            ocsp.issuer_key_hash.hex(),
        )
        assert int(row["serialNumber"], 16) == 17
        gone = {"certificateHashData": row}
        assert await desk.ask("DeleteCertificate", gone) == {"status": "Accepted"}
        assert await desk.ask("DeleteCertificate", gone) == {"status": "NotFound"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_triggered_request_gets_a_certificate_and_only_the_right_one(version: str) -> None:
    authority = Authority()
    async with at_desk(version) as (desk, station):
        trigger = "ExtendedTriggerMessage" if version == "1.6" else "TriggerMessage"
        message = "SignChargePointCertificate" if version == "1.6" else "SignChargingStationCertificate"
        assert await desk.ask(trigger, {"requestedMessage": message}) == {"status": "Accepted"}
        csr = (await desk.hears("SignCertificate"))["csr"]
        request = x509.load_pem_x509_csr(csr.encode())
        assert request.is_signature_valid
        assert request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "S1"
        stranger = pem(authority.certify(request.subject, Authority().key.public_key(), 1))
        assert await desk.ask("CertificateSigned", {"certificateChain": stranger}) == {"status": "Rejected"}
        event = await desk.hears("SecurityEventNotification")
        assert event["type"].startswith("InvalidCharg")
        good = authority.answer(csr) + pem(authority.root)
        assert await desk.ask("CertificateSigned", {"certificateChain": good}) == {"status": "Accepted"}
        (chain,) = station.certificates.own.values()
        assert chain[0].serial_number == 99
        assert await desk.ask("CertificateSigned", {"certificateChain": good}) == {"status": "Rejected"}
