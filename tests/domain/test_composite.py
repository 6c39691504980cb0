"""The composite schedule: published vectors, and what must hold for any stack of profiles."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.composite import composite
from domain.schedule import ChargingProfile, Period, Schedule
from domain.stack import Placed

VECTORS = json.loads((Path(__file__).parent.parent / "golden" / "energy" / "composite-vectors.json").read_text())
BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def placed(said: dict[str, Any], number: int) -> Placed:
    schedule = said["schedule"]
    periods = (
        Period(start_seconds=start, limit=Decimal(str(limit)), phases=phases)
        for start, limit, phases in schedule["periods"]
    )
    return Placed(
        evse_id=said["evse"],
        profile=ChargingProfile(
            id=number,
            purpose=said["purpose"],
            stack_level=said["stackLevel"],
            kind=said["kind"],
            recurrency=said["recurrency"],
            valid_from=moment(said.get("validFrom")),
            valid_to=moment(said.get("validTo")),
            schedules=(
                Schedule(
                    unit=schedule["unit"],
                    periods=tuple(periods),
                    start_schedule=moment(schedule.get("startSchedule")),
                    duration_seconds=schedule.get("duration"),
                ),
            ),
        ),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_published_vectors_are_met(vector: dict[str, Any]) -> None:
    starts_at = datetime.fromisoformat(vector["t0"])
    running = vector["tx_start"] and datetime.fromisoformat(vector["tx_start"])
    running = starts_at if vector["simulate_tx"] else running
    profiles = [placed(said, number) for number, said in enumerate(vector["profiles"], 1)]
    ends_at = datetime.fromisoformat(vector["t1"])
    slots = composite(profiles, 1, starts_at, ends_at, vector["unit"], running)
    seen = [[round((slot.starts_at - starts_at).total_seconds()), slot.limit] for slot in slots]
    assert [[at, None if limit is None else float(limit)] for at, limit in seen] == vector["expected"]
