"""OCPP 2.0.1: the station's password (A01)."""

from __future__ import annotations

from adapters.ocpp.dialect import HIDDEN, Payload, Said, Say, Secret
from application.session import Session


def say_password(session: Session, wish: Payload) -> Said:
    """SetVariables of BasicAuthPassword, which is write-only (A01.FR.02)."""
    line = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": HIDDEN,
    }
    return Said("SetVariables", {"setVariableData": [line]}, secret=Secret(wish["credential_id"]))


SAY: dict[str, Say] = {
    "setPassword": say_password,
}
CANNOT: dict[str, str] = {
    "setSecurityProfile": (
        "OCPP 2.x raises the security profile with a network profile: setNetworkProfile, then "
        "OCPPCommCtrlr.NetworkConfigurationPriority by setVariables, then reset (A05)"
    ),
}
