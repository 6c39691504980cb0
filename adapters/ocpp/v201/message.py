"""OCPP 2.0.1: any message."""

from __future__ import annotations

from adapters.ocpp import message
from adapters.ocpp.dialect import Payload, Said, Say
from application.session import Session


def say_message(session: Session, wish: Payload) -> Said:
    return message.say_message("2.0.1", wish)


SAY: dict[str, Say] = {
    "sendMessage": say_message,
}
