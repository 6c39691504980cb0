"""A connection that tells OpenTelemetry of every CALL: heard, decided, committed, answered. Used only when wanted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from adapters.ocpp.connection import StationConnection
from adapters.ocpp.frame import Call

if TYPE_CHECKING:
    from adapters.ocpp.front import Front


class TracedConnection(StationConnection):
    """One span for each CALL, also when it must wait for a stream and is heard again."""

    def __init__(self, front: Front, tracer: Tracer) -> None:
        super().__init__(front)
        self.tracer = tracer
        self.spans: dict[str | int, Span] = {}
        self.span: Span | None = None

    def on_call(self, call: Call, text: bytes) -> None:
        span = self.spans.get(call.id) or self.begin(call)
        self.span = span
        super().on_call(call, text)
        self.span = None
        span.add_event("waits" if self.busy else "decided")

    def begin(self, call: Call) -> Span:
        assert self.session is not None
        about = {
            "ocpp.version": self.dialect.version,
            "ocpp.action": call.action,
            "ocpp.message_id": str(call.id),
            "ocpp.station_id": self.session.station_id,
            "ocpp.connection_id": self.connection_id,
        }
        self.spans[call.id] = self.tracer.start_span(f"OCPP {call.action}", kind=SpanKind.SERVER, attributes=about)
        return self.spans[call.id]

    def refuse(self, text: bytes, call: Call | None, code: str, reason: str) -> None:
        if self.span is not None:
            self.span.set_attribute("ocpp.error", code)
            self.span.set_status(StatusCode.ERROR, reason)
        super().refuse(text, call, code, reason)

    @property
    def release(self) -> Callable[[bytes, Exception | None], None]:
        """What the journal calls later knows the span that is current now."""
        return partial(self.released, self.span)

    def released(self, span: Span | None, answer: bytes, error: Exception | None) -> None:
        if span is not None:
            span.add_event("committed" if error is None else "not recorded")
        super().release(answer, error)
        if span is not None:
            span.add_event("answered" if error is None and self.open else "not answered")
            self.end(span)

    def end(self, span: Span) -> None:
        span.end()
        for known in [known for known, open_one in self.spans.items() if open_one is span]:
            del self.spans[known]

    def connection_lost(self, exc: Exception | None) -> None:
        for span in self.spans.values():
            span.set_status(StatusCode.ERROR, "the connection broke before the answer")
            span.end()
        self.spans.clear()
        super().connection_lost(exc)


def traced(tracer: Any) -> Callable[[Front], StationConnection]:
    """How a front makes its connections when somebody wants traces."""
    return partial(TracedConnection, tracer=tracer)
