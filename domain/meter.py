"""The meter: how sampled values of any OCPP version become one reading.

Sources: OCPP 1.6 sections 7.31 to 7.45; OCPP 2.0.1 and 2.1 part 2, SampledValueType, UnitOfMeasureType and the
enumerations they use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

REGISTER = "Energy.Active.Import.Register"
PERIODIC = "Sample.Periodic"
OUTLET = "Outlet"
UPSTREAM = "Upstream"
NEUTRAL = "N"

Units = Mapping[str | None, int]
"""Unit → power of ten to the unit we store; None is what a missing unit means."""

WATT_HOURS: Units = {None: 0, "Wh": 0, "kWh": 3, "MWh": 6}
WATTS: Units = {None: 0, "W": 0, "kW": 3, "MW": 6}
AMPERES: Units = {None: 0, "A": 0}
VOLTS: Units = {None: 0, "V": 0, "kV": 3}
PERCENT: Units = {None: 0, "Percent": 0, "%": 0}
HERTZ: Units = {None: 0, "Hz": 0, "Hertz": 0}
DEGREES: Units = {None: 0, "Celsius": 0, "Celcius": 0}

FIELDS: Mapping[str, tuple[str, Units]] = {
    REGISTER: ("register_wh", WATT_HOURS),
    "Energy.Active.Export.Register": ("exported_wh", WATT_HOURS),
    "Power.Active.Import": ("power_w", WATTS),
    "Power.Active.Export": ("exported_w", WATTS),
    "Power.Offered": ("offered_w", WATTS),
    "Power.Import.Offered": ("offered_w", WATTS),
    "Current.Import": ("current_a", AMPERES),
    "Current.Offered": ("offered_a", AMPERES),
    "Current.Import.Offered": ("offered_a", AMPERES),
    "Voltage": ("voltage_v", VOLTS),
    "SoC": ("soc_percent", PERCENT),
    "Frequency": ("frequency_hz", HERTZ),
    "Temperature": ("temperature_c", DEGREES),
}
"""Measurand → what we call it and its units. What is not here stays in the recorded payload only."""

REGISTERS = {"register_wh", "exported_wh"}
ADDED = REGISTERS | {"power_w", "exported_w", "offered_w"}
LINES = ("L1", "L2", "L3")
TO_NEUTRAL = ("L1-N", "L2-N", "L3-N")
CONTEXTS = (
    "Transaction.End",
    "Transaction.Begin",
    "Interruption.End",
    "Interruption.Begin",
    "Trigger",
    "Sample.Clock",
    "Other",
    PERIODIC,
)
CONTEXT_RANKS = {context: 10 * rank for rank, context in enumerate(CONTEXTS)}
USUAL, OTHER = CONTEXT_RANKS[PERIODIC], CONTEXT_RANKS["Other"]
UNTOLD = USUAL + 9
LOCATION_RANKS = {OUTLET: 0, "Cable": 1, "Inlet": 2, "Body": 3, "EV": 4}
LIMIT = 1e15
"""Beyond this a float no longer holds a tenth of a Wh, and no meter is meant."""

Sample = tuple[float, str, str | None, str, str, str | None, int]
"""Value, measurand, phase, context, location, unit, power of ten: one sampled value in standard words."""


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the meter of a connector showed at one instant. None: it did not say."""

    at: datetime
    context: str = PERIODIC
    register_wh: float | None = None
    power_w: float | None = None
    current_a: float | None = None
    voltage_v: float | None = None
    soc_percent: float | None = None
    offered_w: float | None = None
    offered_a: float | None = None
    exported_wh: float | None = None
    exported_w: float | None = None
    frequency_hz: float | None = None
    temperature_c: float | None = None


def read(at: datetime, samples: Iterable[Sample]) -> Reading | None:
    """One reading out of the samples of one instant; None when there is nothing in them that we know.

    The order of samples does not matter. For each field count only the samples of the most telling context (the end of
    a transaction before its begin, both before a periodic sample) and then those taken nearest to the connector.
    Two values for the very same thing: the lower one, so that doubt is never billed. Not counted: what is drawn
    upstream (the building, OCPP 2.1) or at a place nobody knows, energy registers of the car itself, the neutral line,
    and units that cannot measure what they are said to.
    """
    found: dict[str, tuple[int, dict[str | None, float]]] = {}
    telling = UNTOLD
    for sampled, measurand, phase, context, location, unit, multiplier in samples:
        meaning = FIELDS.get(measurand)
        if meaning is None or phase == NEUTRAL:
            continue
        field, units = meaning
        value = sampled if units.get(unit) == 0 == multiplier else standard(sampled, unit, multiplier, units)
        if value is None:
            continue
        if location == OUTLET:
            rank = USUAL if context == PERIODIC else CONTEXT_RANKS.get(context, OTHER)
        elif location not in LOCATION_RANKS or (location == "EV" and field in REGISTERS):
            continue
        else:
            rank = CONTEXT_RANKS.get(context, OTHER) + LOCATION_RANKS[location]
        if rank < telling:
            telling = rank
        known = found.get(field)
        if known is None or rank < known[0]:
            found[field] = rank, {phase: value}
        elif rank == known[0] and (phase not in known[1] or value < known[1][phase]):
            known[1][phase] = value
    if not found:
        return None
    figures = {field: combine(field, lines) for field, (_, lines) in found.items()}
    return Reading(at=at, context=CONTEXTS[telling // 10], **figures)


def standard(value: float, unit: str | None, multiplier: int, units: Units) -> float | None:
    """The value in the unit we store, exactly: 12.345 kWh is 12345 Wh. None if the unit measures something else."""
    power = units.get(unit)
    if power is None:
        power = next((ten for name, ten in units.items() if name and unit and name.lower() == unit.lower()), None)
    degrees = power is None and units is DEGREES and unit in ("Fahrenheit", "K")
    shift = multiplier + (power or 0)
    if (power is None and not degrees) or not -30 <= shift <= 30:
        return None
    exact = Decimal(repr(value)).scaleb(shift)
    if degrees:
        exact = (exact - 32) * 5 / 9 if unit == "Fahrenheit" else exact - Decimal("273.15")
    return float(exact) if abs(exact) < LIMIT else None


def combine(field: str, phases: dict[str | None, float]) -> float:
    """One figure out of what was said per phase; a value without phase is the overall one and wins.

    Energy and power of the phases are added. Of current the highest counts: each line has its own fuse. Of voltage the
    mean, to neutral where that was measured, else between lines.
    """
    if None in phases:
        return phases[None]
    values = [phases[phase] for phase in LINES if phase in phases]
    values = values or [phases[phase] for phase in TO_NEUTRAL if phase in phases] or sorted(phases.values())
    if field in ADDED:
        return round(sum(values), 6)
    return round(sum(values) / len(values), 6) if field == "voltage_v" else max(values)
