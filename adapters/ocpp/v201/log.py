"""OCPP 2.0.1: logs."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload, Said, Say, explain, given, moment
from application.session import Session
from domain.station import Station


def log(session: Session, payload: Payload) -> bytes:
    """LogStatusNotification (N01); it names the job by its request id (N01.FR.07)."""
    info = payload.get("statusInfo")
    session.tell(
        Station.LogUploadProgressed,
        status=payload["status"],
        request_id=payload.get("requestId"),
        reason=explain(payload["status"], info) if info else None,
    )
    return EMPTY


def say_diagnostics(session: Session, wish: Payload) -> Said:
    """GetLog for what OCPP 1.6 called diagnostics (N01.FR.04)."""
    return say_log(session, wish | {"log_type": "DiagnosticsLog"})


def say_log(session: Session, wish: Payload) -> Said:
    """GetLog (N01)."""
    place = given(
        remoteLocation=wish.get("location") or wish["address"],
        oldestTimestamp=moment(wish.get("oldest_at")),
        latestTimestamp=moment(wish.get("latest_at")),
    )
    return Said(
        "GetLog",
        given(
            logType=wish["log_type"],
            requestId=session.rules.numbers.take(),
            log=place,
            retries=wish.get("retries"),
            retryInterval=wish.get("retry_interval_seconds"),
        ),
    )


HEAR: dict[str, Hear] = {
    "LogStatusNotification": log,
}
SAY: dict[str, Say] = {
    "getDiagnostics": say_diagnostics,
    "getLog": say_log,
}
