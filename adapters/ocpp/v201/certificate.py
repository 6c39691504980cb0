"""OCPP 2.0.1: certificates (blocks A02, A03 and M)."""

from __future__ import annotations

from typing import Any

from adapters.ocpp.dialect import Hear, Heed, Payload, Said, Say, dump, given
from adapters.ocpp.trust import hash_data, heed_delete, heed_install, named, say_delete
from application import trust
from application.session import Session
from domain.event import Refusal
from domain.trust import Held
from domain.x509 import read

TRIGGERS = {
    "ChargingStationCertificate": "SignChargingStationCertificate",
    "V2GCertificate": "SignV2GCertificate",
    "CombinedCertificate": "SignCombinedCertificate",
}
REASON_LENGTH = 512


def sign(session: Session, payload: Payload) -> bytes:
    """SignCertificate (A02.FR.11, A02.FR.12): answered at once; the certificate is brought by CertificateSigned."""
    kind = payload.get("certificateType", "ChargingStationCertificate")
    reason = trust.request_signature(session, payload["csr"], kind, payload.get("requestId"))
    return b'{"status":"Accepted"}' if reason is None else failed("Rejected", "InvalidCSR", reason)


def contract(session: Session, payload: Payload) -> bytes:
    """Get15118EVCertificate (M01, M02): the backend's answer for the car, which we need not understand."""
    answer, reason = trust.relay_contract(session, payload["action"], payload)
    if reason is not None:
        return failed("Failed", "NoContract", reason, exiResponse="")
    status = "Accepted" if answer.get("status", "Accepted") == "Accepted" else "Failed"
    remaining = answer.get("remainingContracts") if "maximumContractCertificateChains" in payload else None
    return dump(given(status=status, exiResponse=answer["exiResponse"], remainingContracts=remaining))


def status(session: Session, payload: Payload) -> bytes:
    """GetCertificateStatus (M06): an OCSP response, DER in base64."""
    answer, reason = trust.relay_status(session, hash_data(payload["ocspRequestData"]), payload)
    if reason is not None:
        return failed("Failed", "NoStatus", reason)
    return dump({"status": "Accepted", "ocspResult": answer["ocspResult"]})


def failed(status: str, code: str, reason: str, **fields: Any) -> bytes:
    return dump(
        {"status": status, "statusInfo": {"reasonCode": code, "additionalInfo": reason[:REASON_LENGTH]}, **fields}
    )


def say_signed(session: Session, wish: Payload) -> Said:
    """CertificateSigned (A02, A03); its type is that of the request (A02.FR.14)."""
    read(wish["chain"])
    return Said("CertificateSigned", given(certificateChain=wish["chain"], certificateType=wish.get("kind")))


def say_renew(session: Session, wish: Payload) -> Said:
    """TriggerMessage for a new signing request (A02, F06)."""
    if wish["kind"] not in TRIGGERS:
        raise Refusal(f"OCPP 2.0.1 renews {', '.join(TRIGGERS)}; not {wish['kind']}")
    return Said("TriggerMessage", {"requestedMessage": TRIGGERS[wish["kind"]]})


def say_install(session: Session, wish: Payload) -> Said:
    """InstallCertificate (M05)."""
    read(wish["certificate"])
    return Said("InstallCertificate", {"certificateType": wish["use"], "certificate": wish["certificate"]})


def say_list(session: Session, wish: Payload) -> Said:
    """GetInstalledCertificateIds (M03)."""
    return Said("GetInstalledCertificateIds", given(certificateType=wish.get("uses") or None))


def heed_list(session: Session, wish: Payload, payload: Payload, answer: Payload) -> None:
    held = tuple(chain(line) for line in answer.get("certificateHashDataChain", []))
    trust.listed(session, held, tuple(wish.get("uses") or ()))


def chain(line: Payload) -> Held:
    return Held(
        use=line["certificateType"],
        children=tuple(hash_data(child) for child in line.get("childCertificateHashData", [])),
        **named(line["certificateHashData"]),
    )


HEAR: dict[str, Hear] = {
    "SignCertificate": sign,
    "Get15118EVCertificate": contract,
    "GetCertificateStatus": status,
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
