"""Reservations (OCPP 1.6; OCPP 2.0.1 block H)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.flow import BADGE, TOKEN, Charge, now, order, status
from tests.end_to_end.client import Station
from tests.end_to_end.server import Server


async def reserve(server: Server, station: Station, seconds: float = 600, **wish: Any) -> dict[str, Any]:
    """ReserveNow for the configured token; returns what the station was asked."""
    wish = {"stationId": station.station_id, "badge": BADGE, "expiresAt": now(seconds)} | wish
    command = await order(server, "reserveNow", **wish)
    assert command["status"] == "ACCEPTED"
    said: dict[str, Any] = station.heard[-1][3]
    return said


async def fate(server: Server, number: int, wanted: str) -> None:
    query = "query ($id: ID!) { reservation(id: $id) { status } }"
    await server.until(query, lambda d: d["reservation"] and d["reservation"]["status"] == wanted, id=str(number))


async def start16(station: Station, number: int) -> None:
    said = {"connectorId": 1, "idTag": BADGE, "meterStart": 0, "timestamp": now(), "reservationId": number}
    assert (await station.call("StartTransaction", said))["idTagInfo"]["status"] == "Accepted"


@pytest.mark.octt("1.6", "TC_046_CSMS", "TC_049_CSMS")
@pytest.mark.parametrize(("wish", "connector"), [({"evseId": 1}, 1), ({}, 0)], ids=["connector", "station"])
async def test_a_charge_of_ocpp_16_uses_its_reservation(
    server: Server, badge: str, wish: dict[str, int], connector: int
) -> None:
    async with Station(server.ocpp, f"TC046{connector}") as station:
        await station.boot()
        said = await reserve(server, station, **wish)
        assert (said["connectorId"], said["idTag"]) == (connector, BADGE)
        await status(station, "Reserved", connector)
        assert (await station.call("Authorize", {"idTag": BADGE}))["idTagInfo"]["status"] == "Accepted"
        await start16(station, said["reservationId"])
        await fate(server, said["reservationId"], "USED")


@pytest.mark.octt("1.6", "TC_047_CSMS")
async def test_a_reservation_of_ocpp_16_expires(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TC047") as station:
        await station.boot()
        said = await reserve(server, station, seconds=1.5, evseId=1)
        await status(station, "Reserved")
        await fate(server, said["reservationId"], "EXPIRED")
        await status(station, "Available")


@pytest.mark.octt("1.6", "TC_048_1_CSMS", "TC_048_2_CSMS", "TC_048_3_CSMS", "TC_048_4_CSMS")
@pytest.mark.parametrize("answer", ["Faulted", "Occupied", "Unavailable", "Rejected"])
async def test_a_reservation_of_ocpp_16_is_refused(server: Server, answer: str) -> None:
    async with Station(server.ocpp, f"TC048{answer}") as station:
        await station.boot()
        station.commands["ReserveNow"] = {"status": answer}
        wish = {"stationId": station.station_id, "badge": BADGE, "expiresAt": now(600), "evseId": 1}
        command = await order(server, "reserveNow", **wish)
        assert (command["status"], command["error"]) == ("REJECTED", answer)
        await fate(server, station.heard[-1][3]["reservationId"], "REFUSED")


@pytest.mark.octt("1.6", "TC_051_CSMS", "TC_052_CSMS")
@pytest.mark.parametrize(
    ("answer", "ending", "state"), [("Accepted", "ACCEPTED", "CANCELLED"), ("Rejected", "REJECTED", "ACTIVE")]
)
async def test_a_reservation_of_ocpp_16_is_cancelled_or_not(
    server: Server, answer: str, ending: str, state: str
) -> None:
    async with Station(server.ocpp, f"TC051{answer}") as station:
        await station.boot()
        said = await reserve(server, station, evseId=1)
        station.commands["CancelReservation"] = {"status": answer}
        command = await order(server, "cancelReservation", reservationId=str(said["reservationId"]))
        assert command["status"] == ending
        assert station.heard[-1][3] == {"reservationId": said["reservationId"]}
        await fate(server, said["reservationId"], state)


@pytest.mark.octt("2.0.1", "TC_H_01_CSMS")
async def test_a_charge_uses_its_reservation(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCH01", "2.0.1") as station:
        await station.boot()
        said = await reserve(server, station, evseId=1)
        assert (said["evseId"], said["idToken"]) == (1, TOKEN)
        assert "connectorType" not in said
        await status(station, "Reserved")
        assert (await station.call("Authorize", {"idToken": TOKEN}))["idTokenInfo"]["status"] == "Accepted"
        charge = Charge(station)
        await charge.event("Started", "Authorized", "EVConnected", idToken=TOKEN, reservationId=said["id"])
        await charge.charging()
        await fate(server, said["id"], "USED")


@pytest.mark.octt("2.0.1", "TC_H_07_CSMS")
async def test_a_reservation_ends_unused(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCH07", "2.0.1") as station:
        await station.boot()
        said = await reserve(server, station, seconds=1.5, evseId=1)
        await status(station, "Reserved")
        await fate(server, said["id"], "EXPIRED")
        await status(station, "Available")
        update = {"reservationId": said["id"], "reservationUpdateStatus": "Expired"}
        assert await station.call("ReservationStatusUpdate", update) == {}


@pytest.mark.octt("2.0.1", "TC_H_08_CSMS", "TC_H_14_CSMS")
async def test_any_evse_is_reserved_as_often_as_there_are_evses(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCH08", "2.0.1") as station:
        await station.boot()
        numbers = set()
        for _ in (1, 2):
            said = await reserve(server, station)
            assert said["idToken"] == TOKEN
            assert not {"evseId", "connectorType"} & set(said)
            numbers.add(said["id"])
        assert len(numbers) == 2
        for evse_id in (1, 2):
            await status(station, "Reserved", evse_id)


@pytest.mark.octt("2.0.1", "TC_H_15_CSMS")
async def test_a_type_of_connector_is_reserved(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCH15", "2.0.1") as station:
        await station.boot()
        said = await reserve(server, station, connectorType="cCCS2")
        assert (said["connectorType"], said["idToken"]) == ("cCCS2", TOKEN)
        assert "evseId" not in said
        await status(station, "Reserved")


@pytest.mark.octt("2.0.1", "TC_H_17_CSMS")
async def test_a_reservation_is_cancelled(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCH17", "2.0.1") as station:
        await station.boot()
        said = await reserve(server, station, evseId=1)
        await status(station, "Reserved")
        command = await order(server, "cancelReservation", reservationId=str(said["id"]))
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["CancelReservation", {"reservationId": said["id"]}]
        await status(station, "Available")
        await fate(server, said["id"], "CANCELLED")


@pytest.mark.octt("2.0.1", "TC_H_19_CSMS")
async def test_an_evse_is_reserved_for_a_group(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCH19", "2.0.1") as station:
        await station.boot()
        said = await reserve(server, station, evseId=1, groupBadge="FLEET")
        assert (said["evseId"], said["idToken"]) == (1, TOKEN)
        assert said["groupIdToken"]["idToken"] == "FLEET"
        assert "connectorType" not in said
        await status(station, "Reserved")


@pytest.mark.octt("2.0.1", "TC_H_20_CSMS")
async def test_a_station_with_a_fault_gives_its_reservation_up(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCH20", "2.0.1") as station:
        await station.boot()
        said = await reserve(server, station, evseId=1)
        await status(station, "Reserved")
        await status(station, "Faulted")
        update = {"reservationId": said["id"], "reservationUpdateStatus": "Removed"}
        assert await station.call("ReservationStatusUpdate", update) == {}
        await fate(server, said["id"], "REMOVED")


@pytest.mark.octt("2.0.1", "TC_H_22_CSMS")
async def test_a_station_that_takes_no_reservations_rejects_one(server: Server, badge: str) -> None:
    async with Station(server.ocpp, "TCH22", "2.0.1") as station:
        await station.boot()
        station.commands["ReserveNow"] = {"status": "Rejected"}
        wish = {"stationId": "TCH22", "badge": BADGE, "expiresAt": now(600), "evseId": 1}
        command = await order(server, "reserveNow", **wish)
        assert (command["status"], command["error"]) == ("REJECTED", "Rejected")
        await fate(server, station.heard[-1][3]["id"], "REFUSED")
