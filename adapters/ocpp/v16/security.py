"""OCPP 1.6: the station's password and security profile (security whitepaper A01, A05)."""

from __future__ import annotations

from adapters.ocpp.dialect import HIDDEN, Payload, Said, Say, Secret
from application.session import Session
from domain.event import Refusal

LONGEST = 20


def say_password(session: Session, wish: Payload) -> Said:
    """AuthorizationKey is hexadecimal, and write-only (OCPP-J 1.6 errata 3.12)."""
    if wish["length"] > LONGEST:
        raise Refusal(f"OCPP 1.6 allows passwords of at most {LONGEST} bytes")
    secret = Secret(wish["credential_id"], lambda password: password.encode().hex().upper())
    return Said("ChangeConfiguration", {"key": "AuthorizationKey", "value": HIDDEN}, secret=secret)


def say_profile(session: Session, wish: Payload) -> Said:
    """Raising it makes the station reconnect; it must hold what the new profile needs (A05)."""
    return Said("ChangeConfiguration", {"key": "SecurityProfile", "value": str(wish["profile"])})


SAY: dict[str, Say] = {
    "setPassword": say_password,
    "setSecurityProfile": say_profile,
}
