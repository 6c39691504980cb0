"""The charging profiles of a station: which are installed, who else limits it, and what its cars need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

import msgspec

from domain.aggregate import Aggregate
from domain.composite import Slot, composite, excess, later, station_composite
from domain.event import AnyCause, Event, Refusal
from domain.need import Needs, offered
from domain.schedule import ChargingProfile, Period, Purpose, Schedule, ScheduleUpdate, Unit, adjusted
from domain.stack import FOREIGN, Criteria, Placed, check, clash, over, rivals, same

PATIENCE = 3
"""How often a car that plans more than it may is offered its schedule again."""


def stream(station_id: str) -> str:
    return f"profile/{station_id}"


class Running(NamedTuple):
    """A charge, and since when it runs."""

    transaction_id: str
    since: datetime


class Profile(Aggregate):
    """What limits a station and its cars."""

    lasting = True

    class Installed(Event, tag="profile.installed.v1"):
        """The station accepted a charging profile, in place of the one with its id and of those replaced.

        `offered`: we made it out of what the car needs; nobody asked for it.
        """

        evse_id: int
        profile: ChargingProfile
        replaced_ids: tuple[int, ...] = ()
        offered: bool = False

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
        """The station said what all its limits together allow (GetCompositeSchedule); `expected` is what we think."""

        evse_id: int
        starts_at: datetime
        duration_seconds: int
        unit: Unit
        periods: tuple[Period, ...]
        expected: tuple[Period, ...] = ()

    class PriorityStarted(Event, tag="profile.priority_started.v1"):
        """A charge goes first: its PriorityCharging profile overrules the others (NotifyPriorityCharging)."""

        transaction_id: str

    class PriorityStopped(Event, tag="profile.priority_stopped.v1"):
        """A charge goes first no more."""

        transaction_id: str

    class Adjusted(Event, tag="profile.adjusted.v1"):
        """The one period of a dynamic profile has new values (UpdateDynamicSchedule, K28)."""

        profile: ChargingProfile
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
        self.offers: set[int] = set()
        self.refusals: dict[int, int] = {}
        self.limits: dict[tuple[int, str], Profile.Limited] = {}
        self.first: set[str] = set()

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

    def install(
        self,
        evse_id: int,
        profile: ChargingProfile,
        exclusive: bool,
        cause: AnyCause,
        now: datetime,
        offered: bool = False,
    ) -> None:
        """The station has it. One of the same id is replaced; in OCPP 1.6 also one in the same place of the stack."""
        replaced = tuple(
            id_
            for id_, known in self.placed.items()
            if id_ != profile.id
            and (over(known, evse_id, profile) or (not exclusive and same(known, evse_id, profile)))
        )
        facts = {"evse_id": evse_id, "profile": profile, "replaced_ids": replaced, "offered": offered}
        self.record(Profile.Installed, cause, now, **facts)

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
        reason = excess(self.everything, evse_id, schedule, starts_at, running)
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

    @property
    def everything(self) -> list[Placed]:
        """All that limits: profiles, and the schedules that others imposed without one."""
        said = [
            imposed(at.evse_id, at.source, at.schedules, at.local_generation, at.recorded_at)
            for at in self.limits.values()
        ]
        return [*self.placed.values(), *chain.from_iterable(said)]

    def expect(
        self, evse_id: int, running: Mapping[int, Running], unit: Unit, starts_at: datetime, duration_seconds: int
    ) -> tuple[Period, ...]:
        """What we think the station should say its limits amount to."""
        return expected(self.everything, self.first, evse_id, running, unit, starts_at, duration_seconds)

    def offer(self, evse_id: int, since: datetime, now: datetime) -> ChargingProfile | None:
        """A schedule for a car that told its needs: the operator's, where there is one for its charge, else all that
        the car can take and the installed profiles allow (K15.FR.07). None: it cannot be told, or the car does not
        listen."""
        told = self.needs.get(evse_id)
        if told is None or told.transaction_id is None or self.refusals.get(evse_id, 0) > PATIENCE:
            return None
        own = [
            known.profile
            for id_, known in self.placed.items()
            if known.profile.transaction_id == told.transaction_id and id_ not in self.offers
        ]
        if own:
            return max(own, key=lambda profile: profile.stack_level)
        others = [placed for placed in self.everything if placed.profile.purpose != "TxProfile"]
        return offered(told.needs, told.transaction_id, told.max_periods, others, evse_id, since, now)

    def adjust(self, profile_id: int, update: ScheduleUpdate, cause: AnyCause, now: datetime) -> None:
        """New values for a dynamic profile, if we know it."""
        profile = self.dynamic(profile_id)
        if profile is not None:
            self.record(Profile.Adjusted, cause, now, profile=adjusted(profile, update, now), update=update)

    def dynamic(self, profile_id: int) -> ChargingProfile | None:
        """An installed dynamic profile."""
        known = self.placed.get(profile_id)
        return known.profile if known is not None and known.profile.kind == "Dynamic" else None

    def apply(self, event: Event) -> None:
        match event:
            case Profile.Installed():
                self.drop(event.replaced_ids)
                self.placed[event.profile.id] = Placed(evse_id=event.evse_id, profile=event.profile)
                self.offers = (self.offers | {event.profile.id}) if event.offered else self.offers - {event.profile.id}
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
                self.refusals[event.evse_id] = 0
            case Profile.PlanReported():
                self.refusals[event.evse_id] = 0 if event.accepted else self.refusals.get(event.evse_id, 0) + 1
            case Profile.Limited():
                self.limits[event.evse_id, event.source] = event
            case Profile.LimitReleased():
                self.limits.pop((event.evse_id, event.source), None)
            case Profile.PriorityStarted():
                self.first = {*self.first, event.transaction_id}
            case Profile.PriorityStopped():
                self.first = self.first - {event.transaction_id}
            case Profile.Adjusted():
                known = self.placed[event.profile.id]
                self.placed[event.profile.id] = msgspec.structs.replace(known, profile=event.profile)

    def drop(self, ids: tuple[int, ...]) -> None:
        self.placed = {id_: known for id_, known in self.placed.items() if id_ not in ids}


def expected(
    everything: Sequence[Placed],
    first: Collection[str],
    evse_id: int,
    running: Mapping[int, Running],
    unit: Unit,
    starts_at: datetime,
    duration_seconds: int,
) -> tuple[Period, ...]:
    """What an EVSE, or the station (0), may draw; without a charge as if one began (K08.FR.06).

    `first`: the transactions that go first.
    """
    ends_at = later(starts_at, duration_seconds)
    if evse_id == 0:
        since = {evse: charge.since for evse, charge in running.items()}
        slots = station_composite(everything, since, starts_at, ends_at, unit)
    else:
        charge = running.get(evse_id, Running("", starts_at))
        priority = charge.transaction_id in first
        slots = composite(everything, evse_id, starts_at, ends_at, unit, charge.since, priority)
    return tuple(as_period(slot, starts_at) for slot in slots)


def imposed(
    evse_id: int, source: str, schedules: Iterable[Schedule], local_generation: bool, heard_at: datetime
) -> Iterator[Placed]:
    """The schedules of a limit that somebody else set, as profiles; without a start they began when we heard of it."""
    purpose: Purpose = "LocalGeneration" if local_generation else "ChargingStationExternalConstraints"
    for schedule in schedules:
        started = msgspec.structs.replace(schedule, start_schedule=schedule.start_schedule or heard_at)
        profile = ChargingProfile(purpose=purpose, stack_level=0, kind="Absolute", schedules=(started,))
        yield Placed(evse_id=evse_id, profile=profile, source=source)


def as_period(slot: Slot, starts_at: datetime) -> Period:
    """A slot as OCPP counts: seconds after the start."""
    seconds = round((slot.starts_at - starts_at).total_seconds())
    return Period(start_seconds=seconds, limit=slot.limit, phases=slot.phases)
