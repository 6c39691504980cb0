"""OCPP 2.0.1: reservations."""

from __future__ import annotations

from adapters.ocpp.dialect import Hear, Heed, Payload, Said, Say, given, stamp
from adapters.ocpp.reservation import admit, heed_cancel, heed_reserve, status_update
from adapters.ocpp.v201.badge import group_token, token
from application.session import Session


def say_reserve(session: Session, wish: Payload) -> Said:
    """ReserveNow (H01): a certain EVSE, one with a certain connector, or any."""
    expires_at = admit(session, wish)
    return Said(
        "ReserveNow",
        given(
            id=wish["reservation_id"],
            expiryDateTime=stamp(expires_at),
            connectorType=wish.get("connector_type"),
            idToken=token(session, wish["badge"]),
            evseId=wish.get("evse_id"),
            groupIdToken=group_token(wish.get("group_badge")),
        ),
    )


def say_cancel(session: Session, wish: Payload) -> Said:
    """CancelReservation (H02)."""
    return Said("CancelReservation", {"reservationId": wish["reservation_id"]})


HEAR: dict[str, Hear] = {
    "ReservationStatusUpdate": status_update,
}
SAY: dict[str, Say] = {
    "reserveNow": say_reserve,
    "cancelReservation": say_cancel,
}
HEED: dict[str, Heed] = {
    "reserveNow": heed_reserve,
    "cancelReservation": heed_cancel,
}
