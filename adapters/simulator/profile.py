"""Charging profiles of a simulated station: which power they leave, now and later (OCPP 1.6 section 3.13, 2.x K01)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from adapters.simulator.vocabulary import Charge, Payload, Said, now, stamp, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station

OFTEN = {"Daily": timedelta(days=1), "Weekly": timedelta(weeks=1)}
WHOLE = ("ChargePointMaxProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints", "LocalGeneration")
DEFAULT, CHARGE, PRIORITY = "TxDefaultProfile", "TxProfile", "PriorityCharging"
AC_VOLT, DC_VOLT = 230.0, 400.0


@dataclass
class Profile:
    """One installed profile; `raw` is the charging profile as the CSMS sent it."""

    raw: Payload
    evse_id: int
    installed_at: datetime

    @property
    def id(self) -> int:
        return int(self.raw["chargingProfileId" if "chargingProfileId" in self.raw else "id"])

    @property
    def purpose(self) -> str:
        return str(self.raw["chargingProfilePurpose"])

    @property
    def stack(self) -> int:
        return int(self.raw["stackLevel"])

    @property
    def schedule(self) -> Payload:
        """OCPP 1.6 has one, 2.x up to three, of which this station takes the first."""
        given = self.raw["chargingSchedule"]
        first: Payload = given[0] if isinstance(given, list) else given
        return first

    def starts(self, begin: datetime, end: datetime, charge_began: datetime | None) -> Iterator[datetime]:
        """When its schedule begins within a stretch of time, and the last time before."""
        said = self.schedule.get("startSchedule")
        if self.raw["chargingProfileKind"] == "Relative":
            yield charge_began or begin
            return
        start = when(said) if said else charge_began or self.installed_at
        if self.raw["chargingProfileKind"] != "Recurring":
            yield start
            return
        often = OFTEN[self.raw.get("recurrencyKind", "Daily")]
        start += often * ((begin - start) // often)
        while start < end:
            yield start
            start += often

    def limit(self, at: datetime, charge_began: datetime | None) -> Payload | None:
        """The period of its schedule that counts at a moment; None when it says nothing then."""
        if not self.valid(at):
            return None
        start = next(self.starts(at, at + timedelta(microseconds=1), charge_began))
        offset = (at - start).total_seconds()
        duration = self.schedule.get("duration")
        if offset < 0 or (duration is not None and offset >= duration):
            return None
        begun = [p for p in self.schedule["chargingSchedulePeriod"] if p["startPeriod"] <= offset]
        return begun[-1] if begun else None

    def valid(self, at: datetime) -> bool:
        since, until = self.raw.get("validFrom"), self.raw.get("validTo")
        return (since is None or when(since) <= at) and (until is None or at < when(until))

    def turns(self, begin: datetime, end: datetime, charge_began: datetime | None) -> Iterator[datetime]:
        """Every moment at which it may say something else."""
        for name in ("validFrom", "validTo"):
            if name in self.raw:
                yield when(self.raw[name])
        for start in self.starts(begin, end, charge_began):
            for period in self.schedule["chargingSchedulePeriod"]:
                yield start + timedelta(seconds=period["startPeriod"])
            if "duration" in self.schedule:
                yield start + timedelta(seconds=self.schedule["duration"])


class Profiles:
    """What is installed, and what it comes to: the lowest of the limits for the station and that for the charge."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.rows: list[Profile] = []
        self.priority = False

    def offered_w(self, at: datetime) -> float:
        """How much power the station may give at a moment."""
        limits = [self.station.rated_w, *(self.watts(best) for best in self.chosen(at))]
        return min(limits)

    def chosen(self, at: datetime) -> Iterator[tuple[Profile, Payload]]:
        """The profiles that count: the highest of each purpose, and for the charge its own before the default."""
        for purpose in WHOLE:
            yield from self.highest([purpose], at)
        charge = [PRIORITY, CHARGE, DEFAULT] if self.priority else [CHARGE, DEFAULT]
        yield from itertools.islice(self.highest(charge, at), 1)

    def highest(self, purposes: Sequence[str], at: datetime) -> Iterator[tuple[Profile, Payload]]:
        for purpose in purposes:
            rows = [row for row in self.rows if row.purpose == purpose]
            for row in sorted(rows, key=lambda row: (row.stack, row.evse_id), reverse=True):
                period = row.limit(at, self.began)
                if period is not None:
                    yield row, period
                    break

    @property
    def began(self) -> datetime | None:
        return self.station.charge.started_at if self.station.charge else None

    def watts(self, chosen: tuple[Profile, Payload]) -> float:
        profile, period = chosen
        limit = period.get("limit", period.get("setpoint"))
        if limit is None:
            return self.station.rated_w
        if profile.schedule["chargingRateUnit"] == "W":
            return max(0.0, float(limit))
        return max(0.0, float(limit)) * self.volts(period.get("numberPhases"))

    def volts(self, phases: int | None = None) -> float:
        """Watts for each ampere; a single-phase station has no three phases to give."""
        if not self.station.phases:
            return DC_VOLT
        return AC_VOLT * min(phases or self.station.phases, self.station.phases)

    def composite(self, begin: datetime, duration: int, unit: str) -> list[Payload]:
        """The periods of GetCompositeSchedule: what `offered_w` will say, step by step."""
        end = begin + timedelta(seconds=duration)
        turns = {begin, *(at for row in self.rows for at in row.turns(begin, end, self.began) if begin < at < end)}
        periods: list[Payload] = []
        for at in sorted(turns):
            watts = self.offered_w(at)
            limit = round(watts if unit == "W" else watts / self.volts(), 1)
            if not periods or periods[-1]["limit"] != limit:
                periods.append({"startPeriod": round((at - begin).total_seconds()), "limit": limit})
        return periods

    def install(self, evse_id: int, raw: Payload) -> str | None:
        """Keep a profile in place of the one it replaces; or why not."""
        reason = self.refusal(evse_id, raw)
        if reason is not None:
            return reason
        new = Profile(raw, evse_id, now())
        self.rows = [row for row in self.rows if not self.replaced(row, new)] + [new]
        self.station.nudge.set()
        return None

    def refusal(self, evse_id: int, raw: Payload) -> str | None:
        device, charge, purpose = self.station.device, self.station.charge, raw["chargingProfilePurpose"]
        schedules = raw["chargingSchedule"] if isinstance(raw["chargingSchedule"], list) else [raw["chargingSchedule"]]
        if evse_id not in (0, 1):
            return "UnknownEvse"
        if raw["stackLevel"] > device.limit("SmartChargingCtrlr", "ProfileStackLevel"):
            return "StackLevelTooHigh"
        if len(schedules[0]["chargingSchedulePeriod"]) > device.limit("SmartChargingCtrlr", "PeriodsPerSchedule"):
            return "TooManyPeriods"
        if purpose == CHARGE and (charge is None or evse_id == 0 or not meant(charge, raw, self.station.version)):
            return "TxNotFound"
        if purpose in WHOLE and evse_id != 0 and purpose != "LocalGeneration":
            return "InvalidProfile"
        if schedules[0]["chargingSchedulePeriod"][0]["startPeriod"] != 0:
            return "InvalidSchedule"
        full = len(self.rows) >= device.limit("SmartChargingCtrlr", "Entries")
        return "TooManyProfiles" if full and not self.taken(evse_id, raw) else None

    def taken(self, evse_id: int, raw: Payload) -> bool:
        new = Profile(raw, evse_id, now())
        return any(self.replaced(row, new) for row in self.rows)

    def replaced(self, old: Profile, new: Profile) -> bool:
        """The same id; or the same purpose, stack level and EVSE."""
        same = (old.purpose, old.stack, old.evse_id) == (new.purpose, new.stack, new.evse_id)
        return same or old.id == new.id

    def remove(self, wanted: Iterable[Profile]) -> bool:
        gone = list(wanted)
        self.rows = [row for row in self.rows if row not in gone]
        self.station.nudge.set()
        return bool(gone)

    def forget_charge(self) -> None:
        """A profile of a charge ends with it."""
        self.priority = False
        self.rows = [row for row in self.rows if row.purpose != CHARGE]


