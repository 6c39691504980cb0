"""Metrics for Prometheus: read from the parts of this process when somebody asks; nothing is counted twice.

Every metric is declared in `METRICS`, and `docs/metrics.md` is written from there.
"""

from __future__ import annotations

import asyncio
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from api.context import Traffic, Vitals
from api.rest.health import RELAY
from application.duration import Durations
from projections import audit, checkpoint, delivery, webhook
from projections.catalog import PROJECTIONS

Samples = Iterable[tuple[tuple[str, ...], float | Durations]]


class Measure(NamedTuple):
    """One metric: what kind it is, what distinguishes its series, and what it tells."""

    kind: str
    labels: tuple[str, ...]
    words: str


METRICS: dict[str, Measure] = {
    "bornier_process_info": Measure("gauge", ("version", "python", "roles"), "Always 1: what runs here."),
    "bornier_loop_lag_seconds": Measure("gauge", (), "How late the event loop was at the last look, once a second."),
    "bornier_seat_held": Measure("gauge", ("job",), "1 for each job that this process does and a standby waits for."),
    "bornier_store_up": Measure("gauge", (), "1 while the store answers."),
    "bornier_history_position": Measure("gauge", (), "Last place in the history."),
    "bornier_journal_queue_events": Measure("gauge", (), "Events waiting to be durable."),
    "bornier_journal_commit_age_seconds": Measure("gauge", (), "How long the commit under way has lasted."),
    "bornier_journal_commit_seconds": Measure("histogram", (), "How long commits took."),
    "bornier_journal_events": Measure("counter", (), "Events recorded by this process."),
    "bornier_projection_position": Measure("gauge", ("projection",), "Place in the history."),
    "bornier_projection_lag_events": Measure("gauge", ("projection",), "Events not yet reflected."),
    "bornier_projection_moved_timestamp_seconds": Measure("gauge", ("projection",), "When it last moved."),
    "bornier_projection_failed": Measure("gauge", ("projection",), "1 while it stands still at a bad event."),
    "bornier_audit_sealed_position": Measure("gauge", (), "The last position under a seal."),
    "bornier_audit_up": Measure("gauge", (), "1 while the history can be sealed."),
    "bornier_relay_up": Measure("gauge", (), "1 while Kafka takes events."),
    "bornier_relay_position": Measure("gauge", (), "Everything up to here is in Kafka."),
    "bornier_relay_lag_events": Measure("gauge", (), "Events not yet in Kafka."),
    "bornier_webhook_up": Measure("gauge", ("webhook",), "1 while the target takes events."),
    "bornier_webhook_position": Measure("gauge", ("webhook",), "Up to here all arrived, waits or does not concern it."),
    "bornier_webhook_lag_events": Measure("gauge", ("webhook",), "Events not looked at yet."),
    "bornier_webhook_waiting_events": Measure("gauge", ("webhook",), "Events that wait for another attempt."),
    "bornier_webhook_dead_letters": Measure("gauge", ("webhook",), "Events that could not be delivered."),
    "bornier_webhook_deliveries": Measure("counter", ("webhook",), "Events that arrived."),
    "bornier_webhook_failures": Measure("counter", ("webhook",), "Attempts that failed."),
    "bornier_connections": Measure("gauge", (), "Open sockets of stations, those that still shake hands as well."),
    "bornier_connections_paused": Measure("gauge", (), "Sockets not read while the journal is full."),
    "bornier_stations_connected": Measure("gauge", ("version",), "Stations in session, by version of OCPP."),
    "bornier_ocpp_calls": Measure(
        "counter", ("version", "action", "outcome"), "CALLs heard: `answered`, `heard` (SEND), or the error code."
    ),
    "bornier_ocpp_repairs": Measure("counter", ("rule",), "Lenient rules that were needed."),
    "bornier_denials": Measure("counter", ("status",), "Connections not let in, by HTTP status."),
    "bornier_commands": Measure(
        "counter",
        ("action", "status"),
        "Commands that reached a status by this process: `requested`, `sent`, `accepted`, `rejected`, `refused`, "
        "`failed`, `timed_out`, `expired`.",
    ),
    "bornier_command_answer_seconds": Measure("histogram", (), "From a command on the wire to the station's answer."),
    "bornier_commands_open": Measure("gauge", (), "Commands that are not final, of all stations."),
    "bornier_refused_requests": Measure("counter", ("code",), "Requests refused, by their code."),
    "bornier_http_request_seconds": Measure(
        "histogram", ("method", "route", "status"), "HTTP requests, from the first byte to the last."
    ),
    "bornier_graphql_operation_seconds": Measure(
        "histogram", ("operation", "field", "outcome"), "GraphQL queries and mutations, by their first field."
    ),
    "bornier_graphql_subscriptions": Measure("gauge", ("field",), "Subscriptions that are followed now."),
}
FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily, "histogram": HistogramMetricFamily}


def family(name: str, samples: Samples) -> Metric:
    """A declared metric with its values."""
    kind, labels, words = METRICS[name]
    made: Any = FAMILIES[kind](name, words, labels=labels)
    for values, value in samples:
        if isinstance(value, Durations):
            made.add_metric(values, buckets=list(value.buckets()), sum_value=value.total_s)
        else:
            made.add_metric(values, value)
    metric: Metric = made
    return metric


def one(name: str, value: float | Durations) -> Metric:
    """A metric without labels."""
    return family(name, [((), value)])


def many(name: str, counted: Mapping[Any, float]) -> Metric:
    return family(name, list(counted.items()))


