"""Rules of exports on a schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from domain.event import Refusal, Timer
from domain.export import RETRIES_S, Export, Period, Span
from tests.scenario import SOMEBODY

BEGAN = datetime(2026, 10, 24, 10, 0, tzinfo=UTC)
TIMER = Timer(rule="export")


def new(period: Period = "DAY", at: str = "03:00", timezone: str = "Europe/Paris", place: str = "in") -> Export:
    export = Export("export/1")
    export.schedule("transactions", "csv", period, at, timezone, place, {}, None, SOMEBODY, BEGAN)
    return export


def deliver(export: Export, span: Span, now: datetime) -> None:
    export.deliver(span, "x.csv", 1, 2, "00", 3, TIMER, now)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_day_is_delivered_at_its_hour_after_it_is_over() -> None:
    export = new()
    assert export.due(utc("2026-10-25T01:59:59")) is None
    span = export.due(utc("2026-10-25T02:00:00"))
    assert span == Span(utc("2026-10-23T22:00:00"), utc("2026-10-24T22:00:00"))


def test_the_day_when_clocks_go_back_has_25_hours_and_none_is_missing() -> None:
    export, now = new(), utc("2026-10-30T12:00:00")
    spans = []
    while span := export.due(now):
        deliver(export, span, now)
        spans.append(span)
    assert [(span.until - span.since) / timedelta(hours=1) for span in spans] == [24, 25, 24, 24, 24, 24]
    assert all(before.until == after.since for before, after in pairwise(spans))


@pytest.mark.parametrize(
    ("period", "since", "until"),
    [("WEEK", "2026-10-18T22:00", "2026-10-25T23:00"), ("MONTH", "2026-09-30T22:00", "2026-10-31T23:00")],
)
def test_weeks_begin_on_monday_and_months_on_the_first(period: Period, since: str, until: str) -> None:
    assert new(period).due(utc("2026-11-02T12:00")) == Span(utc(since), utc(until))


def test_after_a_failure_it_rests_longer_each_time() -> None:
    export, now = new(), utc("2026-10-26T12:00")
    span = export.due(now)
    assert span is not None
    for seconds in (*RETRIES_S, RETRIES_S[-1]):
        export.fail(span, "no space", TIMER, now)
        assert export.due(now + timedelta(seconds=seconds - 1)) is None
        now += timedelta(seconds=seconds)
        assert export.due(now) == span
    deliver(export, span, now)
    assert export.attempts == 0


def test_nothing_is_due_of_what_was_stopped() -> None:
    export = new()
    export.stop(SOMEBODY, BEGAN)
    assert export.due(utc("2027-01-01T00:00")) is None
    with pytest.raises(Refusal):
        export.stop(SOMEBODY, BEGAN)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"at": "25:00"}, "time of day"),
        ({"timezone": "Mars/Olympus"}, "time zone"),
        ({"timezone": "../etc"}, "time zone"),
        ({"place": "../elsewhere"}, "folder"),
        ({"place": "/etc"}, "folder"),
        ({"place": "ftp://x/y"}, "place is"),
        ({"place": "sftp://anna:secret@erp/in"}, "password"),
        ({"place": "sftp://erp/in"}, "user"),
        ({"place": "s3:///x"}, "host"),
        ({"place": "a\nb"}, "printable"),
    ],
)
def test_what_could_never_be_delivered_is_refused(wrong: dict[str, str], why: str) -> None:
    with pytest.raises(Refusal, match=why):
        new(**wrong)  # type: ignore[arg-type]
