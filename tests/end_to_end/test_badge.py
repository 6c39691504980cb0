"""Badges over GraphQL and a real socket: terms, history of verdicts, import, remote starts, Plug & Charge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import pki
from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server

COMMAND = "query ($id: ID!) { command(id: $id) { status error } }"
FINAL = {"ACCEPTED", "REJECTED", "FAILED", "TIMED_OUT", "EXPIRED"}
TERMS = """badge kind group expiresAt concurrent stations sites evses { stationId evseId } cacheSeconds language
    message priority blocked blockedReason removedAt charging"""
AT = "2026-11-23T10:00:00Z"


class Backend(pki.Backend):
    """Says of every contract certificate what the test wants."""

    status = "Accepted"

    def answer(self, question: str, content: dict[str, Any]) -> dict[str, Any]:
        if question == "contract-status":
            return {"certificateStatus": self.status} if self.status else {"reason": "no idea"}
        return super().answer(question, content)


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with Backend(pki.Authority()) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, backend: Backend) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("badge") / "bornier.db"
    settings = {"BORNIER_UNKNOWN_BADGES": "reject", "BORNIER_CONTRACTS": backend.address}
    with Server(f"sqlite:///{path}", **settings) as running:
        yield running


async def register(server: Server, badge: str, more: str = "") -> dict[str, Any]:
    data = await server.ask(f'mutation {{ registerBadge(input: {{badge: "{badge}", {more}}}) {{ {TERMS} }} }}')
    found: dict[str, Any] = data["registerBadge"]
    return found


async def change(server: Server, mutation: str, badge: str) -> dict[str, Any]:
    data = await server.ask(f'mutation {{ {mutation}(input: {{badge: "{badge}", reason: "why"}}) {{ {TERMS} }} }}')
    found: dict[str, Any] = data[mutation]
    return found


async def test_a_badge_has_terms_that_are_shown_at_once_and_by_any_case(server: Server) -> None:
    terms = """kind: "eMAID", group: "g", expiresAt: "2099-01-01T00:00:00Z", concurrent: 2, stations: ["A"],
        sites: ["lyon"], evses: [{stationId: "B", evseId: 2}], cacheSeconds: 60, language: "fr", message: "Salut",
        priority: -3"""
    shown = await register(server, "Terms1", terms)
    assert shown["evses"] == [{"stationId": "B", "evseId": 2}]
    assert (shown["concurrent"], shown["priority"], shown["blocked"], shown["charging"]) == (2, -3, False, [])
    data = await server.until(f'{{ badge(id: "tERMS1") {{ {TERMS} }} }}', lambda d: d["badge"])
    assert data["badge"] == shown
    assert (await change(server, "blockBadge", "TERMS1"))["blockedReason"] == "why"
    assert (await change(server, "unblockBadge", "TERMS1"))["blocked"] is False
    assert (await change(server, "expireBadge", "TERMS1"))["expiresAt"] < "2099"
    assert (await change(server, "removeBadge", "TERMS1"))["removedAt"]


async def test_badges_are_found_by_text_group_and_block_page_after_page(server: Server) -> None:
    for number in range(5):
        await register(server, f"page_{number}", 'group: "pages"')
    await change(server, "blockBadge", "page_3")
    await change(server, "removeBadge", "page_4")
    query = """query ($first: Int, $after: String, $search: String, $group: String, $blocked: Boolean) {
        badges(first: $first, after: $after, search: $search, group: $group, blocked: $blocked) {
            totalCount pageInfo { hasNextPage endCursor } edges { node { badge } } } }"""

    async def found(**variables: Any) -> list[str]:
        data = (await server.ask(query, **variables))["badges"]
        return [edge["node"]["badge"] for edge in data["edges"]]

    await server.until(query, lambda d: d["badges"]["totalCount"] == 4, group="pages")
    assert await found(search="GE_2") == ["page_2"]
    assert await found(search="%") == []
    assert await found(group="pages", blocked=True) == ["page_3"]
    first = (await server.ask(query, first=3, group="pages"))["badges"]
    assert first["pageInfo"]["hasNextPage"]
    assert await found(first=3, group="pages", after=first["pageInfo"]["endCursor"]) == ["page_3"]


async def test_an_import_takes_what_it_can_and_says_what_it_cannot(server: Server) -> None:
    badges = [{"badge": f"imported{number}"} for number in range(120)] + [{"badge": ""}, {"badge": "x", "priority": 99}]
    query = """mutation ($badges: [RegisterBadgeInput!]!) { importBadges(input: {badges: $badges}) {
        registered refused { badge reason } } }"""
    data = (await server.ask(query, badges=badges))["importBadges"]
    assert data["registered"] == 120
    assert {refused["badge"] for refused in data["refused"]} == {"", "x"}
    wanted = '{ badges(search: "IMPORTED") { totalCount } }'
    await server.until(wanted, lambda d: d["badges"]["totalCount"] == 120)


async def test_what_was_said_of_a_badge_is_kept_with_the_reason(server: Server) -> None:
    await register(server, "seen1")
    async with Station(server.ocpp, "SEEN") as charger, Station(server.ocpp, "SEEN2", "2.0.1") as other:
        await charger.boot()
        await other.boot()
        await charger.call("Authorize", {"idTag": "SEEN1"})
        await charger.call("StartTransaction", {"connectorId": 1, "idTag": "seen1", "meterStart": 0, "timestamp": AT})
        token = {"idToken": "Seen1", "type": "ISO14443"}
        assert (await other.call("Authorize", {"idToken": token}))["idTokenInfo"]["status"] == "ConcurrentTx"
        query = '{ badgeChecks(badge: "seen1") { edges { node { stationId occasion verdict reason } } } }'
        data = await server.until(query, lambda d: len(d["badgeChecks"]["edges"]) == 3)
        lines = [edge["node"] for edge in data["badgeChecks"]["edges"]]
        assert [(line["stationId"], line["occasion"], line["verdict"]) for line in lines] == [
            ("SEEN2", "AUTHORIZE", "ConcurrentTx"), ("SEEN", "START", "Accepted"), ("SEEN", "AUTHORIZE", "Accepted"),
        ]  # fmt: skip
        assert "already pays" in lines[0]["reason"]
        data = await server.until('{ badge(id: "seen1") { charging } }', lambda d: d["badge"]["charging"])
        assert len(data["badge"]["charging"]) == 1
        here = '{ badgeChecks(stationId: "SEEN2") { totalCount edges { node { badge } } } }'
        assert (await server.ask(here))["badgeChecks"]["totalCount"] == 1


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_remote_start_with_a_badge_we_would_refuse_is_not_sent_unless_forced(
    server: Server, version: str
) -> None:
    async with Station(server.ocpp, f"R{version}", version) as charger:
        await charger.boot()
        wish = f'stationId: "{charger.station_id}", badge: "nobody", evseId: 1'

        async def start(more: str = "") -> dict[str, Any]:
            asked = await server.ask(f"mutation {{ remoteStart(input: {{{wish}{more}}}) {{ id }} }}")
            found = await server.until(
                COMMAND, lambda d: d["command"]["status"] in FINAL, id=asked["remoteStart"]["id"]
            )
            command: dict[str, Any] = found["command"]
            return command

        refused = await start()
        assert (refused["status"], "Unknown" in refused["error"], charger.heard) == ("REJECTED", True, [])
        assert (await start(", force: true"))["status"] == "ACCEPTED"
        assert len(charger.heard) == 1


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
@pytest.mark.parametrize(
    ("badge", "told", "status", "certificate_status"),
    [
        ("good", "Accepted", "Accepted", "Accepted"),
        ("blocked", "Accepted", "Blocked", "ContractCancelled"),
        ("unknown", "Accepted", "Unknown", "ContractCancelled"),
        ("elsewhere", "Accepted", "NotAtThisLocation", "Accepted"),
        ("good", "CertificateExpired", "Expired", "CertificateExpired"),
        ("good", "CertificateRevoked", "Invalid", "CertificateRevoked"),
        ("good", "CertChainError", "Invalid", "CertChainError"),
        ("good", "", "Invalid", "CertChainError"),
        ("good", "Nonsense", "Invalid", "CertChainError"),
    ],
)
async def test_a_contract_is_as_good_as_its_certificate_and_its_badge(
    server: Server, backend: Backend, version: str, badge: str, told: str, status: str, certificate_status: str
) -> None:
    """C07.FR.13 to C07.FR.17."""
    if badge != "unknown":
        await register(server, f"emaid-{badge}", 'kind: "eMAID"' + (', sites: ["x"]' if badge == "elsewhere" else ""))
    if badge == "blocked":
        await change(server, "blockBadge", f"emaid-{badge}")
    backend.status = told
    hashed = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1",
              "responderURL": "http://127.0.0.1/ocsp"}  # fmt: skip
    async with Station(server.ocpp, f"PNC{version}{badge}{told}", version) as charger:
        await charger.boot()
        token = {"idToken": f"EMAID-{badge}", "type": "eMAID"}
        answer = await charger.call("Authorize", {"idToken": token, "iso15118CertificateHashData": [hashed]})
    assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == (status, certificate_status)
    question, content = backend.asked[-1]
    assert (question, content["badge"], content["certificateHashData"]) == (
        "contract-status", f"EMAID-{badge}", [hashed],
    )  # fmt: skip


async def test_a_certificate_nobody_can_read_is_a_broken_chain(server: Server, backend: Backend) -> None:
    await register(server, "emaid-pem", 'kind: "eMAID"')
    backend.status = "Accepted"
    async with Station(server.ocpp, "PEM", "2.0.1") as charger:
        await charger.boot()
        token = {"idToken": "emaid-pem", "type": "eMAID"}
        answer = await charger.call("Authorize", {"idToken": token, "certificate": "no certificate"})
        assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == ("Invalid", "CertChainError")
        chain = backend.authority.pem
        answer = await charger.call("Authorize", {"idToken": token, "certificate": chain})
        assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == ("Accepted", "Accepted")


async def test_what_makes_no_sense_is_refused_with_words(server: Server) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(timeout=30) as client:
        for mutation, word in (
            ('registerBadge(input: {badge: " "}) { badge }', "printable"),
            ('registerBadge(input: {badge: "x", concurrent: 0}) { badge }', "at once"),
            ('blockBadge(input: {badge: "never", reason: "x"}) { badge }', "not registered"),
        ):
            query = {"query": f"mutation {{ {mutation} }}"}
            answer = (await client.post(f"{server.http}/graphql", json=query, headers=headers)).json()
            assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
            assert word in answer["errors"][0]["message"]
