"""The charging profiles of a station: which are installed, who else limits it, and what its cars need."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from domain.aggregate import Aggregate
from domain.composite import excess
from domain.event import AnyCause, Event, Refusal
from domain.schedule import ChargingProfile, Period, Schedule, ScheduleUpdate, Shape, Unit, adjusted
from domain.stack import FOREIGN, Criteria, Placed, check, clash, over, rivals, same


def stream(station_id: str) -> str:
    return f"profile/{station_id}"


class Needs(Shape):
    """What a car wants and can take. Energy until departure; limits of its battery and of its cable."""

    transfer: str
    departs_at: datetime | None = None
    energy_wh: Decimal | None = None
    min_current_a: Decimal | None = None
    max_current_a: Decimal | None = None
    max_voltage_v: Decimal | None = None
    max_power_w: Decimal | None = None
    capacity_wh: Decimal | None = None
    soc_percent: int | None = None
    control: str | None = None


class Profile(Aggregate):
    """What limits a station and its cars."""

    class Installed(Event, tag="profile.installed.v1"):
        """The station accepted a charging profile, in place of the one with its id and of those replaced."""

        evse_id: int
        profile: ChargingProfile
        replaced_ids: tuple[int, ...] = ()

    class Refused(Event, tag="profile.refused.v1"):
        """The station did not take a charging profile; what was in force before still is."""

        evse_id: int
        profile_id: int
        status: str
        reason: str | None = None

    class Cleared(Event, tag="profile.cleared.v1"):
        """Profiles that match are gone from the station; `found`: it had some (ClearChargingProfile)."""

        criteria: Criteria
        found: bool
        profile_ids: tuple[int, ...] = ()

    class ReportRequested(Event, tag="profile.report_requested.v1"):
        """The station was asked which profiles it has, and will report them (GetChargingProfiles)."""

        request_id: int
        criteria: Criteria

    class Reported(Event, tag="profile.reported.v1"):
        """The station said which profiles it has; more parts follow while `to_be_continued`."""

        request_id: int
        evse_id: int
        source: str
        profiles: tuple[ChargingProfile, ...]
        to_be_continued: bool = False

    class Lost(Event, tag="profile.lost.v1"):
        """A complete report of the station does not have these profiles, which we thought installed."""

        request_id: int
        profile_ids: tuple[int, ...]

    class Limited(Event, tag="profile.limited.v1"):
        """Somebody other than us limits the station or one EVSE (NotifyChargingLimit)."""

        evse_id: int
        source: str
        schedules: tuple[Schedule, ...] = ()
        grid_critical: bool = False
        local_generation: bool = False

    class LimitReleased(Event, tag="profile.limit_released.v1"):
        """Such a limit is gone (ClearedChargingLimit)."""

        evse_id: int
        source: str

    class NeedsReported(Event, tag="profile.needs_reported.v1"):
        """A car said what it needs, and we said whether it will get a schedule (NotifyEVChargingNeeds)."""

        evse_id: int
        needs: Needs
        status: str
        occurred_at: datetime
        transaction_id: str | None = None
        max_periods: int | None = None

    class PlanReported(Event, tag="profile.plan_reported.v1"):
        """A car said how it will charge, and we said whether that is within its limits (NotifyEVChargingSchedule)."""

        evse_id: int
        starts_at: datetime
        schedule: Schedule
        accepted: bool
        transaction_id: str | None = None
        reason: str | None = None

    class CompositeReported(Event, tag="profile.composite_reported.v1"):
        """The station said what all its limits together allow (GetCompositeSchedule)."""

        evse_id: int
        starts_at: datetime
        duration_seconds: int
        unit: Unit
        periods: tuple[Period, ...]

    class PriorityStarted(Event, tag="profile.priority_started.v1"):
        """A charge goes first: its PriorityCharging profile overrules the others (NotifyPriorityCharging)."""

        transaction_id: str

    class PriorityStopped(Event, tag="profile.priority_stopped.v1"):
        """A charge goes first no more."""

        transaction_id: str

    class Adjusted(Event, tag="profile.adjusted.v1"):
        """The one period of a dynamic profile has new values (UpdateDynamicSchedule, K28)."""

        profile_id: int
        update: ScheduleUpdate

    class Pulled(Event, tag="profile.pulled.v1"):
        """The station asked for the values of a dynamic profile (PullDynamicScheduleUpdate, K28.FR.07)."""

        profile_id: int
        status: str

    class Signalled(Event, tag="profile.signalled.v1"):
        """The station took a signal of the grid operator (AFRRSignal)."""

        signal: int
        occurred_at: datetime

    class TransferAllowed(Event, tag="profile.transfer_allowed.v1"):
        """The station was told which ways of energy transfer a charge may use (NotifyAllowedEnergyTransfer)."""

        transaction_id: str
        transfers: tuple[str, ...]

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.placed: dict[int, Placed] = {}
        self.asked: dict[int, Criteria] = {}
        self.said: set[int] = set()
        self.needs: dict[int, Profile.NeedsReported] = {}

    def choose(self, evse_id: int, profile: ChargingProfile) -> int | None:
        """The id of the profile that is in the same place of the stack: replaced in place, it leaves no gap."""
        return next((id_ for id_, known in self.placed.items() if rivals(known, evse_id, profile)), None)

    def check(self, evse_id: int, profile: ChargingProfile, exclusive: bool) -> None:
        """May this profile be sent there? Raises Refusal with the requirement that it breaks.

        `exclusive`: the station does not replace a profile of another id in the same place (OCPP 2.x).
        """
        check(evse_id, profile)
        told = self.needs.get(evse_id)
        if len(profile.schedules) > 1 and (told is None or told.transaction_id != profile.transaction_id):
            raise Refusal("more than one schedule is for cars that told their needs (K01.FR.34)")
        for known in self.placed.values() if exclusive else ():
            if known.profile.id != profile.id and clash(known, evse_id, profile):
                raise Refusal(f"profile {known.profile.id} is in that place already (K01.FR.06, K01.FR.39, K01.FR.52)")

    def install(self, evse_id: int, profile: ChargingProfile, exclusive: bool, cause: AnyCause, now: datetime) -> None:
        """The station has it. One of the same id is replaced; in OCPP 1.6 also one in the same place of the stack."""
        replaced = tuple(
            id_
            for id_, known in self.placed.items()
            if id_ != profile.id
            and (over(known, evse_id, profile) or (not exclusive and same(known, evse_id, profile)))
        )
        self.record(Profile.Installed, cause, now, evse_id=evse_id, profile=profile, replaced_ids=replaced)

    def refuse(
        self, evse_id: int, profile_id: int, status: str, reason: str | None, cause: AnyCause, now: datetime
    ) -> None:
        """The station did not take it."""
        self.record(Profile.Refused, cause, now, evse_id=evse_id, profile_id=profile_id, status=status, reason=reason)

    def clear(self, criteria: Criteria, found: bool, cause: AnyCause, now: datetime) -> None:
        """What the station cleared, or says it does not have; external constraints stay (K10.FR.04)."""
        gone = tuple(
            id_ for id_, known in self.placed.items() if criteria.match(known) and known.profile.purpose not in FOREIGN
        )
        self.record(Profile.Cleared, cause, now, criteria=criteria, found=found, profile_ids=gone)

    def report(
        self,
        request_id: int,
        evse_id: int,
        source: str,
        profiles: tuple[ChargingProfile, ...],
        to_be_continued: bool,
        cause: AnyCause,
        now: datetime,
    ) -> None:
        """One part of a report. With the last one we know what is not there any more (K09.FR.01, K09.FR.02)."""
        self.record(
            Profile.Reported,
            cause,
            now,
            request_id=request_id,
            evse_id=evse_id,
            source=source,
            profiles=profiles,
            to_be_continued=to_be_continued,
        )
        if not to_be_continued:
            self.miss(request_id, cause, now)

    def miss(self, request_id: int, cause: AnyCause, now: datetime) -> None:
        """The answer to a question is complete: profiles that match it and were not in it are gone."""
        criteria = self.asked.get(request_id)
        gone = tuple(
            id_
            for id_, known in self.placed.items()
            if criteria is not None and criteria.match(known) and id_ not in self.said
        )
        if gone:
            self.record(Profile.Lost, cause, now, request_id=request_id, profile_ids=gone)

    def plan(
        self,
        evse_id: int,
        schedule: Schedule,
        starts_at: datetime,
        transaction_id: str | None,
        running: datetime | None,
        cause: AnyCause,
        now: datetime,
    ) -> str | None:
        """A car's plan: why it is not within its limits (K15.FR.12), or None."""
        reason = excess(self.placed.values(), evse_id, schedule, starts_at, running)
        self.record(
            Profile.PlanReported,
            cause,
            now,
            evse_id=evse_id,
            starts_at=starts_at,
            schedule=schedule,
            accepted=reason is None,
            transaction_id=transaction_id,
            reason=reason,
        )
        return reason

    def dynamic(self, profile_id: int) -> ChargingProfile | None:
        """An installed dynamic profile."""
        known = self.placed.get(profile_id)
        return known.profile if known is not None and known.profile.kind == "Dynamic" else None

    def apply(self, event: Event) -> None:
        match event:
            case Profile.Installed():
                self.drop(event.replaced_ids)
                self.placed[event.profile.id] = Placed(evse_id=event.evse_id, profile=event.profile)
            case Profile.Reported():
                for profile in event.profiles:
                    self.placed[profile.id] = Placed(evse_id=event.evse_id, profile=profile, source=event.source)
                if event.request_id in self.asked:
                    self.said |= {profile.id for profile in event.profiles}
            case Profile.Cleared() | Profile.Lost():
                self.drop(event.profile_ids)
            case Profile.ReportRequested():
                self.asked, self.said = {event.request_id: event.criteria}, set()
            case Profile.NeedsReported():
                self.needs[event.evse_id] = event
            case Profile.Adjusted():
                known = self.placed[event.profile_id]
                profile = adjusted(known.profile, event.update, event.recorded_at)
                self.placed[event.profile_id] = msgspec.structs.replace(known, profile=profile)

    def drop(self, ids: tuple[int, ...]) -> None:
        self.placed = {id_: known for id_, known in self.placed.items() if id_ not in ids}
