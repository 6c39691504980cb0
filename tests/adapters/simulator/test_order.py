"""A simulated station does what else it is told: triggers, availability, unlocking, screens, prices, batteries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.simulator.desk import at_desk, charging, until

VERSIONS = ["1.6", "2.0.1", "2.1"]
V2 = VERSIONS[1:]
TOKEN = {"idToken": "B1", "type": "ISO14443"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_triggered_message_is_really_sent_after_the_answer(version: str) -> None:
    trigger = "ExtendedTriggerMessage" if version == "1.6" else "TriggerMessage"
    async with at_desk(version) as (desk, _):
        for message in (
            "Heartbeat", "MeterValues", "FirmwareStatusNotification", "LogStatusNotification", "BootNotification",
        ):  # fmt: skip
            desk.calls.clear()
            assert await desk.ask(trigger, {"requestedMessage": message}) == {"status": "Accepted"}
            await desk.hears(message)
        if version == "1.6":
            asked = {"requestedMessage": "DiagnosticsStatusNotification"}
            assert await desk.ask("TriggerMessage", asked) == {"status": "Accepted"}
            assert await desk.hears("DiagnosticsStatusNotification") == {"status": "Idle"}
        else:
            answer = await desk.ask(trigger, {"requestedMessage": "PublishFirmwareStatusNotification"})
            assert answer == {"status": "NotImplemented"}
            assert await desk.ask(trigger, {"requestedMessage": "TransactionEvent"}) == {"status": "Rejected"}


async def test_a_triggered_transaction_event_says_that_it_was_triggered() -> None:
    async with at_desk("2.0.1") as (desk, station):
        await charging(desk, station)
        assert await desk.ask("TriggerMessage", {"requestedMessage": "TransactionEvent"}) == {"status": "Accepted"}
        await desk.hears("TransactionEvent", lambda event: event["triggerReason"] == "Trigger")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_station_in_use_goes_out_of_service_after_the_charge(version: str) -> None:
    async with at_desk(version) as (desk, station):
        await charging(desk, station)
        asked = {"connectorId": 1, "type": "Inoperative"} if version == "1.6" else {"operationalStatus": "Inoperative"}
        assert await desk.ask("ChangeAvailability", asked) == {"status": "Scheduled"}
        station.stop("Local")
        await desk.hears("StatusNotification", lambda p: "Unavailable" in (p.get("status"), p.get("connectorStatus")))
        assert not station.wish("B2", None)


@pytest.mark.parametrize("version", V2)
async def test_a_reset_on_idle_waits_and_an_unlock_does_not_end_a_charge(version: str) -> None:
    async with at_desk(version) as (desk, station):
        number = await charging(desk, station)
        assert (await desk.ask("UnlockConnector", {"evseId": 1, "connectorId": 1})) == {
            "status": "OngoingAuthorizedTransaction"
        }
        assert (await desk.ask("UnlockConnector", {"evseId": 2, "connectorId": 1}))["status"] == "UnknownConnector"
        assert await desk.ask("Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
        state = await desk.ask("GetTransactionStatus", {"transactionId": number})
        assert state["ongoingIndicator"]
        assert await desk.ask("CostUpdated", {"totalCost": 1.5, "transactionId": number}) == {}
        assert station.charge is not None
        assert station.charge.cost == 1.5
        station.stop("Local")
        await until(lambda: len(desk.said("BootNotification")) == 2)
        assert desk.said("BootNotification")[1]["reason"] == "RemoteReset"
        assert await desk.ask("GetTransactionStatus") == {"messagesInQueue": False}


@pytest.mark.parametrize("version", V2)
async def test_messages_are_shown_listed_and_taken_off_the_screen(version: str) -> None:
    async with at_desk(version) as (desk, station):
        message = {"id": 1, "priority": "AlwaysFront", "message": {"format": "UTF8", "content": "hello"}}
        assert await desk.ask("SetDisplayMessage", {"message": message}) == {"status": "Accepted"}
        assert await desk.ask("SetDisplayMessage", {"message": message | {"id": 2}}) == {"status": "Accepted"}
        assert sorted(station.screen) == [2]
        for more, status in (
            ({"message": {"format": "HTML", "content": "x"}}, "NotSupportedMessageFormat"),
            ({"transactionId": "nobody"}, "UnknownTransaction"),
        ):
            answer = await desk.ask("SetDisplayMessage", {"message": message | {"id": 3} | more})
            assert answer == {"status": status}
        assert await desk.ask("GetDisplayMessages", {"requestId": 4}) == {"status": "Accepted"}
        told = await desk.hears("NotifyDisplayMessages")
        assert ([row["id"] for row in told["messageInfo"]], told["tbc"]) == ([2], False)
        assert await desk.ask("GetDisplayMessages", {"requestId": 5, "id": [1]}) == {"status": "Unknown"}
        assert await desk.ask("ClearDisplayMessage", {"id": 2}) == {"status": "Accepted"}
        assert await desk.ask("ClearDisplayMessage", {"id": 2}) == {"status": "Unknown"}


@pytest.mark.parametrize("version", V2)
async def test_what_is_known_about_a_person_is_told_and_forgotten(version: str) -> None:
    async with at_desk(version) as (desk, station):
        await station.badges.ask("B1")
        asked: dict[str, Any] = {"requestId": 1, "report": True, "clear": True}
        assert await desk.ask("CustomerInformation", asked) == {"status": "Invalid"}
        assert await desk.ask("CustomerInformation", asked | {"idToken": TOKEN}) == {"status": "Accepted"}
        told = await desk.hears("NotifyCustomerInformation")
        assert '"B1"' in told["data"]
        assert station.badges.cache == {}


@pytest.mark.parametrize("version", V2)
async def test_a_network_profile_must_not_be_less_secure(version: str) -> None:
    data = {
        "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": "wss://other/ocpp", "messageTimeout": 30,
        "securityProfile": 2, "ocppInterface": "Wired0",
    }  # fmt: skip
    async with at_desk(version) as (desk, station):
        answer = await desk.ask("SetNetworkProfile", {"configurationSlot": 1, "connectionData": data})
        assert answer == {"status": "Accepted"}
        assert station.networks[1]["ocppCsmsUrl"] == "wss://other/ocpp"
        weak = {"configurationSlot": 1, "connectionData": data | {"securityProfile": 0}}
        assert (await desk.ask("SetNetworkProfile", weak))["status"] == "Rejected"


async def test_tariffs_of_ocpp_2_1() -> None:
    tariff = {"tariffId": "t1", "currency": "EUR"}
    async with at_desk("2.1") as (desk, station):
        assert await desk.ask("GetTariffs", {"evseId": 0}) == {"status": "NoTariff"}
        assert await desk.ask("SetDefaultTariff", {"evseId": 1, "tariff": tariff}) == {"status": "Accepted"}
        answer = await desk.ask("GetTariffs", {"evseId": 0})
        assert answer["tariffAssignments"] == [{"tariffId": "t1", "tariffKind": "DefaultTariff", "evseIds": [1]}]
        number = await charging(desk, station)
        for change, status in (
            ({"transactionId": "nobody", "tariff": tariff}, "TxNotFound"),
            ({"transactionId": number, "tariff": tariff | {"currency": "USD"}}, "NoCurrencyChange"),
            ({"transactionId": number, "tariff": tariff | {"tariffId": "t2"}}, "Accepted"),
        ):
            assert await desk.ask("ChangeTransactionTariff", change) == {"status": status}
        kinds = [row["tariffKind"] for row in (await desk.ask("GetTariffs", {"evseId": 1}))["tariffAssignments"]]
        assert kinds == ["DefaultTariff", "DriverTariff"]
        cleared = await desk.ask("ClearTariffs", {"tariffIds": ["t1", "t9"]})
        assert [row["status"] for row in cleared["clearTariffsResult"]] == ["Accepted", "NoTariff"]


async def test_der_controls_of_ocpp_2_1_supersede_each_other() -> None:
    def control(name: str, priority: int) -> dict[str, Any]:
        curve = {"curveData": [{"x": 1, "y": 2}], "priority": priority, "yUnit": "PctMaxW"}
        return {"isDefault": False, "controlId": name, "controlType": "FreqWatt", "curve": curve}

    async with at_desk("2.1") as (desk, _):
        assert await desk.ask("SetDERControl", control("a", 5)) == {"status": "Accepted"}
        second = await desk.ask("SetDERControl", control("b", 1))
        assert second == {"status": "Accepted", "supersededIds": ["a"]}
        await desk.hears("NotifyDERStartStop", lambda told: told.get("supersededIds") == ["a"])
        asked = {"requestId": 2, "controlType": "FreqWatt"}
        assert await desk.ask("GetDERControl", asked) == {"status": "Accepted"}
        report = await desk.hears("ReportDERControl")
        assert [(row["id"], row["isSuperseded"]) for row in report["curve"]] == [("a", True), ("b", False)]
        assert await desk.ask("ClearDERControl", {"isDefault": False}) == {"status": "Accepted"}
        assert await desk.ask("ClearDERControl", {"isDefault": False}) == {"status": "NotFound"}


async def test_batteries_are_swapped_in_ocpp_2_1() -> None:
    async with at_desk("2.1") as (desk, _):
        assert await desk.ask("RequestBatterySwap", {"idToken": TOKEN, "requestId": 3}) == {"status": "Accepted"}
        await until(lambda: len(desk.said("BatterySwap")) == 2)
        assert [event["eventType"] for event in desk.said("BatterySwap")] == ["BatteryIn", "BatteryOut"]


async def test_the_next_car_does_not_come_because_a_profile_was_set() -> None:
    async with at_desk("2.0.1") as (desk, station):
        schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1}]}
        profile = {
            "id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute",
            "chargingSchedule": [schedule],
        }  # fmt: skip
        await desk.ask("SetChargingProfile", {"evseId": 0, "chargingProfile": profile})
        await desk.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
        await desk.hears("Heartbeat")
        assert station.charge is None
        assert desk.said("TransactionEvent") == []
