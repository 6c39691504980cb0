"""A driver is forgotten in a running system: the history stays whole, and nobody finds them any more."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server
from tests.end_to_end.test_audit import bornier

BADGE, NAME = "DEAD00BEEF", "Paulette Zimmermann"
REGISTER = """mutation($n: String!) { registerDriver(input: {fullName: $n, email: "p@example.org"}) { id fullName } }"""
ASSIGN = """mutation($d: ID!, $b: String!) { assignBadge(input: {driverId: $d, badge: $b}) { id } }"""
FORGET = """mutation($d: ID!) { forgetDriver(input: {id: $d, reason: "asked for"}) { badges events plainEvents } }"""
HELD = "query($d: ID!) { driver(id: $d) { fullName email forgottenAt badges { badge until } } }"
FOUND = 'query { drivers(search: "zimmer") { totalCount edges { node { id badges { badge } } } } }'
SHOWN = "{ transactions { edges { node { badge energyWh endedAt } } } badgeChecks { edges { node { badge } } } }"


async def charged(server: Server, number: str) -> None:
    async with Station(server.ocpp, "PRIVATE") as station:
        await station.boot()
        await station.call("Authorize", {"idTag": number})
        start = {"connectorId": 1, "idTag": number, "meterStart": 0, "timestamp": "2026-11-23T10:00:00Z"}
        begun = await station.call("StartTransaction", start)
        stop = {"transactionId": begun["transactionId"], "idTag": number, "meterStop": 700}
        await station.call("StopTransaction", stop | {"timestamp": "2026-11-23T11:00:00Z"})


async def get(server: Server, path: str, **query: str) -> httpx.Response:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as client:
        return await client.get(f"{server.http}{path}", params=query)


def ended(data: dict[str, Any]) -> bool:
    return any(edge["node"]["endedAt"] for edge in data["transactions"]["edges"])


def badges_in(data: dict[str, Any]) -> set[str]:
    return {edge["node"]["badge"] for name in ("transactions", "badgeChecks") for edge in data[name]["edges"]}


async def test_a_forgotten_driver_is_nowhere_and_the_history_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "bornier.db"
    database = f"sqlite:///{file}"
    with Server(database) as server:
        await charged(server, BADGE)
        who = (await server.ask(REGISTER, n=NAME))["registerDriver"]["id"]
        await server.ask(ASSIGN, d=who, b=BADGE)
        found = await server.until(
            FOUND, lambda d: d["drivers"]["edges"] and d["drivers"]["edges"][0]["node"]["badges"]
        )
        assert found["drivers"]["edges"][0]["node"] == {"id": who, "badges": [{"badge": BADGE}]}
        assert badges_in(await server.until(SHOWN, ended)) == {BADGE}
        told = await get(server, "/api/persons", driver=who)
        assert {json.loads(line)["topic"] for line in told.text.splitlines()} >= {
            "driver.registered.v1", "badge.assigned.v1", "transaction.started.v1", "transaction.ended.v1",
        }  # fmt: skip
        assert (await get(server, "/api/persons", badge=BADGE)).status_code == 404
        assert (await get(server, "/api/persons")).status_code == 400
        traced = await asyncio.to_thread(bornier, "events", "--as-ocpp", "--station", "PRIVATE", "--database", database)
        assert traced.stdout.count(BADGE) == 3
        forgotten = (await server.ask(FORGET, d=who))["forgetDriver"]
        assert (forgotten["badges"], forgotten["plainEvents"]) == (1, 0)
        assert forgotten["events"] >= len(told.text.splitlines())
        history = await get(server, "/api/events")
        assert BADGE not in history.text
        assert NAME not in history.text
        data = await server.until(SHOWN, lambda d: badges_in(d) == {"forgotten"})
        assert data["transactions"]["edges"][0]["node"]["energyWh"] == 700
        left = (await server.ask(HELD, d=who))["driver"]
        assert (left["fullName"], left["email"]) == ("forgotten", None)
        assert left["forgottenAt"] is not None
        assert left["badges"][0]["badge"].startswith("forgotten-")
        assert left["badges"][0]["until"] is not None
        await charged(server, BADGE)  # whoever has the card now is somebody new
        await server.until(SHOWN, lambda d: badges_in(d) == {"forgotten", BADGE})
    await asyncio.to_thread(from_the_command_line, database, file)


def from_the_command_line(database: str, file: Path) -> None:
    """What the server left behind is found, told, and forgotten for good without it."""
    told = bornier("person", "badge", BADGE, "--database", database)
    assert told.returncode == 0
    assert all(BADGE in line for line in told.stdout.splitlines())
    asked = bornier("forget", "badge", BADGE, "--database", database)
    assert (asked.returncode, asked.stderr) == (1, "bornier: nothing was forgotten: say --yes\n")
    done = bornier("forget", "badge", BADGE, "--database", database, "--yes")
    assert done.stdout.startswith("forgotten: 1 badges, "), done.stderr
    assert bornier("person", "badge", BADGE, "--database", database).returncode == 1
    left = file.read_bytes() + b"".join(path.read_bytes() for path in file.parent.glob("bornier.db-*"))
    assert BADGE.encode() not in left
    assert NAME.encode() not in left
    whole = bornier("verify", "--database", database)
    assert (whole.returncode, whole.stdout.startswith("whole")) == (0, True)
