"""What a batch does to a table is what its events would have done one by one, however they were batched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from projections.change import Changes
from projections.engine import engine
from projections.transaction import TRANSACTION

BEGIN = datetime(2026, 11, 24, 10, tzinfo=UTC)
Told = tuple[int, dict[str, Any]]

columns = st.fixed_dictionaries({}, optional={"meter_last_wh": st.integers(0, 9), "power_w": st.none() | st.just(7.0)})
tellings = st.lists(st.tuples(st.integers(0, 6), columns), max_size=8)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    made = engine(f"sqlite:///{tmp_path_factory.mktemp('change')}/bornier.db")
    with made.begin() as connection:
        TRANSACTION.create(connection)
    return made


def shown(here: Engine, batches: list[list[Told]]) -> Any:
    """The row after these batches, and nothing kept."""
    with here.begin() as connection:
        connection.execute(TRANSACTION.delete())
        for batch in batches:
            changes = Changes()
            for minute, values in batch:
                changes.newest("transaction", ("t",), "metered_at", BEGIN + timedelta(minutes=minute), **values)
            changes.write(connection, {"transaction": TRANSACTION})
        row = connection.execute(select(TRANSACTION)).first()
    return row and (row.metered_at, row.meter_last_wh, row.power_w)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tellings, st.integers(0, 8))
def test_batches_change_nothing(here: Engine, told: list[Told], cut: int) -> None:
    one_by_one = shown(here, [[each] for each in told])
    assert shown(here, [told]) == one_by_one
    assert shown(here, [told[:cut], told[cut:]]) == one_by_one


def test_the_end_of_a_charge_brings_no_older_register_back(here: Engine) -> None:
    newer, late, end = (5, {"meter_last_wh": 1500}), (4, {"meter_last_wh": 1250}), (9, {"power_w": None})
    assert shown(here, [[newer], [late, end]]) == (BEGIN + timedelta(minutes=9), 1500.0, None)
