"""OCPP 2.0.1: badges (idTokens)."""

from __future__ import annotations

from adapters.ocpp.dialect import Hear, Payload, dump
from application.session import Session


def authorize(session: Session, payload: Payload) -> bytes:
    """Authorize (C01)."""
    token = payload["idToken"]
    return dump({"idTokenInfo": {"status": session.check(token["idToken"], token["type"])}})


HEAR: dict[str, Hear] = {
    "Authorize": authorize,
}
