"""OCPP 2.0.1: there are no periodic event streams."""

from __future__ import annotations

CANNOT: dict[str, str] = dict.fromkeys(
    ("adjustPeriodicEventStream", "getPeriodicEventStreams"),
    "periodic event streams came with OCPP 2.1",
)
