"""TLS of the HTTP listener, with certificates that may be renewed while it runs."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

log = logging.getLogger("bornier.tls")


class Served:
    """Certificate files that change on disk are read again at the next connection; what cannot be read leaves what
    was."""

    def __init__(self, pairs: list[tuple[Path, Path]]) -> None:
        self.pairs = pairs
        self.read_at = self.stamps()
        self.current = fresh(pairs)
        self.context = fresh(pairs)
        self.context.sni_callback = self.choose  # asked at every connection, also where no name is given

    def choose(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        stamps = self.stamps()
        if stamps != self.read_at:
            try:
                self.current, self.read_at = fresh(self.pairs), stamps
                log.info("the certificates of the HTTP listener were read again")
            except (OSError, ValueError) as error:
                log.error("the certificates of the HTTP listener cannot be read: %s", error)
        connection.context = self.current

    def stamps(self) -> tuple[int, ...]:
        """When the files changed last; 0: it is not there."""
        files = (file for pair in self.pairs for file in pair)
        return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)


def fresh(pairs: list[tuple[Path, Path]]) -> ssl.SSLContext:
    """TLS 1.2 or newer, with HTTP/1.1. Raises OSError or ValueError for files that do not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    for certificate, key in pairs:
        context.load_cert_chain(certificate, key)
    return context
