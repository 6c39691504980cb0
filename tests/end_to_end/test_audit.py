"""The audit of a running Bornier: sealed as it grows, proven to somebody outside, tampering found."""

from __future__ import annotations

import asyncio
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
        data = await server.until("{ seals { position edges { node { last } } } }", lambda d: d["seals"]["edges"])
        assert data["seals"]["position"] == RANGE
        proven = await server.ask("query ($p: Position!) { proof(position: $p) sealKey }", p=RANGE)
        assert proven["proof"]["event"]["position"] == RANGE
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            proofs = await client.get(f"{server.http}/api/proofs", params={"first": 10, "last": 2000})
            assert (await client.get(f"{server.http}/api/proofs", params={"first": "x"})).status_code == 400
        assert len(proofs.text.splitlines()) == RANGE - 9
        await searched(server)
    (tmp_path / "proofs.jsonl").write_text(proofs.text)
    (tmp_path / "key.pem").write_text(proven["sealKey"])
    assert bornier("prove", "--key", "--database", database).stdout == proven["sealKey"]
    outside = [sys.executable, "docs/verify.py", str(tmp_path / "key.pem"), str(tmp_path / "proofs.jsonl")]
    checked = await asyncio.to_thread(subprocess.run, outside, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert checked.stdout == f"{RANGE - 9} proven\n"
    whole = bornier("verify", "--database", database)
    assert (whole.returncode, whole.stdout.startswith("whole: 1,024 positions are sealed")) == (0, True)
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM stored_events WHERE rowid = 500")
    broken = bornier("verify", "--database", database)
    assert broken.returncode == 1
    assert "1 of 1024 events were removed" in broken.stdout
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
