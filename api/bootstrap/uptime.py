"""Availability: reckoned when a month is over, by whoever projects."""

from __future__ import annotations

from functools import partial

from api.bootstrap.process import clock
from api.bootstrap.spine import Spine
from application.uptime import Surveyor, Uptimes


def uptimes_of(spine: Spine) -> Uptimes:
    return Uptimes(spine.journal, spine.history, spine.prices.book, clock)


def start_surveyor(spine: Spine) -> None:
    """Of several projectors one reckons."""
    surveyor = Surveyor(uptimes_of(spine), partial(spine.here.holds, "availability"))
    spine.process.go(surveyor.watch(), "availability")
