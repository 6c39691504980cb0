"""Our certificate authority: it signs the certificates of charging stations (OCPP 2.0.1 A00, certificate hierarchy).

`authority.pem` in the folder of the keys holds its private key and its certificate, and the ones above it if there are
any; it is made at first need. `v2g.pem`, if an operator puts it there, signs the certificates that cars see.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from adapters.authority.key import Keys
from domain.x509 import common_name, read_request

ROOT_LIFE = timedelta(days=20 * 365)
LIST_LIFE = timedelta(days=7)
BACKDATED = timedelta(hours=1)


class Signer(NamedTuple):
    """A private key, its certificate, and those above it except the root."""

    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    certificate: x509.Certificate
    above: list[x509.Certificate]


class Authority:
    """Signs, and says what it has taken back. Every method may touch the disk: call it from a thread."""

    def __init__(self, keys: Keys, organisation: str, life: timedelta) -> None:
        self.keys = keys
        self.organisation = organisation
        self.life = life

    @cached_property
    def signer(self) -> Signer:
        return load(self.keys.once("authority.pem", lambda: create(self.organisation)))

    @cached_property
    def v2g(self) -> Signer:
        given = self.keys.given("v2g.pem")
        return load(given) if given is not None else self.signer

    def root(self) -> str:
        """Our certificate, as stations and TLS need it to trust what we sign."""
        return pem([self.signer.certificate])

    def sign(self, csr: str, kind: str, now: datetime) -> str:
        """The certificate for a request somebody has checked, and those between it and the root."""
        request = read_request(csr)
        signer = self.signer if kind == "ChargingStationCertificate" else self.v2g
        until = min(now + self.life, signer.certificate.not_valid_after_utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject(common_name(request.subject) or "", self.organisation))
            .issuer_name(signer.certificate.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(digital_signature=True, key_agreement=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(request.public_key()), critical=False)
            .add_extension(issued_by(signer), critical=False)
        )
        return pem([builder.sign(signer.key, hashes.SHA256()), *above(signer)])

    def revocation_list(self, revoked: Iterable[tuple[str, datetime]], now: datetime) -> str:
        """What we have taken back, signed (RFC 5280 CRL): serial numbers in hexadecimal, and when."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.signer.certificate.subject)
            .last_update(now)
            .next_update(now + LIST_LIFE)
            .add_extension(issued_by(self.signer), critical=False)
        )
        for serial, at in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(at).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.signer.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def create(organisation: str) -> bytes:
    """A new authority, ECDSA on P-256, that signs itself."""
    now = datetime.now().astimezone()
    key = ec.generate_private_key(ec.SECP256R1())
    name = subject("Bornier certificate authority", organisation)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def load(text: bytes) -> Signer:
    """Private key and certificates out of one PEM file. Raises ValueError in words of the file."""
    key = load_pem_private_key(text, None)
    certificate, *others = x509.load_pem_x509_certificates(text)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError("the key of the authority must be RSA or of an elliptic curve")
    if key.public_key() != certificate.public_key():
        raise ValueError("the first certificate of the authority is not for its key")
    return Signer(key, certificate, others)


def above(signer: Signer) -> list[x509.Certificate]:
    """What a station needs between its certificate and the root it has installed."""
    chain = [signer.certificate, *signer.above]
    return [certificate for certificate in chain if certificate.subject != certificate.issuer]


def subject(name: str, organisation: str) -> x509.Name:
    named = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation:
        named.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(named)


def issued_by(signer: Signer) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())


def usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


def pem(certificates: Iterable[x509.Certificate]) -> str:
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)
