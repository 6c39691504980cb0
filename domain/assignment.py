"""An assignment: which tariff holds where, for whom and from when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal


class Scope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where and for whom. Nothing said: everywhere, for everybody: the default tariff."""

    site: str | None = None
    station_id: str | None = None
    evse_id: int | None = None
    group: str | None = None


class Charge(NamedTuple):
    """What decides about the tariff of a charge: where and with which group of badges it began."""

    site: str | None
    station_id: str
    evse_id: int
    group: str | None


def stream(assignment_id: str) -> str:
    return f"assignment/{assignment_id}"


class Assignment(Aggregate):
    """One tariff for one scope, for a time."""

    class Assigned(Event, tag="assignment.assigned.v1"):
        """Charges that begin in the scope and in the time are priced by the tariff, unless a narrower one holds."""

        tariff_id: str
        scope: Scope
        starts_at: datetime
        ends_at: datetime | None = None

    class Revoked(Event, tag="assignment.revoked.v1"):
        """It holds for no charge that begins from now on."""

        tariff_id: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.tariff_id: str | None = None
        self.scope = Scope()
        self.starts_at: datetime | None = None
        self.ends_at: datetime | None = None
        self.assigned_at: datetime | None = None
        self.revoked_at: datetime | None = None

    @property
    def assignment_id(self) -> str:
        return self.id.removeprefix("assignment/")

    def assign(
        self,
        tariff_id: str,
        scope: Scope,
        starts_at: datetime | None,
        ends_at: datetime | None,
        cause: AnyCause,
        now: datetime,
    ) -> None:
        """Raises Refusal when it could never hold. Charges we have heard of already are never priced anew."""
        if scope.evse_id is not None and (scope.station_id is None or scope.evse_id < 1):
            raise Refusal("an EVSE is one of a station, from 1 on: say which station")
        if scope.site is not None and scope.station_id is not None:
            raise Refusal("say the site or the station: a station stands on one site only")
        begin = starts_at or now
        if ends_at is not None and ends_at <= max(begin, now):
            raise Refusal("it would be over before it begins")
        facts = {"tariff_id": tariff_id, "scope": scope, "starts_at": begin, "ends_at": ends_at}
        self.record(Assignment.Assigned, cause, now, **facts)

    def revoke(self, cause: AnyCause, now: datetime) -> None:
        if self.tariff_id is None:
            raise Refusal("there is no such assignment")
        if self.revoked_at is not None:
            raise Refusal("this assignment is revoked already")
        self.record(Assignment.Revoked, cause, now, tariff_id=self.tariff_id)

    def apply(self, event: Event) -> None:
        match event:
            case Assignment.Assigned():
                self.tariff_id, self.scope = event.tariff_id, event.scope
                self.starts_at, self.ends_at, self.assigned_at = event.starts_at, event.ends_at, event.recorded_at
            case Assignment.Revoked():
                self.revoked_at = event.recorded_at

    def holds(self, at: datetime) -> bool:
        """Did it hold at that moment, by all that was known then?"""
        if self.starts_at is None or at < self.starts_at or (self.ends_at is not None and at >= self.ends_at):
            return False
        return self.revoked_at is None or at < self.revoked_at


def meets(scope: Scope, charge: Charge) -> bool:
    """Is the charge within the scope?"""
    return (
        scope.site in (None, charge.site)
        and scope.station_id in (None, charge.station_id)
        and scope.evse_id in (None, charge.evse_id)
        and scope.group in (None, charge.group)
    )


def rank(scope: Scope) -> tuple[bool, int]:
    """How narrow a scope is. The order of precedence, all of it:

    1. a tariff for the group of the badge goes before one for everybody, wherever either holds;
    2. then one for the EVSE goes before one for the station, that before one for the site, that before one for all;
    3. then the one that began later goes before the older one (and of two that began together, the one assigned later).
    """
    where = 3 if scope.evse_id is not None else 2 if scope.station_id is not None else 1 if scope.site else 0
    return scope.group is not None, where


def ranked(assignments: Iterable[Assignment], charge: Charge, at: datetime) -> list[Assignment]:
    """Those that hold for a charge that begins then, the one that goes before all others first."""
    holding = [each for each in assignments if each.holds(at) and meets(each.scope, charge)]
    return sorted(holding, key=lambda each: (rank(each.scope), each.starts_at, each.assigned_at, each.id), reverse=True)
