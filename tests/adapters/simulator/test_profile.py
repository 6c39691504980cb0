"""A simulated station gives the power that its charging profiles leave, and says beforehand what that will be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.simulator.profile import Profiles
from adapters.simulator.station import Station
from adapters.simulator.vocabulary import Charge, now
from tests.adapters.simulator.desk import at_desk, charging, until

VERSIONS = ["1.6", "2.0.1", "2.1"]
WATT = "Power.Active.Import"


def profile(version: str, purpose: str, *limits: tuple[int, float], stack: int = 0, number: int = 1, unit: str = "W",
            kind: str = "Absolute", **more: Any) -> dict[str, Any]:  # fmt: skip
    """A charging profile in the words of a version; `limits`: (startPeriod, limit)."""
    periods = [{"startPeriod": start, "limit": limit} for start, limit in limits]
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    for name in ("startSchedule", "duration"):
        if name in more:
            schedule[name] = more.pop(name)
    head = {"stackLevel": stack, "chargingProfilePurpose": purpose, "chargingProfileKind": kind, **more}
    if version == "1.6":
        return head | {"chargingProfileId": number, "chargingSchedule": schedule}
    return head | {"id": number, "chargingSchedule": [schedule | {"id": 1}]}


def install(version: str, evse_id: int, raw: dict[str, Any]) -> dict[str, Any]:
    if version == "1.6":
        return {"connectorId": evse_id, "csChargingProfiles": raw}
    return {"evseId": evse_id, "chargingProfile": raw}


def whole(version: str) -> str:
    return "ChargePointMaxProfile" if version == "1.6" else "ChargingStationMaxProfile"


def idle(version: str = "1.6") -> Station:
    """A three-phase station of 22 kW, not connected."""
    station = Station("ws://127.0.0.1:9/ocpp", "S1", version)
    station.rated_w, station.phases = 22_000.0, 3
    return station


def at_hour(hour: float) -> datetime:
    return datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=hour)


def test_the_lowest_of_station_and_charge_counts_and_the_charge_s_own_comes_before_the_default() -> None:
    station = idle()
    profiles: Profiles = station.profiles
    assert profiles.offered_w(now()) == 22_000
    assert profiles.install(0, profile("1.6", "TxDefaultProfile", (0, 9_000), number=1)) is None
    assert profiles.offered_w(now()) == 9_000
    assert profiles.install(1, profile("1.6", "TxDefaultProfile", (0, 8_000), number=2, stack=1)) is None
    assert profiles.offered_w(now()) == 8_000
    station.charge = Charge("B", now(), "local")
    assert profiles.install(1, profile("1.6", "TxProfile", (0, 12_000), number=3)) is None
    assert profiles.offered_w(now()) == 12_000
    assert profiles.install(0, profile("1.6", "ChargePointMaxProfile", (0, 5_000), number=4)) is None
    assert profiles.offered_w(now()) == 5_000
    profiles.forget_charge()
    assert [row.id for row in profiles.rows] == [1, 2, 4]


def test_amperes_are_watts_of_the_phases_in_use() -> None:
    station = idle()
    station.profiles.install(0, profile("1.6", "TxDefaultProfile", (0, 10), unit="A"))
    assert station.profiles.offered_w(now()) == 10 * 230 * 3
    raw = profile("1.6", "TxDefaultProfile", (0, 10), unit="A")
    raw["chargingSchedule"]["chargingSchedulePeriod"][0]["numberPhases"] = 1
    station.profiles.install(0, raw)
    assert station.profiles.offered_w(now()) == 10 * 230


def test_a_daily_schedule_comes_back_and_an_absolute_one_ends() -> None:
    station = idle()
    night = profile("1.6", "TxDefaultProfile", (0, 3_000), (6 * 3600, 20_000), kind="Recurring", recurrencyKind="Daily",
                    startSchedule="2020-01-01T00:00:00Z")  # fmt: skip
    station.profiles.install(0, night)
    assert [station.profiles.offered_w(at_hour(hour)) for hour in (1, 7, 25, 31)] == [3_000, 20_000, 3_000, 20_000]
    once = profile("1.6", "TxDefaultProfile", (0, 1_000), stack=5, number=2, startSchedule="2026-11-24T02:00:00Z",
                   duration=3600)  # fmt: skip
    station.profiles.install(0, once)
    assert [station.profiles.offered_w(at_hour(hour)) for hour in (1, 2, 2.9, 3)] == [3_000, 1_000, 1_000, 3_000]


def test_the_composite_schedule_is_what_will_be_offered_step_by_step() -> None:
    station = idle("2.0.1")
    station.profiles.install(0, profile("2.0.1", "TxDefaultProfile", (0, 3_000), (600, 9_000), number=1,
                                        startSchedule="2026-11-24T00:00:00Z"))  # fmt: skip
    station.profiles.install(0, profile("2.0.1", "ChargingStationMaxProfile", (0, 6_000), number=2,
                                        startSchedule="2026-11-24T00:20:00Z", duration=600))  # fmt: skip
    periods = station.profiles.composite(at_hour(0), 3600, "W")
    assert [(period["startPeriod"], period["limit"]) for period in periods] == [
        (0, 3_000), (600, 9_000), (1200, 6_000), (1800, 9_000),
    ]  # fmt: skip
    for period in periods:
        at = at_hour(0) + timedelta(seconds=period["startPeriod"])
        assert station.profiles.offered_w(at) == period["limit"]
    amperes = station.profiles.composite(at_hour(0), 60, "A")
    assert amperes == [{"startPeriod": 0, "limit": round(3_000 / 690, 1)}]


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_power_of_a_charge_follows_its_profiles(version: str) -> None:
    async with at_desk(version) as (desk, station):
        number = await charging(desk, station)
        raw = profile(version, "TxProfile", (0, 2_000), transactionId=number)
        assert await desk.ask("SetChargingProfile", install(version, 1, raw)) == {"status": "Accepted"}
        await until(lambda: power(desk.calls) == 2_000)
        zero = install(version, 0, profile(version, whole(version), (0, 0), number=2))
        assert await desk.ask("SetChargingProfile", zero) == {"status": "Accepted"}
        await until(lambda: power(desk.calls) == 0)
        await until(lambda: suspended(desk.calls))
        register = station.register_wh
        clear = {"id": 2} if version == "1.6" else {"chargingProfileId": 2}
        assert await desk.ask("ClearChargingProfile", clear) == {"status": "Accepted"}
        assert await desk.ask("ClearChargingProfile", clear) == {"status": "Unknown"}
        await until(lambda: power(desk.calls) == 2_000)
        await until(lambda: station.register_wh > register)
        station.stop("Local")
        await until(lambda: station.charge is None)
        assert station.profiles.rows == []


def power(calls: list[tuple[str, dict[str, Any]]]) -> float | None:
    """What was last metered, in W."""
    for _, payload in reversed(calls):
        for value in payload.get("meterValue", ()):
            for sample in value["sampledValue"]:
                if sample.get("measurand") == WATT:
                    return float(sample["value"]) * (1000 if sample.get("unit") == "kW" else 1)
    return None


def suspended(calls: list[tuple[str, dict[str, Any]]]) -> bool:
    return any(
        "SuspendedEVSE" in (p.get("status"), p.get("transactionInfo", {}).get("chargingState")) for _, p in calls
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("purpose", "evse_id", "more"),
    [("TxProfile", 1, {}), ("TxDefaultProfile", 7, {}), ("TxDefaultProfile", 1, {"stack": 11}), ("whole", 1, {})],
    ids=["no transaction", "no such EVSE", "too high", "not of one EVSE"],
)
async def test_what_makes_no_sense_is_rejected(version: str, purpose: str, evse_id: int, more: dict[str, Any]) -> None:
    async with at_desk(version) as (desk, _):
        raw = profile(version, whole(version) if purpose == "whole" else purpose, (0, 1), **more)
        answer = await desk.ask("SetChargingProfile", install(version, evse_id, raw))
        assert answer["status"] == "Rejected"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_composite_schedule_is_answered(version: str) -> None:
    async with at_desk(version) as (desk, _):
        raw = profile(version, "TxDefaultProfile", (0, 1_000), (60, 2_000), startSchedule=now().isoformat())
        await desk.ask("SetChargingProfile", install(version, 0, raw))
        name = "connectorId" if version == "1.6" else "evseId"
        answer = await desk.ask("GetCompositeSchedule", {name: 1, "duration": 120, "chargingRateUnit": "W"})
        schedule = answer["chargingSchedule" if version == "1.6" else "schedule"]
        assert [period["limit"] for period in schedule["chargingSchedulePeriod"]] == [1_000, 2_000]
        unknown = await desk.ask("GetCompositeSchedule", {name: 5, "duration": 120})
        assert unknown["status"] == "Rejected"


async def test_installed_profiles_are_reported_by_evse() -> None:
    async with at_desk("2.0.1") as (desk, _):
        asked: dict[str, Any] = {"requestId": 3, "chargingProfile": {}}
        assert await desk.ask("GetChargingProfiles", asked) == {"status": "NoProfiles"}
        for evse_id, number in ((0, 1), (1, 2)):
            raw = profile("2.0.1", "TxDefaultProfile", (0, 1_000), number=number)
            await desk.ask("SetChargingProfile", install("2.0.1", evse_id, raw))
        assert await desk.ask("GetChargingProfiles", asked) == {"status": "Accepted"}
        await desk.hears("ReportChargingProfiles", lambda part: not part["tbc"])
        assert [(part["evseId"], part["tbc"], [row["id"] for row in part["chargingProfile"]])
                for part in desk.said("ReportChargingProfiles")] == [(0, True, [1]), (1, False, [2])]  # fmt: skip


async def test_a_profile_that_comes_with_a_remote_start_is_for_that_charge() -> None:
    async with at_desk("2.0.1") as (desk, station):
        start = {
            "idToken": {"idToken": "B", "type": "Central"},
            "remoteStartId": 5,
            "chargingProfile": profile("2.0.1", "TxProfile", (0, 1_500)),
        }
        assert await desk.ask("RequestStartTransaction", start) == {"status": "Accepted"}
        await until(lambda: power(desk.calls) == 1_500)
        assert station.profiles.rows[0].raw["transactionId"] == (station.charge and station.charge.local_id)


async def test_priority_and_dynamic_profiles_of_ocpp_2_1() -> None:
    async with at_desk("2.1") as (desk, station):
        number = await charging(desk, station)
        default = profile("2.1", "TxDefaultProfile", (0, 1_000), kind="Dynamic", number=1)
        await desk.ask("SetChargingProfile", install("2.1", 0, default))
        await until(lambda: power(desk.calls) == 1_000)
        update = {"chargingProfileId": 1, "scheduleUpdate": {"limit": 1_200}}
        assert await desk.ask("UpdateDynamicSchedule", update) == {"status": "Accepted"}
        await until(lambda: power(desk.calls) == 1_200)
        use = {"transactionId": number, "activate": True}
        assert await desk.ask("UsePriorityCharging", use) == {"status": "NoProfile"}
        await desk.ask(
            "SetChargingProfile", install("2.1", 1, profile("2.1", "PriorityCharging", (0, 3_000), number=2))
        )
        assert power(desk.calls) == 1_200
        assert await desk.ask("UsePriorityCharging", use) == {"status": "Accepted"}
        await until(lambda: power(desk.calls) == 3_000)
        assert (await desk.ask("UpdateDynamicSchedule", update | {"chargingProfileId": 2}))["status"] == "Rejected"
