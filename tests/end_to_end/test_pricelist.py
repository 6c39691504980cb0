"""Tariffs on stations, settlements, VAT numbers and battery swaps (OCPP 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order, start

TARIFF = '{tariffId: "day", currency: "EUR", energy: {prices: [{priceKwh: 0.35}]}}'
INSTALLED = "query ($id: ID!) { installedTariffs(stationId: $id) { evseId tariffId kind tariff } }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("tariff") / "bornier.db"
    with Server(f"sqlite:///{path}") as running:
        yield running


async def installed(server: Server, station_id: str, *expected: tuple[int, str]) -> list[Any]:
    def there(data: dict[str, Any]) -> bool:
        return [(each["evseId"], each["tariffId"]) for each in data["installedTariffs"]] == list(expected)

    found: list[Any] = (await server.until(INSTALLED, there, id=station_id))["installedTariffs"]
    return found


async def test_a_tariff_is_installed_listed_and_cleared(server: Server) -> None:
    async with Station(server.ocpp, "T1", "2.1") as charger:
        await charger.boot()
        assert (await order(server, f'setDefaultTariff(input: {{stationId: "T1", tariff: {TARIFF}}})'))["status"] == (
            "ACCEPTED"
        )
        assert charger.heard[-1][3]["evseId"] == 0
        (day,) = await installed(server, "T1", (0, "day"))
        assert (day["kind"], day["tariff"]["currency"]) == ("DEFAULT", "EUR")
        own = {"tariffId": "own", "tariffKind": "DriverTariff", "evseIds": [2]}
        charger.commands["GetTariffs"] = {"status": "Accepted", "tariffAssignments": [own]}
        await order(server, 'getTariffs(input: {stationId: "T1"})')
        await installed(server, "T1", (2, "own"))
        charger.commands["GetTariffs"] = {"status": "NoTariff"}
        assert (await order(server, 'getTariffs(input: {stationId: "T1"})'))["error"] == "NoTariff"
        await installed(server, "T1")
        await order(server, f'setDefaultTariff(input: {{stationId: "T1", tariff: {TARIFF}, evseId: 1}})')
        charger.commands["ClearTariffs"] = {"clearTariffsResult": [{"tariffId": "day", "status": "Accepted"}]}
        cleared = await order(server, 'clearTariffs(input: {stationId: "T1", tariffIds: ["day"]})')
        assert (cleared["status"], charger.heard[-1][3]) == ("ACCEPTED", {"tariffIds": ["day"]})
        await installed(server, "T1")


async def test_a_running_transaction_gets_another_tariff(server: Server) -> None:
    async with Station(server.ocpp, "T2", "2.1") as charger:
        await charger.boot()
        known = await start(charger)
        query = '{ transactions(stationId: "T2") { edges { node { id } } } }'
        data = await server.until(query, lambda d: d["transactions"]["edges"])
        transaction_id = data["transactions"]["edges"][0]["node"]["id"]
        mutation = f'changeTransactionTariff(input: {{transactionId: "{transaction_id}", tariff: {TARIFF}}})'
        charger.commands["ChangeTransactionTariff"] = {"status": "TxNotFound"}
        assert (await order(server, mutation))["error"] == "TxNotFound"
        charger.commands["ChangeTransactionTariff"] = {"status": "Accepted"}
        assert (await order(server, mutation))["status"] == "ACCEPTED"
        assert charger.heard[-1][3]["transactionId"] == known
        query = '{ events(topics: ["pricelist.switched.v1"]) { edges { node { data } } } }'
        data = await server.until(query, lambda d: d["events"]["edges"])
        assert data["events"]["edges"][0]["node"]["data"]["transaction_id"] == transaction_id


async def test_a_tariff_that_is_none_is_never_sent(server: Server) -> None:
    async with Station(server.ocpp, "T3", "2.1") as charger:
        await charger.boot()
        command = await order(server, 'setDefaultTariff(input: {stationId: "T3", tariff: {tariffId: "x"}})')
        assert command["status"] == "REJECTED"
        assert "currency" in command["error"]
        assert charger.heard == []


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_earlier_versions_have_no_tariffs(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"T{version}", version) as charger:
        await charger.boot()
        command = await order(server, f'getTariffs(input: {{stationId: "{charger.station_id}"}})')
        assert (command["status"], command["error"]) == ("REJECTED", "tariffs on the station came with OCPP 2.1")


async def test_a_station_waits_for_a_web_payment(server: Server) -> None:
    async with Station(server.ocpp, "T5", "2.1") as charger:
        await charger.boot()
        charger.commands["NotifyWebPaymentStarted"] = {}
        command = await order(server, 'notifyWebPaymentStarted(input: {stationId: "T5", evseId: 1, timeoutS: 60})')
        assert (command["status"], charger.heard[-1][3]) == ("ACCEPTED", {"evseId": 1, "timeout": 60})


async def test_settlements_are_kept_to_the_cent(server: Server) -> None:
    async with Station(server.ocpp, "T6", "2.1") as charger:
        await charger.boot()
        await start(charger)
        said = {
            "transactionId": "mine", "pspRef": "p1", "status": "Settled", "settlementAmount": 12.1,
            "settlementTime": "2026-11-23T11:00:00Z", "receiptId": "r1", "vatNumber": "FR40303265045",
        }  # fmt: skip
        assert await charger.call("NotifySettlement", said) == {}
        query = '{ settlements(stationId: "T6") { edges { node { amount status transactionId receiptId } } } }'
        data = await server.until(query, lambda d: d["settlements"]["edges"])
        node = data["settlements"]["edges"][0]["node"]
        assert (node["amount"], node["status"], node["receiptId"]) == ("12.1", "Settled", "r1")
        assert node["transactionId"] is not None


async def test_a_vat_number_is_checked_by_its_form(server: Server) -> None:
    async with Station(server.ocpp, "T7", "2.1") as charger:
        await charger.boot()
        good = await charger.call("VatNumberValidation", {"vatNumber": "FR40303265045", "evseId": 1})
        assert good == {"status": "Accepted", "vatNumber": "FR40303265045", "evseId": 1}
        bad = await charger.call("VatNumberValidation", {"vatNumber": "FR4"})
        assert (bad["status"], bad["vatNumber"]) == ("Rejected", "FR4")


async def test_batteries_are_swapped(server: Server) -> None:
    async with Station(server.ocpp, "T8", "2.1") as charger:
        await charger.boot()
        assert (await order(server, 'requestBatterySwap(input: {stationId: "T8", badge: "B"})'))["status"] == "ACCEPTED"
        said = charger.heard[-1][3]
        for kind, serial, charge in (("BatteryIn", "empty", 12), ("BatteryOut", "full", 98)):
            battery = {"evseId": 1, "serialNumber": serial, "soC": charge, "soH": 95}
            swap = said | {"eventType": kind, "batteryData": [battery]}
            assert await charger.call("BatterySwap", swap) == {}
        query = """{ batterySwaps(stationId: "T8") { edges { node { requestId badge arrangedAt leftAt
          inserted { serialNumber socPercent } taken { serialNumber socPercent } } } } }"""
        data = await server.until(
            query, lambda d: d["batterySwaps"]["edges"] and d["batterySwaps"]["edges"][0]["node"]["taken"]
        )
        (node,) = (edge["node"] for edge in data["batterySwaps"]["edges"])
        assert (node["requestId"], node["badge"], node["leftAt"]) == (said["requestId"], "B", None)
        assert node["arrangedAt"] is not None
        assert node["inserted"] == [{"serialNumber": "empty", "socPercent": 12.0}]
        assert node["taken"] == [{"serialNumber": "full", "socPercent": 98.0}]