def meant(charge: Charge, raw: Payload, version: str) -> bool:
    """Does a profile name this charge? In OCPP 1.6 it need not name any."""
    return charge.is_called(raw.get("transactionId")) or (version == "1.6" and "transactionId" not in raw)


def when(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=now().tzinfo)


def set16(station: Station, payload: Payload) -> Payload:
    reason = station.profiles.install(payload["connectorId"], payload["csChargingProfiles"])
    return status(reason is None)


def set201(station: Station, payload: Payload) -> Payload:
    """K01."""
    reason = station.profiles.install(payload["evseId"], payload["chargingProfile"])
    return status(True) if reason is None else status(False) | {"statusInfo": {"reasonCode": reason[:20]}}


def clear16(station: Station, payload: Payload) -> Payload:
    """OCPP 1.6 section 5.5: whatever is given has to fit."""
    asked = {
        "id": payload.get("id"),
        "evse_id": payload.get("connectorId"),
        "purpose": payload.get("chargingProfilePurpose"),
        "stack": payload.get("stackLevel"),
    }
    return clear(station, asked)


def clear201(station: Station, payload: Payload) -> Payload:
    """K10: by id, or by criteria."""
    if "chargingProfileId" in payload:
        return clear(station, {"id": payload["chargingProfileId"]})
    criteria = payload.get("chargingProfileCriteria", {})
    asked = {
        "evse_id": criteria.get("evseId"),
        "purpose": criteria.get("chargingProfilePurpose"),
        "stack": criteria.get("stackLevel"),
    }
    return clear(station, asked)


