"""The meter: how sampled values of any OCPP version become one reading.

Sources: OCPP 1.6 sections 7.33-7.45 (SampledValue and its enumerations), OCPP 2.0.1 part 2 SampledValueType.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

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
SCALE = {"kWh": 3, "kW": 3, "MWh": 6, "MW": 6, "kvarh": 3, "kvar": 3, "kVA": 3}
LINES = ("L1", "L2", "L3")
NEUTRAL = ("L1-N", "L2-N", "L3-N")
ADDED = {"register_wh", "exported_wh", "power_w", "exported_w"}
LOCATIONS = {OUTLET: 0, "Inlet": 1, "Upstream": 1, "Cable": 2, "EV": 3, "Body": 4}


class Sample(NamedTuple):
    """One sampled value in standard words; `value` is in `unit`, times ten to the power of `multiplier`."""

    value: float
    measurand: str = REGISTER
    phase: str | None = None
    context: str = PERIODIC
    location: str = OUTLET
    unit: str | None = None
    multiplier: int = 0


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
    found: dict[str, dict[str | None, tuple[int, float]]] = {}
    context = PERIODIC
    for sample in samples:
        field = FIELDS.get(sample.measurand)
        if field is None:
            continue
        if sample.context != PERIODIC:
            context = max(context, sample.context) if context != PERIODIC else sample.context
        phases = found.setdefault(field, {})
        candidate = (LOCATIONS.get(sample.location, 5), standard(sample))
        if sample.phase not in phases or candidate < phases[sample.phase]:
            phases[sample.phase] = candidate
    if not found:
        return None
    return Reading(at=at, context=context, **{field: combine(field, phases) for field, phases in found.items()})


def standard(sample: Sample) -> float:
    """The value in Wh, W, A, V, percent, Hz or °C."""
    shift = sample.multiplier + SCALE.get(sample.unit or "", 0)
    value = sample.value
    if shift:
        value = round(value * 10**shift, 6) if shift > 0 else round(value / 10**-shift, 9)
    if sample.unit in ("Fahrenheit", "K"):
        value = (value - 32) / 1.8 if sample.unit == "Fahrenheit" else value - 273.15
    return value


def combine(field: str, phases: dict[str | None, tuple[int, float]]) -> float | None:
    """One figure out of what was said per phase."""
    if None in phases:
        return phases[None][1]
    lines = [phases[phase][1] for phase in LINES if phase in phases]
    lines = lines or [phases[phase][1] for phase in NEUTRAL if phase in phases]
    lines = lines or [value for phase, (_, value) in sorted(phases.items(), key=str) if phase != "N"]
    if not lines:
        return None
    if field in ADDED:
        return round(sum(lines), 6)
    if field == "voltage_v":
        return sum(lines) / len(lines)
    return max(lines)
