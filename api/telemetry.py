"""Telemetry: traces by OpenTelemetry, if the standard variables ask for them (`pip install bornier[otel]`).

A command is a trace of its own in every process that has a hand in it: its trace id is the command's id.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import UUID

from api.observer import Observer, status_of
from domain.command import Command
from domain.event import Event

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

ASKED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
TRACE: ContextVar[int | None] = ContextVar("trace", default=None)


def wanted(environment: Mapping[str, str]) -> bool:
    """As the specification of OpenTelemetry says: an endpoint or the exporter is named, and nothing is disabled."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return environment.get("OTEL_TRACES_EXPORTER") == "otlp" or any(environment.get(name) for name in ASKED)


class Telemetry:
    """Where spans go."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self.tracer = provider.get_tracer("bornier", version("bornier"))

    def operation(self, headers: Mapping[str, str]) -> Span:
        """A GraphQL operation, as part of the trace its request names (W3C traceparent), for the rest of the task."""
        from opentelemetry import context
        from opentelemetry.trace import SpanKind, set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        named = TraceContextTextMapPropagator().extract(dict(headers), context.Context())
        span = self.tracer.start_span("GraphQL", context=named, kind=SpanKind.SERVER)
        context.attach(set_span_in_context(span, named))
        return span

    def stop(self) -> None:
        """Send what is left."""
        self.provider.shutdown()


class TracingObserver(Observer):
    """Tells spans of the life of commands, too: from the wire to the answer, and what ended without."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__()
        self.tracer = telemetry.tracer

    def told(self, command: Command, events: Sequence[Event]) -> None:
        for event in events:
            status, reason = status_of(event)
            if status is not None and status != "sent":
                self.span(command, event, status, reason)
        super().told(command, events)

    def span(self, command: Command, event: Event, status: str, reason: str | None) -> None:
        """One that ends now; a command that was on the wire began there."""
        from opentelemetry.context import Context
        from opentelemetry.trace import Link, SpanKind, StatusCode, get_current_span

        here = get_current_span().get_span_context()
        command_id = command.id.removeprefix("command/")
        about = {"command.id": command_id, "command.status": status, "ocpp.station_id": command.station_id}
        began = self.sent.get(event.originator_id, event.recorded_at)
        token = TRACE.set(trace_id(command_id))
        try:
            span = self.tracer.start_span(
                f"command {command.action}" + (" requested" if status == "requested" else ""),
                context=Context(),
                kind=SpanKind.PRODUCER if status == "requested" else SpanKind.CLIENT,
                attributes=about,
                links=[Link(here)] if here.is_valid else [],
                start_time=nanoseconds(began),
            )
        finally:
            TRACE.reset(token)
        if status not in ("requested", "accepted"):
            span.set_status(StatusCode.ERROR, reason)
        span.end(nanoseconds(event.recorded_at))


def trace_id(command_id: str) -> int | None:
    """A command's id as a trace id; somebody may have chosen another kind of id, then any will do."""
    try:
        return UUID(command_id).int or None
    except ValueError:
        return None


def nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1_000


def telemetry(environment: Mapping[str, str] = os.environ) -> Telemetry | None:
    """None when nobody wants traces. Raises ValueError when they are wanted and cannot be had."""
    return Telemetry(provider(exporting())) if wanted(environment) else None


def provider(processor: Any) -> TracerProvider:
    """With our name, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say another."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        """Random, but for what belongs to a trace we know."""

        def generate_trace_id(self) -> int:
            return TRACE.get() or super().generate_trace_id()

    ours = Resource.create({"service.name": "bornier", "service.version": version("bornier")})
    made = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), id_generator=Ids())
    made.add_span_processor(processor)
    return made


def exporting() -> Any:
    """In batches, by OTLP over HTTP."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ValueError("OTEL_* asks for traces, which need `pip install bornier[otel]`") from error
    return BatchSpanProcessor(OTLPSpanExporter())
