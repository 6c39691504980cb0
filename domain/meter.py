"""The meter: how sampled values of any OCPP version become one reading.

Sources: OCPP 1.6 sections 7.33-7.45 (SampledValue and its enumerations), OCPP 2.0.1 part 2 SampledValueType.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

REGISTER = "Energy.Active.Import.Register"
PERIODIC = "Sample.Periodic"
OUTLET = "Outlet"

FIELDS = {
    REGISTER: "register_wh",
    "Energy.Active.Export.Register": "exported_wh",
    "Power.Active.Import": "power_w",
    "Power.Active.Export": "exported_w",
    "Power.Offered": "offered_w",
    "Current.Import": "current_a",
    "Current.Offered": "offered_a",
    "Voltage": "voltage_v",
    "SoC": "soc_percent",
    "Frequency": "frequency_hz",
    "Temperature": "temperature_c",
}
SCALED = {"kWh": 3, "kW": 3, "MWh": 6, "MW": 6, "kvarh": 3, "kvar": 3, "kVA": 3, "Fahrenheit": 0, "K": 0}
LINES = ("L1", "L2", "L3")
NEUTRAL = ("L1-N", "L2-N", "L3-N")
ADDED = {"register_wh", "exported_wh", "power_w", "exported_w"}
LOCATIONS = {OUTLET: 0, "Inlet": 1, "Upstream": 1, "Cable": 2, "EV": 3, "Body": 4}


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

    The order of samples does not matter. A sample nearer to the car's plug wins (Outlet before Inlet, Cable, EV, Body);
    a total (no phase) wins over phases; phases of energy and power are added, of current the highest counts (it is
    what limits a cable), of voltage the mean.
    """
    totals: dict[str, tuple[int, float]] = {}
    phases: dict[str, dict[str, tuple[int, float]]] = {}
    context = PERIODIC
    for value, measurand, phase, said, location, unit, multiplier in samples:
        field = FIELDS.get(measurand)
        if field is None:
            continue
        if said != PERIODIC:
            context = said if context == PERIODIC else max(context, said)
        if multiplier or unit in SCALED:
            value = standard(value, unit, multiplier)
        candidate = (LOCATIONS.get(location, 5), value)
        found, name = (totals, field) if phase is None else (phases.setdefault(field, {}), phase)
        known = found.get(name)
        if known is None or candidate < known:
            found[name] = candidate
    if not totals and not phases:
        return None
    figures = {field: value for field, (_, value) in totals.items()}
    for field, lines in phases.items():
        if field not in figures:
            figures[field] = combine(field, lines)
    return Reading(at=at, context=context, **figures)


def standard(value: float, unit: str | None, multiplier: int) -> float:
    """The value in Wh, W, A, V, percent, Hz or °C."""
    shift = multiplier + SCALED.get(unit or "", 0)
    if shift:
        value = round(value * 10**shift, 6) if shift > 0 else round(value / 10**-shift, 9)
    if unit == "Fahrenheit":
        return (value - 32) / 1.8
    return value - 273.15 if unit == "K" else value


def combine(field: str, phases: dict[str, tuple[int, float]]) -> float:
    """One figure out of what was said per phase: L1 to L3, else those against neutral, else whatever there is."""
    lines = [phases[phase][1] for phase in LINES if phase in phases]
    lines = lines or [phases[phase][1] for phase in NEUTRAL if phase in phases]
    lines = lines or [value for _, (_, value) in sorted(phases.items())]
    if field in ADDED:
        return round(sum(lines), 6)
    return sum(lines) / len(lines) if field == "voltage_v" else max(lines)
