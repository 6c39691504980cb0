"""A server that listens with TLS too, and everything a station needs to trust it and to be trusted."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import pki
from tests.end_to_end.server import Server


@dataclass
class Secure:
    """The server, the root it shows, and the root of certificates that stations bring from their maker."""

    server: Server
    root: pki.Authority
    maker: pki.Authority
    folder: Path
    log: Path

    def tls(self, pair: tuple[Path, Path] | None = None, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """TLS of a station, with its certificate if it has one."""
        context = pki.trusting(self.root.pem, pair)
        if newest is not None:
            context.maximum_version = newest
        return context

    def pair(self, name: str, **how: Any) -> tuple[Path, Path]:
        """A certificate of the maker for a station."""
        return self.maker.pair(self.folder, name, **how)


@contextmanager
def secured(folder: Path, **settings: str) -> Iterator[Secure]:
    """On SQLite, with an ECDSA and an RSA certificate for localhost."""
    root, maker = pki.Authority("CSMS root"), pki.Authority("Maker root")
    ecdsa = root.pair(folder, "ecdsa", host="localhost")
    rsa = root.pair(folder, "rsa", pki.new_key("2048"), host="localhost")
    (folder / "roots.pem").write_text(maker.pem)
    tls = {
        "BORNIER_OCPP_TLS_PORT": "0",
        "BORNIER_OCPP_TLS_CERTIFICATE": f"{ecdsa[0]},{rsa[0]}",
        "BORNIER_OCPP_TLS_KEY": f"{ecdsa[1]},{rsa[1]}",
        "BORNIER_OCPP_TLS_ROOTS": str(folder / "roots.pem"),
    }
    server = Server(f"sqlite:///{folder}/bornier.db", **(tls | settings))
    with (folder / "log").open("w") as log:
        server.log = log
        with server:
            yield Secure(server, root, maker, folder, folder / "log")
