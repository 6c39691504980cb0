"""What a simulated station says, whatever the version: the words differ, the moments do not."""

from __future__ import annotations

from dataclasses import dataclass
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
    limited: bool = False
    """The station gives nothing because a charging profile says so."""


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
    reservation_id: int | None = None
    tariff: Payload | None = None
    cost: float | None = None

    def is_called(self, wanted: int | str | None) -> bool:
        """Is this the transaction that the CSMS names?"""
        return wanted is not None and wanted in (self.known_id, self.local_id)


@dataclass
class Wish:
    """The CSMS wants a charge to begin."""

    badge: str
    remote_start_id: int | None = None
    profile: Payload | None = None
    group: str | None = None


class Known(NamedTuple):
    """What the CSMS said about a badge."""

    status: str
    group: str | None = None


class Words(Protocol):
    """One OCPP version, from the station's side."""

    protocol: str

    def boot(self, vendor: str, model: str, serial: str, firmware: str, reason: str) -> Said: ...
    def heartbeat(self) -> Said: ...
    def state(self, state: str) -> str: ...
    def status(self, state: str, at: datetime) -> Said: ...
    def authorize(self, badge: str) -> Said: ...
    def verdict(self, answer: Payload) -> Known: ...
    def started(self, charge: Charge, reading: Reading) -> list[Said]: ...
    def metered(self, charge: Charge, reading: Reading, trigger: bool = False) -> list[Said]: ...
    def meter(self, charge: Charge | None, reading: Reading) -> Said: ...
    def ended(self, charge: Charge, reading: Reading, reason: str) -> list[Said]: ...


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status(done: bool) -> Payload:
    return {"status": "Accepted" if done else "Rejected"}


def now() -> datetime:
    return datetime.now(UTC)
