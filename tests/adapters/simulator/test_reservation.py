"""A simulated station holds its connector, and knows whose turn it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.simulator.vocabulary import now
from tests.adapters.simulator.desk import at_desk, until

VERSIONS = ["1.6", "2.0.1", "2.1"]


def reserve(version: str, badge: str, seconds: float = 60, number: int = 1) -> dict[str, Any]:
    until = (now() + timedelta(seconds=seconds)).isoformat()
    if version == "1.6":
        return {"connectorId": 1, "expiryDate": until, "idTag": badge, "reservationId": number}
    return {"id": number, "evseId": 1, "expiryDateTime": until, "idToken": {"idToken": badge, "type": "Central"}}


def status(payload: dict[str, Any]) -> Any:
    return payload.get("status", payload.get("connectorStatus"))


@pytest.mark.parametrize("version", VERSIONS)
async def test_only_the_badge_that_reserved_may_start_and_uses_the_reservation_up(version: str) -> None:
    async with at_desk(version) as (desk, station):
        assert await desk.ask("ReserveNow", reserve(version, "MINE")) == {"status": "Accepted"}
        await desk.hears("StatusNotification", lambda payload: status(payload) == "Reserved")
        assert await desk.ask("ReserveNow", reserve(version, "OTHER", number=2)) == {"status": "Occupied"}
        assert not await station.start("OTHER")
        assert not station.wish("OTHER", None)
        assert await station.start("MINE")
        start = desk.said("StartTransaction" if version == "1.6" else "TransactionEvent")[0]
        assert start["reservationId"] == 1
        assert station.reservations.held is None


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_reservation_expires_and_frees_the_connector(version: str) -> None:
    async with at_desk(version) as (desk, _):
        assert await desk.ask("ReserveNow", reserve(version, "MINE", seconds=-1)) == {"status": "Rejected"}
        assert await desk.ask("ReserveNow", reserve(version, "MINE", seconds=0.2)) == {"status": "Accepted"}
        await until(
            lambda: [status(p) for p in desk.said("StatusNotification")] == ["Available", "Reserved", "Available"]
        )
        if version != "1.6":
            update = await desk.hears("ReservationStatusUpdate")
            assert update == {"reservationId": 1, "reservationUpdateStatus": "Expired"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_reservation_is_cancelled_once(version: str) -> None:
    async with at_desk(version) as (desk, _):
        await desk.ask("ReserveNow", reserve(version, "MINE"))
        assert await desk.ask("CancelReservation", {"reservationId": 2}) == {"status": "Rejected"}
        assert await desk.ask("CancelReservation", {"reservationId": 1}) == {"status": "Accepted"}
        assert await desk.ask("CancelReservation", {"reservationId": 1}) == {"status": "Rejected"}
        await until(lambda: status(desk.said("StatusNotification")[-1]) == "Available")


async def test_a_station_out_of_service_holds_nothing() -> None:
    async with at_desk("1.6") as (desk, _):
        assert await desk.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}) == {"status": "Accepted"}
        assert await desk.ask("ReserveNow", reserve("1.6", "MINE")) == {"status": "Unavailable"}
