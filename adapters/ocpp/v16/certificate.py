"""OCPP 1.6: certificates (security whitepaper A02, A03, M03 to M05)."""

from __future__ import annotations

from adapters.ocpp.dialect import Hear, Heed, Payload, Said, Say
from adapters.ocpp.trust import heed_delete, heed_install, named, say_delete
from application import trust
from application.session import Session
from domain.event import Refusal
from domain.trust import Held
from domain.x509 import read

USES = {
    "CSMSRootCertificate": "CentralSystemRootCertificate",
    "ManufacturerRootCertificate": "ManufacturerRootCertificate",
}


def sign(session: Session, payload: Payload) -> bytes:
    """SignCertificate (A02.FR.11, A02.FR.12): answered at once; the certificate is brought by CertificateSigned."""
    reason = trust.request_signature(session, payload["csr"], "ChargingStationCertificate")
    return b'{"status":"Accepted"}' if reason is None else b'{"status":"Rejected"}'


def say_signed(session: Session, wish: Payload) -> Said:
    """CertificateSigned (A02)."""
    read(wish["chain"])
    return Said("CertificateSigned", {"certificateChain": wish["chain"]})


def say_renew(session: Session, wish: Payload) -> Said:
    """ExtendedTriggerMessage for a new signing request (A02)."""
    if wish["kind"] != "ChargingStationCertificate":
        raise Refusal("OCPP 1.6 knows no certificates but that of the charging station")
    return Said("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})


def say_install(session: Session, wish: Payload) -> Said:
    """InstallCertificate (M05)."""
    read(wish["certificate"])
    return Said("InstallCertificate", {"certificateType": use(wish["use"]), "certificate": wish["certificate"]})


def say_list(session: Session, wish: Payload) -> Said:
    """GetInstalledCertificateIds (M03): of one kind at a time."""
    uses = wish.get("uses") or []
    if len(uses) != 1:
        raise Refusal("OCPP 1.6 lists one kind of certificates at a time: name one use")
    return Said("GetInstalledCertificateIds", {"certificateType": use(uses[0])})


def use(name: str) -> str:
    if name not in USES:
        raise Refusal(f"OCPP 1.6 knows {' and '.join(USES)}; not {name}")
    return USES[name]


def heed_list(session: Session, wish: Payload, payload: Payload, answer: Payload) -> None:
    held = tuple(Held(use=wish["uses"][0], **named(line)) for line in answer.get("certificateHashData", []))
    trust.listed(session, held, tuple(wish["uses"]))


HEAR: dict[str, Hear] = {
    "SignCertificate": sign,
}
SAY: dict[str, Say] = {
    "certificateSigned": say_signed,
    "renewCertificate": say_renew,
    "installCertificate": say_install,
    "deleteCertificate": say_delete,
    "getInstalledCertificateIds": say_list,
}
HEED: dict[str, Heed] = {
    "installCertificate": heed_install,
    "deleteCertificate": heed_delete,
    "getInstalledCertificateIds": heed_list,
}
