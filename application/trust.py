"""What a station asks and tells about certificates, whatever its version of OCPP."""

from __future__ import annotations

from typing import Any

from application.session import Session
from domain.event import Refusal
from domain.security import Security
from domain.security import stream as security_stream
from domain.trust import Held, Trust, stream
from domain.x509 import HashData, doubt, hashes, read, read_request


def request_signature(session: Session, csr: str, kind: str, request_id: int | None = None) -> str | None:
    """A station wants a certificate for its new key. Why it gets none, or None: it will be brought (A02, A03)."""
    security = session.of(Security, security_stream(session.station_id))
    trust = session.of(Trust, stream(session.station_id))
    names = security.names() | {session.station.serial_number or session.station_id}
    try:
        reason = doubt(read_request(csr), names, session.rules.organisation)
    except Refusal as refusal:
        reason = str(refusal)
    if reason is None:
        trust.record(Trust.SignatureRequested, session.cause, session.now, csr=csr, kind=kind, request_id=request_id)
    else:
        trust.record(Trust.SignatureRefused, session.cause, session.now, kind=kind, reason=reason)
    return reason


def installed(session: Session, use: str, certificate: str) -> None:
    """The station took a root certificate into its store."""
    root = read(certificate)[0]
    session.of(Trust, stream(session.station_id)).record(
        Trust.Installed,
        session.cause,
        session.now,
        use=use,
        certificate=certificate,
        hash_data=hashes(root, root),
    )


def removed(session: Session, hash_data: HashData) -> None:
    """The station deleted a certificate."""
    trust = session.of(Trust, stream(session.station_id))
    trust.record(Trust.Removed, session.cause, session.now, hash_data=hash_data)


def listed(session: Session, held: tuple[Held, ...], uses: tuple[str, ...]) -> None:
    """The station said what it holds, of these uses."""
    trust = session.of(Trust, stream(session.station_id))
    trust.record(Trust.Listed, session.cause, session.now, held=held, uses=uses)


def relay_contract(session: Session, action: str, content: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """A car wants its contract certificate: what the backend says, or an empty answer and the reason (M01, M02)."""
    trust = session.of(Trust, stream(session.station_id))
    answer, reason = inquire(session, "ev-certificate", content, "exiResponse")
    status = "Accepted" if reason is None and answer.get("status", "Accepted") == "Accepted" else "Failed"
    trust.record(Trust.ContractRelayed, session.cause, session.now, action=action, status=status, reason=reason)
    return answer, reason


def relay_status(session: Session, hash_data: HashData, content: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Is a certificate still good? The OCSP answer of the backend, or none and the reason (M06)."""
    trust = session.of(Trust, stream(session.station_id))
    answer, reason = inquire(session, "certificate-status", content, "ocspResult")
    tell_status(session, trust, hash_data, "Accepted" if reason is None else "Failed", reason)
    return answer, reason


def relay_statuses(
    session: Session, hash_data: list[HashData], content: dict[str, Any]
) -> tuple[list[dict[str, Any]], str | None]:
    """Are these certificates still good? What the backend says of each, in their order; none and the reason else."""
    trust = session.of(Trust, stream(session.station_id))
    try:
        answer = session.inquire("certificate-chain-status", named(session, content))
        found, reason = answer.get("certificateStatus"), None
        if not isinstance(found, list) or len(found) != len(hash_data):
            raise Refusal("the Plug & Charge backend did not answer for each certificate")
    except Refusal as refusal:
        found, reason = [], str(refusal)
    for number, one in enumerate(hash_data):
        status = str(found[number].get("status")) if found else "Failed"
        tell_status(session, trust, one, status, reason)
    return found, reason


def tell_status(session: Session, trust: Trust, hash_data: HashData, status: str, reason: str | None) -> None:
    trust.record(Trust.StatusRelayed, session.cause, session.now, hash_data=hash_data, status=status, reason=reason)


def inquire(session: Session, question: str, content: dict[str, Any], needed: str) -> tuple[dict[str, Any], str | None]:
    """The backend's answer, which must have one text; else nothing, and why."""
    try:
        answer = session.inquire(question, named(session, content))
    except Refusal as refusal:
        return {}, str(refusal)
    if not isinstance(answer.get(needed), str):
        return {}, str(answer.get("reason") or f"the Plug & Charge backend gave no {needed}")
    return answer, None


def named(session: Session, content: dict[str, Any]) -> dict[str, Any]:
    return {"stationId": session.station_id, **content}


def contract_status(session: Session, badge: str, certificate: str | None, hash_data: list[dict[str, Any]]) -> str:
    """The state of a contract certificate as Authorize answers it (C07): what nobody can verify is not accepted.

    Raises NotAsked the first time, so it comes before anything is recorded.
    """
    if certificate is not None:
        try:
            chain = read(certificate)
        except Refusal:
            return "CertChainError"
        if any(one.not_valid_after_utc < session.now for one in chain):
            return "CertificateExpired"
    content = {"badge": badge, "certificate": certificate, "certificateHashData": hash_data}
    answer, reason = inquire(session, "contract-status", content, "certificateStatus")
    return "CertChainError" if reason is not None else str(answer["certificateStatus"])
