"""The audit of a running Bornier: sealed as it grows, proven to somebody outside, tampering found."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx

from domain.audit import RANGE
from tests.end_to_end.client import Station
from tests.end_to_end.server import ROOT, TOKEN, Server


def bornier(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BORNIER_")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


async def test_a_growing_history_is_sealed_proven_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "bornier.db"
    database = f"sqlite:///{file}"
    with Server(database) as server:
        async with Station(server.ocpp, "SEALED", "1.6") as station:
            await station.boot()
            for _ in range(RANGE):
                await station.call("Heartbeat", {})
        seals = "{ seals { position edges { node { last } } } }"
        data = await server.until(seals, lambda d: d["seals"]["position"] == RANGE)
        assert [edge["node"]["last"] for edge in data["seals"]["edges"]] == [RANGE]
        proven = await server.ask("query ($p: Position!) { proof(position: $p) sealKey }", p=RANGE)
        assert proven["proof"]["event"]["position"] == RANGE
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            proofs = await client.get(f"{server.http}/api/proofs", params={"first": 10, "last": 2000})
            assert (await client.get(f"{server.http}/api/proofs", params={"first": "x"})).status_code == 400
            await exported(server, client, tmp_path)
        assert len(proofs.text.splitlines()) == RANGE - 9
        await searched(server)
        await walked(server)
    (tmp_path / "proofs.jsonl").write_text(proofs.text)
    (tmp_path / "key.pem").write_text(proven["sealKey"])
    assert bornier("prove", "--key", "--database", database).stdout == proven["sealKey"]
    outside = [sys.executable, "docs/verify.py", str(tmp_path / "key.pem"), str(tmp_path / "proofs.jsonl")]
    checked = await asyncio.to_thread(subprocess.run, outside, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert checked.stdout == f"{RANGE - 9} proven\n"
    assert outside_says(tmp_path, "events.csv") == "positions 5 to 1024: proven and complete\n"
    some = ("--station", "SEALED", "--topic", "station.booted.v1", "--format", "csv")
    saved = bornier("events", *some, "--proof", str(tmp_path / "events.proof"), "--database", database)
    assert (saved.returncode, saved.stderr.endswith("what is later is not sealed yet\n")) == (0, True)
    assert len(saved.stdout.splitlines()) == 2
    (tmp_path / "events.csv").write_text(saved.stdout, newline="")
    assert outside_says(tmp_path, "events.csv").startswith("every line is proven; it is a selection")
    kept = tmp_path / "seal.json"
    kept.write_text(bornier("prove", "--seal", "--database", database).stdout)
    whole = bornier("verify", "--kept", str(kept), "--database", database)
    assert (whole.returncode, whole.stdout.startswith("whole: 1,024 positions are sealed")) == (0, True)
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM stored_events WHERE rowid = 500")
        connection.execute("UPDATE seal SET sealed_at = '2026-01-01 00:00:00.000000'")
    broken = bornier("verify", "--kept", str(kept), "--database", database)
    assert broken.returncode == 1
    assert "1 of 1024 events were removed" in broken.stdout
    assert "the seal that was kept is not in the history" in broken.stdout
    assert "stream station/SEALED: its versions are not 1, 2, 3 and so on" in broken.stdout


PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount edges { node { position topic } }"


async def searched(server: Server) -> None:
    """The same history, asked as an auditor asks."""
    boot = f"""{{ events(stationId: "SEALED", topics: ["station.booted.v1"]) {{ {PAGE} edges {{ node {{
        proofPath cause {{ by message {{ action version payload answer }} operator }} }} }} }} }}"""
    found = (await server.until(boot, lambda d: d["events"]["edges"]))["events"]
    frame = found["edges"][0]["node"]["cause"]["message"]
    assert (frame["action"], frame["version"], frame["answer"]["status"]) == ("BootNotification", "1.6", "Accepted")
    assert found["edges"][0]["node"]["proofPath"].startswith("/api/proofs?first=")
    assert found["totalCount"] == 1
    newest = f'{{ events(last: 2, stationId: "SEALED", cause: {{by: OCPP}}) {{ {PAGE} }} }}'
    last = (await server.until(newest, lambda d: d["events"]["totalCount"] == RANGE + 1))["events"]
    assert (last["pageInfo"]["hasNextPage"], last["pageInfo"]["hasPreviousPage"]) == (False, True)
    before = f"query ($b: Position!) {{ events(last: 2, before: $b, cause: {{by: OCPP}}) {{ {PAGE} }} }}"
    page = (await server.ask(before, b=int(last["pageInfo"]["startCursor"])))["events"]
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (True, True)
    places = [edge["node"]["position"] for edge in [*page["edges"], *last["edges"]]]
    assert places == sorted(places)


async def exported(server: Server, client: httpx.AsyncClient, folder: Path) -> None:
    """A range over HTTP, with its proof."""
    for form in ("csv", "proof"):
        asked = {"first": "5", "last": str(RANGE), "stored": "true"}
        answer = await client.get(f"{server.http}/api/events.{form}", params=asked)
        (folder / f"events.{form}").write_bytes(answer.content)
    some = await client.get(f"{server.http}/api/events.jsonl", params={"station": "SEALED", "cause": "connection"})
    assert next(json.loads(line)["topic"] for line in some.text.splitlines()) == "station.connected.v1"
    for wrong in ({"from": "noon"}, {"cause": "magic"}, {"last": "-1"}, {"after": "x"}, {"badge": "\0"}):
        assert (await client.get(f"{server.http}/api/events.csv", params=wrong)).status_code == 400, wrong
    late = await client.get(f"{server.http}/api/events.proof", params={"first": str(9 * RANGE)})
    assert (late.status_code, late.json()["detail"]) == (
        404,
        f"nothing is sealed there: the seals reach position {RANGE}",
    )


def outside_says(folder: Path, name: str) -> str:
    """The verdict of somebody who has only the public key."""
    files = [str(folder / each) for each in ("key.pem", name, "events.proof")]
    command = [sys.executable, "docs/verify_export.py", *files]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False).stdout


async def walked(server: Server) -> None:
    """A command, what came of it, and back again."""
    asked = """mutation { reset(input: {stationId: "SEALED", deadlineSeconds: 1}) { id } }"""
    command_id = (await server.ask(asked))["reset"]["id"]
    expired = """query ($id: ID!) { command(id: $id) { status events { edges { node { topic position
        causes { depth event { topic cause { operator } } } effects { totalCount edges { node { topic } } } } } } } }"""
    seen = await server.until(expired, lambda d: d["command"] and d["command"]["status"] == "EXPIRED", id=command_id)
    first, last = (edge["node"] for edge in seen["command"]["events"]["edges"])
    assert (first["topic"], last["topic"]) == ("command.requested.v1", "command.expired.v1")
    assert first["effects"] == {"totalCount": 1, "edges": [{"node": {"topic": "command.expired.v1"}}]}
    assert last["causes"] == [{"depth": 1, "event": {"topic": first["topic"], "cause": {"operator": "admin"}}}]
    single = await server.ask("query ($p: Position!) { event(position: $p) { topic } }", p=first["position"])
    assert single["event"]["topic"] == first["topic"]
