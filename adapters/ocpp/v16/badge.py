"""OCPP 1.6: badges (idTags), the authorization cache, the local list."""

from __future__ import annotations

from adapters.ocpp.dialect import Hear, Payload, Said, Say, dump, given, stamp
from application.session import Session
from domain.authorization import Ruling
from domain.event import Refusal

LONGEST = 20
STATUS = {"Unknown": "Invalid", "NotAtThisLocation": "Invalid"}
"""What OCPP 1.6 has no word for is Invalid (AuthorizationStatus)."""


def authorize(session: Session, payload: Payload) -> bytes:
    """Authorize (section 4.1)."""
    return dump({"idTagInfo": id_tag_info(session, session.check(payload["idTag"], None))})


def id_tag_info(session: Session, ruling: Ruling) -> Payload:
    """IdTagInfo: the ruling, until when it may be remembered, and the group as the parent of the badge.

    A group too long for OCPP 1.6 (20 characters) is left out: half of it would be another group.
    """
    until, group = ruling.until(session.now), ruling.terms.group if ruling.terms else None
    return given(
        status=STATUS.get(ruling.verdict, ruling.verdict),
        expiryDate=stamp(until) if until else None,
        parentIdTag=group if group and len(group) <= LONGEST else None,
    )


def say_clear_cache(session: Session, wish: Payload) -> Said:
    """ClearCache (section 5.4)."""
    return Said("ClearCache", {})


def say_local_list_version(session: Session, wish: Payload) -> Said:
    """GetLocalListVersion (section 5.10)."""
    return Said("GetLocalListVersion", {})


def say_local_list(session: Session, wish: Payload) -> Said:
    """SendLocalList (section 5.15). A badge longer than OCPP 1.6 knows cannot be shown there and is left out."""
    entries = [authorization(entry) for entry in wish["entries"] if len(entry["badge"]) <= LONGEST]
    kind = "Full" if wish["full"] else "Differential"
    return Said(
        "SendLocalList",
        given(listVersion=wish["version"], updateType=kind, localAuthorizationList=entries or None),
    )


def authorization(entry: Payload) -> Payload:
    """AuthorizationData; without idTagInfo the badge is taken off the list."""
    status, group, until = entry.get("status"), entry.get("group"), entry.get("expires_at")
    if status is None:
        return {"idTag": entry["badge"]}
    parent = group if group and len(group) <= LONGEST else None
    return {
        "idTag": entry["badge"],
        "idTagInfo": given(status=STATUS.get(status, status), expiryDate=until, parentIdTag=parent),
    }


def startable(session: Session, wish: Payload) -> str:
    """The badge of a remote start. Raises Refusal if it could not even be let in when it comes back."""
    if len(wish["badge"]) > LONGEST:
        raise Refusal(f"OCPP 1.6 badges have at most {LONGEST} characters")
    session.startable(wish["badge"], None, wish.get("evse_id"), wish.get("force", False))
    return str(wish["badge"])


HEAR: dict[str, Hear] = {
    "Authorize": authorize,
}
SAY: dict[str, Say] = {
    "clearCache": say_clear_cache,
    "getLocalListVersion": say_local_list_version,
    "sendLocalList": say_local_list,
}
