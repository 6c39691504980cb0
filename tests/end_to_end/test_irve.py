"""From a site form and a file to the address that the national access point harvests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.irve import DYNAMIC, STATIC
from tests.api.test_irve import valid
from tests.end_to_end.client import Station
from tests.end_to_end.server import ROOT, Server

PREMISES = {
    "owner": "Métropole", "ownerSiren": "130 025 265", "ownerContact": "o@example.org",
    "operatorContact": "c@example.org", "operatorPhone": "01 11 11 11 11", "brand": "Bornes",
    "poolId": "FR*A68*P69001", "setting": "STREET", "insee": "69383", "longitude": "4.85", "latitude": "45.76",
    "entry": "FREE", "hours": "24/7", "twoWheelers": False, "connection": "DIRECT", "deliveryPoint": "12345678912345",
}  # fmt: skip
POINT = {
    "stationId": "CP1", "site": "lyon", "evseUid": "FR*A68*E690011", "powerKw": "22", "payPerUse": True,
    "bookable": False, "outlets": [{"socket": "TYPE_2"}], "accessibility": "UNKNOWN", "sizeLimit": "aucune",
}  # fmt: skip
HEADER = f"station_id,evse_id,{','.join(STATIC)}"
EXAMPLE = (ROOT / "tests/golden/irve/exemple-valide-statique.csv").read_text("utf-8").splitlines()[1]
GAPS = """{ irveGaps(stationId: "%s") { edges { node {
  publishable site gaps { severity field reason } state { health use } } } } }"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("irve")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with Server(f"sqlite:///{folder}/bornier.db", BORNIER_OPEN_DATA="true") as running:
        yield running


async def change(server: Server, mutation: str, answer: str, **wish: Any) -> Any:
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    query = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {answer} }} }}"
    return (await server.ask(query, input=wish))[mutation]


async def fetch(server: Server, file: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"{server.http}/api/public/irve/{file}", headers=headers)


def cli(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", "irve", *words, "--database", f"sqlite:///{folder}/bornier.db"]
    return subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60)


async def test_a_declared_point_is_published_with_what_it_does(server: Server, folder: Path) -> None:
    async with Station(server.ocpp, "CP1", "1.6") as station:
        await station.boot()
        await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
        spoken = await server.until(GAPS % "CP1", lambda data: data["irveGaps"]["edges"])
        (node,) = [edge["node"] for edge in spoken["irveGaps"]["edges"]]
        assert not node["publishable"]
        assert "evse_uid" in [gap["field"] for gap in node["gaps"]]
        details = {"id": "lyon", "name": "Lyon", "address": "1 rue", "operator": "Bornes", "premises": PREMISES}
        made = await change(server, "registerSite", "premises { ownerSiren poolId operatorPhone }", **details)
        told = {"ownerSiren": "130025265", "poolId": "FRA68P69001", "operatorPhone": "+33111111111"}
        assert made["premises"] == told
        made = await change(server, "describeChargePoint", "equipment { evseUid outlets { socket } }", **POINT)
        assert made["equipment"]["evseUid"] == "FRA68E690011"
        data = await server.until(GAPS % "CP1", lambda data: data["irveGaps"]["edges"][0]["node"]["publishable"])
        assert data["irveGaps"]["edges"][0]["node"]["gaps"] == []
        answer = await fetch(server, "dynamique.csv")
        (row,) = valid(answer.content, "dynamique", DYNAMIC)
        assert (row["etat_pdc"], row["occupation_pdc"]) == ("en_service", "occupe")
    answer = await fetch(server, "statique.csv")
    (row,) = valid(answer.content, "statique", STATIC)
    assert (row["id_pdc_itinerance"], row["siren_amenageur"]) == ("FRA68E690011", "130025265")
    same = await fetch(server, "statique.csv", **{"If-None-Match": f'W/{answer.headers["etag"]}, "x"'})
    assert (same.status_code, same.content) == (304, b"")
    assert answer.headers["cache-control"] == "public, max-age=60"
    out = folder / "statique.csv"
    assert cli(folder, "statique", "--out", str(out)).stdout == f"1 charge points are in {out}\n"
    assert out.read_bytes() == answer.content


