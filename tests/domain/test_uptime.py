"""For how long a charge point worked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.event import Connection, Event
from domain.point import Plan
from domain.station import Station
from domain.uptime import Figures, Uptime, by_month, stream, stretches, timed
from domain.yardstick import Method
from tests.scenario import NOW, SOMEBODY
from tests.scenario import given as past

BEGIN = datetime(2026, 11, 10, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
LINK = Connection(connection_id="c", gateway="g")
UTC_CLOCK = ZoneInfo("UTC")


def at(hour: float) -> datetime:
    return BEGIN + timedelta(hours=hour)


def said(hour: float, status: str, evse_id: int = 1, connector_id: int = 1) -> Event:
    return Station.StatusReported(
        originator_id="station/CP1", originator_version=1, recorded_at=at(hour), cause=LINK, occurred_at=at(hour),
        evse_id=evse_id, connector_id=connector_id, status=status,  # type: ignore[arg-type]
    )  # fmt: skip


def link(hour: float, up: bool) -> Event:
    envelope = {"originator_id": "station/CP1", "originator_version": 1, "recorded_at": at(hour), "cause": LINK}
    if up:
        return Station.Connected(**envelope, connection_id="c", gateway="g", ocpp_version="1.6")  # type: ignore[arg-type]
    return Station.Disconnected(**envelope, connection_id="c", reason="gone")  # type: ignore[arg-type]


def hours(*events: Event, until: float = 10, method: Method = Method(), plans: tuple[Plan, ...] = ()) -> list[float]:  # noqa: B008
    """Up, down, excluded, unknown."""
    months = by_month(stretches(timed(events), {1}, plans, method, at(until)), UTC_CLOCK)
    found = months.get("2026-11", Figures())
    return [each / 3600 for each in (found.up_s, found.down_s, found.excluded_s, found.unknown_s)]


def plan(first: float, last: float) -> tuple[Plan, ...]:
    return (Plan(plan=1, starts_at=at(first), ends_at=at(last), announced_at=BEGIN, reason="cable"),)


HOUR = Method(tolerance_s=3600)
BROKEN_AT_2 = (said(0, "AVAILABLE"), said(2, "FAULTED"), said(5, "AVAILABLE"))
LOST_AT_2 = (link(0, True), said(0, "CHARGING"), link(2, False), link(6, True))


def test_a_fault_is_time_in_which_it_does_not_work() -> None:
    assert hours(*BROKEN_AT_2) == [7, 3, 0, 0]


def test_what_happened_before_the_first_word_does_not_count() -> None:
    assert hours(said(4, "AVAILABLE")) == [6, 0, 0, 0]
    assert hours(link(2, True), said(4, "AVAILABLE")) == [6, 0, 0, 2]
    assert hours() == [0, 0, 0, 0]


def test_one_connector_that_works_is_enough() -> None:
    assert hours(said(0, "AVAILABLE"), said(0, "FAULTED", 1, 2), said(5, "UNAVAILABLE")) == [5, 5, 0, 0]


def test_a_station_out_of_order_has_no_point_that_works_and_another_evse_does_not_matter() -> None:
    assert hours(said(0, "AVAILABLE"), said(3, "FAULTED", 0, 0), said(4, "AVAILABLE", 0, 0)) == [9, 1, 0, 0]
    assert hours(said(0, "AVAILABLE"), said(3, "FAULTED", 2)) == [10, 0, 0, 0]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (HOUR, [7, 0, 0, 3]),
        (Method(tolerance_s=3600, unreachable="DOWN"), [7, 3, 0, 0]),
        (Method(tolerance_s=3600, unreachable="UP"), [10, 0, 0, 0]),
        (Method(tolerance_s=4 * 3600), [10, 0, 0, 0]),
    ],
)
def test_a_lost_station_counts_as_the_rule_says(method: Method, expected: list[float]) -> None:
    assert hours(*LOST_AT_2, method=method) == expected


def test_planned_maintenance_is_left_out_where_it_does_not_work() -> None:
    assert hours(*BROKEN_AT_2, plans=plan(1, 4)) == [7, 1, 2, 0]
    assert hours(*BROKEN_AT_2, plans=plan(1, 4), method=Method(maintenance="DOWN")) == [7, 3, 0, 0]
    assert hours(*LOST_AT_2, plans=plan(4, 5), method=HOUR) == [7, 0, 1, 2]


def test_a_month_ends_by_the_clock_of_the_site() -> None:
    until = datetime(2026, 12, 2, tzinfo=UTC)
    found = by_month(stretches(timed([said(0, "AVAILABLE")]), {1}, (), Method(), until), PARIS)
    assert found["2026-11"].up_s == (21 * 24 - 1) * 3600
    assert found["2026-12"].up_s == 25 * 3600


def test_the_percentage_is_of_the_time_that_counts() -> None:
    assert Figures(up_s=2, down_s=1, unknown_s=50, excluded_s=9).percent == Decimal("66.67")
    assert Figures(unknown_s=50).percent is None


@given(
    st.lists(
        st.tuples(st.floats(0, 2000), st.sampled_from(["AVAILABLE", "FAULTED", "lost", "back"])),
        min_size=1,
        max_size=20,
    ),
    st.floats(0, 2000),
)
def test_every_second_counts_once(found: list[tuple[float, str]], until: float) -> None:
    events = [link(hour, word == "back") if word in ("lost", "back") else said(hour, word) for hour, word in found]
    parts = list(stretches(timed(events), {1}, plan(100, 900), HOUR, at(until)))
    assert all(one.end == other.begin for one, other in pairwise(parts))
    begin = min(hour for hour, _ in found)
    total = sum((part.end - part.begin for part in parts), timedelta())
    assert total == max(timedelta(), at(until) - at(begin))


def test_a_month_is_recorded_once_for_each_rule() -> None:
    figures = Figures(up_s=1)

    def measure(rule: int) -> object:
        return lambda u: u.measure("2026-10", BEGIN, rule, figures, SOMEBODY, NOW)

    first = past(Uptime(stream("CP1", 2))).when(measure(0)).then(Uptime.Measured).showing(station_id="CP1", evse_id=2)  # type: ignore[arg-type]
    past(first.aggregate).when(measure(0)).then_nothing()  # type: ignore[arg-type]
    past(first.aggregate).when(measure(1)).then(Uptime.Measured).showing(rule=1)  # type: ignore[arg-type]
