"""What certificates and signing requests say (X.509), and whether a request may be signed. Pure reading, no keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from domain.event import Refusal

EC_BITS = 224
RSA_BITS = 2048
ALGORITHMS = {"SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}


class HashData(msgspec.Struct, frozen=True):
    """A certificate as OCPP names it: hashes of its issuer, and its serial number in hexadecimal."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


def read(text: str) -> list[x509.Certificate]:
    """The certificates of a PEM text, in their order. Raises Refusal for anything else."""
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise Refusal(f"this is not a certificate in PEM: {error}") from None


def read_request(text: str) -> x509.CertificateSigningRequest:
    """A certificate signing request: PEM, or its base64 without the lines around it. Raises Refusal."""
    try:
        if "-----BEGIN" in text:
            return x509.load_pem_x509_csr(text.replace("\\n", "\n").encode())
        return x509.load_der_x509_csr(base64.b64decode(text))
    except (ValueError, binascii.Error) as error:
        raise Refusal(f"this is not a certificate signing request: {error}") from None


def doubt(request: x509.CertificateSigningRequest, names: Iterable[str], organisation: str | None) -> str | None:
    """Why a request may not be signed for a station that goes by these names (A00.FR.501 to A00.FR.511)."""
    try:
        key, signed = request.public_key(), request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        return f"its key cannot be read: {error}"
    if not signed:
        return "its signature is not by its own key"
    if isinstance(key, ec.EllipticCurvePublicKey):
        weak = key.key_size < EC_BITS
    elif isinstance(key, rsa.RSAPublicKey):
        weak = key.key_size < RSA_BITS
    else:
        return "its key is neither RSA nor of an elliptic curve"
    if weak:
        return f"its key has only {key.key_size} bits"
    if common_name(request.subject) not in set(names):
        return f"its common name is {common_name(request.subject)!r}, which is not a name of this station"
    theirs = organisation_of(request.subject)
    if organisation and theirs and theirs != organisation:
        return f"its organisation is {theirs!r}, not {organisation!r}"
    return None


def common_name(name: x509.Name) -> str | None:
    return attribute(name, NameOID.COMMON_NAME)


def organisation_of(name: x509.Name) -> str | None:
    return attribute(name, NameOID.ORGANIZATION_NAME)


def attribute(name: x509.Name, kind: x509.ObjectIdentifier) -> str | None:
    found = name.get_attributes_for_oid(kind)
    return str(found[0].value) if found else None


def serial(certificate: x509.Certificate) -> str:
    """The serial number as OCPP writes it: hexadecimal, without leading zeros."""
    return format(certificate.serial_number, "x")


def hashes(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> HashData:
    """The hash data of a certificate (CertificateHashDataType); a root is its own issuer."""
    digest = ALGORITHMS[algorithm]
    return HashData(
        algorithm,
        digest(certificate.issuer.public_bytes()).hexdigest(),
        digest(key_bits(issuer)).hexdigest(),
        serial(certificate),
    )


def key_bits(certificate: x509.Certificate) -> bytes:
    """The public key without tag and length, as RFC 6960 hashes it."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    raise Refusal("the key of the issuer is neither RSA nor of an elliptic curve")
