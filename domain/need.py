"""What a car needs, and the schedule that is offered for it (OCPP 2.x K15 to K19, ISO 15118)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from domain.composite import Slot, composite
from domain.schedule import ChargingProfile, Period, Schedule, Shape, Unit
from domain.stack import Placed

LONGEST = timedelta(hours=24)


class Needs(Shape):
    """What a car wants and can take: energy until departure, and the limits of its battery and its cable."""

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

    @property
    def most(self) -> tuple[Decimal, Unit] | None:
        """The most it can take: A a phase for AC, W for DC."""
        if self.transfer.startswith("AC") and self.max_current_a is not None:
            return self.max_current_a, "A"
        if self.max_power_w is not None:
            return self.max_power_w, "W"
        if self.max_current_a is not None and self.max_voltage_v is not None:
            return self.max_current_a * self.max_voltage_v, "W"
        return None


def offered(
    needs: Needs,
    transaction_id: str,
    max_periods: int | None,
    others: Iterable[Placed],
    evse_id: int,
    since: datetime,
    now: datetime,
) -> ChargingProfile | None:
    """All that a car can take and the other profiles allow, until it departs. It never raises what they limit."""
    if needs.most is None:
        return None
    most, unit = needs.most
    starts_at = now.replace(microsecond=0)
    leaves = needs.departs_at if needs.departs_at is not None and needs.departs_at > starts_at else None
    ends_at = min(leaves or starts_at + LONGEST, starts_at + LONGEST)
    slots = composite(others, evse_id, starts_at, ends_at, unit, since)
    schedule = Schedule(
        unit=unit,
        start_schedule=starts_at,
        duration_seconds=max(int((ends_at - starts_at).total_seconds()), 1),
        periods=tuple(few(capped(slots, most, starts_at), max_periods)),
    )
    return ChargingProfile(
        purpose="TxProfile", stack_level=0, kind="Absolute", transaction_id=transaction_id, schedules=(schedule,)
    )


def capped(slots: Sequence[Slot], most: Decimal, starts_at: datetime) -> list[Period]:
    """Slots as periods, none above what the car can take; whole seconds, the lower one where two share a second."""
    limits: dict[int, Decimal] = {}
    for slot in slots:
        second = int((slot.starts_at - starts_at).total_seconds())
        limit = most if slot.limit is None else min(most, slot.limit)
        limits[second] = min(limits.get(second, limit), limit)
    return [Period(start_seconds=second, limit=limit) for second, limit in limits.items()]


def few(periods: list[Period], most: int | None) -> list[Period]:
    """No more periods than a car can read: the last one that fits keeps to the lowest of the rest."""
    if not most or len(periods) <= most:
        return periods
    rest = min(period.limit for period in periods[most - 1 :] if period.limit is not None)
    return [*periods[: most - 1], Period(start_seconds=periods[most - 1].start_seconds, limit=rest)]
