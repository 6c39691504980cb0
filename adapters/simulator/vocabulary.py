"""What a simulated station says, whatever the version: the words differ, the moments do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

Payload = dict[str, Any]


class Said(NamedTuple):
    """A message: an action and its payload."""

    action: str
    payload: Payload


@dataclass
class Reading:
    """What the station's meter shows."""

    at: datetime
    register_wh: float
    power_w: float
    current_a: float
    voltage_v: float
    soc_percent: float | None


@dataclass
class Charge:
    """One charge, as the station knows it."""

    badge: str
    started_at: datetime
    local_id: str
    remote_start_id: int | None = None
    seq_no: int = 0
    known_id: int | None = None
    offline: bool = False
    reading: Reading | None = field(default=None)


class Words(Protocol):
    """One OCPP version, from the station's side."""

    protocol: str

    def boot(self, vendor: str, model: str, serial: str) -> Said: ...
    def heartbeat(self) -> Said: ...
    def status(self, state: str, at: datetime) -> Said: ...
    def authorize(self, badge: str) -> Said: ...
    def welcome(self, answer: Payload) -> bool: ...
    def started(self, charge: Charge, reading: Reading) -> list[Said]: ...
    def metered(self, charge: Charge, reading: Reading) -> list[Said]: ...
    def ended(self, charge: Charge, reading: Reading, reason: str) -> list[Said]: ...


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
