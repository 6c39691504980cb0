"""A recorded conversation played against a real server: the same answers, or a list of what differs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.simulator.replay import Outcome, differences, play, read
from tests.end_to_end.server import ROOT, Server
from tests.end_to_end.test_trace import Witness, converse, ended, told

RECORDED = ROOT / "tests" / "golden" / "ocpp" / "recorded"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"sqlite:///{tmp_path_factory.mktemp('replay')}/bornier.db") as running:
        yield running


def line(t: float, direction: str, frame: Any, version: str = "1.6", cp: str = "R") -> str:
    return json.dumps({"t": t, "cp": cp, "v": version, "dir": direction, "frame": frame})


async def replayed(server: Server, lines: list[str], speed: float = 1_000.0) -> Outcome:
    return await play(server.ocpp, read(lines), speed, None, asyncio.Event())


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_what_the_history_tells_can_be_played_again_with_the_same_answers(server: Server, version: str) -> None:
    station = Witness(server, f"AGAIN-{version}", version)
    await converse(station)
    await ended(server, station.station_id)
    first = [{**one, "cp": f"TWIN-{version}"} for one in told(server, "--station", station.station_id)]
    outcome = await replayed(server, [json.dumps(one) for one in first])
    assert outcome.differences == []
    assert outcome.sent > 10
    assert any("Reset was not asked again (3 recorded)" in note for note in outcome.notes)
    await ended(server, f"TWIN-{version}")
    second = told(server, "--station", f"TWIN-{version}")
    assert [one["frame"][:3] for one in second if one["dir"] == "in" and one["frame"][0] == 2] == [
        one["frame"][:3] for one in first if one["dir"] == "in" and one["frame"][0] == 2
    ]


async def test_another_number_of_a_transaction_is_used_from_then_on(server: Server) -> None:
    started = {"connectorId": 1, "idTag": "B", "meterStart": 0, "timestamp": "2026-11-23T10:00:00Z"}
    stopped = {"transactionId": 123_456, "meterStop": 700, "timestamp": "2026-11-23T11:00:00Z"}
    lines = [
        line(0, "open", ["ocpp1.6", "/ocpp/NUMBER", None], cp="NUMBER"),
        line(1, "in", [2, "a", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}], cp="NUMBER"),
        line(1, "out", [3, "a", {"status": "Accepted", "currentTime": "2020-01-01T00:00:00Z", "interval": 300}],
             cp="NUMBER"),
        line(2, "in", [2, "b", "StartTransaction", started], cp="NUMBER"),
        line(2, "out", [3, "b", {"transactionId": 123_456, "idTagInfo": {"status": "Accepted"}}], cp="NUMBER"),
        line(3, "in", [2, "c", "StopTransaction", stopped], cp="NUMBER"),
        line(3, "out", [3, "c", {}], cp="NUMBER"),
        line(4, "close", [1000], cp="NUMBER"),
    ]  # fmt: skip
    assert (await replayed(server, lines)).differences == []
    query = '{ transactions(stationId: "NUMBER") { edges { node { energyWh stopReason endedAt } } } }'
    data = await server.until(query, lambda d: d["transactions"]["edges"] and
                              d["transactions"]["edges"][0]["node"]["endedAt"])  # fmt: skip
    assert data["transactions"]["edges"][0]["node"]["energyWh"] == 700


async def test_commands_are_answered_as_they_were_and_differences_are_told(server: Server) -> None:
    boot = {"chargePointVendor": "V", "chargePointModel": "M"}
    lines = [
        line(0, "open", None),
        line(1, "in", [2, "a", "BootNotification", boot]),
        line(1, "out", [3, "a", {"status": "Rejected", "currentTime": "2020-01-01T00:00:00Z", "interval": 7}]),
        line(2, "in", [2, "b", "MakeTea", {}]),
        line(2, "out", [4, "b", "NotImplemented", "other words", {}]),
        line(3, "out", [2, "c", "Reset", {"type": "Soft"}]),
        line(4, "in", [3, "c", {"status": "Rejected"}]),
        line(60, "close", [1006]),
    ]
    asked = asyncio.create_task(replayed(server, lines, speed=20))
    query = 'query { station(id: "R") { connected } }'
    await server.until(query, lambda data: data["station"] and data["station"]["connected"])
    data = await server.ask('mutation { reset(input: {stationId: "R"}) { id } }')
    command = "query ($id: ID!) { command(id: $id) { status error } }"
    final = await server.until(command, lambda d: d["command"]["status"] == "REJECTED", id=data["reset"]["id"])
    assert final["command"]["error"] == "Rejected"
    outcome = await asked
    assert outcome.differences == [
        'R: BootNotification a: status was "Rejected", is "Accepted"',
        "R: BootNotification a: interval was 7, is 300",
    ]
    assert outcome.notes == []


async def test_each_malformed_text_has_its_own_answer(server: Server) -> None:
    lines = [
        line(0, "open", None, "2.0.1", "BAD"),
        line(1, "in", "garbage", "2.0.1", "BAD"),
        line(1, "out", [4, "-1", "RpcFrameworkError", "", {}], "2.0.1", "BAD"),
        line(2, "in", [9, "x3"], "2.0.1", "BAD"),
        line(2, "out", [4, "x3", "MessageTypeNotSupported", "", {}], "2.0.1", "BAD"),
        line(3, "in", {}, "2.0.1", "BAD"),
        line(3, "out", [4, "-1", "RpcFrameworkError", "", {}], "2.0.1", "BAD"),
    ]
    outcome = await replayed(server, lines)
    assert (outcome.sent, outcome.answers, outcome.differences) == (3, 3, [])


def test_times_and_words_of_errors_may_differ_and_nothing_else() -> None:
    assert (
        differences(
            [3, "a", {"currentTime": "2020-01-01T00:00:00Z"}], [3, "a", {"currentTime": "2026-01-01T00:00:00Z"}]
        )
        == []
    )
    assert differences([4, "a", "InternalError", "x", {}], [4, "a", "InternalError", "y", {"z": 1}]) == []
    assert differences([3, "a", {}], [4, "a", "InternalError", "y", {}]) == ["an answer then, error InternalError now"]
    assert differences([3, "a", {"x": [1, 2]}], [3, "a", {"x": [1, 3]}]) == ["x[1] was 2, is 3"]
    assert differences([3, "a", {"x": 1}], [3, "a", {}]) == ["x was 1, is null"]


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", "simulate", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_the_command_plays_several_stations_and_its_exit_code_says_whether_answers_differ(server: Server) -> None:
    done = simulate("--replay", str(RECORDED / "solidstudio-vcp.jsonl"), "--speed", "100", server.ocpp)
    assert "3 stations sent" in done.stdout
    assert ("no difference" in done.stdout) == (done.returncode == 0)
    assert "is 300" in done.stdout


def test_a_file_that_is_no_trace_is_refused_with_one_line(tmp_path: Path, server: Server) -> None:
    (tmp_path / "x.jsonl").write_text('{"t": 1}\n')
    for file, words in ((tmp_path / "x.jsonl", "line 1 is not a line of a trace"), (tmp_path / "y", "No such file")):
        done = simulate("--replay", str(file), server.ocpp)
        assert done.returncode == 1
        assert words in done.stderr
        assert done.stderr.count("\n") == 1


def test_without_a_csms_the_replay_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(line(0, "open", None) + "\n")
    done = simulate("--replay", str(tmp_path / "x.jsonl"), "ws://127.0.0.1:9/ocpp")
    assert done.returncode == 1
    assert "R: the connection failed" in done.stdout
