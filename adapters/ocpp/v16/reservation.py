"""OCPP 1.6: reservations."""

from __future__ import annotations

from adapters.ocpp.dialect import Heed, Payload, Said, Say, given, stamp
from adapters.ocpp.reservation import admit, heed_cancel, heed_reserve
from application.session import Session
from domain.event import Refusal


def say_reserve(session: Session, wish: Payload) -> Said:
    """ReserveNow (section 5.13); connector 0: any connector."""
    if wish.get("connector_type"):
        raise Refusal("OCPP 1.6 cannot reserve by the type of a connector")
    expires_at = admit(session, wish)
    return Said(
        "ReserveNow",
        given(
            connectorId=wish.get("evse_id") or 0,
            expiryDate=stamp(expires_at),
            idTag=wish["badge"],
            parentIdTag=wish.get("group_badge"),
            reservationId=wish["reservation_id"],
        ),
    )


def say_cancel(session: Session, wish: Payload) -> Said:
    """CancelReservation (section 5.1)."""
    return Said("CancelReservation", {"reservationId": wish["reservation_id"]})


SAY: dict[str, Say] = {
    "reserveNow": say_reserve,
    "cancelReservation": say_cancel,
}
HEED: dict[str, Heed] = {
    "reserveNow": heed_reserve,
    "cancelReservation": heed_cancel,
}
