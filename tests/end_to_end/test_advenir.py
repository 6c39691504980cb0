"""A running Bornier tells Advenir: over OCPP, GraphQL, HTTP and the command line, with proofs for somebody outside."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.advenir import check_history, register, send
from api.settings import Settings
from domain.audit import RANGE
from tests.end_to_end.client import Station
from tests.end_to_end.server import ROOT, TOKEN, Server
from tests.regulator import LOGIN, PASSWORD, USER_ID, Regulator

VIEWER, OPERATOR = "viewer-token-of-advenir", "operator-token-of-advenir"
SETTINGS = {
    "BORNIER_ADVENIR_USER_ID": USER_ID, "BORNIER_ADVENIR_LOGIN": LOGIN, "BORNIER_ADVENIR_PASSWORD": PASSWORD,
    "BORNIER_ADVENIR_DELAY_S": "0", "BORNIER_TOKENS": f"v:viewer:{VIEWER},o:operator:{OPERATOR}",
}  # fmt: skip
FIELDS = """transactionId stationId evseId identifier state mode startAt stopAt energyWh points repetitions content
  sha256 firstPosition lastPosition madeAt batch attempt submittedAt answeredAt status code meaning reason answer
  sealed proofs defects { rule what values mended } position"""
SUBMISSIONS = f"""query ($state: AdvenirState, $from: DateTime, $to: DateTime) {{
  advenirSubmissions(stationId: "A1", state: $state, from: $from, to: $to) {{
    totalCount edges {{ node {{ {FIELDS} }} }} }} }}
