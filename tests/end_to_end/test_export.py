"""Exports of a running Bornier: over HTTP, on the command line, on a schedule."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import openpyxl
import pytest

from projections.dataset import DATASETS
from tests.end_to_end.client import Station
from tests.end_to_end.server import ROOT, TOKEN, Server
from tests.end_to_end.test_command import start


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with Server(f"sqlite:///{folder}/bornier.db", BORNIER_EXPORTS=f"{folder}/out") as running:
        yield running


async def fetch(server: Server, file: str, token: str = TOKEN, **query: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        headers = {"Authorization": f"Bearer {token}"}
        return await client.get(f"{server.http}/api/exports/{file}", params=query, headers=headers)


async def charge(server: Server, station_id: str) -> None:
    async with Station(server.ocpp, station_id, "1.6") as charger:
        await charger.boot()
        await start(charger)
    query = f'{{ transactions(stationId: "{station_id}") {{ edges {{ node {{ id }} }} }} }}'
    await server.until(query, lambda data: data["transactions"]["edges"])


async def test_the_transaction_table_in_every_format(server: Server) -> None:
    await charge(server, "E1")
    answer = await fetch(server, "transactions.csv", station="E1")
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="transactions.csv"' in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["station_id"], row["ended_at"]) == ("E1", "")
    (line,) = (await fetch(server, "transactions.jsonl", station="E1")).text.splitlines()
    assert json.loads(line)["transaction_id"] == row["transaction_id"]
    book = openpyxl.load_workbook(io.BytesIO((await fetch(server, "transactions.xlsx", station="E1")).content)).active
    assert [cell.value for cell in book["C"]] == ["transaction_id", row["transaction_id"]]
    assert (await fetch(server, "transactions.parquet")).content[:4] == b"PAR1"
    nothing = await fetch(server, "transactions.csv", to="2020-01-01T00:00:00Z")
    assert len(nothing.text.splitlines()) == 1


@pytest.mark.parametrize(
    ("file", "query", "why"),
    [
        ("wishes.csv", {}, "there is no export"),
        ("transactions.pdf", {}, "there is no format"),
        ("transactions.csv", {"from": "yesterday"}, "is no time"),
        ("transactions.csv", {"preset": "excel-mars"}, "there is no preset"),
        ("transactions.csv", {"colour": "red"}, "there is no option"),
        ("stations.csv", {"from": "2026-01-01"}, "no time to choose by"),
    ],
)
async def test_what_cannot_be_exported_is_said(server: Server, file: str, query: dict[str, str], why: str) -> None:
    answer = await fetch(server, file, **query)
    assert answer.status_code == 400
    assert why in answer.json()["detail"]


async def test_strangers_get_nothing(server: Server) -> None:
    assert (await fetch(server, "transactions.csv", token="wrong")).status_code == 401


def bornier(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", "export", "--database", f"sqlite:///{folder}/bornier.db", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


async def test_the_command_line_writes_the_same(server: Server, folder: Path) -> None:
    await charge(server, "E2")
    out = folder / "mine.csv"
    done = bornier(folder, "transactions", "--station", "E2", "--preset", "excel-fr", "--out", str(out))
    assert done.stdout == f"1 transactions are in {out}\n"
    assert out.read_bytes().startswith(b"\xef\xbb\xbfstarted_at;ended_at")
    assert not any(name.endswith(".part") for name in os.listdir(folder))
    wrong = bornier(folder, "wishes")
    assert (wrong.returncode, wrong.stderr) == (
        1, f"bornier: there is no export 'wishes': {', '.join(DATASETS)}\n",
    )  # fmt: skip


SCHEDULE = """mutation ($place: String!) {
  scheduleExport(input: {dataset: "transactions", format: CSV, place: $place}) { id at stoppedAt attempt }
}"""


async def test_a_schedule_is_made_shown_and_ended(server: Server) -> None:
    made = (await server.ask(SCHEDULE, place="erp"))["scheduleExport"]
    assert (made["at"], made["stoppedAt"]) == ("03:00", None)
    query = "{ exportSchedules { edges { node { id place options } } } datasets { name columns { name } } }"
    found = await server.until(query, lambda data: data["exportSchedules"]["edges"])
    (node,) = (edge["node"] for edge in found["exportSchedules"]["edges"])
    assert node == {"id": made["id"], "place": "erp", "options": {"timezone": "Europe/Paris"}}
    assert "energy_kwh" in [column["name"] for column in found["datasets"][0]["columns"]]
    ended = await server.ask(f'mutation {{ stopExport(input: {{id: "{made["id"]}"}}) {{ stoppedAt }} }}')
    assert ended["stopExport"]["stoppedAt"] is not None
    with pytest.raises(AssertionError, match="BORNIER_EXPORTS"):
        await server.ask(SCHEDULE, place="../../etc")
