"""Reservations as stations answer for them, in any version."""

from __future__ import annotations

from datetime import datetime

from adapters.ocpp.dialect import EMPTY, Payload, read
from application.session import Session
from domain.reservation import Reservation, Wish, check, stream
from domain.station import Station


def admit(session: Session, wish: Payload) -> datetime:
    """Before a station is asked to hold something; returns until when. Raises Refusal."""
    expires_at = datetime.fromisoformat(wish["expires_at"])
    held = session.rules.reservations.held(session.station_id)
    check(Wish(wish["reservation_id"], wish.get("evse_id"), expires_at), held, session.now)
    return expires_at


def heed_reserve(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """The station holds it, or says why not."""
    reservation, verdict = loaded(session, wish["reservation_id"]), read(answer)
    if verdict.accepted:
        reservation.place(session.cause, session.now)
        session.rules.reservations.promise(reservation)
    else:
        reservation.refuse(verdict.reason or "refused", session.cause, session.now)


def heed_cancel(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """The station has given it back. One that it does not know keeps its own end."""
    reservation = loaded(session, wish["reservation_id"])
    if read(answer).accepted:
        reservation.cancel(session.cause, session.now)


def status_update(session: Session, payload: Payload) -> bytes:
    """ReservationStatusUpdate (H04, H01.FR.16, H01.FR.17): its time is over, or the station gave it up."""
    reservation, status = loaded(session, payload["reservationId"]), payload["reservationUpdateStatus"]
    if not reservation.live or reservation.station_id != session.station_id:
        session.tell(Station.MessageReceived)
    elif status == "Expired":
        reservation.expire(session.cause, session.now)
    else:
        reservation.remove(status, session.cause, session.now)
    return EMPTY


def loaded(session: Session, reservation_id: int) -> Reservation:
    """A reservation fresh from the history, for others write to its stream as well. Raises NotLoaded."""
    reservation = session.of(Reservation, stream(reservation_id))
    del session.others[reservation.id]
    return reservation
