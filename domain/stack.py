"""The stack of charging profiles: what is where, and what may be put there (OCPP 2.x, block K, for all versions)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from domain.event import Refusal
from domain.schedule import VALUES, ChargingProfile, Purpose, Shape

FOREIGN: frozenset[Purpose] = frozenset({"ChargingStationExternalConstraints"})
PER_TRANSACTION: frozenset[Purpose] = frozenset({"TxProfile", "TxDefaultProfile"})


class Placed(Shape):
    """A charging profile and where it is: EVSE 0 is the station. `source`: who limits, in OCPP's words."""

    evse_id: int
    profile: ChargingProfile
    source: str = "CSO"


class Criteria(Shape):
    """Which profiles: those that match everything that is said. EVSE 0 is the station itself."""

    evse_id: int | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None
    ids: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()

    def match(self, placed: Placed) -> bool:
        profile = placed.profile
        return (
            self.evse_id in (None, placed.evse_id)
            and self.purpose in (None, profile.purpose)
            and self.stack_level in (None, profile.stack_level)
            and (not self.ids or profile.id in self.ids)
            and (not self.sources or placed.source in self.sources)
        )


def same(known: Placed, evse_id: int, profile: ChargingProfile) -> bool:
    """The same place: purpose, stack level and EVSE; for a TxProfile, transaction."""
    there = known.profile
    place = (there.purpose, there.stack_level, known.evse_id, there.transaction_id)
    return place == (profile.purpose, profile.stack_level, evse_id, profile.transaction_id)


def rivals(known: Placed, evse_id: int, profile: ChargingProfile) -> bool:
    """Both in the same place at the same time, which must not be (K01.FR.06, K01.FR.39)."""
    there = known.profile
    apart = there.valid_to and profile.valid_from and there.valid_to <= profile.valid_from
    before = there.valid_from and profile.valid_to and profile.valid_to <= there.valid_from
    return same(known, evse_id, profile) and not apart and not before


def clash(known: Placed, evse_id: int, profile: ChargingProfile) -> bool:
    """A station of OCPP 2.x must refuse it: rivals, or a TxDefaultProfile of the same level both on the station and on
    an EVSE (K01.FR.52, K01.FR.53)."""
    there = known.profile
    mixed = (known.evse_id == 0) != (evse_id == 0)
    defaults = there.purpose == profile.purpose == "TxDefaultProfile" and there.stack_level == profile.stack_level
    return rivals(known, evse_id, profile) or (defaults and mixed)


def over(known: Placed, evse_id: int, profile: ChargingProfile) -> bool:
    """A TxProfile of an earlier transaction on that EVSE, which ended with it (K02.FR.05)."""
    there = known.profile
    both = there.purpose == profile.purpose == "TxProfile" and known.evse_id == evse_id
    return both and there.transaction_id != profile.transaction_id


Rule = Callable[[int, ChargingProfile], str | None]


def check(evse_id: int, profile: ChargingProfile) -> None:
    """What holds for every profile, whatever else is installed. Raises Refusal."""
    ask((*EVERYWHERE, transaction_on_evse), evse_id, profile)


def check_start(profile: ChargingProfile) -> None:
    """What holds for the profile of a remote start: its transaction does not exist yet. Raises Refusal."""
    ask((*EVERYWHERE, for_start), 0, profile)


def ask(rules: tuple[Rule, ...], evse_id: int, profile: ChargingProfile) -> None:
    for rule in rules:
        reason = rule(evse_id, profile)
        if reason is not None:
            raise Refusal(reason)


def not_external(evse_id: int, profile: ChargingProfile) -> str | None:
    if profile.purpose in FOREIGN:
        return "external constraints are set by others, not by a CSMS (K01.FR.22)"
    return None


def id_of_ours(evse_id: int, profile: ChargingProfile) -> str | None:
    if profile.id < 0:
        return "negative profile ids are for external constraints (K11.FR.06)"
    return None


def transaction_on_evse(evse_id: int, profile: ChargingProfile) -> str | None:
    if (profile.purpose == "TxProfile") != (profile.transaction_id is not None):
        return "a TxProfile needs a transactionId, other profiles have none (K01.FR.03)"
    if profile.purpose == "TxProfile" and evse_id == 0:
        return "a TxProfile is for an EVSE, not for the station (K01.FR.16)"
    return None


