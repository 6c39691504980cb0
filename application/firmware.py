"""Signed firmware: do the certificate and the signature fit the image, as a station will ask itself? (L01.FR.04)"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from domain.event import Refusal


def verify(certificate_pem: str, signature_base64: str, sha256: str | None, now: datetime) -> None:
    """Raise Refusal, with the reason, when a station could not accept this.

    `sha256` is the hex digest of the image: the signature is over it, RSA-PSS or ECDSA. Without one, for an image that
    lies elsewhere, only the certificate is looked at.
    """
    certificate = read(certificate_pem)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        until = certificate.not_valid_after_utc
        raise Refusal(f"the signing certificate is not valid now (it is until {until:%Y-%m-%d})")
    try:
        signature = base64.b64decode(signature_base64, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("the signature is not Base64") from None
    if sha256 is not None:
        try:
            check(certificate, signature, bytes.fromhex(sha256))
        except InvalidSignature:
            raise Refusal("the signature does not fit the image and the signing certificate") from None


def read(pem: str) -> Certificate:
    """The firmware signing certificate; a chain begins with it."""
    try:
        return load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise Refusal("the signing certificate is not an X.509 certificate in PEM") from None


def check(certificate: Certificate, signature: bytes, digest: bytes) -> None:
    """Raise InvalidSignature when it is not the signature of this digest."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)
        key.verify(signature, digest, pss, Prehashed(SHA256()))
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, digest, ec.ECDSA(Prehashed(SHA256())))
    else:
        raise Refusal("the signing certificate has a key that firmware is not signed with: RSA or elliptic curve")