def clear(station: Station, asked: Payload) -> Payload:
    gone = station.profiles.remove(found(station, asked))
    return {"status": "Accepted" if gone else "Unknown"}


def found(station: Station, asked: Payload) -> list[Profile]:
    given = {name: value for name, value in asked.items() if value is not None}
    return [row for row in station.profiles.rows if all(getattr(row, name) == value for name, value in given.items())]


def composite16(station: Station, payload: Payload) -> Payload:
    """OCPP 1.6 section 5.7."""
    if payload["connectorId"] not in (0, 1):
        return status(False)
    unit, begin = payload.get("chargingRateUnit", "W"), now()
    periods = station.profiles.composite(begin, payload["duration"], unit)
    schedule = {"chargingRateUnit": unit, "duration": payload["duration"], "chargingSchedulePeriod": periods}
    return status(True) | {
        "connectorId": payload["connectorId"],
        "scheduleStart": stamp(begin),
        "chargingSchedule": schedule,
    }


def composite201(station: Station, payload: Payload) -> Payload:
    """K08."""
    if payload["evseId"] not in (0, 1):
        return status(False) | {"statusInfo": {"reasonCode": "UnknownEvse"}}
    unit, begin = payload.get("chargingRateUnit", "W"), now()
    schedule = {
        "evseId": payload["evseId"],
        "duration": payload["duration"],
        "scheduleStart": stamp(begin),
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": station.profiles.composite(begin, payload["duration"], unit),
    }
    return status(True) | {"schedule": schedule}


def get_profiles(station: Station, payload: Payload) -> Payload:
    """K09: what is installed, one ReportChargingProfiles for each EVSE, all but the last to be continued."""
    criteria = payload["chargingProfile"]
    asked = {
        "evse_id": payload.get("evseId"),
        "purpose": criteria.get("chargingProfilePurpose"),
        "stack": criteria.get("stackLevel"),
    }
    rows = [row for row in found(station, asked) if row.id in criteria.get("chargingProfileId", [row.id])]
    if not rows or "CSO" not in criteria.get("chargingLimitSource", ["CSO"]):
        return {"status": "NoProfiles"}
    evses = sorted({row.evse_id for row in rows})
    station.send(
        Said(
            "ReportChargingProfiles",
            {
                "requestId": payload["requestId"],
                "chargingLimitSource": "CSO",
                "evseId": evse_id,
                "tbc": evse_id != evses[-1],
                "chargingProfile": [row.raw for row in rows if row.evse_id == evse_id],
            },
        )
        for evse_id in evses
    )
    return status(True)


def use_priority(station: Station, payload: Payload) -> Payload:
    """K20 (OCPP 2.1): the profile of purpose PriorityCharging counts instead of the charge's."""
    if station.charge is None or not station.charge.is_called(payload["transactionId"]):
        return status(False)
    if not any(row.purpose == PRIORITY for row in station.profiles.rows):
        return {"status": "NoProfile"}
    station.profiles.priority = payload["activate"]
    station.nudge.set()
    return status(True)


def update_dynamic(station: Station, payload: Payload) -> Payload:
    """K28 (OCPP 2.1): new figures for the one period of a dynamic profile."""
    for row in station.profiles.rows:
        if row.id == payload["chargingProfileId"] and row.raw["chargingProfileKind"] == "Dynamic":
            row.schedule["chargingSchedulePeriod"][0] |= payload["scheduleUpdate"]
            station.nudge.set()
            return status(True)
    return status(False) | {"statusInfo": {"reasonCode": "UnknownProfile"}}


def allow_transfer(station: Station, payload: Payload) -> Payload:
    """Q01 (OCPP 2.1): this station only charges, so something that charges has to be allowed."""
    mine = station.charge is not None and station.charge.is_called(payload["transactionId"])
    charges = any("BPT" not in mode and "DER" not in mode for mode in payload["allowedEnergyTransfer"])
    return status(mine and charges)


def signal(station: Station, payload: Payload) -> Payload:
    """AFRRSignal (OCPP 2.1 block Q): it steers a charge whose profile has the mode CentralFrequency."""
    modes = {p.get("operationMode") for row in station.profiles.rows for p in row.schedule["chargingSchedulePeriod"]}
    return status(station.charge is not None and "CentralFrequency" in modes)


OBEY16 = {
    "SetChargingProfile": set16,
    "ClearChargingProfile": clear16,
    "GetCompositeSchedule": composite16,
}
OBEY201 = {
    "SetChargingProfile": set201,
    "ClearChargingProfile": clear201,
    "GetCompositeSchedule": composite201,
    "GetChargingProfiles": get_profiles,
}
OBEY21 = {
    "UsePriorityCharging": use_priority,
    "UpdateDynamicSchedule": update_dynamic,
    "NotifyAllowedEnergyTransfer": allow_transfer,
    "AFRRSignal": signal,
}
