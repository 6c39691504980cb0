"""The car's battery: how much power it takes, and how full that makes it."""

from __future__ import annotations

from dataclasses import dataclass

TAPER_FROM = 80.0
RESERVE_W = 1_500.0


@dataclass
class Battery:
    """Full power up to 80 %, then less and less, as lithium cells want it."""

    capacity_wh: float
    soc_percent: float
    accepts_w: float

    def power_w(self, offered_w: float) -> float:
        """What it takes of what is offered; nothing when full."""
        if self.soc_percent >= 100.0:
            return 0.0
        taper = min(1.0, (100.0 - self.soc_percent) / (100.0 - TAPER_FROM))
        return min(offered_w, max(self.accepts_w * taper, RESERVE_W))

    def charge(self, energy_wh: float) -> None:
        self.soc_percent = min(100.0, self.soc_percent + 100.0 * energy_wh / self.capacity_wh)
