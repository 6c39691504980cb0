"""OCPP 2.0.1: badges (idTokens), the authorization cache, the local list."""

from __future__ import annotations

from adapters.ocpp.dialect import Hear, Payload, Said, Say, dump, given, stamp
from application.session import Session
from application.trust import contract_status
from domain.authorization import Purpose, Ruling, Verdict

LONGEST = 36
RFID = "ISO14443"
KINDS = {"Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"}
CANCELLING = {"Blocked", "Expired", "Invalid", "Unknown"}
TELLING = {"SignatureError", "CertificateExpired", "CertificateRevoked", "CertChainError", "ContractCancelled"}
"""Any other word about a certificate means that it cannot be verified (C07.FR.17)."""
STOPS = {"StopAuthorized", "Deauthorized", "RemoteStop"}


def authorize(session: Session, payload: Payload) -> bytes:
    """Authorize (C01 to C09); with a contract certificate or its hash data, of Plug & Charge (C07)."""
    badge, kind = payload["idToken"]["idToken"], payload["idToken"]["type"]
    certificate, hash_data = payload.get("certificate"), payload.get("iso15118CertificateHashData")
    if certificate is None and hash_data is None:
        return dump({"idTokenInfo": id_token_info(session, session.check(badge, kind))})
    state = contract_status(session, badge, certificate, hash_data or [])
    ruling, status = of_contract(session.authorize(badge, kind), state)
    session.check(badge, kind, ruling)
    return dump({"idTokenInfo": id_token_info(session, ruling), "certificateStatus": status})


def of_contract(ruling: Ruling, status: str) -> tuple[Ruling, str]:
    """A contract is as good as its certificate and its badge (C07.FR.13 to C07.FR.17)."""
    if status == "Accepted":
        return ruling, "ContractCancelled" if ruling.verdict in CANCELLING else "Accepted"
    reason = f"the contract certificate is not good: {status}"
    verdict: Verdict = "Expired" if status == "CertificateExpired" else "Invalid"
    return ruling._replace(verdict=verdict, reason=reason), status if status in TELLING else "CertChainError"


def id_token_info(session: Session, ruling: Ruling) -> Payload:
    """IdTokenInfo: the ruling, until when it may be remembered, the group (C01.FR.06, C09.FR.12), the EVSEs it is
    limited to (C01.FR.20), and what the station may show the driver (C01.FR.08).

    A group too long for OCPP 2.0.1 is left out: half of it would be another group.
    """
    terms, until = ruling.terms, ruling.until(session.now)
    if terms is None:
        return {"status": ruling.verdict}
    return given(
        status=ruling.verdict,
        cacheExpiryDateTime=stamp(until) if until else None,
        chargingPriority=terms.priority,
        language1=terms.language or None,
        groupIdToken=group_token(terms.group) if len(terms.group or "") <= LONGEST else None,
        personalMessage=message(terms.message, terms.language),
        evseId=list(ruling.evses) or None,
    )


def group_token(group: str | None) -> Payload | None:
    """A group of badges is an account of ours, which is what Central means."""
    return {"idToken": group, "type": "Central"} if group else None


def message(text: str | None, language: str | None) -> Payload | None:
    return given(format="UTF8", content=text, language=language or None) if text else None


def presented(session: Session, payload: Payload) -> Ruling | None:
    """What we say of the badge of a TransactionEvent, if it shows one (C12.FR.03, C02.FR.02)."""
    token = payload.get("idToken")
    if token is None:
        return None
    known = session.station.find(payload["transactionInfo"]["transactionId"])
    return session.authorize(
        token["idToken"],
        token["type"],
        purpose(payload),
        payload.get("evse", {}).get("id") or (known.evse_id if known else None),
        known.transaction_id if known else None,
    )


def purpose(payload: Payload) -> Purpose:
    if payload["eventType"] == "Ended" or payload["triggerReason"] in STOPS:
        return "stop"
    return "start"


def say_clear_cache(session: Session, wish: Payload) -> Said:
    """ClearCache (C11)."""
    return Said("ClearCache", {})


def say_local_list_version(session: Session, wish: Payload) -> Said:
    """GetLocalListVersion (D02)."""
    return Said("GetLocalListVersion", {})


def say_local_list(session: Session, wish: Payload) -> Said:
    """SendLocalList (D01). A badge no station of OCPP 2.0.1 could show is left out."""
    entries = [authorization(entry) for entry in wish["entries"] if showable(entry)]
    kind = "Full" if wish["full"] else "Differential"
    return Said(
        "SendLocalList",
        given(versionNumber=wish["version"], updateType=kind, localAuthorizationList=entries or None),
    )


def showable(entry: Payload) -> bool:
    return len(entry["badge"]) <= LONGEST and entry.get("kind", RFID) in KINDS


def authorization(entry: Payload) -> Payload:
    """AuthorizationData; without idTokenInfo the badge is taken off the list (D01.FR.17)."""
    shown = {"idToken": {"idToken": entry["badge"], "type": entry.get("kind", RFID)}}
    group, language = entry.get("group"), entry.get("language")
    if entry.get("status") is None:
        return shown
    info = given(
        status=entry["status"],
        cacheExpiryDateTime=entry.get("expires_at"),
        chargingPriority=entry.get("priority"),
        language1=language or None,
        groupIdToken=group_token(group) if len(group or "") <= LONGEST else None,
        personalMessage=message(entry.get("message"), language),
        evseId=list(entry.get("evses") or ()) or None,
    )
    return shown | {"idTokenInfo": info}


def startable(session: Session, wish: Payload) -> Payload:
    """The idToken of a remote start. Raises Refusal if it could not even be let in when it comes back."""
    kind = session.rules.badges.kind(wish["badge"])
    session.startable(wish["badge"], kind, wish.get("evse_id"), wish.get("force", False))
    return token(session, wish["badge"])


def token(session: Session, badge: str) -> Payload:
    return {"idToken": badge, "type": session.rules.badges.kind(badge)}


HEAR: dict[str, Hear] = {
    "Authorize": authorize,
}
SAY: dict[str, Say] = {
    "clearCache": say_clear_cache,
    "getLocalListVersion": say_local_list_version,
    "sendLocalList": say_local_list,
}
