"""Traces: a real server tells a real receiver of calls, commands and GraphQL, in the words of OTLP."""

from __future__ import annotations

import gzip
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.telemetry import Telemetry, TracingObserver, provider, trace_id, wanted
from domain.command import Command
from domain.event import Operator
from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server

NOW = datetime(2026, 11, 24, tzinfo=UTC)
THEIRS, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Receiver(ThreadingHTTPServer):
    """Takes OTLP over HTTP, as a collector does."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        super().__init__(("127.0.0.1", 0), Take)


class Take(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        server: Any = self.server
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            server.services |= {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
            server.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_request(self, code: Any = None, size: Any = None) -> None:
        return


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


def named(receiver: Receiver, name: str) -> Any:
    (found,) = [span for span in receiver.spans if span.name == name]
    return found


async def test_calls_commands_and_graphql_are_told_to_a_collector(ready_sqlite: Path, tmp_path: Path) -> None:
    shutil.copyfile(ready_sqlite, tmp_path / "bornier.db")
    with receiving() as receiver:
        asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.server_port}"}
        with Server(f"sqlite:///{tmp_path}/bornier.db", **asked) as server:
            async with Station(server.ocpp, "TOLD") as station:
                await station.boot()
                await station.frame("Nonsense", {})
                async with httpx.AsyncClient(base_url=server.http) as client:
                    query = 'mutation { reset(input: {stationId: "TOLD"}) { id } }'
                    headers = {"Authorization": f"Bearer {TOKEN}", "traceparent": f"00-{THEIRS}-{PARENT}-01"}
                    sent = {"query": query}
                    answer = (await client.post("/graphql", json=sent, headers=headers)).json()
                found = answer["data"]["reset"]["id"]
                query = "query ($id: ID!) { command(id: $id) { status } }"
                await server.until(query, lambda d: d["command"]["status"] == "ACCEPTED", id=found)
    boot, nonsense = named(receiver, "OCPP BootNotification"), named(receiver, "OCPP Nonsense")
    assert [event.name for event in boot.events] == ["decided", "committed", "answered"]
    attributes = {a.key: a.value.string_value for a in boot.attributes}
    assert (attributes["ocpp.station_id"], attributes["ocpp.version"]) == ("TOLD", "1.6")
    assert nonsense.status.code == 2
    mutation, query_span = named(receiver, "GraphQL Mutation.reset"), named(receiver, "command reset requested")
    assert (mutation.trace_id.hex(), mutation.parent_span_id.hex()) == (THEIRS, PARENT)
    assert [link.span_id for link in query_span.links] == [mutation.span_id]
    life = named(receiver, "command reset")
    assert life.trace_id == query_span.trace_id == trace_id(found).to_bytes(16, "big")  # type: ignore[union-attr]
    assert life.end_time_unix_nano > life.start_time_unix_nano
    assert receiver.services == {"bornier"}


def test_a_command_that_comes_to_nothing_is_an_error_in_its_trace() -> None:
    spans = InMemorySpanExporter()
    telemetry = Telemetry(provider(SimpleSpanProcessor(spans)))
    observer, who = TracingObserver(telemetry), Operator(name="anna")
    command = Command(f"command/{uuid4()}")
    command.request("CP1", "reset", {}, "anna", NOW, who, NOW)
    command.close(Command.Expired, "too late", who, NOW)
    observer.told(command, command.collect_events())
    requested, ended = spans.get_finished_spans()
    telemetry.stop()
    assert requested.context is not None
    assert ended.context is not None
    assert requested.context.trace_id == ended.context.trace_id == trace_id(command.id.removeprefix("command/"))
    assert (ended.name, ended.status.description) == ("command reset", "too late")
    assert observer.commands == {("reset", "requested"): 1, ("reset", "expired"): 1}
    assert trace_id("not a uuid") is None


@pytest.mark.parametrize(
    ("environment", "yes"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_the_standard_variables_say_whether_anybody_wants_traces(environment: dict[str, str], yes: bool) -> None:
    assert wanted(environment) is yes
