"""Reservations of a simulated station: the connector is held for a badge until a time (OCPP 1.6 5.13, 2.x H01-H04)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from adapters.simulator.vocabulary import Payload, Said, now, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station


@dataclass
class Held:
    """Who may charge, and until when nobody else may."""

    id: int
    badge: str
    group: str | None
    expires_at: datetime

    def admits(self, badge: str, group: str | None) -> bool:
        return badge == self.badge or (self.group is not None and group == self.group)


class Reservations:
    """The one connector of a station can be held once."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.held: Held | None = None

    def place(self, wanted: Held, evse_id: int | None) -> str:
        """The status of the answer to ReserveNow."""
        if evse_id not in (None, 0, 1) or wanted.expires_at <= now():
            return "Rejected"
        if not self.station.operative:
            return "Unavailable"
        if self.station.charge is not None or (self.held is not None and self.held.id != wanted.id):
            return "Occupied"
        self.held = wanted
        self.station.then(self.station.send_status)
        self.station.go(partial(self.expire, wanted))
        return "Accepted"

    async def expire(self, wanted: Held) -> None:
        """H04: once the time is over, the connector is free again, and 2.x says why."""
        await asyncio.sleep(max(0.0, (wanted.expires_at - now()).total_seconds()))
        if self.held is wanted:
            await self.release("Expired")

    async def release(self, why: str) -> None:
        held, self.held = self.held, None
        if held is not None and self.station.version != "1.6":
            body = {"reservationId": held.id, "reservationUpdateStatus": why}
            await self.station.say(Said("ReservationStatusUpdate", body))
        await self.station.send_status()

    def cancel(self, number: int) -> bool:
        if self.held is None or self.held.id != number:
            return False
        self.held = None
        self.station.then(self.station.send_status)
        return True

    def admits(self, badge: str, group: str | None) -> bool:
        """May this badge start a charge now?"""
        return self.held is None or self.held.admits(badge, group)

    def use(self) -> int | None:
        """A charge begins: the reservation that it uses up."""
        held, self.held = self.held, None
        return held.id if held is not None else None


def reserve16(station: Station, payload: Payload) -> Payload:
    held = Held(
        payload["reservationId"],
        payload["idTag"],
        payload.get("parentIdTag"),
        datetime.fromisoformat(payload["expiryDate"]),
    )
    return {"status": station.reservations.place(held, payload["connectorId"])}


def reserve201(station: Station, payload: Payload) -> Payload:
    held = Held(
        payload["id"],
        payload["idToken"]["idToken"],
        payload.get("groupIdToken", {}).get("idToken"),
        datetime.fromisoformat(payload["expiryDateTime"]),
    )
    return {"status": station.reservations.place(held, payload.get("evseId"))}


def cancel(station: Station, payload: Payload) -> Payload:
    return status(station.reservations.cancel(payload["reservationId"]))


OBEY16 = {"ReserveNow": reserve16, "CancelReservation": cancel}
OBEY201 = {"ReserveNow": reserve201, "CancelReservation": cancel}
