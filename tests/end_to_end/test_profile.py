"""Smart charging from GraphQL to a station and back, in three versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order, start

VERSIONS = ["1.6", "2.0.1", "2.1"]
SCHEDULE = (
    '{unit: A, startSchedule: "2026-11-23T10:00:00Z", durationSeconds: 3600, '
    "periods: [{startSeconds: 0, limit: 16.19, phases: 3}, {startSeconds: 600, limit: 8.1}]}"
)
PERIODS = [{"startPeriod": 0, "limit": 16.1, "numberPhases": 3}, {"startPeriod": 600, "limit": 8.1}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("profile") / "bornier.db"
    with Server(f"sqlite:///{path}") as running:
        yield running


def limit(station_id: str, profile: str, evse_id: int = 0) -> str:
    return (
        f'setChargingProfile(input: {{stationId: "{station_id}", evseId: {evse_id}, chargingProfile: {{{profile}}}}})'
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_default_profile_is_said_in_the_words_of_the_version_with_limits_rounded_down(
    server: Server, version: str
) -> None:
    async with Station(server.ocpp, f"SET{version}", version) as charger:
        await charger.boot()
        wish = f"purpose: TX_DEFAULT_PROFILE, stackLevel: 2, kind: ABSOLUTE, id: 5, schedules: [{SCHEDULE}]"
        command = await order(server, limit(charger.station_id, wish, 1))
        assert (command["status"], command["error"]) == ("ACCEPTED", None)
        said = charger.heard[-1][3]
    schedule = {
        "startSchedule": "2026-11-23T10:00:00.000Z",
        "duration": 3600,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": PERIODS,
    }
    stacked = {"stackLevel": 2, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute"}
    if version == "1.6":
        profile = {"chargingProfileId": 5, **stacked, "chargingSchedule": schedule}
        assert said == {"connectorId": 1, "csChargingProfiles": profile}
    else:
        profile = {"id": 5, **stacked, "chargingSchedule": [{"id": 1, **schedule}]}
        assert said == {"evseId": 1, "chargingProfile": profile}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_profile_of_a_charge_names_it_as_the_station_does(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"TX{version}", version) as charger:
        await charger.boot()
        known = await start(charger)
        transaction_id = await transaction(server, charger.station_id)
        wish = (
            f'purpose: TX_PROFILE, kind: RELATIVE, transactionId: "{transaction_id}", '
            "schedules: [{unit: A, periods: [{startSeconds: 0, limit: 6}]}]"
        )
        mutation = f'setChargingProfile(input: {{stationId: "{charger.station_id}", chargingProfile: {{{wish}}}}})'
        assert (await order(server, mutation))["status"] == "ACCEPTED"
        said = charger.heard[-1][3]
        profile = said.get("csChargingProfiles") or said["chargingProfile"]
        assert (said.get("connectorId") or said["evseId"], profile["transactionId"]) == (1, known)
        assert (await order(server, mutation))["status"] == "ACCEPTED"
        again = charger.heard[-1][3]
        assert again == said, "without an id it replaces what is in its place"


async def transaction(server: Server, station_id: str) -> str:
    query = f'{{ transactions(stationId: "{station_id}") {{ edges {{ node {{ id }} }} }} }}'
    data = await server.until(query, lambda d: d["transactions"]["edges"])
    found: str = data["transactions"]["edges"][0]["node"]["id"]
    return found


STATION_MAX = f"purpose: CHARGING_STATION_MAX_PROFILE, kind: ABSOLUTE, schedules: [{SCHEDULE}]"
REFUSED: list[tuple[str, str, int, str]] = [
    ("1.6", "purpose: CHARGING_STATION_EXTERNAL_CONSTRAINTS, kind: ABSOLUTE, schedules: [%s]", 0, "K01.FR.22"),
    ("1.6", "purpose: TX_PROFILE, kind: ABSOLUTE, schedules: [%s]", 1, "K01.FR.03"),
    ("1.6", "purpose: PRIORITY_CHARGING, kind: ABSOLUTE, schedules: [{unit: A, startSchedule: "
     '"2026-11-23T10:00:00Z", periods: [{startSeconds: 0, limit: 1}]}]', 0, "no profiles of the purpose"),
    ("1.6", "purpose: TX_DEFAULT_PROFILE, kind: ABSOLUTE, schedules: [{unit: A, startSchedule: "
     '"2026-11-23T10:00:00Z", periods: [{startSeconds: 0, limit: 1, setpoint: 1}]}]', 0, "has no setpoint"),
    ("2.0.1", "purpose: TX_DEFAULT_PROFILE, kind: ABSOLUTE, maxOfflineSeconds: 5, schedules: [%s]", 0,
     "has no max_offline_seconds"),
    ("2.0.1", "purpose: CHARGING_STATION_MAX_PROFILE, kind: ABSOLUTE, schedules: [%s]", 1, "EVSE 0"),
    ("2.1", 'purpose: TX_PROFILE, kind: RELATIVE, transactionId: "none", schedules: [{unit: A, periods: '
     "[{startSeconds: 0, limit: 1}]}]", 1, "no such open transaction"),
]  # fmt: skip


@pytest.mark.parametrize(("version", "wish", "evse_id", "reason"), REFUSED)
async def test_what_breaks_a_rule_is_rejected_with_the_reason_and_never_sent(
    server: Server, version: str, wish: str, evse_id: int, reason: str
) -> None:
    async with Station(server.ocpp, f"NO{version}", version) as charger:
        await charger.boot()
        wish = wish % SCHEDULE if "%s" in wish else wish
        command = await order(server, limit(charger.station_id, wish, evse_id))
        assert command["status"] == "REJECTED"
        assert reason in command["error"]
        assert charger.heard == []


async def test_two_profiles_in_one_place_of_the_stack_are_refused_in_ocpp_201(server: Server) -> None:
    async with Station(server.ocpp, "TWO", "2.0.1") as charger:
        await charger.boot()
        assert (await order(server, limit("TWO", STATION_MAX + ", id: 1")))["status"] == "ACCEPTED"
        second = await order(server, limit("TWO", STATION_MAX + ", id: 2"))
        assert (second["status"], "K01.FR.06" in second["error"]) == ("REJECTED", True)
        assert (await order(server, 'clearChargingProfile(input: {stationId: "TWO", profileId: 1})'))["error"] is None
        assert charger.heard[-1][2:] == ["ClearChargingProfile", {"chargingProfileId": 1}]
        assert (await order(server, limit("TWO", STATION_MAX + ", id: 2")))["status"] == "ACCEPTED"


SAID: list[tuple[str, str, str, dict[str, Any]]] = [
    ("1.6", 'clearChargingProfile(input: {stationId: "%s", evseId: 0, purpose: CHARGING_STATION_MAX_PROFILE})',
     "ClearChargingProfile", {"connectorId": 0, "chargingProfilePurpose": "ChargePointMaxProfile"}),
    ("1.6", 'clearChargingProfile(input: {stationId: "%s"})', "ClearChargingProfile", {}),
    ("1.6", 'getCompositeSchedule(input: {stationId: "%s", evseId: 1, durationSeconds: 60, unit: W})',
     "GetCompositeSchedule", {"connectorId": 1, "duration": 60, "chargingRateUnit": "W"}),
    ("2.0.1", 'clearChargingProfile(input: {stationId: "%s", evseId: 1, purpose: TX_DEFAULT_PROFILE, stackLevel: 2})',
     "ClearChargingProfile",
     {"chargingProfileCriteria": {"evseId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 2}}),
    ("2.1", 'getCompositeSchedule(input: {stationId: "%s", evseId: 0, durationSeconds: 60})',
     "GetCompositeSchedule", {"evseId": 0, "duration": 60}),
    ("2.1", 'afrrSignal(input: {stationId: "%s", signal: 7, at: "2026-11-23T10:00:00Z"})', "AFRRSignal",
     {"timestamp": "2026-11-23T10:00:00.000Z", "signal": 7}),
]  # fmt: skip


@pytest.mark.parametrize(("version", "mutation", "action", "payload"), SAID)
async def test_a_command_is_said_in_the_words_of_the_version(
    server: Server, version: str, mutation: str, action: str, payload: dict[str, Any]
) -> None:
    async with Station(server.ocpp, f"SAY{version}", version) as charger:
        await charger.boot()
        assert (await order(server, mutation % charger.station_id))["status"] == "ACCEPTED"
        assert charger.heard[-1][2:] == [action, payload]