async def test_what_cannot_be_so_is_refused_with_every_reason(server: Server) -> None:
    query = "mutation ($input: RegisterSiteInput!) { registerSite(input: $input) { id } }"
    wrong = PREMISES | {"ownerSiren": "1", "insee": "Lyon", "longitude": "45.76", "latitude": "4.85"}
    with pytest.raises(AssertionError, match=r"owner_siren: .*insee: "):
        await server.ask(query, input={"id": "bad", "premises": wrong})


async def test_a_file_declares_all_or_nothing(server: Server, folder: Path) -> None:
    good, bad = f"IMP1,1,{EXAMPLE}", f"IMP2,1,{EXAMPLE.replace('FRA68E680210015', 'FRA68E2').replace(',22,', ',lots,')}"
    twin = f"IMP3,1,{EXAMPLE}"
    file = folder / "park.csv"
    file.write_text("\n".join([HEADER, good, bad, twin]), "utf-8")
    told = cli(folder, "import", str(file))
    assert told.returncode == 1
    assert "line 3: puissance_nominale" in told.stderr
    assert "line 4: id_pdc_itinerance: FRA68E680210015 is in line 2" in told.stderr
    assert "nothing was recorded" in told.stdout
    assert (await server.ask(GAPS % "IMP1"))["irveGaps"]["edges"] == []
    wish = {"csv": file.read_text("utf-8"), "partial": True}
    found = await change(server, "importIrve", "lines points sites recorded faults { line reason }", **wish)
    assert len(found.pop("faults")) == 2
    assert found == {"lines": 3, "points": 1, "sites": 1, "recorded": True}
    data = await server.until(GAPS % "IMP1", lambda data: data["irveGaps"]["edges"])
    assert data["irveGaps"]["edges"][0]["node"]["publishable"], json.dumps(data)
    file.write_text("\n".join([HEADER, good]), "utf-8")
    assert cli(folder, "import", str(file)).stdout.startswith("1 lines; 0 sites and 0 charge points differ")


async def test_maintenance_is_announced_and_called_off(server: Server) -> None:
    wish = {"stationId": "CP9", "evseId": 2, "startsAt": "2099-01-01T08:00:00Z", "endsAt": "2099-01-01T09:00:00Z"}
    made = await change(server, "planMaintenance", "plan reason cancelledAt", **wish, reason="cable")
    assert made == {"plan": 1, "reason": "cable", "cancelledAt": None}
    await change(server, "cancelMaintenance", "cancelledAt", stationId="CP9", evseId=2, plan=1)
    query = '{ maintenances(stationId: "CP9") { edges { node { evseId plan cancelledAt } } } }'

    def over(data: dict[str, Any]) -> bool:
        return any(edge["node"]["cancelledAt"] for edge in data["maintenances"]["edges"])

    data = await server.until(query, over)
    assert data["maintenances"]["edges"][0]["node"]["evseId"] == 2


async def test_availability_is_reckoned_by_the_rule_that_is_asked_for(server: Server) -> None:
    async with Station(server.ocpp, "UP1", "1.6") as station:
        await station.boot()
        await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        query = '{ uptimeNow(stationId: "UP1") { evseId rule downSeconds unknownSeconds } }'
        (month,) = (await server.ask(query))["uptimeNow"]
        assert month == {"evseId": 1, "rule": 0, "downSeconds": 0, "unknownSeconds": 0}
    wish = {"fromMonth": "2099-01", "reason": "the ministry asks", "method": {"unreachable": "DOWN"}}
    made = await change(server, "adoptUptimeRule", "number fromMonth unreachable", **wish)
    assert made == {"number": 1, "fromMonth": "2099-01", "unreachable": "DOWN"}
    assert [each["number"] for each in (await server.ask("{ uptimeRules { number } }"))["uptimeRules"]] == [0, 1]
    assert (await server.ask('{ uptime(stationId: "UP1") { edges { node { month } } } }'))["uptime"]["edges"] == []


async def test_the_json_document_is_public_too(server: Server) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.http}/api/public/charge-points.json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["schema_irve"] == "2.3.0"
