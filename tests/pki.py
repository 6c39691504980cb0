"""A public key infrastructure for tests: authorities, certificates, signing requests, and a Plug & Charge backend."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from domain.x509 import HashData, serial
from domain.x509 import hashes as hash_data

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = timedelta(days=1)


def new_key(kind: str = "ec") -> Key:
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, int(kind))


def name(common_name: str, organisation: str = "ACME") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        ]
    )


def request(common_name: str, key: Key | None = None, organisation: str = "ACME") -> str:
    """A certificate signing request, PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(common_name, organisation))
    return builder.sign(key or new_key(), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def secret(key: Key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Authority:
    """A root that signs; nobody has to trust it but the test."""

    def __init__(self, common_name: str = "Test root") -> None:
        self.key = new_key()
        self.subject = name(common_name)
        self.certificate = self.issue(common_name, self.key, authority=True)

    @property
    def pem(self) -> str:
        return pem(self.certificate)

    def issue(
        self,
        common_name: str,
        key: Key,
        authority: bool = False,
        begin: timedelta = -DAY,
        end: timedelta = 30 * DAY,
        host: str | None = None,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common_name))
            .issuer_name(self.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin)
            .not_valid_after(now + end)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if host is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def pair(self, folder: Path, common_name: str, key: Key | None = None, **more: Any) -> tuple[Path, Path]:
        """A certificate and its key, as files."""
        key = key or new_key()
        certificate, private = folder / f"{common_name}.pem", folder / f"{common_name}.key"
        certificate.write_text(pem(self.issue(common_name, key, **more)))
        private.write_text(secret(key))
        return certificate, private

    def good(self, one: dict[str, Any]) -> bytes:
        """An OCSP response (RFC 6960, DER): the certificate with these hashes is good."""
        now, own = datetime.now(UTC), self.certificate
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            bytes.fromhex(one["issuerNameHash"]),
            bytes.fromhex(one["issuerKeyHash"]),
            int(one["serialNumber"], 16),
            hashes.SHA256(),
            ocsp.OCSPCertStatus.GOOD,
            now,
            now + DAY,
            None,
            None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, own)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


def trusting(authority: str, pair: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """TLS of a station: it trusts one root, and shows a certificate if it has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority)
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


def spelled(one: HashData) -> dict[str, str]:
    """Hash data as OCPP writes it."""
    return {
        "hashAlgorithm": one.hash_algorithm,
        "issuerNameHash": one.issuer_name_hash,
        "issuerKeyHash": one.issuer_key_hash,
        "serialNumber": one.serial_number,
    }


def named(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> dict[str, str]:
    return spelled(hash_data(certificate, issuer, algorithm))


class Backend:
    """A Plug & Charge backend: hands out contracts, answers OCSP, and remembers what it was asked."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.revoked: set[str] = set()
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                question = self.path.rsplit("/", 1)[-1]
                backend.asked.append((question, content))
                answer = json.dumps(backend.answer(question, content)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/pnc"

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, question: str, content: dict[str, Any]) -> dict[str, Any]:
        match question:
            case "ev-certificate" if content["exiRequest"] == "NONE":
                return {"reason": "no contract for this car"}
            case "ev-certificate":
                contract = base64.b64encode(f"contract for {content['exiRequest']}".encode()).decode()
                return {"status": "Accepted", "exiResponse": contract, "remainingContracts": 0}
            case "certificate-status":
                return {"ocspResult": base64.b64encode(self.authority.good(content["ocspRequestData"])).decode()}
            case "certificate-chain-status":
                return {"certificateStatus": [self.judge(line) for line in content["certificateStatusRequests"]]}
            case "contract-status":
                return {"certificateStatus": "Accepted"}
        return {"reason": "what?"}

    def judge(self, line: dict[str, Any]) -> dict[str, str]:
        number = line["certificateHashData"]["serialNumber"]
        return {"status": "Revoked" if number in self.revoked else "Good", "nextUpdate": "2030-01-01T00:00:00Z"}


def serial_of(text: str) -> str:
    return serial(x509.load_pem_x509_certificate(text.encode()))
