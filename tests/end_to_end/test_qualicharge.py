"""From a declared charge point and a charge to what QualiCharge was told, over real sockets; and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import ROOT, Server
from tests.end_to_end.test_irve import POINT, PREMISES, change
from tests.registrar import PASSWORD, USER, Registrar, serving

ITEMS = """{ qualichargeItems(kind: %s) { totalCount position
  edges { node { id fate rules reason reference point transactionId payload } } } }"""


@pytest.fixture(scope="module")
def registrar() -> Iterator[Registrar]:
    with serving(Registrar()) as running:
        yield running


@pytest.fixture(scope="module")
def settings(registrar: Registrar) -> dict[str, str]:
    return {
        "BORNIER_QUALICHARGE_URL": registrar.url, "BORNIER_QUALICHARGE_USER": USER,
        "BORNIER_QUALICHARGE_PASSWORD": PASSWORD, "BORNIER_QUALICHARGE_COMPANY": "Bornes du Rhone",
        "BORNIER_QUALICHARGE_CALLS_PER_MINUTE": "6000", "BORNIER_QUALICHARGE_LOOK_S": "1",
    }  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("qualicharge")


@pytest.fixture(scope="module")
def server(folder: Path, settings: dict[str, str]) -> Iterator[Server]:
    with Server(f"sqlite:///{folder}/bornier.db", **settings) as running:
        yield running


async def items(server: Server, kind: str, *fates: str) -> list[dict[str, Any]]:
    """The items of a kind, once all have one of these fates."""

    def wanted(data: dict[str, Any]) -> bool:
        found = [edge["node"]["fate"] for edge in data["qualichargeItems"]["edges"]]
        return bool(found) and set(found) <= set(fates)

    data = await server.until(ITEMS % kind, wanted)
    return [edge["node"] for edge in data["qualichargeItems"]["edges"]]


def now() -> str:
    return datetime.now(UTC).isoformat()


def cli(folder: Path, settings: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", "qualicharge", *words, "--database", f"sqlite:///{folder}/bornier.db"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=60)


async def test_the_administration_is_told_of_a_point_its_statuses_and_its_charges(
    server: Server, registrar: Registrar, folder: Path, settings: dict[str, str]
) -> None:
    details = {"id": "lyon", "name": "Lyon", "address": "1 rue", "operator": "Bornes", "premises": PREMISES}
    await change(server, "registerSite", "id", **details)
    await change(server, "describeChargePoint", "equipment { evseUid }", **POINT)
    async with Station(server.ocpp, "CP1", "1.6") as station:
        await station.boot()

        async def says(status: str) -> None:
            told = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": now()}
            await station.call("StatusNotification", told)

        await says("Available")
        (record,) = await items(server, "STATIC", "ACCEPTED")
        assert registrar.points["FRA68E690011"]["siren_amenageur"] == "130025265"
        assert record["payload"] == registrar.points["FRA68E690011"]
        await says("Charging")
        begin = {"connectorId": 1, "idTag": "B1", "meterStart": 1000, "timestamp": now()}
        number = (await station.call("StartTransaction", begin))["transactionId"]
        end = {"transactionId": number, "meterStop": 1001, "timestamp": now()}
        await station.call("StopTransaction", end)
        (session,) = await items(server, "SESSION", "CONFIRMED")
    told = registrar.sessions[session["reference"]]
    assert (told["energy"], told["id_pdc_itinerance"]) == (0.001, "FRA68E690011")
    found = await server.ask(f'{{ transaction(id: "{session["transactionId"]}") {{ stationId }} }}')
    assert found["transaction"]["stationId"] == "CP1"
    assert registrar.agents == {"Bornes du Rhone"}
    await items(server, "STATUS", "ACCEPTED", "SUPERSEDED")
    assert "occupe" in [status["occupation_pdc"] for status in registrar.statuses]
    findings = await server.ask("{ qualichargeFindings(days: 1) { rule point words at } }")
    assert "22" in [finding["rule"] for finding in findings["qualichargeFindings"]], "the point was never free again"
    history = await server.ask("{ events(first: 500) { edges { node { data } } } }")
    assert PASSWORD not in str(history)
    checked = cli(folder, settings, "check")
    assert (checked.returncode, "finding   rule 22  FRA68E690011" in checked.stdout) == (0, True), checked
    name = session["id"]
    retry = f'mutation {{ retryQualicharge(input: {{id: "{name}"}}) }}'
    with pytest.raises(AssertionError, match="QualiCharge has it already"):
        await server.ask(retry)


async def test_what_breaks_a_rule_is_shown_and_sent_once_it_is_mended(
    server: Server, registrar: Registrar, folder: Path, settings: dict[str, str]
) -> None:
    wrong = POINT | {"stationId": "CP2", "evseUid": "FR*ABC*E690022"}
    await change(server, "describeChargePoint", "equipment { evseUid }", **wrong)
    data = await server.until(
        "{ qualichargeItems(fate: WITHHELD) { edges { node { point rules reason } } } }",
        lambda d: d["qualichargeItems"]["edges"],
    )
    node = data["qualichargeItems"]["edges"][0]["node"]
    assert (node["point"], node["rules"]) == ("FRABCE690022", ["0"])
    assert "different operating units" in node["reason"]
    checked = cli(folder, settings, "check")
    assert (checked.returncode, "not sent  rule  0  FRABCE690022" in checked.stdout) == (1, True), checked
    await change(server, "describeChargePoint", "equipment { evseUid }", **wrong | {"evseUid": "FRA68E690022"})
    await server.until(
        '{ qualichargeItems(point: "FRA68E690022", kind: STATIC, fate: ACCEPTED) { totalCount } }',
        lambda d: d["qualichargeItems"]["totalCount"] == 1,
    )
    assert "FRABCE690022" not in registrar.points


async def test_what_waits_can_be_told_by_hand(settings: dict[str, str], folder: Path, server: Server) -> None:
    found = cli(folder, settings, "send")
    assert (found.returncode, found.stdout) == (0, "nothing to tell\n"), found
    missing = cli(folder, settings | {"BORNIER_QUALICHARGE_PASSWORD": ""}, "send")
    assert "BORNIER_QUALICHARGE_URL needs BORNIER_QUALICHARGE_PASSWORD" in missing.stderr
    assert missing.returncode == 1
