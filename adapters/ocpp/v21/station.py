"""OCPP 2.1: what the station itself has more."""

from __future__ import annotations

from adapters.ocpp.dialect import Payload, Said, Say, given
from adapters.ocpp.v201.station import RESETS, TRIGGERS, network, network_profile, reset, trigger
from application.session import Session

RESETS21 = RESETS | {"IMMEDIATE_AND_RESUME": "ImmediateAndResume"}
TRIGGERS21 = TRIGGERS | {"SignV2G20Certificate", "CustomTrigger"}


def say_reset(session: Session, wish: Payload) -> Said:
    """Reset (B11, B12); ImmediateAndResume goes on with the transactions after the restart (E16)."""
    return reset(wish, RESETS21)


def say_trigger(session: Session, wish: Payload) -> Said:
    """TriggerMessage (F06); a custom trigger is named by its vendor."""
    said = trigger(wish, TRIGGERS21)
    return Said(said.action, said.payload | given(customTrigger=wish.get("custom_trigger")))


def say_network(session: Session, wish: Payload) -> Said:
    """SetNetworkProfile (B09)."""
    return network_profile(wish, network(wish) | given(identity=wish.get("identity")))


SAY: dict[str, Say] = {
    "reset": say_reset,
    "triggerMessage": say_trigger,
    "setNetworkProfile": say_network,
}
