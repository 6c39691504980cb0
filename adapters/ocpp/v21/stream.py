"""OCPP 2.1: periodic event streams. Values of a monitor that come without being answered (N11 to N15)."""

from __future__ import annotations

from datetime import datetime, timedelta

from adapters.ocpp.dialect import EMPTY, Hear, Heed, Payload, Said, Say, given
from adapters.ocpp.sample import when
from adapters.ocpp.v201.device import tell
from application.session import Session
from domain.device import Device, Sample


def opened(session: Session, payload: Payload) -> bytes:
    """OpenPeriodicEventStream (N11.FR.04, N11.FR.06): we keep whatever comes, so it is welcome."""
    announced(session, payload["constantStreamData"])
    return b'{"status":"Accepted"}'


def announced(session: Session, line: Payload) -> None:
    tell(
        session,
        Device.StreamOpened,
        stream_id=line["id"],
        monitor_id=line["variableMonitoringId"],
        interval_s=line["params"].get("interval"),
        values=line["params"].get("values"),
    )


def sampled(session: Session, payload: Payload) -> bytes:
    """NotifyPeriodicEventStream (N15), a SEND: nobody waits for the answer."""
    base = when(payload["basetime"], session.now)
    samples = tuple(Sample(at=later(base, line["t"]), value=line["v"]) for line in payload["data"])
    tell(session, Device.StreamSampled, stream_id=payload["id"], pending=payload["pending"], samples=samples)
    return EMPTY


def later(base: datetime, offset_s: float) -> datetime:
    """An offset that no clock can show counts as none."""
    try:
        return base + timedelta(seconds=offset_s)
    except (OverflowError, ValueError):
        return base


def closed(session: Session, payload: Payload) -> bytes:
    """ClosePeriodicEventStream (N13)."""
    tell(session, Device.StreamClosed, stream_id=payload["id"])
    return EMPTY


def say_adjust_periodic_event_stream(session: Session, wish: Payload) -> Said:
    """AdjustPeriodicEventStream (N14)."""
    pace = given(interval=wish.get("interval_s"), values=wish.get("values"))
    return Said("AdjustPeriodicEventStream", {"id": wish["stream_id"], "params": pace})


def say_get_periodic_event_streams(session: Session, wish: Payload) -> Said:
    """GetPeriodicEventStream (N12)."""
    return Said("GetPeriodicEventStream", {})


def heed_adjust_periodic_event_stream(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    if answer["status"] == "Accepted":
        pace = sent["params"]
        tell(
            session,
            Device.StreamAdjusted,
            stream_id=sent["id"],
            interval_s=pace.get("interval"),
            values=pace.get("values"),
        )


def heed_get_periodic_event_streams(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """The streams that are open, in case we missed one."""
    for line in answer.get("constantStreamData", ()):
        announced(session, line)


HEAR: dict[str, Hear] = {
    "OpenPeriodicEventStream": opened,
    "NotifyPeriodicEventStream": sampled,
    "ClosePeriodicEventStream": closed,
}
SAY: dict[str, Say] = {
    "adjustPeriodicEventStream": say_adjust_periodic_event_stream,
    "getPeriodicEventStreams": say_get_periodic_event_streams,
}
HEED: dict[str, Heed] = {
    "adjustPeriodicEventStream": heed_adjust_periodic_event_stream,
    "getPeriodicEventStreams": heed_get_periodic_event_streams,
}
