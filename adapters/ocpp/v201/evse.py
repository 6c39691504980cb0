"""OCPP 2.x: how an EVSE and its connector are named."""

from __future__ import annotations

from adapters.ocpp.dialect import Payload, given


def evse(wish: Payload) -> Payload | None:
    if not wish.get("evse_id"):
        return None
    return given(id=wish["evse_id"], connectorId=wish.get("connector_id"))
