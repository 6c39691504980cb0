"""TLS of the OCPP listener: security profiles 2 and 3 (OCPP 2.0.1 A00.FR.3xx and A00.FR.4xx)."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from cryptography import x509

log = logging.getLogger("bornier.ocpp")

CIPHERS = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    )
)
"""What the specification asks for (A00.FR.318), and the same for RSA keys with forward secrecy. Of TLS 1.3: all."""

SHAKE_S = 15.0


class Certificates:
    """Our certificates as a server (one ECDSA and one RSA, if there are two) and the roots of client certificates.

    Files that change on disk are read again at the next connection; a file that cannot be read leaves what was.
    """

    def __init__(self, pairs: list[tuple[Path, Path]], roots: Path | None, own_root: Callable[[], str]) -> None:
        self.pairs = pairs
        self.roots = roots
        self.own_root = own_root
        self.read_at: tuple[float, ...] = ()
        self.current = self.fresh()

    def context(self) -> ssl.SSLContext:
        """For one more connection. Certificates of clients are asked for, and verified when they come."""
        if self.stamps() != self.read_at:
            try:
                self.current = self.fresh()
                log.info("the certificates of the OCPP listener were read again")
            except (OSError, ValueError) as error:
                log.error("the certificates of the OCPP listener cannot be read: %s", error)
        return self.current

    def fresh(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
        context.verify_mode = ssl.CERT_OPTIONAL
        self.read_at = self.stamps()
        for certificate, key in self.pairs:
            context.load_cert_chain(certificate, key)
        context.load_verify_locations(cadata=self.own_root())
        if self.roots is not None:
            context.load_verify_locations(self.roots)
        return context

    def stamps(self) -> tuple[float, ...]:
        files = [*(file for pair in self.pairs for file in pair), *([self.roots] if self.roots else [])]
        return tuple(file.stat().st_mtime if file.exists() else 0.0 for file in files)


class Door:
    """Takes connections, agrees on TLS, and hands them on; tells who failed at it, and why."""

    def __init__(
        self,
        certificates: Certificates,
        inside: Callable[[], asyncio.Protocol],
        failed: Callable[[str | None, str], None],
    ) -> None:
        self.certificates = certificates
        self.inside = inside
        self.failed = failed
        self.loop = asyncio.get_running_loop()
        self.tasks: set[asyncio.Task[None]] = set()
        self.socket: socket.socket

    def open(self, host: str, port: int) -> int:
        """Listen; returns the port."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family, backlog=4096)
        self.socket.setblocking(False)
        self.go(self.accept())
        return int(self.socket.getsockname()[1])

    def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        self.socket.close()

    async def accept(self) -> None:
        while True:
            try:
                accepted, address = await self.loop.sock_accept(self.socket)
            except OSError as error:
                log.warning("a connection with TLS was not taken: %s", error)
                await asyncio.sleep(0.1)
                continue
            self.go(self.shake(accepted, f"{address[0]}:{address[1]}"))

    async def shake(self, accepted: socket.socket, address: str) -> None:
        try:
            await self.loop.connect_accepted_socket(
                self.inside, accepted, ssl=self.certificates.context(), ssl_handshake_timeout=SHAKE_S
            )
        except OSError as error:
            accepted.close()
            self.failed(address, reason(error))

    def go(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def reason(error: Exception) -> str:
    """Why TLS was not agreed, in the words of OpenSSL."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the client certificate is not valid: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return str(error) or type(error).__name__


def verified(transport: asyncio.BaseTransport) -> x509.Certificate | None:
    """The certificate of the client, which TLS has verified."""
    tls = transport.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    return x509.load_der_x509_certificate(der) if der else None
