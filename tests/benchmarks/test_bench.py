"""The benchmark itself works; how fast the machine is that runs the tests is nobody's business."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from api.bench.option import Options
from api.bench.report import Report
from api.bench.run import run

MEASURED = ("durable", "start", "projection")
SHORT = {"databases": ("sqlite",), "stations": 4, "rounds": 1, "seconds": 0.5, "events": 100, "only": MEASURED}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON of one short run on SQLite."""
    path = tmp_path_factory.mktemp("bench") / "bench.json"
    run(Options(**SHORT, json_path=path))  # type: ignore[arg-type]
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


def test_the_report_says_on_what_machine_it_was_made(report: Report) -> None:
    assert {"cpu", "cores", "python", "packages", "load_average", "fdatasync_ms", "databases"} <= set(report.machine)


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"seconds": 0.0}, {"only": ("speed",)}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must be|unknown measurement"):
        run(Options(**wrong))  # type: ignore[arg-type]
