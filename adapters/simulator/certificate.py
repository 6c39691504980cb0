"""Certificates of a simulated station: roots that it trusts, and its own, asked for and installed (A02, M03-M05)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.simulator.vocabulary import Payload, Said, now, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station

OWN = "ChargingStationCertificate"
ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


@dataclass
class Installed:
    """A root, and what it is for."""

    kind: str
    certificate: x509.Certificate


class Certificates:
    """The certificates of one station; private keys never leave it."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.roots: list[Installed] = []
        self.asked: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.own: dict[str, list[x509.Certificate]] = {}

    def install(self, kind: str, pem: str) -> str:
        """M05: what is no certificate, or not now one, is rejected."""
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
        except ValueError:
            return "Rejected"
        if not timely(certificate):
            return "Rejected"
        digest = certificate.fingerprint(hashes.SHA256())
        self.roots = [r for r in self.roots if (r.kind, r.certificate.fingerprint(hashes.SHA256())) != (kind, digest)]
        self.roots.append(Installed(kind, certificate))
        return "Accepted"

    def delete(self, wanted: Payload) -> bool:
        """M04."""
        algorithm = wanted["hashAlgorithm"]
        left = [row for row in self.roots if not same(self.hashed(row.certificate, algorithm), wanted)]
        found = len(left) < len(self.roots)
        self.roots = left
        return found

    def hashed(self, certificate: x509.Certificate, algorithm: str = "SHA256") -> Payload:
        """CertificateHashDataType: like OCSP's CertID, of the issuer's name and key (RFC 6960)."""
        chosen = ALGORITHMS[algorithm]
        return {
            "hashAlgorithm": algorithm,
            "issuerNameHash": digest(certificate.issuer.public_bytes(), chosen),
            "issuerKeyHash": digest(key_bits(self.issuer(certificate)), chosen),
            "serialNumber": f"{certificate.serial_number:x}",
        }

    def issuer(self, certificate: x509.Certificate) -> x509.Certificate:
        """Who signed it, as far as this station knows; a root signed itself."""
        known = [row.certificate for row in self.roots if row.certificate.subject == certificate.issuer]
        return known[0] if known and certificate.issuer != certificate.subject else certificate

    def request(self, kind: str) -> Said:
        """SignCertificate with a new key (A02.FR.02: at least 256 bits of elliptic curve)."""
        key = ec.generate_private_key(ec.SECP256R1())
        self.asked[kind] = key
        owner = self.station.device.value("SecurityCtrlr", "OrganizationName")
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, self.station.identity),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, owner),
            ]
        )
        csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        body: Payload = {"csr": csr.public_bytes(serialization.Encoding.PEM).decode()}
        return Said("SignCertificate", body if self.station.version == "1.6" else body | {"certificateType": kind})

    def signed(self, kind: str, pem: str) -> bool:
        """A02.FR.06: a chain for the key we asked with, in its time, each signed by the next or by a root we trust."""
        try:
            chain = x509.load_pem_x509_certificates(pem.encode())
        except ValueError:
            return False
        key = self.asked.get(kind)
        if key is None or public(chain[0]) != key.public_key() or not all(map(timely, chain)):
            return False
        roots = [row.certificate for row in self.roots if row.certificate.subject == chain[-1].issuer]
        if not all(issued(one, by) for one, by in zip(chain, [*chain[1:], *roots[:1]], strict=False)):
            return False
        del self.asked[kind]
        self.own[kind] = chain
        return True


def timely(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_before_utc <= now() < certificate.not_valid_after_utc


def public(certificate: x509.Certificate) -> object:
    return certificate.public_key()


def issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def digest(content: bytes, algorithm: hashes.HashAlgorithm) -> str:
    made = hashes.Hash(algorithm)
    made.update(content)
    return made.finalize().hex()


def key_bits(certificate: x509.Certificate) -> bytes:
    """The bits of the public key without their wrapping: what RFC 6960 hashes."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


def same(one: Payload, other: Payload) -> bool:
    """Serial numbers are hexadecimal: their case and leading zeros mean nothing."""
    return all(
        one[name].lower().lstrip("0") == str(other[name]).lower().lstrip("0")
        for name in ("issuerNameHash", "issuerKeyHash", "serialNumber")
    )


def install(station: Station, payload: Payload) -> Payload:
    return {"status": station.certificates.install(payload["certificateType"], payload["certificate"])}


def delete(station: Station, payload: Payload) -> Payload:
    return {"status": "Accepted" if station.certificates.delete(payload["certificateHashData"]) else "NotFound"}


def ids16(station: Station, payload: Payload) -> Payload:
    kept = station.certificates
    rows = [kept.hashed(row.certificate) for row in kept.roots if row.kind == payload["certificateType"]]
    return {"status": "Accepted", "certificateHashData": rows} if rows else {"status": "NotFound"}


def ids201(station: Station, payload: Payload) -> Payload:
    """M03."""
    kept, kinds = station.certificates, payload.get("certificateType")
    rows = [
        {"certificateType": row.kind, "certificateHashData": kept.hashed(row.certificate)}
        for row in kept.roots
        if kinds is None or row.kind in kinds
    ]
    return {"status": "Accepted", "certificateHashDataChain": rows} if rows else {"status": "NotFound"}


def signed(station: Station, payload: Payload) -> Payload:
    good = station.certificates.signed(payload.get("certificateType", OWN), payload["certificateChain"])
    if not good:
        word = "ChargePoint" if station.version == "1.6" else "ChargingStation"
        station.alarm(f"Invalid{word}Certificate")
    return status(good)


OBEY16 = {
    "InstallCertificate": install,
    "DeleteCertificate": delete,
    "GetInstalledCertificateIds": ids16,
    "CertificateSigned": signed,
}
OBEY201 = {**OBEY16, "GetInstalledCertificateIds": ids201}
