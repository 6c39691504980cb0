"""OCPP 1.6: smart charging (section 3.13). One schedule a profile, and the station only reports its composite."""

from __future__ import annotations

from adapters.ocpp.dialect import Heed, Payload, Said, Say, given
from adapters.ocpp.sample import when
from adapters.ocpp.schedule import Part, Words, book, compare, criteria, hear_periods, intended, say, settle, starting
from application.session import Session
from domain.event import Refusal
from domain.schedule import ChargingProfile

PERIOD: Words = {"start_seconds": "startPeriod", "limit": "limit", "phases": "numberPhases"}
SCHEDULE: Words = {
    "start_schedule": "startSchedule",
    "duration_seconds": "duration",
    "unit": "chargingRateUnit",
    "min_charging_rate": "minChargingRate",
    "periods": Part("chargingSchedulePeriod", PERIOD),
}
PROFILE: Words = {
    "id": "chargingProfileId",
    "stack_level": "stackLevel",
    "purpose": "chargingProfilePurpose",
    "kind": "chargingProfileKind",
    "recurrency": "recurrencyKind",
    "valid_from": "validFrom",
    "valid_to": "validTo",
    "schedules": Part("chargingSchedule", SCHEDULE),
}
PURPOSE = {
    "ChargingStationMaxProfile": "ChargePointMaxProfile",
    "TxDefaultProfile": "TxDefaultProfile",
    "TxProfile": "TxProfile",
}


def profile(session: Session, wish: Payload) -> Payload:
    """The charging profile of a remote start (section 5.16.2, errata 3.41)."""
    return written(starting(session, wish))


def say_set(session: Session, wish: Payload) -> Said:
    """SetChargingProfile (section 5.16)."""
    evse_id, wanted, number = intended(session, wish, exclusive=False)
    payload = written(wanted) | given(transactionId=None if number is None else int(number))
    return Said("SetChargingProfile", {"connectorId": evse_id, "csChargingProfiles": payload})


def written(wanted: ChargingProfile) -> Payload:
    if len(wanted.schedules) != 1:
        raise Refusal("a profile of OCPP 1.6 has one schedule")
    payload = say(wanted, PROFILE)
    payload["chargingProfilePurpose"] = purpose(wanted.purpose)
    (payload["chargingSchedule"],) = payload["chargingSchedule"]
    return payload


def purpose(name: str) -> str:
    if name not in PURPOSE:
        raise Refusal(f"OCPP 1.6 has no profiles of the purpose {name}")
    return PURPOSE[name]


def say_clear(session: Session, wish: Payload) -> Said:
    """ClearChargingProfile (section 5.5, errata 3.25): all that match everything that is said."""
    wanted = criteria(wish)
    return Said(
        "ClearChargingProfile",
        given(
            id=wanted.ids[0] if wanted.ids else None,
            connectorId=wanted.evse_id,
            chargingProfilePurpose=purpose(wanted.purpose) if wanted.purpose else None,
            stackLevel=wanted.stack_level,
        ),
    )


def say_composite(session: Session, wish: Payload) -> Said:
    """GetCompositeSchedule (section 5.7)."""
    return Said(
        "GetCompositeSchedule",
        given(connectorId=wish["evse_id"], duration=wish["duration_seconds"], chargingRateUnit=wish.get("unit")),
    )


def heed_set(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    number = sent["csChargingProfiles"]["chargingProfileId"]
    settle(session, wish, sent["connectorId"], number, answer, exclusive=False)


def heed_clear(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    book(session).clear(criteria(wish), answer["status"] == "Accepted", session.cause, session.now)


def heed_composite(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    schedule: Payload | None = answer.get("chargingSchedule")
    if answer["status"] != "Accepted" or schedule is None:
        return
    starts = answer.get("scheduleStart") or schedule.get("startSchedule")
    compare(
        session,
        answer.get("connectorId") or sent["connectorId"],
        when(starts, session.now),
        schedule.get("duration") or sent["duration"],
        schedule["chargingRateUnit"],
        hear_periods(schedule, PERIOD),
    )


SAY: dict[str, Say] = {
    "setChargingProfile": say_set,
    "clearChargingProfile": say_clear,
    "getCompositeSchedule": say_composite,
}
HEED: dict[str, Heed] = {
    "setChargingProfile": heed_set,
    "clearChargingProfile": heed_clear,
    "getCompositeSchedule": heed_composite,
}
CANNOT: dict[str, str] = {
    "getChargingProfiles": "OCPP 1.6 cannot list profiles: ask for what they amount to, with getCompositeSchedule",
    "usePriorityCharging": "OCPP 1.6 has no priority charging: set a TxProfile",
    "updateDynamicSchedule": "OCPP 1.6 has no dynamic profiles: set the profile again",
    "afrrSignal": "OCPP 1.6 has no signals of the grid operator",
    "notifyAllowedEnergyTransfer": "OCPP 1.6 does not speak of ways of energy transfer",
    "setDERControl": "controls of distributed energy are new in OCPP 2.1",
    "getDERControl": "controls of distributed energy are new in OCPP 2.1",
    "clearDERControl": "controls of distributed energy are new in OCPP 2.1",
}
