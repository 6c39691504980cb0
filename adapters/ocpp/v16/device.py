"""OCPP 1.6: configuration keys. A key is the variable of that name of the component "" (no name)."""

from __future__ import annotations

from adapters.ocpp.dialect import Heed, Payload, Said, Say, portioned
from application.session import Session
from domain import secret
from domain.device import Device, ReadVariable, WrittenVariable, stream

UNKNOWN = "UnknownVariable"
"""What a key that a station does not know is called in every version."""


def say_get_configuration(session: Session, wish: Payload) -> Said:
    """GetConfiguration (section 5.8): all keys, or at most GetConfigurationMaxKeys in one call."""
    keys = wish.get("keys")
    return portioned("GetConfiguration", "key", keys, wish) if keys else Said("GetConfiguration", {})


def say_change_configuration(session: Session, wish: Payload) -> Said:
    """ChangeConfiguration (section 5.3)."""
    secret.refuse(wish["key"])
    return Said("ChangeConfiguration", {"key": wish["key"], "value": wish["value"]})


def heed_get_configuration(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """Values of keys, and which keys the station does not know."""
    known = [
        ReadVariable(
            component="",
            variable=line["key"],
            status="Accepted",
            value=line.get("value"),
            mutability="ReadOnly" if line["readonly"] else "ReadWrite",
        )
        for line in answer.get("configurationKey", ())
    ]
    unknown = [ReadVariable(component="", variable=key, status=UNKNOWN) for key in answer.get("unknownKey", ())]
    if known or unknown:
        session.of(Device, stream(session.station_id)).record(
            Device.VariablesRead, session.cause, session.now, variables=(*known, *unknown)
        )


def heed_change_configuration(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """A key has a new value, perhaps only after a restart (RebootRequired)."""
    status = UNKNOWN if answer["status"] == "NotSupported" else answer["status"]
    written = WrittenVariable(component="", variable=sent["key"], value=sent["value"], status=status)
    session.of(Device, stream(session.station_id)).record(
        Device.VariablesWritten, session.cause, session.now, variables=(written,)
    )


SAY: dict[str, Say] = {
    "getConfiguration": say_get_configuration,
    "changeConfiguration": say_change_configuration,
}
HEED: dict[str, Heed] = {
    "getConfiguration": heed_get_configuration,
    "changeConfiguration": heed_change_configuration,
}
CANNOT: dict[str, str] = {
    "getVariables": "OCPP 1.6 has configuration keys, not variables: use getConfiguration",
    "setVariables": "OCPP 1.6 has configuration keys, not variables: use changeConfiguration",
    "getBaseReport": "OCPP 1.6 has configuration keys, not reports: use getConfiguration without keys",
    "getReport": "OCPP 1.6 has configuration keys, not reports: use getConfiguration",
}
