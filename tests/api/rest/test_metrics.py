"""What Prometheus reads: every metric on the page, every metric of the page in some process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from api.rest.metrics import METRICS
from tests.api.test_live import following, subscribe
from tests.conftest import made
from tests.end_to_end.client import Station
from tests.end_to_end.server import ROOT, TOKEN, Server

Shown = dict[str, list[Sample]]


@pytest.fixture(scope="module")
def database(postgres_server: str, ready_postgres: str) -> Iterator[str]:
    with made(postgres_server, urlsplit(ready_postgres).path[1:]) as url:
        yield url


@pytest.fixture(scope="module")
def gateway(database: str) -> Iterator[Server]:
    """With a relay whose Kafka does not answer."""
    with Server(database, "--role", "gateway", "--role", "relay", BORNIER_KAFKA="127.0.0.1:9") as running:
        yield running


@pytest.fixture(scope="module")
def api(database: str) -> Iterator[Server]:
    with Server(database, "--role", "api", "--role", "projector") as running:
        yield running


async def figures(server: Server) -> Shown:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{server.http}/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family.samples for family in text_string_to_metric_families(response.text)}


def value(shown: Shown, name: str, sample: str = "", **labels: str) -> float:
    (found,) = [s.value for s in shown[name] if s.name == (sample or name) and labels.items() <= s.labels.items()]
    return found


def test_the_names_are_those_that_prometheus_advises() -> None:
    for name, (kind, labels, words) in METRICS.items():
        assert re.fullmatch(r"bornier_[a-z]+(_[a-z]+)*", name)
        assert not name.endswith(("_total", "_count", "_sum", "_bucket", "_ms")), "these endings are made by the client"
        assert kind != "histogram" or name.endswith("_seconds"), "times are in seconds, and say so"
        assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in labels)
        assert words.endswith(".")


async def test_every_process_shows_its_own_and_together_they_show_what_the_page_says(
    gateway: Server, api: Server
) -> None:
    async with Station(gateway.ocpp, "SEEN") as station:
        await station.boot()
        await station.frame("Nonsense", {})
        asked = await api.ask('mutation { reset(input: {stationId: "SEEN"}) { id } }')
        query = "query ($id: ID!) { command(id: $id) { status } }"
        await api.until(query, lambda d: d["command"]["status"] == "ACCEPTED", id=asked["reset"]["id"])
        async with httpx.AsyncClient() as client:
            for nowhere in ("/nowhere/1", "/nowhere/2"):
                await client.get(f"{api.http}{nowhere}", headers={"Authorization": f"Bearer {TOKEN}"})
            await client.get(f"{gateway.ocpp.replace('ws', 'http', 1)}/", headers={"Upgrade": "no"})
        async with following(api) as socket:
            await subscribe(socket, "subscription { events(after: 0) { position } }")
            await socket.recv()
            async with asyncio.timeout(20):
                while "bornier_relay_up" not in (its := await figures(api)):
                    await asyncio.sleep(0.1)
            mine = await figures(gateway)
    assert value(mine, "bornier_stations_connected", version="1.6") == 1
    calls = "bornier_ocpp_calls_total"
    assert value(mine, "bornier_ocpp_calls", calls, version="1.6", action="BootNotification", outcome="answered") == 1
    assert value(mine, "bornier_ocpp_calls", calls, version="1.6", action="unknown", outcome="NotImplemented") == 1
    for status in ("sent", "accepted"):
        assert value(mine, "bornier_commands", "bornier_commands_total", action="reset", status=status) == 1
    assert value(its, "bornier_commands", "bornier_commands_total", action="reset", status="requested") == 1
    assert value(mine, "bornier_command_answer_seconds", "bornier_command_answer_seconds_count") == 1
    assert value(mine, "bornier_journal_commit_seconds", "bornier_journal_commit_seconds_count") >= 3
    assert value(its, "bornier_graphql_subscriptions", field="events") == 1
    operations = "bornier_graphql_operation_seconds"
    assert value(its, operations, f"{operations}_count", operation="mutation", field="reset", outcome="ok") == 1
    requests = "bornier_http_request_seconds"
    assert value(its, requests, f"{requests}_count", method="GET", route="unknown", status="404") == 2
    assert [value(shown, "bornier_relay_up") for shown in (mine, its)] == [0, 0]
    assert value(its, "bornier_seat_held", job="station") == 1
    assert value(its, "process_resident_memory_bytes") > 1e7
    everything = {name for families in (mine, its) for name in families if name.startswith("bornier_")}
    assert everything == set(METRICS)
    for families in (mine, its):
        for name in families.keys() & METRICS.keys():
            labels = {label for s in families[name] for label in s.labels if label != "le"}
            assert labels <= set(METRICS[name].labels)


async def test_a_process_without_the_role_api_answers_probes_and_nothing_else(gateway: Server) -> None:
    async with httpx.AsyncClient(base_url=gateway.http) as client:
        assert (await client.get("/health/live")).status_code == 200
        async with asyncio.timeout(20):
            while (ready := await client.get("/health/ready")).status_code == 200:
                await asyncio.sleep(0.1)
        assert (ready.status_code, ready.json()["roles"]) == (503, ["gateway", "relay"])
        assert "Kafka" in ready.json()["unwell"]["relay"]
        assert [(await client.get(path)).status_code for path in ("/graphql", "/api/events")] == [404, 404]


def test_the_page_names_every_metric() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(bornier_\w+?)(?:_total)?` \|", page, re.MULTILINE)
    assert rows == list(METRICS)
