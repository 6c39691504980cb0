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


SHOWN = """query ($id: ID!) {
  chargingProfiles(stationId: $id) { totalCount edges { node {
    id evseId purpose stackLevel kind source transactionId status offered validFrom schedules { unit durationSeconds
    startSchedule periods { startSeconds limit phases } } profile } } pageInfo { hasNextPage } position }
  chargingLimits(stationId: $id) { edges { node { evseId source gridCritical schedules { unit periods { limit } } } } }
  chargingNeeds(stationId: $id) { edges { node { evseId transfer maxCurrentA departsAt status planAccepted planReason
    plan { unit periods { limit } } } } }
  compositeSchedules(stationId: $id) { edges { node { evseId startsAt durationSeconds unit withinExpected
    periods { startSeconds limit } expected { startSeconds limit } } } }
  chargingPriorities(stationId: $id) { edges { node { active transfers } } }
  expectedSchedule(stationId: $id, evseId: 1, durationSeconds: 60) { startSeconds limit }
}"""


EVER = (
    'purpose: TX_DEFAULT_PROFILE, kind: ABSOLUTE, id: 5, schedules: [{unit: A, startSchedule: "2020-11-23T10:00:00Z", '
    "periods: [{startSeconds: 0, limit: 16.19, phases: 3}, {startSeconds: 600, limit: 8.1}]}]"
)


def nodes(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [edge["node"] for edge in data[name]["edges"]]


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_installed_is_shown_with_the_sum_of_the_station_beside_our_own(
    server: Server, version: str
) -> None:
    async with Station(server.ocpp, f"SEE{version}", version) as charger:
        await charger.boot()
        await order(server, limit(charger.station_id, EVER, 1))
        answer = {"status": "Accepted", "connectorId": 1, "scheduleStart": "2026-11-23T10:00:00Z"}
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}]}
        if version == "1.6":
            charger.commands["GetCompositeSchedule"] = answer | {"chargingSchedule": schedule | {"duration": 60}}
        else:
            told = schedule | {"evseId": 1, "duration": 60, "scheduleStart": "2026-11-23T10:00:00Z"}
            charger.commands["GetCompositeSchedule"] = {"status": "Accepted", "schedule": told}
        ask = f'getCompositeSchedule(input: {{stationId: "{charger.station_id}", evseId: 1, durationSeconds: 60}})'
        assert (await order(server, ask))["status"] == "ACCEPTED"
        data = await server.until(SHOWN, lambda d: nodes(d, "compositeSchedules"), id=charger.station_id)
    (profile,) = nodes(data, "chargingProfiles")
    assert (profile["id"], profile["evseId"], profile["status"], profile["source"]) == (5, 1, "INSTALLED", "CSO")
    assert profile["schedules"][0]["periods"][0] == {"startSeconds": 0, "limit": "16.19", "phases": 3}
    (composite,) = nodes(data, "compositeSchedules")
    assert composite["periods"] == [{"startSeconds": 0, "limit": "9.0"}]
    assert composite["expected"] == [{"startSeconds": 0, "limit": "8.1"}]
    assert composite["withinExpected"] is False
    assert data["expectedSchedule"] == [{"startSeconds": 0, "limit": "8.1"}]