"""
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


@pytest.fixture(scope="module")
def regulator() -> Iterator[Regulator]:
    with Regulator() as made:
        yield made


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('advenir')}/bornier.db"


@pytest.fixture(scope="module")
def server(database: str, regulator: Regulator) -> Iterator[Server]:
    with Server(database, BORNIER_ADVENIR_URL=regulator.url, **SETTINGS) as running:
        yield running


async def charge(station: Station, minute: int, stop: int) -> None:
    """A quarter of an hour on connector 1."""
    begin, end = (BEGAN + timedelta(minutes=minute + more) for more in (0, 15))
    told = {"connectorId": 1, "idTag": "B1", "meterStart": 1000, "timestamp": begin.isoformat()}
    started = await station.call("StartTransaction", told)
    sample = {"timestamp": end.isoformat(), "sampledValue": [{"value": str(stop)}]}
    number = {"transactionId": started["transactionId"]}
    await station.call("MeterValues", number | {"connectorId": 1, "meterValue": [sample]})
    await station.call("StopTransaction", number | {"meterStop": stop, "timestamp": end.isoformat()})


async def refusal(server: Server, query: str, token: str) -> str:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        answer = (await client.post(f"{server.http}/graphql", json={"query": query})).json()
    return str(answer["errors"][0]["extensions"]["code"])


def nodes(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in data["advenirSubmissions"]["edges"]]


async def test_points_are_registered_by_those_who_may(server: Server) -> None:
    register = """mutation {{ registerAdvenirPoint(input: {{stationId: "A1", evseId: 1, identifier: "{}",
      since: "2020-01-01T00:00:00Z", ratedPowerW: 22000}}) {{ stationId identifier ratedPowerW removedAt }} }}"""
    good = register.format("FR*XYZ*EA1*1")
    assert await refusal(server, good, VIEWER) == "FORBIDDEN"
    assert await refusal(server, register.format("FR*XYZ*P1"), OPERATOR) == "BAD_USER_INPUT"
    made = (await server.ask(good, OPERATOR))["registerAdvenirPoint"]
    assert (made["identifier"], made["ratedPowerW"], made["removedAt"]) == ("FR*XYZ*EA1*1", 22000, None)
    lines = "A2;1;FR*XYZ*EA2*1;2020-01-01;7400,5", "A2;x;y;2020-01-01;", "A3;1;é;2020-01-01;"
    csv = "\n".join(("station;evse;identifier;since;rated_power_w", *lines))
    query = "mutation ($csv: String!) { importAdvenirPoints(input: {csv: $csv}) { registered refused { line } } }"
    found = (await server.ask(query, OPERATOR, csv=csv))["importAdvenirPoints"]
    assert (found["registered"], [each["line"] for each in found["refused"]]) == (1, [3, 4])
    points = "{ advenirPoints { edges { node { stationId ratedPowerW } } } }"
    data = await server.until(points, lambda data: len(data["advenirPoints"]["edges"]) == 2)
    assert [edge["node"]["ratedPowerW"] for edge in data["advenirPoints"]["edges"]] == [22000, 7400.5]


async def test_what_is_told_and_what_is_withheld_can_be_seen_and_proven(
    server: Server, regulator: Regulator, tmp_path: Path
) -> None:
    async with Station(server.ocpp, "A1", "1.6") as station:
        await station.boot()
        await charge(station, 0, 4000)
        await charge(station, 30, 1000)
        period = f'from: "{BEGAN.isoformat()}", to: "{(BEGAN + timedelta(hours=1)).isoformat()}"'
        submit = f"mutation {{ submitAdvenir(input: {{{period}}}) {{ prepared withheld more }} }}"
        assert await refusal(server, submit, VIEWER) == "FORBIDDEN"
        made = (await server.ask(submit, OPERATOR))["submitAdvenir"]
        assert made["more"] is False
        both = {"ACCEPTED", "WITHHELD"}
        data = await server.until(SUBMISSIONS, lambda data: {each["state"] for each in nodes(data)} == both)
        await asyncio.gather(*(station.call("Heartbeat", {}) for _ in range(RANGE)))
    assert data["advenirSubmissions"]["totalCount"] == 2
    withheld, accepted = sorted(nodes(data), key=lambda node: node["state"], reverse=True)
    start = int(BEGAN.timestamp())
    operation = {"StartTransaction": start, "StopTransaction": start + 900, "StartValue": 0, "StopValue": 3000}
    assert accepted["content"] == operation
    assert regulator.recorded == {("FR*XYZ*EA1*1", accepted["transactionId"]): operation}
    assert (accepted["energyWh"], accepted["points"], accepted["attempt"], accepted["repetitions"]) == (3000, 2, 1, 1)
    assert json.loads(accepted["answer"])["statut"] == "OK"
    assert (withheld["content"], withheld["batch"]) == (None, None)
    assert [(each["rule"], each["values"]) for each in withheld["defects"] if not each["mended"]] == [
        ("charged", {"energy_wh": 0})
    ]  # fmt: skip
    later = (BEGAN + timedelta(minutes=20)).isoformat()
    assert nodes(await server.ask(SUBMISSIONS, state="ACCEPTED", **{"from": later})) == []
    defects = '{ advenirDefects(stationId: "A1", rule: "charged") { edges { node { transactionId what } } } }'
    (edge,) = (await server.ask(defects, VIEWER))["advenirDefects"]["edges"]
    assert edge["node"] == {"transactionId": withheld["transactionId"], "what": "no energy was given"}
    await proven(server, accepted["transactionId"], tmp_path)


async def proven(server: Server, transaction_id: str, tmp_path: Path) -> None:
    """Somebody outside checks what Advenir was told, and what it was made from."""
    query = "query ($id: ID!) { advenirSubmission(transactionId: $id) { sealed proofs } sealKey }"
    data = await server.until(query, lambda data: data["advenirSubmission"]["sealed"], id=transaction_id)
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        answer = await client.get(f"{server.http}{data['advenirSubmission']['proofs']}")
        assert (await client.get(f"{server.http}/api/advenir/nothing/proofs")).status_code == 404
    assert answer.headers["Bornier-Unsealed"] == "0"
    topics = [json.loads(line)["event"]["topic"] for line in answer.text.splitlines()]
    assert topics == [
        "transaction.started.v1", "transaction.metered.v1", "transaction.ended.v1", "submission.prepared.v1",
        "submission.submitted.v1", "submission.accepted.v1",
    ]  # fmt: skip
    (tmp_path / "proofs.jsonl").write_text(answer.text)
    (tmp_path / "key.pem").write_text(data["sealKey"])
    outside = [sys.executable, "docs/verify.py", str(tmp_path / "key.pem"), str(tmp_path / "proofs.jsonl")]
    checked = await asyncio.to_thread(subprocess.run, outside, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert checked.stdout == "6 proven\n", checked.stderr


async def test_an_operator_decides_about_what_is_withheld(server: Server) -> None:
    (withheld,) = nodes(await server.ask(SUBMISSIONS, state="WITHHELD"))
    about = f'(input: {{transactionId: "{withheld["transactionId"]}", reason: "a trial"}})'
    retried = await server.ask(f"mutation {{ retryAdvenirSubmission{about} {{ state defects {{ rule }} }} }}", OPERATOR)
    assert retried["retryAdvenirSubmission"]["state"] == "WITHHELD", "it is as wrong as before"
    done = await server.ask(f"mutation {{ abandonAdvenirSubmission{about} {{ state reason }} }}", OPERATOR)
    assert done["abandonAdvenirSubmission"] == {"state": "ABANDONED", "reason": "a trial"}
    (accepted,) = nodes(await server.ask(SUBMISSIONS, state="ACCEPTED"))
    arrived = f'(input: {{transactionId: "{accepted["transactionId"]}", reason: "x"}})'
    again = f"mutation {{ retryAdvenirSubmission{arrived} {{ state }} }}"
    assert await refusal(server, again, OPERATOR) == "BAD_USER_INPUT"


async def test_the_terminal_checks_and_registers_while_a_server_runs(
    database: str, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(database=database)
    assert not await check_history(settings, None, None, as_json=False)
    assert capsys.readouterr().out.splitlines()[-1].startswith("2 charges, ")
    assert await register(settings, "station,evse,identifier,since\nA9,1,FR*XYZ*EA9,2020-01-01\n")
    assert not await register(settings, "station,evse,identifier,since\nA9,1,FR*XYZ*P9,2020-01-01\n")
    told = capsys.readouterr().out
    assert told.startswith("1 registered\nline 2: 'FR*XYZ*P9' is no EVSE id")
    with pytest.raises(ValueError, match="BORNIER_ADVENIR_URL"):
        await send(settings, None, None, lambda done, total: None)


def test_the_command_line_sends(database: str, regulator: Regulator, server: Server) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BORNIER_")}
    sent = subprocess.run(
        [sys.executable, "-m", "api.cli", "advenir", "send", "--database", database], cwd=ROOT, text=True, check=True,
        env=environment | SETTINGS | {"BORNIER_ADVENIR_URL": regulator.url}, capture_output=True, timeout=60,
    )  # fmt: skip
    assert sent.stdout == "0 prepared, 0 withheld\n0 accepted, 0 refused, 0 not arrived\n"
