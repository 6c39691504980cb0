"""OCPP 1.6: configuration keys."""

from __future__ import annotations

from adapters.ocpp.dialect import Payload, Said, Say, given
from application.session import Session


def say_get_configuration(session: Session, wish: Payload) -> Said:
    return Said("GetConfiguration", given(key=wish.get("keys") or None))


def say_change_configuration(session: Session, wish: Payload) -> Said:
    return Said("ChangeConfiguration", {"key": wish["key"], "value": wish["value"]})


SAY: dict[str, Say] = {
    "getConfiguration": say_get_configuration,
    "changeConfiguration": say_change_configuration,
}
CANNOT: dict[str, str] = {
    "getVariables": "OCPP 1.6 has configuration keys, not variables: use getConfiguration",
    "setVariables": "OCPP 1.6 has configuration keys, not variables: use changeConfiguration",
}
