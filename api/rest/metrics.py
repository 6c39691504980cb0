"""Metrics for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from api.context import Parts
from api.rest.health import RELAY
from projections import checkpoint
from projections.catalog import PROJECTIONS
from projections.checkpoint import Checkpoint


class Figures(Collector):
    """Read from the parts when somebody asks; nothing is counted twice."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def collect(self) -> Iterator[Metric]:
        yield from self.journal()
        yield from self.accesses()
        yield from self.projections()
        if self.parts.front is not None:
            yield from self.stations()

    def relay(self, known: Checkpoint, head: int) -> Iterator[Metric]:
        """Told by the database, so that every process tells it, whichever relays."""
        yield gauge("bornier_relay_up", "1 while Kafka takes events.", 0 if known.error else 1)
        yield gauge("bornier_relay_position", "Everything up to here is in Kafka.", known.position)
        yield gauge("bornier_relay_lag_events", "Events not yet in Kafka.", max(head - known.position, 0))

    def journal(self) -> Iterator[Metric]:
        journal = self.parts.journal
        yield gauge("bornier_journal_queue_events", "Events waiting to be durable.", journal.depth)
        yield counter("bornier_journal_commits", "Commits of this process.", journal.commits)
        yield counter("bornier_journal_events", "Events recorded by this process.", journal.recorded)
        yield counter("bornier_journal_commit_seconds", "Time spent committing.", journal.commit_s)
        yield gauge("bornier_store_up", "1 while the store answers.", 0 if journal.unwell else 1)

    def accesses(self) -> Iterator[Metric]:
        refused = CounterMetricFamily("bornier_refused_requests", "Requests refused, by their code.", labels=["code"])
        for code, number in list(self.parts.accesses.refusals.items()):
            refused.add_metric([code], number)
        yield refused

    def projections(self) -> Iterator[Metric]:
        position = GaugeMetricFamily("bornier_projection_position", "Place in the history.", labels=["projection"])
        lag = GaugeMetricFamily("bornier_projection_lag_events", "Events not yet reflected.", labels=["projection"])
        failed = GaugeMetricFamily("bornier_projection_failed", "1 while it stands still.", labels=["projection"])
        try:
            head = self.parts.history.head()
            with self.parts.engine.connect() as connection:
                known = checkpoint.read(connection)
        except (SQLAlchemyError, OSError, RuntimeError):
            return
        for name in PROJECTIONS:
            at = known[name].position if name in known else 0
            position.add_metric([name], at)
            lag.add_metric([name], max(head - at, 0))
            failed.add_metric([name], 1 if name in known and known[name].error else 0)
        yield gauge("bornier_history_position", "Last place in the history.", head)
        yield from (position, lag, failed)
        if RELAY in known:
            yield from self.relay(known[RELAY], head)

    def stations(self) -> Iterator[Metric]:
        front = self.parts.front
        assert front is not None
        yield gauge("bornier_connections", "Open station connections.", len(front.connections))
        labels = ["version", "action", "outcome"]
        calls = CounterMetricFamily("bornier_ocpp_calls", "CALLs heard: answered, or the error code.", labels=labels)
        for key, number in list(front.calls.items()):
            calls.add_metric(list(key), number)
        yield calls
        denials = CounterMetricFamily("bornier_denials", "Connections not let in, by HTTP status.", labels=["status"])
        for status, number in list(front.admissions.denials.items()):
            denials.add_metric([status], number)
        yield denials
        repairs = CounterMetricFamily("bornier_ocpp_repairs", "Lenient rules that were needed.", labels=["rule"])
        for rule, number in list(front.quirks.items()):
            repairs.add_metric([rule], number)
        yield repairs


def gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)


def counter(name: str, words: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, words, value=value)


def registry(parts: Parts) -> CollectorRegistry:
    made = CollectorRegistry()
    made.register(Figures(parts))
    return made


async def metrics(request: Request) -> Response:
    """The figures of this process, in Prometheus' text form."""
    text = await asyncio.to_thread(generate_latest, request.app.state.metrics)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