def for_start(evse_id: int, profile: ChargingProfile) -> str | None:
    if profile.purpose != "TxProfile":
        return "the profile of a remote start is a TxProfile (K05.FR.02)"
    if profile.transaction_id is not None:
        return "the profile of a remote start has no transactionId: there is none yet"
    return "the profile of a remote start has one schedule" if len(profile.schedules) > 1 else None


def whole_station(evse_id: int, profile: ChargingProfile) -> str | None:
    if profile.purpose != "ChargingStationMaxProfile":
        return None
    if evse_id != 0:
        return "a ChargingStationMaxProfile is for the station, EVSE 0"
    return "a ChargingStationMaxProfile cannot be Relative (K01.FR.38)" if profile.kind == "Relative" else None


def times(evse_id: int, profile: ChargingProfile) -> str | None:
    if (profile.kind == "Recurring") != (profile.recurrency is not None):
        return "a Recurring profile needs a recurrency, others have none"
    started = [schedule.start_schedule is not None for schedule in profile.schedules]
    if profile.kind in ("Absolute", "Recurring") and not all(started):
        return f"a schedule of an {profile.kind} profile needs a startSchedule (K01.FR.40)"
    if profile.kind == "Relative" and any(started):
        return "a schedule of a Relative profile has no startSchedule (K01.FR.41)"
    if profile.valid_from and profile.valid_to and profile.valid_to <= profile.valid_from:
        return "validTo must be after validFrom"
    return None


def periods(evse_id: int, profile: ChargingProfile) -> str | None:
    if not 1 <= len(profile.schedules) <= 3:
        return "a profile has one to three schedules"
    for schedule in profile.schedules:
        starts = [period.start_seconds for period in schedule.periods]
        if starts[:1] != [0]:
            return "the first period starts at 0 (K01.FR.31)"
        if any(later <= earlier for earlier, later in pairwise(starts)):
            return "periods are in the order of time (K01.FR.35)"
        if schedule.duration_seconds is not None and schedule.duration_seconds <= 0:
            return "a schedule lasts at least a second"
    return None


def limits(evse_id: int, profile: ChargingProfile) -> str | None:
    for period in (period for schedule in profile.schedules for period in schedule.periods):
        if any(not value.is_finite() for name in VALUES if (value := getattr(period, name)) is not None):
            return "a limit is a number"
        if period.limit is not None and period.limit < 0:
            return "a limit is not negative: discharging has a dischargeLimit"
        if period.discharge_limit is not None and period.discharge_limit > 0:
            return "a dischargeLimit is not positive"
        if period.phase_to_use is not None and period.phases != 1:
            return "phaseToUse is for one phase (K01.FR.19)"
        if period.operation_mode == "Idle" and any(getattr(period, name) is not None for name in VALUES):
            return "a period in the mode Idle has no limits and no setpoints (Q10.FR.01)"
    return None


def dynamic(evse_id: int, profile: ChargingProfile) -> str | None:
    if profile.kind != "Dynamic":
        told = profile.update_interval_seconds is not None or profile.updated_at is not None
        return "an update interval is for Dynamic profiles (K28.FR.04)" if told else None
    if len(profile.schedules) != 1 or len(profile.schedules[0].periods) != 1:
        return "a Dynamic profile has one schedule with one period (K28.FR.01)"
    return None


def priority(evse_id: int, profile: ChargingProfile) -> str | None:
    if profile.purpose == "PriorityCharging":
        if any(schedule.duration_seconds is not None for schedule in profile.schedules):
            return "a PriorityCharging profile has no duration (K01.FR.70)"
        modes = {period.operation_mode for schedule in profile.schedules for period in schedule.periods}
        if modes - {None, "ChargingOnly"}:
            return "a PriorityCharging profile only charges (K01.FR.71)"
    if profile.purpose not in PER_TRANSACTION and any(s.randomized_delay_seconds for s in profile.schedules):
        return "a randomized delay is for TxProfile and TxDefaultProfile (K01.FR.95)"
    return None


EVERYWHERE: tuple[Rule, ...] = (
    not_external,
    id_of_ours,
    whole_station,
    periods,
    times,
    limits,
    dynamic,
    priority,
)
