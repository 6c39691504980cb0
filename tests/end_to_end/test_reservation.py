"""Reservations from GraphQL to a station and back, and every way they can end, in three versions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order

VERSIONS = ["1.6", "2.0.1", "2.1"]
ONE = "query ($id: ID!) { reservation(id: $id) { status reason evseId badge endedAt transaction { stationId } } }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("reservation") / "bornier.db"
    with Server(f"sqlite:///{path}") as running:
        yield running


def soon(seconds: float = 600) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def reserve(server: Server, station_id: str, evse_id: int | None = 1, seconds: float = 600) -> dict[str, Any]:
    """Ask for a reservation, and wait for the end of the command."""
    where = f"evseId: {evse_id}, " if evse_id else ""
    wish = f'stationId: "{station_id}", {where}badge: "B1", expiresAt: "{soon(seconds)}"'
    return await order(server, f"reserveNow(input: {{{wish}}})")


async def reservation(server: Server, number: int, status: str) -> dict[str, Any]:
    """The reservation, once it is so."""
    data = await server.until(ONE, lambda d: d["reservation"] and d["reservation"]["status"] == status, id=str(number))
    found: dict[str, Any] = data["reservation"]
    return found


def number(charger: Station) -> int:
    """The id the station was given last."""
    payload = charger.heard[-1][3]
    return int(payload["reservationId"] if charger.version == "1.6" else payload["id"])


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_reservation_is_held_and_given_back(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"H{version}", version) as charger:
        await charger.boot()
        assert (await reserve(server, charger.station_id))["status"] == "ACCEPTED"
        said, held = charger.heard[-1][3], number(charger)
        if version == "1.6":
            assert (said["connectorId"], said["idTag"]) == (1, "B1")
        else:
            assert (said["evseId"], said["idToken"]) == (1, {"idToken": "B1", "type": "ISO14443"})
        assert (await reservation(server, held, "ACTIVE"))["endedAt"] is None
        command = await order(server, f'cancelReservation(input: {{reservationId: "{held}"}})')
        assert command["status"] == "ACCEPTED"
        assert charger.heard[-1][3] == {"reservationId": held}
        assert (await reservation(server, held, "CANCELLED"))["endedAt"] is not None


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_second_reservation_on_a_held_evse_is_never_sent(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"S{version}", version) as charger:
        await charger.boot()
        await reserve(server, charger.station_id)
        first = number(charger)
        second = await reserve(server, charger.station_id)
        assert (second["status"], second["error"]) == ("REJECTED", f"EVSE 1 is held by reservation {first}")
        assert len(charger.heard) == 1
        assert (await reservation(server, first + 1, "REFUSED"))["reason"] == second["error"]
        assert (await reserve(server, charger.station_id, evse_id=2))["status"] == "ACCEPTED"
        assert (await reserve(server, charger.station_id, evse_id=None))["status"] == "ACCEPTED"


@pytest.mark.parametrize("status", ["Faulted", "Occupied", "Rejected", "Unavailable"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_the_station_may_refuse(server: Server, version: str, status: str) -> None:
    async with Station(server.ocpp, f"R{version}", version) as charger:
        await charger.boot()
        charger.commands["ReserveNow"] = {"status": status}
        assert (await reserve(server, charger.station_id))["status"] == "REJECTED"
        assert (await reservation(server, number(charger), "REFUSED"))["reason"] == status


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_reservation_expires_by_itself(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"E{version}", version) as charger:
        await charger.boot()
        await reserve(server, charger.station_id, seconds=1.2)
        await reservation(server, number(charger), "EXPIRED")
        assert (await reserve(server, charger.station_id))["status"] == "ACCEPTED"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_charge_uses_a_reservation(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"U{version}", version) as charger:
        await charger.boot()
        await reserve(server, charger.station_id)
        held, at = number(charger), datetime.now(UTC).isoformat()
        if version == "1.6":
            start = {"connectorId": 1, "idTag": "B1", "meterStart": 0, "timestamp": at, "reservationId": held}
            await charger.call("StartTransaction", start)
        else:
            await charger.call(
                "TransactionEvent",
                {
                    "eventType": "Started",
                    "timestamp": at,
                    "triggerReason": "Authorized",
                    "seqNo": 0,
                    "transactionInfo": {"transactionId": "mine"},
                    "evse": {"id": 1, "connectorId": 1},
                    "idToken": {"idToken": "B1", "type": "ISO14443"},
                    "reservationId": held,
                },
            )
        used = await reservation(server, held, "USED")
        assert used["transaction"] == {"stationId": charger.station_id}


@pytest.mark.parametrize(
    ("version", "update", "status"),
    [
        ("2.0.1", "Expired", "EXPIRED"),
        ("2.0.1", "Removed", "REMOVED"),
        ("2.1", "Removed", "REMOVED"),
        ("2.1", "NoTransaction", "REMOVED"),
    ],
)
async def test_the_station_ends_a_reservation(server: Server, version: str, update: str, status: str) -> None:
    async with Station(server.ocpp, f"X{version}", version) as charger:
        await charger.boot()
        await reserve(server, charger.station_id)
        said = {"reservationId": number(charger), "reservationUpdateStatus": update}
        assert await charger.call("ReservationStatusUpdate", said) == {}
        await reservation(server, number(charger), status)
        assert await charger.call("ReservationStatusUpdate", said) == {}
        assert await charger.call("ReservationStatusUpdate", said | {"reservationId": 999_999}) == {}


async def test_a_reservation_for_an_absent_station_is_refused_at_the_deadline(server: Server) -> None:
    async with Station(server.ocpp, "O") as charger:
        await charger.boot()
    wish = f'stationId: "O", badge: "B", expiresAt: "{soon()}", deadlineSeconds: 1'
    asked = await server.ask(f"mutation {{ reserveNow(input: {{{wish}}}) {{ parameters }} }}")
    held = asked["reserveNow"]["parameters"]["reservation_id"]
    assert "not connected" in (await reservation(server, held, "REFUSED"))["reason"]


async def test_a_reservation_survives_a_reconnection(server: Server) -> None:
    async with Station(server.ocpp, "Z") as charger:
        await charger.boot()
        await reserve(server, "Z")
        held = number(charger)
    async with Station(server.ocpp, "Z") as charger:
        await charger.boot()
        assert (await reserve(server, "Z"))["error"] == f"EVSE 1 is held by reservation {held}"
        await order(server, f'cancelReservation(input: {{reservationId: "{held}"}})')
        await reservation(server, held, "CANCELLED")


async def test_reservations_are_listed_the_newest_first(server: Server) -> None:
    async with Station(server.ocpp, "L") as charger:
        await charger.boot()
        for evse_id in (1, 2, 3):
            await reserve(server, "L", evse_id)
    query = """query ($after: String) { reservations(stationId: "L", status: ACTIVE, first: 2, after: $after) {
      totalCount edges { node { evseId } } pageInfo { hasNextPage endCursor } } }"""
    page = (await server.until(query, lambda d: d["reservations"]["totalCount"] == 3))["reservations"]
    assert [edge["node"]["evseId"] for edge in page["edges"]] == [3, 2]
    assert page["pageInfo"]["hasNextPage"]
    rest = (await server.ask(query, after=page["pageInfo"]["endCursor"]))["reservations"]
    assert [edge["node"]["evseId"] for edge in rest["edges"]] == [1]
