"""Snapshots on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.bootstrap.privacy import opened
from api.settings import Settings
from application.snapshot import Snapshots


@contextmanager
def snapshots(settings: Settings) -> Iterator[Snapshots]:
    """The snapshots of an existing history, for the length of a block."""
    with opened(settings) as here:
        yield Snapshots(here.history)
