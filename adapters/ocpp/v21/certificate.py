"""OCPP 2.1: what certificates have more."""

from __future__ import annotations

from adapters.ocpp.dialect import Hear, Payload, Said, Say, dump, given, stamp
from adapters.ocpp.trust import hash_data
from adapters.ocpp.v201.certificate import say_renew as say_renew_201
from application import trust
from application.session import Session
from domain.x509 import read

STATUSES = {"Good", "Revoked", "Unknown", "Failed"}


def statuses(session: Session, payload: Payload) -> bytes:
    """GetCertificateChainStatus (M07): of each certificate, in the order of the request."""
    asked = payload["certificateStatusRequests"]
    found, _ = trust.relay_statuses(session, [hash_data(line["certificateHashData"]) for line in asked], payload)
    answers = found or [{}] * len(asked)
    return dump(
        {
            "certificateStatus": [
                {
                    "certificateHashData": line["certificateHashData"],
                    "source": line["source"],
                    "status": answer.get("status") if answer.get("status") in STATUSES else "Failed",
                    "nextUpdate": answer.get("nextUpdate") or stamp(session.now),
                }
                for line, answer in zip(asked, answers, strict=True)
            ]
        }
    )


def say_signed(session: Session, wish: Payload) -> Said:
    """CertificateSigned (A02, A03) names the request it answers."""
    read(wish["chain"])
    return Said(
        "CertificateSigned",
        given(certificateChain=wish["chain"], certificateType=wish.get("kind"), requestId=wish.get("request_id")),
    )


def say_renew(session: Session, wish: Payload) -> Said:
    """TriggerMessage for a new signing request, of ISO 15118-20 too."""
    if wish["kind"] == "V2G20Certificate":
        return Said("TriggerMessage", {"requestedMessage": "SignV2G20Certificate"})
    return say_renew_201(session, wish)


HEAR: dict[str, Hear] = {
    "GetCertificateChainStatus": statuses,
}
SAY: dict[str, Say] = {
    "certificateSigned": say_signed,
    "renewCertificate": say_renew,
}
