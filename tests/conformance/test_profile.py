"""Smart charging: the steps and validations of the published test cases (OCPP 2.0.1 part 6, block K; OCPP 1.6)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.end_to_end.client import PATIENCE_S, Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order
from tests.end_to_end.test_profile import nodes, transaction

NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(hours=1)
SHOWN = """query ($id: ID!) {
  chargingProfiles(stationId: $id) { edges { node { id evseId purpose source } } }
  chargingLimits(stationId: $id) { edges { node { source } } }
  chargingNeeds(stationId: $id) { edges { node { status planAccepted } } }
  compositeSchedules(stationId: $id) { edges { node { evseId unit durationSeconds periods { startSeconds limit } } } }
}"""


def wish(purpose: str, limit: float, more: str = "", kind: str = "ABSOLUTE") -> str:
    """A charging profile as an operator asks for it: valid for an hour from now, one phase."""
    start = f'startSchedule: "{NOW.isoformat()}", durationSeconds: 3600, ' if kind != "RELATIVE" else ""
    valid = f'validFrom: "{NOW.isoformat()}", validTo: "{LATER.isoformat()}", ' if kind != "RELATIVE" else ""
    periods = f"periods: [{{startSeconds: 0, limit: {limit}, phases: 1}}]"
    return f"purpose: {purpose}, kind: {kind}, {valid}{more} schedules: [{{unit: A, {start}{periods}}}]"


async def limit(server: Server, charger: Station, evse_id: int, profile: str) -> dict[str, Any]:
    """Ask for a profile; returns the command at its end."""
    where = f'stationId: "{charger.station_id}", evseId: {evse_id}'
    return await order(server, f"setChargingProfile(input: {{{where}, chargingProfile: {{{profile}}}}})")


def sent(charger: Station, action: str) -> dict[str, Any]:
    """The last thing the station was asked, which is this."""
    assert charger.heard[-1][2] == action
    payload: dict[str, Any] = charger.heard[-1][3]
    return payload


async def shown(server: Server, charger: Station, wanted: Any) -> dict[str, Any]:
    return await server.until(SHOWN, wanted, id=charger.station_id)


async def event(charger: Station, kind: str, seq_no: int, trigger: str, state: str, **more: Any) -> dict[str, Any]:
    """A step of the charge `mine` on EVSE 1."""
    info = {"transactionId": "mine", "chargingState": state}
    payload = {
        "eventType": kind,
        "timestamp": datetime.now(UTC).isoformat(),
        "triggerReason": trigger,
        "seqNo": seq_no,
        "transactionInfo": info,
        "evse": {"id": 1, "connectorId": 1},
    }
    return await charger.call("TransactionEvent", payload | more)


async def badge(server: Server, charger: Station) -> str:
    """A registered badge that no other station knows."""
    await server.ask(f'mutation {{ registerBadge(input: {{badge: "{charger.station_id}"}}) {{ badge }} }}')
    return charger.station_id


async def energy_transfer_started(server: Server, charger: Station) -> None:
    """Reusable state: a registered badge was presented, the cable is in, energy flows."""
    token = {"idToken": {"idToken": await badge(server, charger), "type": "ISO14443"}}
    answer = await event(charger, "Started", 0, "Authorized", "EVConnected", **token)
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await event(charger, "Updated", 1, "ChargingStateChanged", "Charging")


SET = [
    (1, "TX_DEFAULT_PROFILE", 6.0, "TxDefaultProfile"),
    (0, "CHARGING_STATION_MAX_PROFILE", 8.0, "ChargingStationMaxProfile"),
    (0, "TX_DEFAULT_PROFILE", 6.0, "TxDefaultProfile"),
]  # fmt: skip


@pytest.mark.octt(
    "2.0.1",
    "TC_K_01_CSMS",
    "TC_K_03_CSMS",
    "TC_K_10_CSMS",
)
@pytest.mark.parametrize(("evse_id", "purpose", "most", "said"), SET)
async def test_a_profile_is_set_with_everything_it_needs(
    server: Server, evse_id: int, purpose: str, most: float, said: str
) -> None:
    async with Station(server.ocpp, f"TCKSET{purpose}{evse_id}", "2.0.1") as charger:
        await charger.boot()
        command = await limit(server, charger, evse_id, wish(purpose, most, "id: 15, stackLevel: 1,"))
        assert command["status"] == "ACCEPTED"
        payload = sent(charger, "SetChargingProfile")
        profile = payload["chargingProfile"]
        (schedule,) = profile["chargingSchedule"]
        assert (payload["evseId"], profile["id"], profile["stackLevel"]) == (evse_id, 15, 1)
        assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == (said, "Absolute")
        assert datetime.fromisoformat(profile["validFrom"]) == NOW
        assert datetime.fromisoformat(profile["validTo"]) == LATER
        assert datetime.fromisoformat(schedule["startSchedule"]) == NOW
        assert (schedule["chargingRateUnit"], schedule["duration"]) == ("A", 3600)
        assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": most, "numberPhases": 1}]


@pytest.mark.octt("2.0.1", "TC_K_02_CSMS")
async def test_a_profile_for_a_charge_the_station_has_no_more_is_rejected_by_it(server: Server) -> None:
    """We know of the charge until the station tells its end, which it has not done yet."""
    async with Station(server.ocpp, "TCK02", "2.0.1") as charger:
        await charger.boot()
        await energy_transfer_started(server, charger)
        charge = await transaction(server, "TCK02")
        charger.commands["SetChargingProfile"] = {"status": "Rejected"}
        profile = wish("TX_PROFILE", 7.0, f'id: 2, stackLevel: 1, transactionId: "{charge}",', "RELATIVE")
        command = await limit(server, charger, 1, profile)
        assert (command["status"], command["error"]) == ("REJECTED", "Rejected")
        payload = sent(charger, "SetChargingProfile")
        assert (payload["evseId"], payload["chargingProfile"]["chargingProfileKind"]) == (1, "Relative")
        assert (payload["chargingProfile"]["chargingProfilePurpose"], payload["chargingProfile"]["stackLevel"]) == (
            "TxProfile",
            1,
        )
        (schedule,) = payload["chargingProfile"]["chargingSchedule"]
        assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 7.0, "numberPhases": 1}]
        assert nodes(await shown(server, charger, lambda d: True), "chargingProfiles") == []


@pytest.mark.octt("2.0.1", "TC_K_04_CSMS")
async def test_a_profile_is_replaced_by_its_id(server: Server) -> None:
    async with Station(server.ocpp, "TCK04", "2.0.1") as charger:
        await charger.boot()
        limits = []
        for most in (8.0, 6.0):
            assert (await limit(server, charger, 1, wish("TX_DEFAULT_PROFILE", most, "id: 4,")))["status"] == "ACCEPTED"
            profile = sent(charger, "SetChargingProfile")["chargingProfile"]
            limits.append((profile["id"], profile["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"]))
        assert limits == [(4, 8.0), (4, 6.0)]


@pytest.mark.octt("2.0.1", "TC_K_70_CSMS")
async def test_profiles_of_several_stack_levels_have_ids_of_their_own(server: Server) -> None:
    async with Station(server.ocpp, "TCK70", "2.0.1") as charger:
        await charger.boot()
        seen = set()
        for level in (0, 1):
            profile = wish("TX_DEFAULT_PROFILE", 6.0, f"stackLevel: {level},")
            assert (await limit(server, charger, 1, profile))["status"] == "ACCEPTED"
            said = sent(charger, "SetChargingProfile")["chargingProfile"]
            seen.add((said["id"], said["stackLevel"]))
        assert {level for _, level in seen} == {0, 1}
        assert len({id_ for id_, _ in seen}) == 2


@pytest.mark.octt("2.0.1", "TC_K_15_CSMS")
async def test_a_station_without_smart_charging_fails_the_command_and_nothing_counts_as_set(server: Server) -> None:
    async with Station(server.ocpp, "TCK15", "2.0.1") as charger:
        await charger.boot()
        charger.commands["SetChargingProfile"] = {"error": "NotSupported"}
        command = await limit(server, charger, 1, wish("TX_DEFAULT_PROFILE", 6.0))
        assert (command["status"], "NotSupported" in command["error"]) == ("FAILED", True)
        profile = sent(charger, "SetChargingProfile")["chargingProfile"]
        assert {"validFrom", "validTo"} < profile.keys()
        assert nodes(await shown(server, charger, lambda d: True), "chargingProfiles") == []


@pytest.mark.octt("2.0.1", "TC_K_19_CSMS")
async def test_a_profile_recurs(server: Server) -> None:
    async with Station(server.ocpp, "TCK19", "2.0.1") as charger:
        await charger.boot()
        profile = wish("TX_DEFAULT_PROFILE", 6.0, "recurrency: DAILY,", "RECURRING")
        assert (await limit(server, charger, 1, profile))["status"] == "ACCEPTED"
        said = sent(charger, "SetChargingProfile")["chargingProfile"]
        assert (said["chargingProfileKind"], said["recurrencyKind"]) == ("Recurring", "Daily")
        assert said["chargingSchedule"][0]["chargingSchedulePeriod"][0]["startPeriod"] == 0


@pytest.mark.octt("2.0.1", "TC_K_60_CSMS")
async def test_a_tx_profile_names_the_charge_of_its_evse(server: Server) -> None:
    async with Station(server.ocpp, "TCK60", "2.0.1") as charger:
        await charger.boot()
        await energy_transfer_started(server, charger)
        charge = await transaction(server, "TCK60")
        profile = wish("TX_PROFILE", 6.0, f'transactionId: "{charge}",', "RELATIVE")
        assert (await limit(server, charger, 1, profile))["status"] == "ACCEPTED"
        payload = sent(charger, "SetChargingProfile")
        assert (payload["evseId"], payload["chargingProfile"]["transactionId"]) == (1, "mine")
        assert payload["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"


def report(request_id: int, profile_id: int, purpose: str = "TxDefaultProfile", source: str = "CSO") -> dict[str, Any]:
    plan = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]}
    profile = {
        "id": profile_id,
        "stackLevel": 1,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [plan | {"startSchedule": NOW.isoformat()}],
    }
    return {"requestId": request_id, "chargingLimitSource": source, "evseId": 1, "chargingProfile": [profile]}


async def ask(server: Server, charger: Station, criteria: str) -> dict[str, Any]:
    """Ask which profiles there are; returns what the station was asked."""
    command = await order(server, f'getChargingProfiles(input: {{stationId: "{charger.station_id}", {criteria}}})')
    assert command["status"] == "ACCEPTED"
    return sent(charger, "GetChargingProfiles")


GET = [
    ("evseId: 0, purpose: TX_DEFAULT_PROFILE", {"evseId": 0},
                 {"chargingProfilePurpose": "TxDefaultProfile"}),
    ("evseId: 1, purpose: TX_DEFAULT_PROFILE", {"evseId": 1},
                 {"chargingProfilePurpose": "TxDefaultProfile"}),
    ("purpose: TX_DEFAULT_PROFILE", {}, {"chargingProfilePurpose": "TxDefaultProfile"}),
    ("evseId: 1, stackLevel: 1", {"evseId": 1}, {"stackLevel": 1}),
    ('evseId: 1, sources: ["EMS"]', {"evseId": 1}, {"chargingLimitSource": ["EMS"]}),
    ("evseId: 1, purpose: CHARGING_STATION_MAX_PROFILE", {"evseId": 1},
                 {"chargingProfilePurpose": "ChargingStationMaxProfile"}),
    ("evseId: 1, purpose: TX_DEFAULT_PROFILE, stackLevel: 1", {"evseId": 1},
                 {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}),
]  # fmt: skip


GET_NAMES = [case[0] for case in GET]


@pytest.mark.octt(
    "2.0.1",
    "TC_K_29_CSMS",
    "TC_K_30_CSMS",
    "TC_K_31_CSMS",
    "TC_K_33_CSMS",
    "TC_K_34_CSMS",
    "TC_K_35_CSMS",
    "TC_K_36_CSMS",
)
@pytest.mark.parametrize(("criteria", "where", "match"), GET)
async def test_profiles_are_asked_for_and_the_report_is_shown(
    server: Server, criteria: str, where: dict[str, Any], match: dict[str, Any]
) -> None:
    async with Station(server.ocpp, f"TCKGET{GET_NAMES.index(criteria)}", "2.0.1") as charger:
        await charger.boot()
        await energy_transfer_started(server, charger)
        payload = await ask(server, charger, criteria)
        assert payload == {"requestId": payload["requestId"], **where, "chargingProfile": match}
        assert await charger.call("ReportChargingProfiles", report(payload["requestId"], 77)) == {}
        data = await shown(server, charger, lambda d: nodes(d, "chargingProfiles"))
        assert [profile["id"] for profile in nodes(data, "chargingProfiles")] == [77]


@pytest.mark.octt("2.0.1", "TC_K_32_CSMS", "TC_K_05_CSMS")
async def test_a_reported_profile_is_asked_for_and_cleared_by_its_id(server: Server) -> None:
    async with Station(server.ocpp, "TCK32", "2.0.1") as charger:
        await charger.boot()
        payload = await ask(server, charger, "purpose: CHARGING_STATION_MAX_PROFILE")
        await charger.call("ReportChargingProfiles", report(payload["requestId"], 5, "ChargingStationMaxProfile"))
        data = await shown(server, charger, lambda d: nodes(d, "chargingProfiles"))
        number = nodes(data, "chargingProfiles")[0]["id"]
        payload = await ask(server, charger, f"ids: [{number}]")
        assert payload["chargingProfile"] == {"chargingProfileId": [5]}
        await charger.call("ReportChargingProfiles", report(payload["requestId"], 5, "ChargingStationMaxProfile"))
        clear = f'clearChargingProfile(input: {{stationId: "TCK32", profileId: {number}}})'
        assert (await order(server, clear))["status"] == "ACCEPTED"
        assert sent(charger, "ClearChargingProfile") == {"chargingProfileId": 5}
        await shown(server, charger, lambda d: not nodes(d, "chargingProfiles"))


@pytest.mark.octt("2.0.1", "TC_K_52_CSMS")
async def test_external_constraints_in_a_report_are_shown_with_their_source(server: Server) -> None:
    async with Station(server.ocpp, "TCK52", "2.0.1") as charger:
        await charger.boot()
        payload = await ask(server, charger, "purpose: CHARGING_STATION_EXTERNAL_CONSTRAINTS")
        said = report(payload["requestId"], -1, "ChargingStationExternalConstraints", "EMS")
        assert await charger.call("ReportChargingProfiles", said) == {}
        data = await shown(server, charger, lambda d: nodes(d, "chargingProfiles"))
        assert nodes(data, "chargingProfiles") == [
            {"id": -1, "evseId": 1, "purpose": "CHARGING_STATION_EXTERNAL_CONSTRAINTS", "source": "EMS"}
        ]


CLEAR = [
    ("Accepted", "ACCEPTED"),
    ("Unknown", "REJECTED"),
]


@pytest.mark.octt(
    "2.0.1",
    "TC_K_06_CSMS",
    "TC_K_08_CSMS",
)
@pytest.mark.parametrize(("answer", "status"), CLEAR)
async def test_profiles_are_cleared_by_place(server: Server, answer: str, status: str) -> None:
    async with Station(server.ocpp, f"TCKCLEAR{answer}", "2.0.1") as charger:
        await charger.boot()
        charger.commands["ClearChargingProfile"] = {"status": answer}
        match = "evseId: 1, purpose: TX_DEFAULT_PROFILE, stackLevel: 3"
        clear = f'clearChargingProfile(input: {{stationId: "{charger.station_id}", {match}}})'
        assert (await order(server, clear))["status"] == status
        assert sent(charger, "ClearChargingProfile") == {
            "chargingProfileCriteria": {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 3, "evseId": 1}
        }


COMPOSITE = [
    1,
    0,
]


@pytest.mark.octt(
    "2.0.1",
    "TC_K_43_CSMS",
    "TC_K_44_CSMS",
)
@pytest.mark.parametrize("evse_id", COMPOSITE)
async def test_a_composite_schedule_is_asked_for_and_shown(server: Server, evse_id: int) -> None:
    async with Station(server.ocpp, f"TCKSUM{evse_id}", "2.0.1") as charger:
        await charger.boot()
        schedule = {
            "evseId": evse_id,
            "duration": 300,
            "scheduleStart": NOW.isoformat(),
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
        }
        charger.commands["GetCompositeSchedule"] = {"status": "Accepted", "schedule": schedule}
        where = f'stationId: "{charger.station_id}", evseId: {evse_id}, durationSeconds: 300, unit: A'
        assert (await order(server, f"getCompositeSchedule(input: {{{where}}})"))["status"] == "ACCEPTED"
        payload = sent(charger, "GetCompositeSchedule")
        assert payload == {"evseId": evse_id, "duration": 300, "chargingRateUnit": "A"}
        data = await shown(server, charger, lambda d: nodes(d, "compositeSchedules"))
        periods = [{"startSeconds": 0, "limit": "10"}]
        assert nodes(data, "compositeSchedules") == [
            {"evseId": evse_id, "unit": "A", "durationSeconds": 300, "periods": periods}
        ]


@pytest.mark.octt("2.0.1", "TC_K_37_CSMS")
async def test_a_remote_start_carries_a_profile(server: Server) -> None:
    async with Station(server.ocpp, "TCK37", "2.0.1") as charger:
        await charger.boot()
        token = {"idToken": await badge(server, charger), "type": "ISO14443"}
        profile = wish("TX_PROFILE", 6.0, "id: 37,", "RELATIVE")
        begin = f'stationId: "TCK37", badge: "TCK37", evseId: 1, chargingProfile: {{{profile}}}'
        assert (await order(server, f"remoteStart(input: {{{begin}}})"))["status"] == "ACCEPTED"
        payload = sent(charger, "RequestStartTransaction")
        assert (payload["idToken"], payload["evseId"]) == (token, 1)
        said = payload["chargingProfile"]
        assert (said["chargingProfilePurpose"], said["chargingProfileKind"]) == ("TxProfile", "Relative")
        assert "transactionId" not in said
        info = {"transactionId": "mine", "remoteStartId": payload["remoteStartId"]}
        answer = await event(charger, "Started", 0, "RemoteStart", "EVConnected", transactionInfo=info, idToken=token)
        assert answer["idTokenInfo"]["status"] == "Accepted"


@pytest.mark.octt("2.0.1", "TC_K_48_CSMS", "TC_K_50_CSMS")
async def test_an_external_limit_is_in_force_until_it_is_released(server: Server) -> None:
    async with Station(server.ocpp, "TCK48", "2.0.1") as charger:
        await charger.boot()
        assert await charger.call("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "EMS"}}) == {}
        data = await shown(server, charger, lambda d: nodes(d, "chargingLimits"))
        assert nodes(data, "chargingLimits") == [{"source": "EMS"}]
        assert await charger.call("ClearedChargingLimit", {"chargingLimitSource": "EMS"}) == {}
        await shown(server, charger, lambda d: not nodes(d, "chargingLimits"))


@pytest.mark.octt("2.0.1", "TC_K_51_CSMS")
async def test_an_external_limit_is_released_during_a_charge(server: Server) -> None:
    async with Station(server.ocpp, "TCK51", "2.0.1") as charger:
        await charger.boot()
        await energy_transfer_started(server, charger)
        assert await charger.call("ClearedChargingLimit", {"chargingLimitSource": "EMS"}) == {}
        assert await event(charger, "Updated", 2, "ChargingRateChanged", "Charging") == {}


NEEDS = {
    "evseId": 1,
    "maxScheduleTuples": 3,
    "chargingNeeds": {
        "requestedEnergyTransfer": "AC_three_phase",
        "acChargingParameters": {"energyAmount": 20000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 230},
    },
}


async def needs(charger: Station) -> dict[str, Any]:
    """The car tells its needs; returns the profile that follows the answer."""
    heard = len(charger.heard)
    assert await charger.call("NotifyEVChargingNeeds", NEEDS) == {"status": "Accepted"}
    return await offered(charger, heard)


async def offered(charger: Station, heard: int) -> dict[str, Any]:
    """The profile that comes without anybody asking for it, for the charge of the car."""
    async with asyncio.timeout(PATIENCE_S):
        while len(charger.heard) == heard:
            await asyncio.sleep(0.01)
    payload = sent(charger, "SetChargingProfile")
    profile: dict[str, Any] = payload["chargingProfile"]
    assert (payload["evseId"], profile["chargingProfilePurpose"]) == (1, "TxProfile")
    assert profile["transactionId"] == "mine"
    return profile


async def plan(charger: Station, profile: dict[str, Any], excess: float = 0) -> dict[str, Any]:
    """The car tells how it will charge: as the profile says, or above it."""
    (schedule,) = profile["chargingSchedule"]
    periods = [period | {"limit": period["limit"] + excess} for period in schedule["chargingSchedulePeriod"]]
    told = schedule | {"chargingSchedulePeriod": periods}
    said = {"evseId": 1, "timeBase": schedule["startSchedule"], "chargingSchedule": told}
    return await charger.call("NotifyEVChargingSchedule", said)


async def high_level_communication(server: Server, charger: Station) -> dict[str, Any]:
    """Reusable state ISO15118SmartCharging: needs, profile, plan, charging."""
    await energy_transfer_started(server, charger)
    profile = await needs(charger)
    await installed(server, charger, profile)
    assert await plan(charger, profile) == {"status": "Accepted"}
    assert await event(charger, "Updated", 2, "ChargingStateChanged", "Charging") == {}
    return profile


async def installed(server: Server, charger: Station, profile: dict[str, Any]) -> None:
    """Our answer is durable: the profile counts."""
    number = profile["id"]
    await shown(server, charger, lambda d: number in [each["id"] for each in nodes(d, "chargingProfiles")])


@pytest.mark.octt("2.0.1", "TC_K_53_CSMS")
async def test_a_car_that_tells_its_needs_gets_a_schedule(server: Server) -> None:
    async with Station(server.ocpp, "TCK53", "2.0.1") as charger:
        await charger.boot()
        profile = await high_level_communication(server, charger)
        assert len(profile["chargingSchedule"][0]["chargingSchedulePeriod"]) <= NEEDS["maxScheduleTuples"]  # type: ignore[operator]


@pytest.mark.octt("2.0.1", "TC_K_55_CSMS")
async def test_a_plan_that_takes_too_much_is_rejected_and_renegotiated(server: Server) -> None:
    async with Station(server.ocpp, "TCK55", "2.0.1") as charger:
        await charger.boot()
        await energy_transfer_started(server, charger)
        profile = await needs(charger)
        await installed(server, charger, profile)
        heard = len(charger.heard)
        assert (await plan(charger, profile, excess=5))["status"] == "Rejected"
        assert await event(charger, "Updated", 2, "ChargingStateChanged", "Charging") == {}
        again = await offered(charger, heard)
        assert await plan(charger, again) == {"status": "Accepted"}
        assert await event(charger, "Updated", 3, "ChargingRateChanged", "Charging") == {}


@pytest.mark.octt("2.0.1", "TC_K_57_CSMS")
async def test_a_car_renegotiates(server: Server) -> None:
    async with Station(server.ocpp, "TCK57", "2.0.1") as charger:
        await charger.boot()
        await high_level_communication(server, charger)
        profile = await needs(charger)
        assert await event(charger, "Updated", 3, "ChargingRateChanged", "Charging") == {}
        assert await plan(charger, profile) == {"status": "Accepted"}
        assert await event(charger, "Updated", 4, "ChargingRateChanged", "Charging") == {}


@pytest.mark.octt("2.0.1", "TC_K_58_CSMS")
async def test_an_operator_renegotiates(server: Server) -> None:
    async with Station(server.ocpp, "TCK58", "2.0.1") as charger:
        await charger.boot()
        await high_level_communication(server, charger)
        profile = await renegotiate(server, charger)
        assert await plan(charger, profile) == {"status": "Accepted"}
        assert await event(charger, "Updated", 3, "ChargingRateChanged", "Charging") == {}


@pytest.mark.octt("2.0.1", "TC_K_59_CSMS")
async def test_needs_that_come_after_an_operators_profile_get_that_profile_again(server: Server) -> None:
    async with Station(server.ocpp, "TCK59", "2.0.1") as charger:
        await charger.boot()
        await high_level_communication(server, charger)
        profile = await renegotiate(server, charger)
        again = await needs(charger)
        assert again == profile
        assert await plan(charger, again) == {"status": "Accepted"}
        assert await event(charger, "Updated", 3, "ChargingRateChanged", "Charging") == {}


async def renegotiate(server: Server, charger: Station) -> dict[str, Any]:
    """An operator lowers the limit of the charge."""
    charge = await transaction(server, charger.station_id)
    profile = wish("TX_PROFILE", 9.0, f'stackLevel: 5, transactionId: "{charge}",')
    assert (await limit(server, charger, 1, profile))["status"] == "ACCEPTED"
    said: dict[str, Any] = sent(charger, "SetChargingProfile")["chargingProfile"]
    assert (said["chargingProfilePurpose"], said["transactionId"]) == ("TxProfile", "mine")
    return said


# OCPP 1.6: only the names of these are published; the steps are those of sections 5.5, 5.7 and 5.16.


@pytest.mark.octt("1.6", "TC_056_CSMS")
async def test_a_default_profile_is_set_in_ocpp_16(server: Server) -> None:
    async with Station(server.ocpp, "TC056") as charger:
        await charger.boot()
        command = await limit(server, charger, 1, wish("TX_DEFAULT_PROFILE", 6.0, "id: 56,"))
        assert command["status"] == "ACCEPTED"
        payload = sent(charger, "SetChargingProfile")
        profile = payload["csChargingProfiles"]
        assert (payload["connectorId"], profile["chargingProfilePurpose"]) == (1, "TxDefaultProfile")
        assert "transactionId" not in profile
        assert profile["chargingSchedule"]["chargingSchedulePeriod"] == [
            {"startPeriod": 0, "limit": 6.0, "numberPhases": 1}
        ]


async def start16(server: Server, charger: Station) -> int:
    payload = {"connectorId": 1, "idTag": await badge(server, charger), "meterStart": 0, "timestamp": NOW.isoformat()}
    answer = await charger.call("StartTransaction", payload)
    assert answer["idTagInfo"]["status"] == "Accepted"
    return int(answer["transactionId"])


@pytest.mark.octt("1.6", "TC_057_CSMS")
async def test_a_tx_profile_names_the_charge_in_ocpp_16(server: Server) -> None:
    async with Station(server.ocpp, "TC057") as charger:
        await charger.boot()
        number = await start16(server, charger)
        charge = await transaction(server, "TC057")
        profile = wish("TX_PROFILE", 6.0, f'id: 57, transactionId: "{charge}",')
        assert (await limit(server, charger, 1, profile))["status"] == "ACCEPTED"
        payload = sent(charger, "SetChargingProfile")
        said = payload["csChargingProfiles"]
        assert (payload["connectorId"], said["transactionId"]) == (1, number)
        assert said["chargingProfilePurpose"] == "TxProfile"


@pytest.mark.octt("1.6", "TC_059_CSMS")
async def test_a_remote_start_carries_a_profile_in_ocpp_16(server: Server) -> None:
    async with Station(server.ocpp, "TC059") as charger:
        await charger.boot()
        await badge(server, charger)
        profile = wish("TX_PROFILE", 6.0, "id: 59,", "RELATIVE")
        begin = f'stationId: "TC059", badge: "TC059", evseId: 1, chargingProfile: {{{profile}}}'
        assert (await order(server, f"remoteStart(input: {{{begin}}})"))["status"] == "ACCEPTED"
        payload = sent(charger, "RemoteStartTransaction")
        assert (payload["connectorId"], payload["idTag"]) == (1, "TC059")
        said = payload["chargingProfile"]
        assert (said["chargingProfileId"], said["chargingProfilePurpose"]) == (59, "TxProfile")
        assert "transactionId" not in said
        await start16(server, charger)


@pytest.mark.octt("1.6", "TC_066_CSMS")
async def test_a_composite_schedule_is_asked_for_in_ocpp_16(server: Server) -> None:
    async with Station(server.ocpp, "TC066") as charger:
        await charger.boot()
        periods = [{"startPeriod": 0, "limit": 10.0}, {"startPeriod": 60, "limit": 6.0}]
        schedule = {"duration": 300, "chargingRateUnit": "A", "chargingSchedulePeriod": periods}
        charger.commands["GetCompositeSchedule"] = {
            "status": "Accepted",
            "connectorId": 1,
            "scheduleStart": NOW.isoformat(),
            "chargingSchedule": schedule,
        }
        where = 'stationId: "TC066", evseId: 1, durationSeconds: 300, unit: A'
        assert (await order(server, f"getCompositeSchedule(input: {{{where}}})"))["status"] == "ACCEPTED"
        payload = sent(charger, "GetCompositeSchedule")
        assert payload == {"connectorId": 1, "duration": 300, "chargingRateUnit": "A"}
        data = await shown(server, charger, lambda d: nodes(d, "compositeSchedules"))
        (seen,) = nodes(data, "compositeSchedules")
        assert [(each["startSeconds"], each["limit"]) for each in seen["periods"]] == [(0, "10.0"), (60, "6.0")]


@pytest.mark.octt("1.6", "TC_067_CSMS")
async def test_profiles_are_cleared_by_id_and_by_place_in_ocpp_16(server: Server) -> None:
    async with Station(server.ocpp, "TC067") as charger:
        await charger.boot()
        await limit(server, charger, 1, wish("TX_DEFAULT_PROFILE", 6.0, "id: 67, stackLevel: 2,"))
        await limit(server, charger, 0, wish("CHARGING_STATION_MAX_PROFILE", 20.0, "id: 68,"))
        await shown(server, charger, lambda d: len(nodes(d, "chargingProfiles")) == 2)
        clear = 'clearChargingProfile(input: {stationId: "TC067", %s})'
        assert (await order(server, clear % "profileId: 67"))["status"] == "ACCEPTED"
        assert sent(charger, "ClearChargingProfile") == {"id": 67}
        data = await shown(server, charger, lambda d: len(nodes(d, "chargingProfiles")) == 1)
        assert nodes(data, "chargingProfiles")[0]["id"] == 68
        place = "evseId: 0, purpose: CHARGING_STATION_MAX_PROFILE, stackLevel: 0"
        assert (await order(server, clear % place))["status"] == "ACCEPTED"
        assert sent(charger, "ClearChargingProfile") == {
            "connectorId": 0,
            "chargingProfilePurpose": "ChargePointMaxProfile",
            "stackLevel": 0,
        }
        await shown(server, charger, lambda d: not nodes(d, "chargingProfiles"))
