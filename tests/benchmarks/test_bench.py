"""The benchmark itself works; how fast the machine is that runs the tests is nobody's business."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from api.bench.option import Options
from api.bench.report import Report
from api.bench.run import run

pytestmark = pytest.mark.timeout(300)  # six servers come and go while all is measured
MEASURED = ("durable", "start", "fleet", "storm", "projection")
SHORT = {"databases": ("sqlite",), "stations": 4, "rounds": 1, "seconds": 0.5, "events": 100, "only": MEASURED}
LIVELY = {"fleet": 20, "minutes": 0.02, "tempo": 120.0}
"""A small fleet whose day is short: each station charges, meters and leaves within seconds."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON of one short run on SQLite."""
    path = tmp_path_factory.mktemp("bench") / "bench.json"
    run(Options(**SHORT, **LIVELY, json_path=path))  # type: ignore[arg-type]
    return path


@pytest.fixture
def report(written: Path) -> Report:
    return msgspec.json.decode(written.read_bytes(), type=Report)


def test_what_was_asked_for_is_in_the_report(report: Report) -> None:
    assert [result.measurement for result in report.results] == list(MEASURED)
    assert all(figure.low <= figure.median <= figure.high for result in report.results for figure in result.figures)


@pytest.mark.parametrize("measurement", ["durable", "start"])
def test_every_answered_call_is_recorded(report: Report, measurement: str) -> None:
    checks = next(result.checks for result in report.results if result.measurement == measurement)

    assert checks["every call was answered"]
    assert checks["every answered call is recorded, and nothing else"]


@pytest.mark.parametrize("measurement", ["fleet", "storm"])
def test_a_fleet_lives_and_survives_a_storm_and_every_check_holds(report: Report, measurement: str) -> None:
    result = next(result for result in report.results if result.measurement == measurement)

    assert {check for check, held in result.checks.items() if not held} <= {"the load was not the bottleneck"}
    assert {"every answered call is recorded, and nothing else", "no transaction was started twice"} <= {*result.checks}


def test_a_fleet_says_everything_a_fleet_says(report: Report) -> None:
    answers, memory = next(result for result in report.results if result.measurement == "fleet").grids
    said = {str(row[0]): int(row[1]) for row in answers.rows}

    assert said["all"] == sum(number for action, number in said.items() if action != "all")
    assert {"Heartbeat", "MeterValues", "TransactionEvent"} <= {*said}
    assert memory.headings == ["after", "gateway MB"]
    assert all(float(row[1]) > 10 for row in memory.rows)


def test_the_report_can_be_pasted_into_a_page(report: Report) -> None:
    lines = report.markdown().splitlines()

    assert "| fleet, sqlite | figure |" in lines
    assert "| action | calls | p50 ms | p99 ms | p99.9 ms | max ms |" in lines


def test_the_report_says_on_what_machine_it_was_made(report: Report) -> None:
    assert {"cpu", "cores", "python", "packages", "load_average", "fdatasync_ms", "databases"} <= set(report.machine)


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"seconds": 0.0}, {"only": ("speed",)}, {"fleet": 0}, {"tempo": 0.0}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must be|unknown measurement"):
        run(Options(**wrong))  # type: ignore[arg-type]