NEEDS = {
    "requestedEnergyTransfer": "AC_three_phase",
    "acChargingParameters": {"energyAmount": 9000, "evMinCurrent": 6, "evMaxCurrent": 20, "evMaxVoltage": 400},
}


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_car_that_tells_its_needs_gets_a_schedule_within_all_limits(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"CAR{version}", version) as charger:
        await charger.boot()
        await order(server, limit(charger.station_id, EVER, 1))
        await start(charger)
        answer = await charger.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": NEEDS})
        assert answer == {"status": "Accepted"}
        data = await server.until(SHOWN, lambda d: len(nodes(d, "chargingProfiles")) == 2, id=charger.station_id)
        (offer,) = (each for each in nodes(data, "chargingProfiles") if each["offered"])
        assert offer["schedules"][0]["periods"] == [{"startSeconds": 0, "limit": "8.1", "phases": None}]
        assert charger.heard[-1][3]["chargingProfile"]["transactionId"] == "mine"
        period = {"startPeriod": 0, "limit": 16}
        plan = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
        said = {"evseId": 1, "timeBase": "2026-11-23T10:00:00Z", "chargingSchedule": plan}
        heard = len(charger.heard)
        refused = await charger.call("NotifyEVChargingSchedule", said)
        assert refused["status"] == "Rejected"
        data = await server.until(SHOWN, lambda d: nodes(d, "chargingNeeds")[0]["plan"], id=charger.station_id)
        (need,) = nodes(data, "chargingNeeds")
        assert (need["planAccepted"], need["maxCurrentA"]) == (False, "20")
        assert "16 A after 0 s is more than 8.1 A" in need["planReason"]
        await server.until("{ me { name } }", lambda d: len(charger.heard) > heard)
        assert charger.heard[-1][2] == "SetChargingProfile"
        period["limit"] = 8
        assert await charger.call("NotifyEVChargingSchedule", said) == {"status": "Accepted"}


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_needs_without_a_charge_are_rejected(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"IDLE{version}", version) as charger:
        await charger.boot()
        answer = await charger.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": NEEDS})
        assert answer["status"] == "Rejected"
        v2x = {"requestedEnergyTransfer": "AC_BPT", "v2xChargingParameters": {"maxChargePower": 11000}}
        if version == "2.1":
            answer = await charger.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": v2x})
            assert answer["status"] == "NoChargingProfile"


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_limits_of_others_are_in_force_until_they_are_released(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"EMS{version}", version) as charger:
        await charger.boot()
        plan = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7}]}
        said = {"chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True}, "chargingSchedule": [plan]}
        assert await charger.call("NotifyChargingLimit", said) == {}
        expected = [{"startSeconds": 0, "limit": "7"}]  # the two fields are two questions, a moment apart
        data = await server.until(SHOWN, lambda d: d["expectedSchedule"] == expected, id=charger.station_id)
        assert nodes(data, "chargingLimits") == [
            {
                "evseId": 0,
                "source": "EMS",
                "gridCritical": True,
                "schedules": [{"unit": "A", "periods": [{"limit": "7"}]}],
            }
        ]
        assert await charger.call("ClearedChargingLimit", {"chargingLimitSource": "EMS"}) == {}
        await server.until(SHOWN, lambda d: not nodes(d, "chargingLimits"), id=charger.station_id)


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_report_in_parts_shows_what_is_there_and_what_is_lost(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"REP{version}", version) as charger:
        await charger.boot()
        for number, level in ((1, 1), (2, 2)):
            wish = f"purpose: TX_DEFAULT_PROFILE, kind: ABSOLUTE, id: {number}, stackLevel: {level}"
            await order(server, limit(charger.station_id, f"{wish}, schedules: [{SCHEDULE}]"))
        ask = f'getChargingProfiles(input: {{stationId: "{charger.station_id}", purpose: TX_DEFAULT_PROFILE}})'
        assert (await order(server, ask))["status"] == "ACCEPTED"
        request_id = charger.heard[-1][3]["requestId"]
        assert charger.heard[-1][3]["chargingProfile"] == {"chargingProfilePurpose": "TxDefaultProfile"}
        await charger.call("ReportChargingProfiles", report(request_id, 2, "CSO", 0, tbc=True))
        await charger.call("ReportChargingProfiles", report(request_id, -7, "EMS", 1))
        listed = SHOWN.replace("chargingProfiles(stationId: $id)", "chargingProfiles(stationId: $id, installed: null)")
        data = await server.until(
            listed,
            lambda d: any(each["status"] == "LOST" for each in nodes(d, "chargingProfiles")),
            id=charger.station_id,
        )
    assert [(each["id"], each["source"], each["status"]) for each in nodes(data, "chargingProfiles")] == [
        (-7, "EMS", "INSTALLED"),
        (1, "CSO", "LOST"),
        (2, "CSO", "INSTALLED"),
    ]


def report(request_id: int, profile_id: int, source: str, evse_id: int, **more: Any) -> dict[str, Any]:
    plan = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}]}
    profile = {
        "id": profile_id,
        "stackLevel": 2,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [plan],
    }
    facts = {"requestId": request_id, "chargingLimitSource": source, "evseId": evse_id, "chargingProfile": [profile]}
    return facts | more


async def test_a_dynamic_profile_gives_what_it_was_last_told(server: Server) -> None:
    async with Station(server.ocpp, "DYN", "2.1") as charger:
        await charger.boot()
        wish = (
            "purpose: TX_DEFAULT_PROFILE, kind: DYNAMIC, id: 9, updateIntervalSeconds: 30, "
            "schedules: [{unit: W, periods: [{startSeconds: 0, limit: 5000, dischargeLimit: -2000}]}]"
        )
        assert (await order(server, limit("DYN", wish, 1)))["status"] == "ACCEPTED"
        update = 'updateDynamicSchedule(input: {stationId: "DYN", profileId: 9, update: {limit: "4321.09"}})'
        assert (await order(server, update))["status"] == "ACCEPTED"
        assert charger.heard[-1][3] == {"chargingProfileId": 9, "scheduleUpdate": {"limit": 4321.0}}
        answer = await charger.call("PullDynamicScheduleUpdate", {"chargingProfileId": 9})
        assert answer == {"status": "Accepted", "scheduleUpdate": {"limit": 4321.0, "dischargeLimit": -2000.0}}
        unknown = await charger.call("PullDynamicScheduleUpdate", {"chargingProfileId": 8})
        assert unknown == {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidProfile"}}


async def test_a_charge_goes_first_and_is_told_what_it_may(server: Server) -> None:
    async with Station(server.ocpp, "FIRST", "2.1") as charger:
        await charger.boot()
        await start(charger)
        charge = await transaction(server, "FIRST")
        named = f'stationId: "FIRST", transactionId: "{charge}"'
        assert (await order(server, f"usePriorityCharging(input: {{{named}}})"))["status"] == "ACCEPTED"
        assert charger.heard[-1][3] == {"transactionId": "mine", "activate": True}
        await charger.call("NotifyPriorityCharging", {"transactionId": "mine", "activated": True})
        await order(server, f"notifyAllowedEnergyTransfer(input: {{{named}, transfers: [AC_BPT, DC]}})")
        assert charger.heard[-1][3] == {"transactionId": "mine", "allowedEnergyTransfer": ["AC_BPT", "DC"]}
        wanted = [{"active": True, "transfers": ["AC_BPT", "DC"]}]
        await server.until(SHOWN, lambda d: nodes(d, "chargingPriorities") == wanted, id="FIRST")
        assert await charger.call("NotifyPriorityCharging", {"transactionId": "other", "activated": True}) == {}
