"""OCPP 2.1: what charges have more."""

from __future__ import annotations

from adapters.ocpp.dialect import Payload, Said, Say
from adapters.ocpp.v21.profile import profile
from adapters.ocpp.v201.transaction import request_start
from application.session import Session


def say_start(session: Session, wish: Payload) -> Said:
    """RequestStartTransaction (F01, F02), with a profile of OCPP 2.1."""
    return request_start(session, wish, profile)


SAY: dict[str, Say] = {
    "remoteStart": say_start,
}
