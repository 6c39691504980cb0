"""The gate of REST and the way to GraphQL: every role at every door, and what is answered to strangers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import pytest
from graphql import GraphQLObjectType
from starlette.routing import Route

from api.access import GRANTS, POLICY
from api.context import Vitals
from api.graphql.schema import schema
from api.observer import Observer
from api.pulse import Pulse
from api.settings import Settings
from api.shield import BODY_BYTES
from api.web import app, routes
from application.access import Accesses
from tests.desk import only

ROLES = ("viewer", "operator", "admin", "auditor", "driver")
TOKENS = ",".join(f"{role[0]}{role[-1]}:{role}:token-of-a-certain-{role}" for role in ROLES)
ROOTS = [schema._schema.query_type, schema._schema.mutation_type, schema._schema.subscription_type]
ORIGIN = "https://console.example.org"


class Door:
    """The application over no parts: whoever gets through fails behind the door."""

    def __init__(self, **settings: Any) -> None:
        chosen = Settings(**({"admin_token": "the-admin-token", "tokens": TOKENS} | settings))
        self.accesses = Accesses(cast(Any, None), cast(Any, None), cast(Any, None))
        nothing = cast(Any, None)
        vitals = Vitals(
            settings=chosen, engine=nothing, history=nothing, journal=nothing, here=nothing, observer=Observer(),
            pulse=Pulse(),
        )  # fmt: skip
        self.app = app(only(settings=chosen, accesses=self.accesses), vitals)

    @asynccontextmanager
    async def open(self, address: str = "192.0.2.1") -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://bornier.test") as client:
            yield client

    @property
    def refused(self) -> list[tuple[str, str, str | None, str | None]]:
        """(code, what was asked, who, from where) of all that was refused."""
        return [(each.code, each.asked, each.name, each.address) for each, _ in self.accesses.fresh]


@pytest.fixture(scope="module")
def door() -> Door:
    return Door(requests_per_minute=1_000_000, address_requests_per_minute=1_000_000)


def bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer token-of-a-certain-{role}"}


def cases() -> Iterator[tuple[str, str]]:
    """(method, path) of every route that is not open, with something in place of its parameters."""
    for route in routes():
        if isinstance(route, Route) and POLICY[route.name] != "open":
            method, _, path = route.name.partition(" ")
            yield method, path


@pytest.mark.parametrize(("method", "path"), [*cases()])
async def test_a_route_lets_in_whom_the_policy_names(door: Door, method: str, path: str) -> None:
    asked = re.sub(r"\{\w+\}", "x", path)
    async with door.open() as client:
        assert (await client.request(method, asked)).status_code == 401
        for role in ROLES:
            status = (await client.request(method, asked, headers=bearer(role))).status_code
            allowed = role in GRANTS[POLICY[f"{method} {path}"]]
            assert (status not in (401, 403, 429)) == allowed, (role, status)


async def test_a_field_lets_in_whom_the_policy_names(door: Door) -> None:
    """Every root field of queries and mutations, with every role; the right answer is in the policy, not here."""
    async with door.open() as client:
        for root in ROOTS[:2]:
            assert isinstance(root, GraphQLObjectType)
            for name in root.fields:
                for role in ROLES:
                    body = {"query": f"{root.name.lower()} {{ {name} }}"}
                    answer = (await client.post("/graphql", json=body, headers=bearer(role))).json()
                    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
                    allowed = role in GRANTS[POLICY[f"{root.name}.{name}"]]
                    assert ("FORBIDDEN" not in codes) == allowed, (root.name, name, role, answer)


def test_the_policy_is_what_the_roles_mean() -> None:
    """`viewer` reads, `operator` commands, `admin` all, `auditor` reads history and proofs, `driver` own data only."""
    writes = {name for name in POLICY if name.startswith("Mutation.")}
    may = {role: {name for name, right in POLICY.items() if role in GRANTS[right]} for role in ROLES}
    assert may["admin"] == set(POLICY)
    assert not writes & (may["viewer"] | may["auditor"] | may["driver"])
    assert {"Query.events", "Query.proof", "Query.seals", "Query.refusedAccesses"} <= may["auditor"] - may["viewer"]
    assert {"Mutation.remoteStart", "Mutation.reset", "Mutation.registerStation"} <= may["operator"]
    assert not {"Mutation.issueApiToken", "Query.apiTokens", "Query.events"} & may["operator"]
    assert may["driver"] - {name for name in POLICY if POLICY[name] == "open"} == {
        "Query.me", "Query.sealKey", "Query.transaction", "Query.transactions", "Query.reservation",
        "Query.reservations", "Query.badge", "Query.badges", "Query.badgeChecks", "Query.signedValues",
        "Query.bill", "Query.bills", "Subscription.transactionChanged",
    }  # fmt: skip


async def test_what_is_refused_becomes_a_fact_once_a_minute_for_each_somebody() -> None:
    door = Door()
    async with door.open() as client:
        for _ in range(3):
            await client.get("/api/events", headers=bearer("viewer"))
            await client.post("/graphql", json={"query": "{ events { position } }"}, headers=bearer("driver"))
            await client.get("/api/events", headers={"Authorization": "Bearer guessed-by-somebody"})
    assert door.refused == [
        ("FORBIDDEN", "GET /api/events", "vr", "192.0.2.1"),
        ("FORBIDDEN", "Query.events", "dr", "192.0.2.1"),
        ("UNAUTHENTICATED", "GET /api/events", None, "192.0.2.1"),
    ]
    assert sorted(door.accesses.more.values()) == [2, 2, 2]
    assert "guessed-by-somebody" not in str(door.accesses.seen)


async def test_who_guesses_tokens_must_wait_and_who_was_let_in_before_need_not() -> None:
    door = Door(sign_in_failures_per_minute=3)
    async with door.open() as client:
        assert (await client.get("/api/events", headers=bearer("viewer"))).status_code == 403
        statuses = [
            (await client.get("/api/events", headers={"Authorization": f"Bearer {n}"})).status_code for n in range(5)
        ]
        late = await client.get("/api/events", headers=bearer("driver"))
        assert (await client.get("/api/events", headers=bearer("viewer"))).status_code == 403
    assert statuses == [401, 401, 401, 429, 429]
    assert late.status_code == 429
    assert 1 <= int(late.headers["Retry-After"]) <= 60
    async with door.open("192.0.2.2") as client:
        assert (await client.get("/api/events", headers=bearer("driver"))).status_code == 403


async def test_one_name_may_ask_for_so_much_a_minute_and_large_questions_count_for_more() -> None:
    door = Door(requests_per_minute=10)
    ask = {"query": "{ stations(first: 500) { edges { node { transactions(first: 10) { totalCount } } } } }"}
    async with door.open() as client:
        first = await client.post("/graphql", json=ask, headers=bearer("viewer"))
        slow = [await client.post("/graphql", json=ask, headers=bearer("viewer")) for _ in range(2)][-1]
        other = await client.post("/graphql", json=ask, headers=bearer("operator"))
    assert (first.status_code, slow.status_code, other.status_code) == (200, 429, 200)
    error = slow.json()["errors"][0]
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": int(slow.headers["Retry-After"])}


async def test_one_address_may_send_so_many_requests_a_minute() -> None:
    door = Door(address_requests_per_minute=4)
    async with door.open() as client:
        statuses = [(await client.get("/health/live")).status_code for _ in range(6)]
        assert (await client.get("/health/live")).headers["Retry-After"]
    assert statuses == [200, 200, 200, 200, 429, 429]
    assert door.refused == [("RATE_LIMITED", "/health/live", None, "192.0.2.1")]


async def test_pages_of_other_origins_may_use_the_api_only_where_the_settings_say_so() -> None:
    wish = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "Authorization",
    }
    async with Door().open() as client:
        assert "access-control-allow-origin" not in (await client.options("/graphql", headers=wish)).headers
        assert "access-control-allow-origin" not in (await client.get("/health/live", headers=wish)).headers
    async with Door(allowed_origins=ORIGIN).open() as client:
        before = await client.options("/graphql", headers=wish)
        assert before.headers["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-credentials" not in before.headers
        other = await client.options("/graphql", headers=wish | {"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        asked = await client.post(
            "/graphql", json={"query": "{ me { name } }"}, headers=bearer("viewer") | {"Origin": ORIGIN}
        )
        assert asked.headers["access-control-allow-origin"] == ORIGIN
        assert asked.json() == {"data": {"me": {"name": "vr"}}}


async def test_every_answer_protects_browsers(door: Door) -> None:
    async with door.open() as client:
        for path in ("/health/live", "/graphql", "/api/events", "/nowhere"):
            headers = (await client.get(path, headers={"Accept": "text/html"})).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "strict-transport-security" not in headers
        secure = await client.get("https://bornier.test/health/live")
    assert secure.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize("path", [*(path for _, path in cases()), "/api/session", "/graphql", "/health/live"])
async def test_no_route_reads_a_body_that_does_not_end(door: Door, path: str) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 65_536
            yield b"x" * 65_536

    headers = bearer("admin") | {"Content-Type": "application/json"}
    async with door.open() as client:
        response = await client.post(re.sub(r"\{\w+\}", "x", path), content=endless(), headers=headers)
    assert read <= BODY_BYTES + 2 * 65_536
    assert response.status_code == 413 or path != "/graphql"
