"""OCPP 1.6: badges (idTags)."""

from __future__ import annotations

from adapters.ocpp.dialect import Hear, Payload, dump
from application.session import Session


def authorize(session: Session, payload: Payload) -> bytes:
    """Authorize (section 4.1)."""
    return dump({"idTagInfo": {"status": session.check(payload["idTag"], None)}})


HEAR: dict[str, Hear] = {
    "Authorize": authorize,
}
