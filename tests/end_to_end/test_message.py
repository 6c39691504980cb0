"""Messages by hand, vendor messages, security events and refused messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server
from tests.end_to_end.test_command import VERSIONS, order

OPERATOR = "token-of-an-operator"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("message") / "bornier.db"
    with Server(f"sqlite:///{path}", BORNIER_TOKENS=f"olaf:operator:{OPERATOR}") as running:
        yield running


async def send(server: Server, station_id: str, action: str, payload: str = "{}", more: str = "") -> dict[str, Any]:
    wish = f'stationId: "{station_id}", action: "{action}", payload: {payload}{more}'
    return await order(server, f"sendMessage(input: {{{wish}}})")


@pytest.mark.parametrize("version", VERSIONS)
async def test_any_message_of_the_version_is_sent_and_its_answer_kept(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"S{version}", version) as charger:
        await charger.boot()
        command = await send(server, charger.station_id, "ClearCache")
        assert (command["status"], command["answer"]) == ("ACCEPTED", {"status": "Accepted"})
        assert charger.heard[-1][2:] == ["ClearCache", {}]


@pytest.mark.parametrize(
    ("version", "action", "payload", "reason"),
    [
        ("1.6", "Reset", '{type: "Whenever"}', "Whenever"),
        ("1.6", "GetVariables", "{}", "has no GetVariables"),
        ("2.0.1", "Heartbeat", "{}", "has no Heartbeat"),
        ("2.0.1", "SetDefaultTariff", "{}", "has no SetDefaultTariff"),
        ("1.6", "Reset", '"text"', "JSON object"),
    ],
)
async def test_what_the_version_does_not_know_is_never_sent(
    server: Server, version: str, action: str, payload: str, reason: str
) -> None:
    async with Station(server.ocpp, f"R{version}", version) as charger:
        await charger.boot()
        command = await send(server, charger.station_id, action, payload)
        assert command["status"] == "REJECTED"
        assert reason in command["error"]
        assert charger.heard == []


async def test_an_administrator_may_send_what_no_schema_knows(server: Server) -> None:
    async with Station(server.ocpp, "U") as charger:
        await charger.boot()
        charger.commands["Dance"] = {"tempo": 120}
        command = await send(server, "U", "Dance", '{steps: "two"}', ", unchecked: true")
        assert (command["status"], command["answer"]) == ("ACCEPTED", {"tempo": 120})
        assert charger.heard[-1][2:] == ["Dance", {"steps": "two"}]


async def error(server: Server, token: str, action: str, payload: str, more: str = "") -> dict[str, Any]:
    """The error that sending a message by hand ends with."""
    wish = f'stationId: "U", action: "{action}", payload: {payload}{more}'
    query = f"mutation {{ sendMessage(input: {{{wish}}}) {{ id }} }}"
    async with httpx.AsyncClient() as client:
        headers = {"Authorization": f"Bearer {token}"}
        answer = (await client.post(f"{server.http}/graphql", json={"query": query}, headers=headers)).json()
    found: dict[str, Any] = answer["errors"][0]
    return found


async def test_an_operator_may_not(server: Server) -> None:
    refusal = await error(server, OPERATOR, "Dance", "{}", ", unchecked: true")
    assert refusal["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("ChangeConfiguration", '{key: "AuthorizationKey", value: "00"}'),
        ("SetNetworkProfile", '{connectionData: {basicAuthPassword: "secret"}}'),
    ],
)
async def test_a_password_is_refused_before_anything_keeps_it(server: Server, action: str, payload: str) -> None:
    refusal = await error(server, TOKEN, action, payload)
    assert refusal["extensions"]["code"] == "BAD_USER_INPUT"
    assert "setPassword" in refusal["message"]
    topics = '["command.requested.v1"]'
    events = await server.ask(f"{{ events(topics: {topics}, first: 500) {{ edges {{ node {{ data }} }} }} }}")
    assert "secret" not in str(events)


@pytest.mark.parametrize("version", VERSIONS)
async def test_vendor_messages_are_kept_and_answered_that_nobody_knows_the_vendor(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"V{version}", version) as charger:
        await charger.boot()
        said = {"vendorId": "com.x", "messageId": "m", "data": "text" if version == "1.6" else {"a": [1]}}
        assert await charger.call("DataTransfer", said) == {"status": "UnknownVendorId"}
        query = """query ($id: ID!) { vendorMessages(stationId: $id, vendorId: "com.x") { totalCount
          edges { node { vendorId messageId content status } } } }"""
        data = await server.until(query, lambda d: d["vendorMessages"]["edges"], id=charger.station_id)
        assert data["vendorMessages"]["edges"][0]["node"] == {
            "vendorId": "com.x", "messageId": "m", "content": said["data"], "status": "UnknownVendorId",
        }  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
async def test_security_events_are_listed(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"E{version}", version) as charger:
        await charger.boot()
        said = {"type": "TamperDetectionActivated", "timestamp": "2026-11-23T10:00:00Z", "techInfo": "lid"}
        assert await charger.call("SecurityEventNotification", said) == {}
        query = "query ($id: ID!) { securityEvents(stationId: $id) { edges { node { kind detail occurredAt } } } }"
        data = await server.until(query, lambda d: d["securityEvents"]["edges"], id=charger.station_id)
        assert data["securityEvents"]["edges"][0]["node"] == {
            "kind": "TamperDetectionActivated", "detail": "lid", "occurredAt": "2026-11-23T10:00:00Z",
        }  # fmt: skip


async def test_refused_messages_are_listed_as_they_came_page_by_page(server: Server) -> None:
    async with Station(server.ocpp, "F") as charger:
        await charger.boot()
        for number in range(3):
            assert (await charger.frame("Dance", {"number": number}))[0] == 4
    query = """query ($after: String) { refusedMessages(stationId: "F", first: 2, after: $after) { totalCount
      edges { node { action code reason raw } } pageInfo { endCursor hasNextPage } } }"""
    page = (await server.until(query, lambda d: d["refusedMessages"]["totalCount"] == 3))["refusedMessages"]
    newest = page["edges"][0]["node"]
    assert (newest["action"], newest["code"]) == ("Dance", "NotImplemented")
    assert '"number": 2' in newest["raw"]
    rest = (await server.ask(query, after=page["pageInfo"]["endCursor"]))["refusedMessages"]
    assert ['"number": 0' in edge["node"]["raw"] for edge in rest["edges"]] == [True]
    assert not rest["pageInfo"]["hasNextPage"]
