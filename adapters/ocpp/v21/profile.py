"""OCPP 2.1: what smart charging has more. Discharging, dynamic profiles, priority, signals of the grid operator."""

from __future__ import annotations

from functools import partial

from adapters.ocpp.dialect import EMPTY, Hear, Heed, Payload, Said, Say, dump, given, stamp
from adapters.ocpp.sample import when
from adapters.ocpp.schedule import Part, Words, book, heard, say, wished
from adapters.ocpp.v201 import profile as v201
from application.session import Session
from domain.event import Refusal
from domain.need import Needs
from domain.profile import Profile
from domain.schedule import ScheduleUpdate, values
from domain.station import KnownTransaction, Station

UPDATE: Words = {
    "limit": "limit",
    "limit_l2": "limit_L2",
    "limit_l3": "limit_L3",
    "discharge_limit": "dischargeLimit",
    "discharge_limit_l2": "dischargeLimit_L2",
    "discharge_limit_l3": "dischargeLimit_L3",
    "setpoint": "setpoint",
    "setpoint_l2": "setpoint_L2",
    "setpoint_l3": "setpoint_L3",
    "setpoint_reactive": "setpointReactive",
    "setpoint_reactive_l2": "setpointReactive_L2",
    "setpoint_reactive_l3": "setpointReactive_L3",
}
PERIOD: Words = {
    **v201.PERIOD,
    **UPDATE,
    "operation_mode": "operationMode",
    "preconditioning": "preconditioningRequest",
    "evse_sleep": "evseSleep",
    "baseline": "v2xBaseline",
    "frequency_curve": Part("v2xFreqWattCurve", {"frequency_hz": "frequency", "power_w": "power"}),
    "signal_curve": Part("v2xSignalWattCurve", {"signal": "signal", "power_w": "power"}),
}
SCHEDULE: Words = {
    **v201.SCHEDULE,
    "power_tolerance": "powerTolerance",
    "limit_at_soc": Part("limitAtSoC", {"soc_percent": "soc", "limit": "limit"}, listed=False),
    "use_local_time": "useLocalTime",
    "randomized_delay_seconds": "randomizedDelay",
    "periods": Part("chargingSchedulePeriod", PERIOD),
}
PROFILE: Words = {
    **v201.PROFILE,
    "max_offline_seconds": "maxOfflineDuration",
    "invalid_after_offline": "invalidAfterOfflineDuration",
    "update_interval_seconds": "dynUpdateInterval",
    "updated_at": "dynUpdateTime",
    "schedules": Part("chargingSchedule", SCHEDULE),
}
NEEDS: Words = {
    **v201.NEEDS,
    "control": "controlMode",
    "max_power_w": "maxChargePower",
    "min_current_a": "minChargeCurrent",
    "max_current_a": "maxChargeCurrent",
    "max_voltage_v": "maxVoltage",
    "energy_wh": "evTargetEnergyRequest",
}


def needs(session: Session, payload: Payload) -> bytes:
    """NotifyEVChargingNeeds (K15, K17 to K19): a car of ISO 15118-20 that gets no schedule is not rejected, for that
    would end its charge (K18.FR.04, K18.FR.22)."""
    said = payload["chargingNeeds"]
    power = said.get("v2xChargingParameters")
    if power is None:
        return v201.hear_needs(session, payload, v201.needs_of(said), "Rejected")
    return v201.hear_needs(session, payload, heard(said | power, NEEDS, Needs), "NoChargingProfile")


def priority(session: Session, payload: Payload) -> bytes:
    """NotifyPriorityCharging (K21.FR.05, K22)."""
    known, charge = book(session), session.station.find(payload["transactionId"])
    if charge is None:
        session.tell(Station.MessageReceived)
        return EMPTY
    kind = Profile.PriorityStarted if payload["activated"] else Profile.PriorityStopped
    known.record(kind, session.cause, session.now, transaction_id=charge.transaction_id)
    return EMPTY


