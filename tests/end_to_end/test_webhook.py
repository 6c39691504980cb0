"""Webhooks of a running Bornier: registered in GraphQL, told over a real socket, killed in between."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server
from tests.receiver import FINE, Answer, Receiver

SETTINGS = {
    "BORNIER_WEBHOOK_PRIVATE": "true", "BORNIER_WEBHOOK_RETRY_S": "1", "BORNIER_WEBHOOK_RETRY_MOST_S": "1",
    "BORNIER_WEBHOOK_ATTEMPTS": "2",
}  # fmt: skip
REGISTER = """mutation ($input: RegisterWebhookInput!) { registerWebhook(input: $input) {
  secret webhook { id url topics state registeredBy } } }"""
WEBHOOK = """query ($id: ID!) { webhook(id: $id) { state stateReason oldSecretUntil
  delivery { position waiting lagEvents delivered refused deadLetters failingSince reason }
  attempts(first: 3) { totalCount edges { node { position topic status reason durationMs } } } } }"""
LETTERS = "query ($id: ID) { deadLetters(webhookId: $id) { totalCount edges { node { position reason status } } } }"


async def register(server: Server, receiver: Receiver, *topics: str, **more: Any) -> str:
    wish = {"url": receiver.url, "topics": list(topics), **more}
    made = (await server.ask(REGISTER, input=wish))["registerWebhook"]
    receiver.secret = made["secret"]
    assert made["webhook"]["state"] == "ACTIVE"
    assert made["webhook"]["registeredBy"] == "admin"
    return str(made["webhook"]["id"])


async def until(wanted: Any) -> None:
    async with asyncio.timeout(30):
        while not wanted():
            await asyncio.sleep(0.05)


async def refusal(server: Server, query: str, **variables: Any) -> str:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        answer = await client.post(f"{server.http}/graphql", json={"query": query, "variables": variables})
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    return str(error["message"])


async def heartbeats(server: Server, name: str, count: int) -> None:
    async with Station(server.ocpp, name) as station:
        await station.boot()
        for _ in range(count):
            await station.call("Heartbeat", {})


async def test_a_webhook_from_registration_to_removal(tmp_path: Path) -> None:
    fate: dict[str, Answer] = {}
    database = f"sqlite:///{tmp_path}/bornier.db"
    with Server(database, **SETTINGS) as server, Receiver(lambda e: fate.get(e["subject"], FINE)) as receiver:
        webhook_id = await register(server, receiver, "station.booted.v1", "station.heartbeat_received.v1")
        await heartbeats(server, "A", 3)
        await until(lambda: len(receiver.accepted) == 4)
        tried = await server.ask("mutation ($id: ID!) { testWebhook(input: {webhookId: $id}) { delivered status } }",
                                 id=webhook_id)  # fmt: skip
        assert tried["testWebhook"] == {"delivered": True, "status": 204}
        fate["station/B"] = (422, {}, 0.0)
        await heartbeats(server, "B", 1)
        dead = await server.until(LETTERS, lambda d: d["deadLetters"]["totalCount"] == 2, id=webhook_id)
        node = dead["deadLetters"]["edges"][0]["node"]
        assert (node["status"], node["reason"]) == (422, "the target answered 422")
        shown = (await server.ask(WEBHOOK, id=webhook_id))["webhook"]
        assert shown["delivery"]["deadLetters"] == 2
        assert shown["attempts"]["edges"][0]["node"]["status"] == 422
        health, figures = await told(server)
        assert health["status"] == "ready"
        assert f"webhook {webhook_id}" in health["behind"]
        assert f'bornier_webhook_dead_letters{{webhook="{webhook_id}"}} 2.0' in figures
        assert f'bornier_webhook_up{{webhook="{webhook_id}"}} 0.0' in figures
        fate.clear()
        again = "mutation ($id: ID!, $p: Position) { redeliver(input: {webhookId: $id, position: $p}) { id } }"
        await server.ask(again, id=webhook_id, p=node["position"])
        await server.until(LETTERS, lambda d: d["deadLetters"]["totalCount"] == 1, id=webhook_id)
        await server.ask(again, id=webhook_id)
        await server.until(LETTERS, lambda d: d["deadLetters"]["totalCount"] == 0, id=webhook_id)
        assert "no dead letter" in await refusal(server, again, id=webhook_id, p=1)
        seen = len(receiver.letters)
        replay = "mutation ($id: ID!) { replayWebhook(input: {webhookId: $id, from: 0}) { id } }"
        await server.ask(replay, id=webhook_id)
        await until(lambda: len(receiver.letters) >= seen + 6)
        rotate = (
            "mutation ($id: ID!) { rotateWebhookSecret(input: {webhookId: $id}) { secret webhook { oldSecretUntil } } }"
        )
        rotated = (await server.ask(rotate, id=webhook_id))["rotateWebhookSecret"]
        assert rotated["secret"] != receiver.secret
        for change, state in (("pauseWebhook", "PAUSED"), ("resumeWebhook", "ACTIVE"), ("removeWebhook", "REMOVED")):
            asked = await server.ask(
                f"mutation ($id: ID!) {{ {change}(input: {{webhookId: $id}}) {{ state }} }}", id=webhook_id
            )
            assert asked[change]["state"] == state
        await server.until("{ webhooks { totalCount } }", lambda d: d["webhooks"]["totalCount"] == 0)
        bad = {"url": "https://x.example/", "topics": ["nothing.*"]}
        assert "no topic fits 'nothing.*'" in await refusal(server, REGISTER, input=bad)
        assert receiver.forged == []
    everything = contents(tmp_path)
    assert receiver.secret.removeprefix("whsec_").encode() not in everything
    assert rotated["secret"].removeprefix("whsec_").encode() not in everything


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def told(server: Server) -> tuple[dict[str, Any], str]:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        health = await client.get(f"{server.http}/health/ready")
        return health.json(), (await client.get(f"{server.http}/metrics")).text


@pytest.mark.timeout(120)
async def test_a_deliverer_that_is_killed_under_load_loses_nothing_and_another_goes_on(
    postgres: str, tmp_path: Path
) -> None:
    settings = SETTINGS | {"BORNIER_KEYS": str(tmp_path)}
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver(lambda event: (204, {}, 0.01)))
        front = stack.enter_context(
            Server(postgres, "--role", "gateway", "--role", "api", "--role", "projector", **settings)
        )
        active = stack.enter_context(Server(postgres, "--role", "relay", **settings))
        await register(front, receiver, "station.*")
        talks = [asyncio.create_task(heartbeats(front, f"K{n}", 100)) for n in range(4)]
        await until(lambda: len(receiver.accepted) > 20)
        stack.enter_context(Server(postgres, "--role", "relay", **settings))
        active.kill()
        await asyncio.gather(*talks)
        await until(lambda: beats(receiver) == 400)
        by_stream: dict[str, list[int]] = {}
        for letter in receiver.accepted:
            by_stream.setdefault(letter.event["subject"], []).append(letter.position)
        assert all(positions == sorted(positions) for positions in by_stream.values())
        assert receiver.forged == []


def beats(receiver: Receiver) -> int:
    return sum(letter.event["type"] == "station.heartbeat_received.v1" for letter in receiver.accepted)
