"""What a run of the benchmark may be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ALWAYS = ("durable", "mixed", "memory", "start", "projection", "replay")
BY_NAME = ("fleet", "storm", "outage", "rebuild", "open", "storage")
"""Measured only when named: they take long, or a database server of their own."""
MEASUREMENTS = ALWAYS + BY_NAME


@dataclass(frozen=True, kw_only=True)
class Options:
    """Choices of `bornier bench`. Without databases: a temporary SQLite file, and PostgreSQL when one can be had."""

    databases: tuple[str, ...] = ()
    """`sqlite` (a temporary file), `postgresql` (a server of our own) or `postgresql://…`, where a database is made for
    the run and dropped."""
    postgres: str | None = None
    """PostgreSQL server to measure on beside SQLite, when no databases are named."""
    stations: int = 200
    rounds: int = 3
    seconds: float = 8.0
    """Length of one measurement, after everybody has connected and booted."""
    events: int = 100_000
    """Length of the history that is replayed and projected."""
    idle: int = 5_000
    """Connections held open to weigh one."""
    fleet: int = 5_000
    """Stations of the fleet, which live as real ones do."""
    minutes: float = 10.0
    """How long the fleet is watched."""
    tempo: float = 1.0
    """How much faster than in the real world the fleet lives."""
    away_s: float = 5.0
    """How long the database is away in an outage."""
    passwords: bool = False
    """The stations of the fleet prove who they are (security profile 1)."""
    markdown: bool = False
    """Print tables to paste into a page."""
    json_path: Path | None = None
    only: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse what cannot be measured. Raises ValueError."""
        if unknown := set(self.only) - set(MEASUREMENTS):
            raise ValueError(f"unknown measurement {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
        for name in ("stations", "rounds", "events", "idle", "fleet"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        for name in ("seconds", "minutes", "tempo", "away_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")

    def wants(self, measurement: str) -> bool:
        return measurement in (self.only or ALWAYS)