def pull(session: Session, payload: Payload) -> bytes:
    """PullDynamicScheduleUpdate (K28.FR.07, K28.FR.12): the values as they were last set."""
    known, profile_id = book(session), payload["chargingProfileId"]
    found = known.dynamic(profile_id)
    status = "Rejected" if found is None else "Accepted"
    known.record(Profile.Pulled, session.cause, session.now, profile_id=profile_id, status=status)
    if found is None:
        return dump({"status": status, "statusInfo": {"reasonCode": "InvalidProfile"}})
    return dump(given(status=status, scheduleUpdate=say(values(found), UPDATE) or None))


def profile(session: Session, wish: Payload) -> Payload:
    """The charging profile of a remote start (K05)."""
    return v201.profile(session, wish, PROFILE)


def say_priority(session: Session, wish: Payload) -> Said:
    """UsePriorityCharging (K21)."""
    charge = charge_of(session, wish)
    return Said("UsePriorityCharging", {"transactionId": charge.station_transaction_id, "activate": wish["activate"]})


def charge_of(session: Session, wish: Payload) -> KnownTransaction:
    charge = session.known(wish["transaction_id"])
    if charge is None or not charge.open:
        raise Refusal("this station has no such open transaction")
    return charge


def say_update(session: Session, wish: Payload) -> Said:
    """UpdateDynamicSchedule (K28.FR.06): only for a dynamic profile (K28.FR.11)."""
    known, profile_id = book(session), wish["profile_id"]
    if profile_id in known.placed and known.dynamic(profile_id) is None:
        raise Refusal(f"profile {profile_id} is not Dynamic (K28.FR.11)")
    update = say(wished(wish["update"], ScheduleUpdate), UPDATE)
    return Said("UpdateDynamicSchedule", {"chargingProfileId": profile_id, "scheduleUpdate": update})


def say_signal(session: Session, wish: Payload) -> Said:
    """AFRRSignal (Q08.FR.10): a signal of automatic frequency restoration, for cars that follow it."""
    at = stamp(when(wish.get("at"), session.now))
    return Said("AFRRSignal", {"timestamp": at, "signal": wish["signal"]})


def say_transfer(session: Session, wish: Payload) -> Said:
    """NotifyAllowedEnergyTransfer (Q02.FR.05)."""
    charge = charge_of(session, wish)
    return Said(
        "NotifyAllowedEnergyTransfer",
        {"transactionId": charge.station_transaction_id, "allowedEnergyTransfer": wish["transfers"]},
    )


def heed_update(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    known, profile_id = book(session), sent["chargingProfileId"]
    if answer["status"] == "Accepted":
        known.adjust(profile_id, wished(wish["update"], ScheduleUpdate), session.cause, session.now)


def heed_signal(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    known = book(session)
    if answer["status"] == "Accepted":
        facts = {"signal": sent["signal"], "occurred_at": when(sent["timestamp"], session.now)}
        known.record(Profile.Signalled, session.cause, session.now, **facts)


def heed_transfer(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    known = book(session)
    if answer["status"] == "Accepted":
        facts = {"transaction_id": wish["transaction_id"], "transfers": tuple(wish["transfers"])}
        known.record(Profile.TransferAllowed, session.cause, session.now, **facts)


HEAR: dict[str, Hear] = {
    "ReportChargingProfiles": partial(v201.hear_report, words=PROFILE),
    "NotifyChargingLimit": partial(v201.hear_limit, words=SCHEDULE),
    "NotifyEVChargingNeeds": needs,
    "NotifyEVChargingSchedule": partial(v201.hear_plan, words=SCHEDULE),
    "NotifyPriorityCharging": priority,
    "PullDynamicScheduleUpdate": pull,
}
SAY: dict[str, Say] = {
    "setChargingProfile": partial(v201.say_set, words=PROFILE),
    "usePriorityCharging": say_priority,
    "updateDynamicSchedule": say_update,
    "afrrSignal": say_signal,
    "notifyAllowedEnergyTransfer": say_transfer,
}
HEED: dict[str, Heed] = {
    "getCompositeSchedule": partial(v201.heed_composite, words=PERIOD),
    "updateDynamicSchedule": heed_update,
    "afrrSignal": heed_signal,
    "notifyAllowedEnergyTransfer": heed_transfer,
}
