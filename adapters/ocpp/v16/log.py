"""OCPP 1.6: diagnostics (section 5.9) and logs (security whitepaper)."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload, Said, Say, given, moment
from application.session import Session
from domain.station import Station


def diagnostics(session: Session, payload: Payload) -> bytes:
    """DiagnosticsStatusNotification (section 4.4)."""
    session.tell(Station.DiagnosticsProgressed, status=payload["status"])
    return EMPTY


def log(session: Session, payload: Payload) -> bytes:
    """LogStatusNotification (security whitepaper)."""
    session.tell(Station.LogUploadProgressed, status=payload["status"], request_id=payload.get("requestId"))
    return EMPTY


def say_diagnostics(session: Session, wish: Payload) -> Said:
    """GetDiagnostics (section 5.9)."""
    return Said(
        "GetDiagnostics",
        given(
            location=wish.get("location") or wish["address"],
            startTime=moment(wish.get("oldest_at")),
            stopTime=moment(wish.get("latest_at")),
            retries=wish.get("retries"),
            retryInterval=wish.get("retry_interval_seconds"),
        ),
    )


def say_log(session: Session, wish: Payload) -> Said:
    """GetLog (security whitepaper N01)."""
    place = given(
        remoteLocation=wish.get("location") or wish["address"],
        oldestTimestamp=moment(wish.get("oldest_at")),
        latestTimestamp=moment(wish.get("latest_at")),
    )
    retries = given(retries=wish.get("retries"), retryInterval=wish.get("retry_interval_seconds"))
    return Said(
        "GetLog", {"logType": wish["log_type"], "requestId": session.rules.numbers.take(), "log": place} | retries
    )


HEAR: dict[str, Hear] = {
    "DiagnosticsStatusNotification": diagnostics,
    "LogStatusNotification": log,
}
SAY: dict[str, Say] = {
    "getDiagnostics": say_diagnostics,
    "getLog": say_log,
}
