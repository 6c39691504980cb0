"""The composite schedule: what all the charging profiles of an EVSE, or of a station, allow together.

OCPP 1.6 section 3.13.3; OCPP 2.x K01.FR.17, K08.FR.04 and K08.FR.06. Pure arithmetic over installed profiles; every
station computes the same for itself, and is asked for it with GetCompositeSchedule.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from domain.schedule import ChargingProfile, Period, Purpose, Schedule, Unit
from domain.stack import FOREIGN, Placed

VOLTAGE_V = Decimal(230)
PHASES = 3
EVERY = {"Daily": timedelta(days=1), "Weekly": timedelta(weeks=1)}
EVER = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)
ROUNDING = Decimal("0.1")
LONGEST_S = 7 * 86_400
"""Nobody looks further ahead; a station that says it does must not cost us more."""
NO_RANK = (0, False)
OF_STATION: tuple[Purpose, ...] = ("ChargingStationMaxProfile", "ChargingStationExternalConstraints")


class Slot(NamedTuple):
    """From here until the next slot; limit None: nothing limits, which is not the same as 0."""

    starts_at: datetime
    limit: Decimal | None
    phases: int | None = None


Layer = tuple[Purpose, str]
"""Profiles that stand above each other: those of a purpose; external constraints have a layer for each source."""


class Span(NamedTuple):
    """A period of one profile at one place of time."""

    starts_at: datetime
    ends_at: datetime
    period: Period
    unit: Unit
    rank: tuple[int, bool]


def composite(
    profiles: Iterable[Placed],
    evse_id: int,
    starts_at: datetime,
    ends_at: datetime,
    unit: Unit,
    running: datetime | None,
    priority: bool = False,
) -> tuple[Slot, ...]:
    """What an EVSE may draw from one moment until another.

    `running`: when its transaction began, by which Relative profiles count; None: no transaction, so that only the
    limits of the station hold. `priority`: PriorityCharging overrules TxProfile and TxDefaultProfile (K21.FR.04).
    """
    spans = layers(profiles, {0, evse_id}, starts_at, ends_at, running)
    moments = [
        starts_at,
        *sorted({m for each in spans.values() for s in each for m in s[:2] if starts_at < m < ends_at}),
    ]
    cursors = {layer: Cursor(each) for layer, each in spans.items()}
    slots = (slot(at, held_at(cursors, at), unit, running is not None, priority) for at in moments)
    return tuple(merged(slots))


def held_at(cursors: Mapping[Layer, Cursor], at: datetime) -> dict[Layer, Span]:
    """What holds at a moment, of each layer."""
    return {layer: span for layer, cursor in cursors.items() if (span := cursor.at(at)) is not None}


def station_composite(
    profiles: Sequence[Placed],
    running: Mapping[int, datetime],
    starts_at: datetime,
    ends_at: datetime,
    unit: Unit,
) -> tuple[Slot, ...]:
    """What a station may draw in all (K08.FR.03): its own limits, and the sum of its EVSEs where each has one.

    `running`: every EVSE with a charge, and since when.
    """
    own = composite(profiles, 0, starts_at, ends_at, unit, None)
    parts = [composite(profiles, evse_id, starts_at, ends_at, unit, since) for evse_id, since in running.items()]
    moments = sorted({slot.starts_at for part in (own, *parts) for slot in part})
    slots = (Slot(at, lowest([limit_at(own, at), total([limit_at(part, at) for part in parts])])) for at in moments)
    return tuple(merged(slots))


def excess(
    profiles: Iterable[Placed], evse_id: int, plan: Schedule, starts_at: datetime, running: datetime | None
) -> str | None:
    """Where a plan of a car takes more than it may, in words; None: nowhere (K15.FR.11)."""
    edges = [later(starts_at, period.start_seconds) for period in plan.periods]
    seconds = max(plan.duration_seconds or 0, plan.periods[-1].start_seconds + 1)
    ends_at = later(starts_at, min(seconds, LONGEST_S))
    allowed = composite(profiles, evse_id, starts_at, ends_at, plan.unit, running or starts_at)
    wanted = [
        Slot(at, cap(Span(at, at, period, plan.unit, NO_RANK), plan.unit))
        for at, period in zip(edges, plan.periods, strict=True)
    ]
    for at in sorted({slot.starts_at for slot in (*allowed, *wanted)}):
        limit, wish = limit_at(allowed, at), limit_at(wanted, at)
        if limit is not None and wish is not None and wish > limit:
            seconds = round((at - starts_at).total_seconds())
            return f"{wish} {plan.unit} after {seconds} s is more than {limit} {plan.unit}"
    return None


def within(said: Sequence[Period], expected: Sequence[Period]) -> bool:
    """Nowhere does a station allow more than expected, but for rounding; where nothing is, it may say anything."""
    seconds = sorted({period.start_seconds for period in (*said, *expected)})
    pairs = ((at_second(said, second), at_second(expected, second)) for second in seconds)
    return all(most is None or limit is None or limit <= most + ROUNDING for limit, most in pairs)


def at_second(periods: Sequence[Period], second: int) -> Decimal | None:
    found = bisect_right(periods, second, key=lambda period: period.start_seconds)
    return periods[found - 1].limit if found else None


def limit_at(slots: Sequence[Slot], at: datetime) -> Decimal | None:
    """The limit at a moment."""
    found = bisect_right(slots, at, key=lambda slot: slot.starts_at)
    return slots[found - 1].limit if found else None


class Cursor:
    """Walks the spans of one layer with time; of those that hold, the highest of the stack counts (K01.FR.17)."""

    def __init__(self, spans: list[Span]) -> None:
        self.waiting = sorted(spans, key=lambda span: span.starts_at, reverse=True)
        self.open: list[Span] = []

    def at(self, moment: datetime) -> Span | None:
        while self.waiting and self.waiting[-1].starts_at <= moment:
            self.open.append(self.waiting.pop())
        self.open = [span for span in self.open if span.ends_at > moment]
        if len(self.open) < 2:
            return self.open[0] if self.open else None
        top = max(span.rank for span in self.open)
        return min((span for span in self.open if span.rank == top), key=narrow)


def narrow(span: Span) -> tuple[Decimal, int, bool, Decimal]:
    """Of two in the same place, which must not be, the lower one counts, whatever their order."""
    amps, watts, phases = cap(span, "A"), cap(span, "W"), span.period.phases
    infinite = Decimal("Infinity")
    return (
        infinite if amps is None else amps, phases or PHASES, phases is None, infinite if watts is None else watts
    )  # fmt: skip


def layers(
    profiles: Iterable[Placed], evses: set[int], starts_at: datetime, ends_at: datetime, running: datetime | None
) -> dict[Layer, list[Span]]:
    """The spans of each layer that touch a window."""
    found: dict[Layer, list[Span]] = {}
    for placed in profiles:
        if placed.evse_id in evses:
            rank = (placed.profile.stack_level, placed.evse_id != 0)
            spans = [
                Span(opened, closed, period, schedule_unit, rank)
                for opened, closed, period, schedule_unit in held(placed.profile, starts_at, ends_at, running)
                if opened < ends_at and closed > starts_at
            ]
            purpose = placed.profile.purpose
            found.setdefault((purpose, placed.source if purpose in FOREIGN else ""), []).extend(spans)
    return found


def held(
    profile: ChargingProfile, starts_at: datetime, ends_at: datetime, running: datetime | None
) -> Iterator[tuple[datetime, datetime, Period, Unit]]:
    """When each period holds. Offsets count from the start of the schedule, never from validFrom."""
    lower, upper = profile.valid_from or NEVER, profile.valid_to or EVER
    for schedule in profile.schedules[:1]:
        for opened, closed in windows(profile, schedule, starts_at, ends_at, running):
            edges = [later(opened, period.start_seconds) for period in schedule.periods]
            for period, begin, end in zip(schedule.periods, edges, [*edges[1:], closed], strict=True):
                first, last = max(begin, lower), min(end, closed, upper)
                if first < last:
                    yield first, last, period, schedule.unit


def windows(
    profile: ChargingProfile, schedule: Schedule, starts_at: datetime, ends_at: datetime, running: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """The occurrences of a schedule: one, or one a day or a week, cut where the next begins.

    Recurring ones hold before their first start too, as some stations read it: who wants otherwise says validFrom.
    """
    start = schedule.start_schedule
    if profile.kind == "Dynamic":
        yield NEVER, EVER
    elif profile.kind == "Relative" or start is None:
        if running is not None or profile.purpose in OF_STATION:
            begin = running or starts_at
            yield begin, ending(begin, schedule.duration_seconds)
    elif profile.kind == "Recurring" and profile.recurrency is not None:
        every = EVERY[profile.recurrency]
        count = (starts_at - start) // every
        while (opened := start + count * every) < ends_at:
            yield opened, min(ending(opened, schedule.duration_seconds), opened + every)
            count += 1
    else:
        yield start, ending(start, schedule.duration_seconds)


def later(at: datetime, seconds: int) -> datetime:
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return EVER


def ending(at: datetime, duration_seconds: int | None) -> datetime:
    return EVER if duration_seconds is None else later(at, duration_seconds)


def slot(at: datetime, spans: Mapping[Layer, Span], unit: Unit, charging: bool, priority: bool) -> Slot:
    """The lowest limit of all purposes at one moment; local generation comes on top (OCPP 2.1, K27)."""
    counting = {*OF_STATION, *([leading(spans, priority)] if charging else [])}
    holding = [span for (purpose, _), span in spans.items() if purpose in counting]
    phases = min((span.period.phases for span in holding if span.period.phases is not None), default=None)
    limit = lowest([cap(span, unit) for span in holding])
    extra = spans.get(("LocalGeneration", ""))
    if limit is not None and extra is not None:
        limit += cap(extra, unit) or 0
    return Slot(at, limit, phases)


def leading(spans: Mapping[Layer, Span], priority: bool) -> Purpose:
    """Which purpose speaks for the transaction: each overrules those after it, upwards too."""
    if priority and ("PriorityCharging", "") in spans:
        return "PriorityCharging"
    return "TxProfile" if ("TxProfile", "") in spans else "TxDefaultProfile"


def cap(span: Span, unit: Unit) -> Decimal | None:
    """The most that a period lets flow into cars, in the unit asked for; A is per phase, W of all phases."""
    period, phases = span.period, span.period.phases or PHASES
    if period.operation_mode == "Idle":
        return Decimal(0)
    if period.limit is not None:
        parts = [period.limit, period.limit_l2, period.limit_l3]
    elif period.setpoint is not None:
        parts = [period.setpoint, period.setpoint_l2, period.setpoint_l3]
    else:
        return None
    said = [max(part, Decimal(0)) for part in parts if part is not None]
    if span.unit == unit:
        return min(said) if unit == "A" else sum(said, Decimal(0))
    if unit == "W":
        return VOLTAGE_V * (sum(said, Decimal(0)) if len(said) > 1 else said[0] * phases)
    return min(said) / VOLTAGE_V if len(said) > 1 else said[0] / (VOLTAGE_V * phases)


def lowest(limits: Iterable[Decimal | None]) -> Decimal | None:
    return min((limit for limit in limits if limit is not None), default=None)


def total(limits: Sequence[Decimal | None]) -> Decimal | None:
    """A sum that one unlimited part makes unlimited; of no parts there is none."""
    known = [limit for limit in limits if limit is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(limits) else None


def merged(slots: Iterable[Slot]) -> Iterator[Slot]:
    """Neighbours that say the same are one."""
    last: Slot | None = None
    for each in slots:
        if last is None or each[1:] != last[1:]:
            yield each
            last = each
