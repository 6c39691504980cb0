"""OCPP 2.0.1: smart charging (block K). What is installed, what others limit, and what cars need."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Heed, Payload, Said, Say, dump, given
from adapters.ocpp.sample import when
from adapters.ocpp.schedule import (
    Part,
    Words,
    book,
    compare,
    criteria,
    hear_periods,
    heard,
    intended,
    ours,
    say,
    settle,
    starting,
)  # fmt: skip
from application.session import Session
from domain.event import Refusal
from domain.need import Needs
from domain.profile import Profile
from domain.schedule import ChargingProfile, Schedule
from domain.stack import FOREIGN

PERIOD: Words = {
    "start_seconds": "startPeriod",
    "limit": "limit",
    "phases": "numberPhases",
    "phase_to_use": "phaseToUse",
}
SCHEDULE: Words = {
    "start_schedule": "startSchedule",
    "duration_seconds": "duration",
    "unit": "chargingRateUnit",
    "min_charging_rate": "minChargingRate",
    "periods": Part("chargingSchedulePeriod", PERIOD),
}
PROFILE: Words = {
    "id": "id",
    "stack_level": "stackLevel",
    "purpose": "chargingProfilePurpose",
    "kind": "chargingProfileKind",
    "recurrency": "recurrencyKind",
    "valid_from": "validFrom",
    "valid_to": "validTo",
    "schedules": Part("chargingSchedule", SCHEDULE),
}


def report(session: Session, payload: Payload) -> bytes:
    """ReportChargingProfiles (K09)."""
    return hear_report(session, payload, PROFILE)


def hear_report(session: Session, payload: Payload, words: Words) -> bytes:
    known = book(session)
    known.report(
        payload["requestId"],
        payload["evseId"],
        payload["chargingLimitSource"],
        tuple(ours(session, heard(each, words, ChargingProfile), each) for each in payload["chargingProfile"]),
        payload.get("tbc", False),
        session.cause,
        session.now,
    )
    return EMPTY


def limit(session: Session, payload: Payload) -> bytes:
    """NotifyChargingLimit (K11, K12); without an EVSE it is the whole station."""
    return hear_limit(session, payload, SCHEDULE)


def hear_limit(session: Session, payload: Payload, words: Words) -> bytes:
    said = payload["chargingLimit"]
    book(session).record(
        Profile.Limited,
        session.cause,
        session.now,
        evse_id=payload.get("evseId", 0),
        source=said["chargingLimitSource"],
        schedules=tuple(heard(each, words, Schedule) for each in payload.get("chargingSchedule", ())),
        grid_critical=said.get("isGridCritical", False),
        local_generation=said.get("isLocalGeneration", False),
    )
    return EMPTY


def release(session: Session, payload: Payload) -> bytes:
    """ClearedChargingLimit (K13)."""
    facts = {"evse_id": payload.get("evseId", 0), "source": payload["chargingLimitSource"]}
    book(session).record(Profile.LimitReleased, session.cause, session.now, **facts)
    return EMPTY


def needs(session: Session, payload: Payload) -> bytes:
    """NotifyEVChargingNeeds (K15, K17): Accepted, for a schedule follows, if there is a charge to give it to."""
    return hear_needs(session, payload, needs_of(payload["chargingNeeds"]), "Rejected")


def hear_needs(session: Session, payload: Payload, wanted: Needs, otherwise: str) -> bytes:
    known, evse_id = book(session), payload["evseId"]
    charge = session.station.open_on(evse_id)
    status = "Accepted" if charge is not None and wanted.most is not None else otherwise
    known.record(
        Profile.NeedsReported,
        session.cause,
        session.now,
        evse_id=evse_id,
        needs=wanted,
        status=status,
        occurred_at=when(payload.get("timestamp"), session.now),
        transaction_id=charge.transaction_id if charge is not None else None,
        max_periods=payload.get("maxScheduleTuples"),
    )
    if status == "Accepted":
        return b'{"status":"Accepted"}'
    return dump({"status": status, "statusInfo": {"reasonCode": "TxNotFound" if charge is None else "MissingParam"}})


NEEDS: Words = {
    "transfer": "requestedEnergyTransfer",
    "departs_at": "departureTime",
    "energy_wh": "energyAmount",
    "min_current_a": "evMinCurrent",
    "max_current_a": "evMaxCurrent",
    "max_voltage_v": "evMaxVoltage",
    "max_power_w": "evMaxPower",
    "capacity_wh": "evEnergyCapacity",
    "soc_percent": "stateOfCharge",
}


def needs_of(said: Payload) -> Needs:
    """What a car wants, for AC or DC (K15.FR.06)."""
    power = said.get("acChargingParameters", {}) | said.get("dcChargingParameters", {})
    return heard(said | power, NEEDS, Needs)


def plan(session: Session, payload: Payload) -> bytes:
    """NotifyEVChargingSchedule (K15.FR.11, K15.FR.12): is the car's plan within its limits?"""
    return hear_plan(session, payload, SCHEDULE)


def hear_plan(session: Session, payload: Payload, words: Words) -> bytes:
    known, evse_id = book(session), payload["evseId"]
    charge = session.station.open_on(evse_id)
    reason = known.plan(
        evse_id,
        heard(payload["chargingSchedule"], words, Schedule),
        when(payload["timeBase"], session.now),
        charge.transaction_id if charge is not None else None,
        session.load(charge).started_at if charge is not None else None,
        session.cause,
        session.now,
    )
    if reason is None:
        return b'{"status":"Accepted"}'
    return dump({"status": "Rejected", "statusInfo": {"reasonCode": "LimitExceeded", "additionalInfo": reason[:512]}})


