"""The station itself: boot, status, availability, reset, vendor data (OCPP 1.6; OCPP 2.0.1 blocks B, G and P)."""

from __future__ import annotations

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server


@pytest.mark.octt("1.6", "TC_001_CSMS")
async def test_a_cold_boot_is_accepted(server: Server) -> None:
    async with Station(server.ocpp, "TC001") as station:
        answer = await station.boot()
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        for connector in (0, 1, 2):
            payload = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
            assert await station.call("StatusNotification", payload) == {}
        assert "currentTime" in await station.call("Heartbeat", {})


@pytest.mark.octt("2.0.1", "TC_B_01_CSMS")
async def test_a_cold_boot_of_a_known_station_is_accepted(server: Server) -> None:
    async with Station(server.ocpp, "TCB01", "2.0.1") as station:
        answer = await station.boot()
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        payload = {"timestamp": "2026-11-23T10:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        assert await station.call("StatusNotification", payload) == {}
        assert "currentTime" in await station.call("Heartbeat", {})
