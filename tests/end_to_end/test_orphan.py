"""An operator settles what a station left open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server
from tests.history import meter16, start16, stop16

ORPHANS = """query ($station: ID!, $bound: Boolean) { orphans(stationId: $station, bound: $bound) {
  totalCount edges { node { id stationTransactionId meterStopWh reason transactionId } } } }"""
OPEN = (
    "query ($station: ID!) { transactions(stationId: $station) { edges { node { id energyWh endedAt stopReason } } } }"
)
BIND = """mutation ($orphan: ID!, $transaction: ID!) {
  bindTransaction(input: {orphanId: $orphan, transactionId: $transaction}) { energyWh stopReason endedAt } }"""
CLOSE = """mutation ($transaction: ID!) {
  closeTransaction(input: {transactionId: $transaction, reason: "the car is gone"}) { energyWh stopReason } }"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"sqlite:///{tmp_path_factory.mktemp('orphan')}/bornier.db") as running:
        yield running


async def begin(server: Server, station: Station) -> str:
    await station.boot()
    number = (await station.call("StartTransaction", start16(1)))["transactionId"]
    await station.call("MeterValues", meter16(number, 2, 1500))

    def read(data: dict[str, Any]) -> bool:
        return [edge["node"]["energyWh"] for edge in data["transactions"]["edges"]] == [500]

    data = await server.until(OPEN, read, station=station.station_id)
    return str(data["transactions"]["edges"][0]["node"]["id"])


async def test_an_orphan_is_listed_and_bound(server: Server) -> None:
    async with Station(server.ocpp, "LOST") as station:
        charge = await begin(server, station)
        assert await station.call("StopTransaction", stop16(-55, 9, 3000) | {"idTag": "OTHER"}) != {}
        assert await station.call("StopTransaction", stop16(2_000_000, 9, 3000)) == {}
        found = await server.until(ORPHANS, lambda d: len(d["orphans"]["edges"]) == 2, station="LOST", bound=False)
        node = found["orphans"]["edges"][0]["node"]
        assert (node["stationTransactionId"], node["meterStopWh"], node["transactionId"]) == ("2000000", 3000, None)
        bound = (await server.ask(BIND, orphan=node["id"], transaction=charge))["bindTransaction"]
        assert (bound["energyWh"], bound["stopReason"]) == (2000, "Local")
        assert (await station.call("StatusNotification", AVAILABLE)) == {}
    data = await server.until(ORPHANS, lambda d: len(d["orphans"]["edges"]) == 1, station="LOST", bound=True)
    assert data["orphans"]["edges"][0]["node"]["transactionId"] == charge


AVAILABLE = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


async def test_an_orphan_of_another_station_or_of_nobody_is_not_bound(server: Server) -> None:
    async with Station(server.ocpp, "MINE") as station:
        charge = await begin(server, station)
    for orphan in ("5@OTHER", "5@MINE", "x", "999999999999@MINE"):
        async with httpx.AsyncClient() as client:
            body = {"query": BIND, "variables": {"orphan": orphan, "transaction": charge}}
            answer = await client.post(
                f"{server.http}/graphql", json=body, headers={"Authorization": f"Bearer {TOKEN}"}
            )
        assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_an_operator_closes_what_the_station_forgot(server: Server) -> None:
    async with Station(server.ocpp, "FORGOT") as station:
        charge = await begin(server, station)
    closed = (await server.ask(CLOSE, transaction=charge))["closeTransaction"]
    assert closed == {"energyWh": 500, "stopReason": "the car is gone"}