def profile(session: Session, wish: Payload, words: Words = PROFILE) -> Payload:
    """The charging profile of a remote start (K05): a TxProfile without transaction."""
    return written(starting(session, wish), words)


def say_set(session: Session, wish: Payload, words: Words = PROFILE) -> Said:
    """SetChargingProfile (K01)."""
    evse_id, wanted, number = intended(session, wish, exclusive=True)
    payload = written(wanted, words) | given(transactionId=number)
    return Said("SetChargingProfile", {"evseId": evse_id, "chargingProfile": payload})


def written(wanted: ChargingProfile, words: Words) -> Payload:
    """Schedules are numbered from 1: a car names the one it chose by this number (ISO 15118)."""
    payload = say(wanted, words)
    for number, schedule in enumerate(payload["chargingSchedule"], 1):
        schedule["id"] = number
    return payload


def say_clear(session: Session, wish: Payload) -> Said:
    """ClearChargingProfile (K10): by id, else all that match everything that is said (K10.FR.02)."""
    wanted = criteria(wish)
    if wanted.ids:
        return Said("ClearChargingProfile", {"chargingProfileId": wanted.ids[0]})
    if wanted.purpose in FOREIGN | {"LocalGeneration"}:
        raise Refusal(f"a CSMS does not clear {wanted.purpose} (K10.FR.06)")
    match = given(evseId=wanted.evse_id, chargingProfilePurpose=wanted.purpose, stackLevel=wanted.stack_level)
    if not match:
        raise Refusal("say which profiles: profileId, or one or more of evseId, purpose and stackLevel (K10.FR.02)")
    return Said("ClearChargingProfile", {"chargingProfileCriteria": match})


def say_profiles(session: Session, wish: Payload) -> Said:
    """GetChargingProfiles (K09); the answer comes as ReportChargingProfiles with the same number."""
    wanted = criteria(wish)
    match = given(chargingProfileId=list(wanted.ids) or None) or given(
        chargingProfilePurpose=wanted.purpose,
        stackLevel=wanted.stack_level,
        chargingLimitSource=list(wanted.sources) or None,
    )
    if not match:
        raise Refusal("say which profiles: ids, or one or more of purpose, stackLevel and sources (K09.FR.03)")
    number = session.rules.numbers.take()
    return Said("GetChargingProfiles", given(requestId=number, evseId=wanted.evse_id, chargingProfile=match))


def say_composite(session: Session, wish: Payload) -> Said:
    """GetCompositeSchedule (K08)."""
    return Said(
        "GetCompositeSchedule",
        given(evseId=wish["evse_id"], duration=wish["duration_seconds"], chargingRateUnit=wish.get("unit")),
    )


def heed_set(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    settle(session, wish, sent["evseId"], sent["chargingProfile"]["id"], answer, exclusive=True)


def heed_clear(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    book(session).clear(criteria(wish), answer["status"] == "Accepted", session.cause, session.now)


def heed_profiles(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """NoProfiles is a complete answer: none of those we thought installed is."""
    known, facts = book(session), {"request_id": sent["requestId"], "criteria": criteria(wish)}
    known.record(Profile.ReportRequested, session.cause, session.now, **facts)
    if answer["status"] == "NoProfiles":
        known.miss(sent["requestId"], session.cause, session.now)


def heed_composite(session: Session, wish: Payload, sent: Payload, answer: Payload, words: Words = PERIOD) -> None:
    schedule = answer.get("schedule")
    if answer["status"] != "Accepted" or schedule is None:
        return
    compare(
        session,
        schedule["evseId"],
        when(schedule["scheduleStart"], session.now),
        schedule["duration"],
        schedule["chargingRateUnit"],
        hear_periods(schedule, words),
    )


HEAR: dict[str, Hear] = {
    "ReportChargingProfiles": report,
    "NotifyChargingLimit": limit,
    "ClearedChargingLimit": release,
    "NotifyEVChargingNeeds": needs,
    "NotifyEVChargingSchedule": plan,
}
SAY: dict[str, Say] = {
    "setChargingProfile": say_set,
    "clearChargingProfile": say_clear,
    "getChargingProfiles": say_profiles,
    "getCompositeSchedule": say_composite,
}
HEED: dict[str, Heed] = {
    "setChargingProfile": heed_set,
    "clearChargingProfile": heed_clear,
    "getChargingProfiles": heed_profiles,
    "getCompositeSchedule": heed_composite,
}
CANNOT: dict[str, str] = {
    "usePriorityCharging": "OCPP 2.0.1 has no priority charging: set a TxProfile",
    "updateDynamicSchedule": "OCPP 2.0.1 has no dynamic profiles: set the profile again",
    "afrrSignal": "OCPP 2.0.1 has no signals of the grid operator",
    "notifyAllowedEnergyTransfer": "OCPP 2.0.1 does not speak of ways of energy transfer",
    "setDERControl": "controls of distributed energy are new in OCPP 2.1",
    "getDERControl": "controls of distributed energy are new in OCPP 2.1",
    "clearDERControl": "controls of distributed energy are new in OCPP 2.1",
}
