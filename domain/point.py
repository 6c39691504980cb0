"""A charge point as it is declared: one EVSE, its sockets, its payment and its access; and its planned maintenance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from domain import declaration
from domain.aggregate import Aggregate
from domain.declaration import Rule
from domain.event import AnyCause, Event, Refusal

Socket = Literal["EF", "TYPE_2", "COMBO_CCS", "CHADEMO", "OTHER"]
Accessibility = Literal["RESERVED", "ACCESSIBLE", "NOT_ACCESSIBLE", "UNKNOWN"]
MOST_OUTLETS = 20
MOST_PLANS = 200


class Outlet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A socket or a cable of a charge point, and which connector of OCPP it is.

    Without a connector the state of the whole EVSE is its state; without an EVSE it is that of the point. A station of
    OCPP 1.6 whose connectors 1 and 2 share one charge point has outlets on EVSE 1 and on EVSE 2.
    """

    socket: Socket
    evse_id: int | None = None
    connector_id: int | None = None
    tethered: bool | None = None


class Equipment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the public is told of a charge point. `site`: where it stands, if its station is registered nowhere.

    `pricing` is published as it is; without it the price label of the tariff that holds there is.
    """

    site: str | None = None
    evse_uid: str | None = None
    local_id: str | None = None
    power_kw: Decimal | None = None
    outlets: tuple[Outlet, ...] = ()
    free: bool | None = None
    pay_per_use: bool | None = None
    pay_by_card: bool | None = None
    pay_otherwise: bool | None = None
    pricing: str | None = None
    bookable: bool | None = None
    accessibility: Accessibility | None = None
    size_limit: str | None = None
    remarks: str | None = None


RULES: Mapping[str, Rule] = {
    "site": declaration.text,
    "evse_uid": declaration.evse_id,
    "local_id": declaration.text,
    "power_kw": declaration.power,
    "pricing": declaration.text,
    "size_limit": declaration.longer,
    "remarks": declaration.text,
}
"""Field → what may stand there."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Maintenance that was announced: from when to when, since when we know, and why."""

    plan: int
    starts_at: datetime
    ends_at: datetime
    announced_at: datetime
    reason: str


def stream(station_id: str, evse_id: int) -> str:
    return f"point/{station_id}/{evse_id}"


class Point(Aggregate):
    """One EVSE of a station as operators declare it; `point/CP001/1`."""

    class Described(Event, tag="point.described.v1"):
        """Somebody said what the public is told of the charge point: id, power, sockets, payment, access (IRVE)."""

        station_id: str
        evse_id: int
        equipment: Equipment

    class Withdrawn(Event, tag="point.withdrawn.v1"):
        """The charge point is no longer published."""

        station_id: str
        evse_id: int
        reason: str | None = None

    class MaintenancePlanned(Event, tag="point.maintenance_planned.v1"):
        """Somebody announced work on the charge point (`plan`: the version of this event in its stream)."""

        station_id: str
        evse_id: int
        starts_at: datetime
        ends_at: datetime
        reason: str

    class MaintenanceCancelled(Event, tag="point.maintenance_cancelled.v1"):
        """Announced work does not take place, or is over earlier."""

        station_id: str
        evse_id: int
        plan: int

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.equipment: Equipment | None = None
        self.plans: dict[int, Plan] = {}

    @property
    def place(self) -> tuple[str, int]:
        station_id, _, evse_id = self.id.removeprefix("point/").rpartition("/")
        return station_id, int(evse_id)

    def describe(self, equipment: Equipment, cause: AnyCause, now: datetime) -> None:
        """Describing again replaces what was said. Raises Refusal with every field that cannot be so."""
        station_id, evse_id = self.place
        written = checked(equipment, evse_id)
        if written != self.equipment:
            self.record(Point.Described, cause, now, station_id=station_id, evse_id=evse_id, equipment=written)

    def withdraw(self, reason: str | None, cause: AnyCause, now: datetime) -> None:
        if self.equipment is None:
            raise Refusal("this charge point is not described")
        station_id, evse_id = self.place
        self.record(Point.Withdrawn, cause, now, station_id=station_id, evse_id=evse_id, reason=reason)

    def plan(self, starts_at: datetime, ends_at: datetime, reason: str, cause: AnyCause, now: datetime) -> None:
        """Only what is announced before it begins is planned: a fault is not made a plan afterwards."""
        if not now <= starts_at < ends_at:
            raise Refusal("planned maintenance begins after it is announced, and ends after it begins")
        if len([plan for plan in self.plans.values() if plan.ends_at > now]) >= MOST_PLANS:
            raise Refusal(f"at most {MOST_PLANS} works can be planned ahead")
        station_id, evse_id = self.place
        self.record(
            Point.MaintenancePlanned, cause, now, station_id=station_id, evse_id=evse_id, starts_at=starts_at,
            ends_at=ends_at, reason=declaration.text(reason),
        )  # fmt: skip

    def cancel(self, plan: int, cause: AnyCause, now: datetime) -> None:
        known = self.plans.get(plan)
        if known is None or known.ends_at <= now:
            raise Refusal("this charge point has no such maintenance ahead, or it is over")
        station_id, evse_id = self.place
        self.record(Point.MaintenanceCancelled, cause, now, station_id=station_id, evse_id=evse_id, plan=plan)

    def apply(self, event: Event) -> None:
        match event:
            case Point.Described():
                self.equipment = event.equipment
            case Point.Withdrawn():
                self.equipment = None
            case Point.MaintenancePlanned():
                number = event.originator_version
                self.plans[number] = Plan(
                    plan=number, starts_at=event.starts_at, ends_at=event.ends_at, announced_at=event.recorded_at,
                    reason=event.reason,
                )  # fmt: skip
            case Point.MaintenanceCancelled():
                self.plans[event.plan] = msgspec.structs.replace(self.plans[event.plan], ends_at=event.recorded_at)


def checked(equipment: Equipment, evse_id: int) -> Equipment:
    """What was said, as we write it. Raises Refusal."""
    if not 1 <= evse_id <= 9999:
        raise Refusal("an EVSE has a number from 1")
    if len(equipment.outlets) > MOST_OUTLETS:
        raise Refusal(f"outlets: at most {MOST_OUTLETS}")
    if any(number is not None and not 1 <= number <= 9999 for each in equipment.outlets
           for number in (each.evse_id, each.connector_id)):  # fmt: skip
        raise Refusal("outlets: an EVSE and a connector have numbers from 1")
    return Equipment(**declaration.checked(msgspec.structs.asdict(equipment), RULES))