class Figures(Collector):
    """The metrics of one process."""

    def __init__(self, vitals: Vitals) -> None:
        self.vitals = vitals

    def describe(self) -> Iterator[Metric]:
        """Nothing: so that registering this does not ask the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        vitals = self.vitals
        yield from self.process()
        yield from self.journal()
        yield from self.read_models()
        if vitals.notary is not None:
            yield one("bornier_audit_up", 0 if vitals.notary.unwell else 1)
        if vitals.front is not None:
            yield from stations(vitals.front)
        yield from self.commands()
        if vitals.accesses is not None:
            yield many("bornier_refused_requests", {(code,): n for code, n in dict(vitals.accesses.refusals).items()})
        yield from self.web()

    def process(self) -> Iterator[Metric]:
        about = (version("bornier"), platform.python_version(), ",".join(sorted(self.vitals.roles)))
        yield family("bornier_process_info", [(about, 1)])
        yield one("bornier_loop_lag_seconds", self.vitals.pulse.lag_s)
        yield many("bornier_seat_held", {(job,): 1 for job in self.vitals.here.jobs})

    def journal(self) -> Iterator[Metric]:
        journal = self.vitals.journal
        yield one("bornier_store_up", 0 if journal.unwell else 1)
        yield one("bornier_journal_queue_events", journal.depth)
        yield one("bornier_journal_commit_age_seconds", journal.age_s)
        yield one("bornier_journal_commit_seconds", journal.commits)
        yield one("bornier_journal_events", journal.recorded)

    def read_models(self) -> Iterator[Metric]:
        """From the database, so that every process tells the same; nothing while it is away."""
        try:
            head = self.vitals.history.head()
            with self.vitals.engine.connect() as connection:
                known = checkpoint.read(connection)
                sealed = audit.sealed_up_to(connection)
                hooks = delivery.cursors(connection)
                queues, graves = delivery.queues(connection), webhook.graves(connection)
        except (SQLAlchemyError, OSError, RuntimeError):
            return
        at = {(name,): known[name].position if name in known else 0 for name in PROJECTIONS}
        moved = {(name,): known[name].moved_at for name in PROJECTIONS if name in known}
        failed = {(name,): 1 if name in known and known[name].error else 0 for name in PROJECTIONS}
        yield one("bornier_history_position", head)
        yield one("bornier_audit_sealed_position", sealed)
        yield many("bornier_projection_position", at)
        yield many("bornier_projection_lag_events", {name: max(head - place, 0) for name, place in at.items()})
        yield many(
            "bornier_projection_moved_timestamp_seconds", {name: t.timestamp() for name, t in moved.items() if t}
        )
        yield many("bornier_projection_failed", failed)
        yield from webhooks(hooks, head, queues, graves)
        if RELAY in known:
            yield one("bornier_relay_up", 0 if known[RELAY].error else 1)
            yield one("bornier_relay_position", known[RELAY].position)
            yield one("bornier_relay_lag_events", max(head - known[RELAY].position, 0))

    def commands(self) -> Iterator[Metric]:
        observer = self.vitals.observer
        yield many("bornier_commands", dict(observer.commands))
        yield one("bornier_command_answer_seconds", observer.answers)
        if self.vitals.dispatcher is not None:
            yield one("bornier_commands_open", len(self.vitals.dispatcher.errands))

    def web(self) -> Iterator[Metric]:
        pulse = self.vitals.pulse
        yield family("bornier_http_request_seconds", list(pulse.requests.items()))
        yield family("bornier_graphql_operation_seconds", list(pulse.operations.items()))
        yield many("bornier_graphql_subscriptions", {(name,): count for name, count in dict(pulse.followed).items()})


def stations(front: Traffic) -> Iterator[Metric]:
    versions = Counter(line.version for line in list(front.connections) if line.version)
    yield one("bornier_connections", len(front.connections))
    yield one("bornier_connections_paused", len(front.paused))
    yield many("bornier_stations_connected", {(version,): count for version, count in versions.items()})
    yield many("bornier_ocpp_calls", dict(front.calls))
    yield many("bornier_denials", {(status,): count for status, count in dict(front.admissions.denials).items()})
    yield many("bornier_ocpp_repairs", {(rule,): count for rule, count in dict(front.quirks).items()})


def webhooks(
    cursors: Mapping[str, Any], head: int, queues: Mapping[str, int], graves: Mapping[str, int]
) -> Iterator[Metric]:
    def each(name: str, figure: Callable[[str, Any], float]) -> Metric:
        return many(f"bornier_webhook_{name}", {(id_,): figure(id_, row) for id_, row in cursors.items()})

    yield each("up", lambda id_, row: 0 if row.failing_since else 1)
    yield each("position", lambda id_, row: row.position)
    yield each("lag_events", lambda id_, row: max(head - row.position, 0))
    yield each("waiting_events", lambda id_, row: queues.get(id_, 0))
    yield each("dead_letters", lambda id_, row: graves.get(id_, 0))
    yield each("deliveries", lambda id_, row: row.delivered)
    yield each("failures", lambda id_, row: row.refused)


def registry(vitals: Vitals) -> CollectorRegistry:
    made = CollectorRegistry()
    made.register(Figures(vitals))
    ProcessCollector(registry=made)
    GCCollector(registry=made)
    return made


async def metrics(request: Request) -> Response:
    """The figures of this process, in Prometheus' text form."""
    text = await asyncio.to_thread(generate_latest, request.app.state.metrics)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
