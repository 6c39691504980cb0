"""Trust of a station: which certificates it holds, what it wants signed, and what it asks about certificates."""

from __future__ import annotations

from domain.aggregate import Aggregate
from domain.event import Event
from domain.x509 import HashData


def stream(station_id: str) -> str:
    return f"trust/{station_id}"


class Held(HashData, frozen=True, kw_only=True):
    """A certificate in the store of a station; `use` is its OCPP 2.x type."""

    use: str
    children: tuple[HashData, ...] = ()


class Trust(Aggregate):
    """The certificate store of one station (OCPP 2.0.1 blocks A and M)."""

    forgetful = True

    class SignatureRequested(Event, tag="trust.signature_requested.v1"):
        """The station asked us to sign a certificate for its new key (SignCertificate)."""

        csr: str
        kind: str
        request_id: int | None = None

    class SignatureRefused(Event, tag="trust.signature_refused.v1"):
        """The station asked us to sign what we do not sign."""

        kind: str
        reason: str

    class Installed(Event, tag="trust.installed.v1"):
        """The station took a root certificate into its store (InstallCertificate)."""

        use: str
        certificate: str
        hash_data: HashData

    class Removed(Event, tag="trust.removed.v1"):
        """The station deleted a certificate from its store (DeleteCertificate)."""

        hash_data: HashData

    class Listed(Event, tag="trust.listed.v1"):
        """The station said which certificates it holds, of the uses we asked for; of all of them when none is named."""

        held: tuple[Held, ...] = ()
        uses: tuple[str, ...] = ()

    class ContractRelayed(Event, tag="trust.contract_relayed.v1"):
        """A car asked for its contract certificate, and the Plug & Charge backend answered (Get15118EVCertificate)."""

        personal = "stream"
        action: str
        status: str
        reason: str | None = None

    class StatusRelayed(Event, tag="trust.status_relayed.v1"):
        """The station asked whether a certificate is still good, and the backend answered (OCSP or CRL)."""

        hash_data: HashData
        status: str
        reason: str | None = None

    def apply(self, event: Event) -> None:
        """Nothing of the past is needed: a station decides about its own store."""
