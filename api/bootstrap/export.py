"""Exports: read at once, or on a schedule by whoever projects."""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath

from adapters.export.courier import Courier
from adapters.export.exporter import prepare
from adapters.sftp.folder import SftpFolder
from adapters.storage.bucket import Bucket
from api.bootstrap.process import clock
from api.bootstrap.spine import Spine
from api.context import Prepare
from api.settings import Settings
from application.export import Deliveries, Exports
from application.ports import Drop

PREPARE: Prepare = prepare
"""Who writes datasets."""


def exports_of(spine: Spine) -> Exports:
    """Where a schedule is asked for."""
    return Exports(spine.journal, spine.history, courier_of(spine), clock)


def start_deliveries(spine: Spine) -> None:
    """Of several projectors one delivers."""
    may = partial(spine.here.holds, "exports")
    deliveries = Deliveries(spine.journal, spine.history, courier_of(spine), clock, may)
    spine.process.go(deliveries.watch(), "exports")


def courier_of(spine: Spine) -> Courier:
    return Courier(spine.read_side, partial(place, spine.settings))


def place(settings: Settings, name: str) -> Drop:
    """Where the files of a schedule go."""
    if name.startswith("sftp://"):
        return SftpFolder(name, settings.sftp_key, settings.sftp_known_hosts)
    return Bucket(name if name.startswith("s3://") else str(PurePosixPath(settings.exports_place) / name))
