"""Who gets in, over a real socket: tokens of the API and of an identity provider, until they end; and what is kept."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from migrations.migrate import upgrade
from tests.end_to_end.client import Station
from tests.end_to_end.server import PATIENCE_S, ROOT, TOKEN, Server
from tests.provider import AUDIENCE, QUIET, Provider, provider

pytestmark = pytest.mark.filterwarnings(QUIET)
ISSUE = (
    """mutation ($input: IssueApiTokenInput!) { issueApiToken(input: $input) { secret token { id name status } } }"""
)
REVOKE = 'mutation ($id: ID!) { revokeApiToken(input: {id: $id, reason: "lost"}) { status reason revokedBy } }'
KNOW = 'mutation ($password: String) { registerStation(input: {id: "CP1", password: $password}) { id } }'
ME = "{ me { name roles sites } }"


class Place:
    """A server, its database and everything that it logs."""

    def __init__(self, folder: Path, theirs: Provider) -> None:
        self.file, self.theirs = folder / "bornier.db", theirs
        self.database = f"sqlite:///{self.file}"
        upgrade(self.database)
        self.log = folder / "log"
        self.server = Server(
            self.database,
            BORNIER_OIDC_ISSUER=theirs.url,
            BORNIER_OIDC_AUDIENCE=AUDIENCE,
            BORNIER_OIDC_ROLES="desk=operator,reader=viewer,rider=driver",
            BORNIER_OIDC_SITES_CLAIM="sites",
            BORNIER_SIGN_IN_FAILURES_PER_MINUTE="1000",
            BORNIER_TRUSTED_PROXIES="127.0.0.1",
        )

    async def post(self, query: str, token: str | None, **headers: str) -> httpx.Response:
        given = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            return await client.post(f"{self.server.http}/graphql", json={"query": query}, headers=given | headers)

    async def issue(self, **wish: Any) -> tuple[str, str]:
        """Its id, and the token."""
        given = {"name": "meter reader", "roles": ["VIEWER"]} | wish
        made = (await self.server.ask(ISSUE, input=given))["issueApiToken"]
        return made["token"]["id"], made["secret"]

    async def command(self, *words: str) -> str:
        """What `bornier token …` prints."""
        command = [sys.executable, "-m", "api.cli", "token", *words, "--database", self.database]
        done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return str(done.stdout.strip())

    async def until_status(self, token: str, status: int) -> httpx.Response:
        for _ in range(200):
            answer = await self.post(ME, token)
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.05)
        raise AssertionError(f"never {status}: {answer.text}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with provider() as theirs:
        made = Place(tmp_path_factory.mktemp("access"), theirs)
        with made.log.open("w") as log:
            made.server.log = log
            with made.server:
                yield made


@asynccontextmanager
async def following(place: Place, token: str) -> AsyncIterator[ClientConnection]:
    address = place.server.http.replace("http", "ws", 1)
    async with connect(f"{address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        yield socket


async def test_a_token_opens_what_it_is_for_until_it_is_revoked(place: Place) -> None:
    token_id, token = await place.issue(sites=["lyon"], fields=["Query.stations"])
    assert token.startswith(f"bornier_{token_id}_")
    assert (await place.post(ME, token)).json()["data"]["me"] == {
        "name": "meter reader", "roles": ["viewer"], "sites": ["lyon"],
    }  # fmt: skip
    assert "errors" not in (await place.post("{ stations { totalCount } }", token)).json()
    other = (await place.post("{ transactions { totalCount } }", token)).json()
    assert other["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    await place.server.until(
        "{ apiTokens(valid: true) { edges { node { id usedAt } } } }",
        lambda data: any(e["node"]["id"] == token_id and e["node"]["usedAt"] for e in data["apiTokens"]["edges"]),
    )
    async with following(place, token) as socket, httpx.AsyncClient(base_url=place.server.http) as browser:
        begun = await browser.post("/api/session", headers={"Authorization": f"Bearer {token}"})
        assert begun.status_code == 201
        revoked = (await place.server.ask(REVOKE, id=token_id))["revokeApiToken"]
        assert revoked == {"status": "REVOKED", "reason": "lost", "revokedBy": "admin"}
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        assert socket.close_code == 4403
        assert (await browser.post("/graphql", json={"query": ME})).status_code == 401
    assert (await place.post(ME, token)).json()["errors"][0]["message"] == "this token is revoked"
    kept = await place.server.until(
        '{ refusedAccesses(name: "meter reader") { edges { node { code reason asked address } } } }',
        lambda data: len(data["refusedAccesses"]["edges"]) >= 2,
    )
    async with httpx.AsyncClient() as client:
        figures = (await client.get(f"{place.server.http}/metrics")).text
    assert 'bornier_refused_requests_total{code="FORBIDDEN"}' in figures
    reasons = {edge["node"]["reason"] for edge in kept["refusedAccesses"]["edges"]}
    assert "meter reader may not use Query.transactions" in reasons


async def test_the_command_line_issues_and_revokes_while_the_server_runs(place: Place) -> None:
    token = await place.command("issue", "night shift", "--role", "operator", "--days", "1")
    answer = await place.until_status(token, 200)
    assert answer.json()["data"]["me"] == {"name": "night shift", "roles": ["operator"], "sites": []}
    token_id = token.split("_")[1]
    (line,) = [line for line in (await place.command("list")).splitlines() if "night shift" in line]
    assert line.split()[:2] == [token_id, "valid"]
    assert token not in line
    await place.command("revoke", token_id)
    await place.until_status(token, 401)
    facts = [json.loads(line) for line in (await place.command("list", "--json")).splitlines()]
    assert {"revoked"} == {fact["status"] for fact in facts if fact["id"] == token_id}


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"roles": []}, "one or more of the roles"),
        ({"roles": ["DRIVER"]}, "names badges"),
        ({"fields": ["Query.nothing"]}, "there is no field or route"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expires in the future"),
        ({"name": " "}, "has a name"),
    ],
)
async def test_a_token_that_makes_no_sense_is_not_issued(place: Place, wish: dict[str, Any], words: str) -> None:
    body = {"query": ISSUE, "variables": {"input": {"name": "x", "roles": ["VIEWER"]} | wish}}
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{place.server.http}/graphql", json=body, headers={"Authorization": f"Bearer {TOKEN}"}
        )
    (error,) = answer.json()["errors"]
    assert words in error["message"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_people_of_an_identity_provider_come_with_their_roles_and_sites(place: Place) -> None:
    sign_in = place.theirs.sign_in
    anna = await asyncio.to_thread(sign_in, "anna", roles=["desk", "else"], sites=["lyon"], preferred_username="Anna A")
    assert (await place.post(ME, anna)).json()["data"]["me"] == {
        "name": "Anna A", "roles": ["operator"], "sites": ["lyon"],
    }  # fmt: skip
    boss = await asyncio.to_thread(sign_in, "boss", roles=["reader"], sites=["*"])
    assert (await place.post(ME, boss)).json()["data"]["me"] == {"name": "boss", "roles": ["viewer"], "sites": []}
    rider = await asyncio.to_thread(sign_in, "rita", roles=["rider"], sites=["*"], badges=["04A2"])
    own = (await place.post("{ transactions { totalCount } }", rider)).json()
    assert own["data"]["transactions"]["totalCount"] == 0
    assert (await place.post("{ stations { totalCount } }", rider)).json()["errors"]
    for person, roles, sites in (("otto", ["boss"], ["*"]), ("olga", ["desk"], [])):
        token = await asyncio.to_thread(sign_in, person, roles=roles, sites=sites)
        refused = await place.post(ME, token)
        assert refused.status_code == 403, refused.text
    assert (await place.post(ME, await asyncio.to_thread(sign_in, "eve", "another"))).status_code == 401


async def test_a_proxy_that_is_trusted_says_who_asks(place: Place) -> None:
    await place.post(ME, "a-token-that-nobody-knows", **{"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})
    await place.server.until(
        '{ refusedAccesses(address: "198.51.100.7") { totalCount } }', lambda d: d["refusedAccesses"]["totalCount"] == 1
    )


async def test_secrets_are_in_no_log_and_in_no_event(place: Place) -> None:
    """Every kind of secret is used, and a wrong one of each; then the log and the whole database are searched."""
    _, token = await place.issue()
    jwt = await asyncio.to_thread(place.theirs.sign_in, "anna", roles=["desk"], sites=["lyon"])
    wrong = {"a-guess-of-the-admin-token", f"{token[:-4]}AAAA", f"{jwt[:-8]}AAAAAAAA"}
    password, guess = "Station-Pass-0123", "Station-Guess-4567"
    await place.server.ask(KNOW, password=password)
    async with Station(place.server.ocpp, "CP1", password=password) as station:
        await station.boot()
    with pytest.raises(Exception, match="401"):
        async with Station(place.server.ocpp, "CP1", password=guess):
            raise AssertionError("it was let in")
    async with httpx.AsyncClient(base_url=place.server.http) as client:
        begun = await client.post("/api/session", headers={"Authorization": f"Bearer {token}"})
        cookie = begun.cookies["bornier_session"]
        for each in (TOKEN, token, jwt, *wrong):
            await place.post(ME, each)
            await client.get("/api/events", headers={"Authorization": f"Bearer {each}"})
        made = await place.server.ask('mutation { setPassword(input: {stationId: "CP1"}) { password } }')
    secrets = {TOKEN, token, jwt, cookie, password, guess, made["setPassword"]["password"], *wrong}
    secrets |= {token.split("_", 2)[2], jwt.split(".")[2]}
    await place.server.until("{ refusedAccesses { totalCount } }", lambda d: d["refusedAccesses"]["totalCount"] >= 2)
    found = {secret for secret in secrets for text in (place.log.read_text(), dump(place.file)) if secret in text}
    assert not found
    assert "CP1" in dump(place.file)


def dump(file: Path) -> str:
    """Every value of every table, with texts inside blobs readable."""
    with sqlite3.connect(file) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for table in tables for row in database.execute(f'SELECT * FROM "{table}"')]
    return "\n".join(
        value.decode(errors="replace") if isinstance(value, bytes) else str(value) for row in rows for value in row
    )
