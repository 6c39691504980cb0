"""The archive on a terminal: closed ranges into files, out of the database, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from api.audit import audited
from api.settings import Settings
from application.history import History
from application.ports import StorageFailed
from application.retention import KEEP, Retention
from domain.archive import SEALS, Manifest
from domain.audit import Seal
from domain.catalog import CATALOG
from projections import audit
from projections.audit import Signer

Advance = Callable[[int, int], None]


def archive(
    settings: Settings, before: datetime | None, upto: int | None, prune: bool, now: datetime, advance: Advance
) -> None:
    """Write what is sealed and old enough into files, and remove what is not needed if asked to. Raises ValueError."""
    with audited(settings) as log:
        retention = Retention(log.history)
        end = log.history.position_at(before) if before else int(upto or 0)
        if prune:
            refuse_young(log.history, end, now)
        with log.engine.connect() as connection:
            seals = audit.under(connection, retention.archived_up_to(), end)
        count = 0
        for manifest in stored(retention, seals, log.signer):
            count += manifest.count
            advance(manifest.last, seals[-1].last)
            print(f"{manifest.name}: {manifest.count:,} events")
        print(f"{count:,} events archived at {settings.archive_place}, now up to {retention.archived_up_to():,}")
        if prune:
            print(f"{retention.prune(end, advance):,} events removed from the database")


def stored(retention: Retention, seals: Sequence[Seal], signer: Signer) -> Iterator[Manifest]:
    """A file for every few ranges."""
    for at in range(0, len(seals), SEALS):
        part = seals[at : at + SEALS]
        if forged := next((seal for seal in part if not signer.genuine(seal.text, seal.signature)), None):
            raise ValueError(f"the seal of positions {forged.first} to {forged.last} is not of this key")
        try:
            yield retention.store(part, signer.pem)
        except StorageFailed as error:
            raise OSError(str(error)) from error


def refuse_young(history: History, end: int, now: datetime) -> None:
    last = history.between(0, end + 1, 1, descending=True)
    if last and CATALOG.decode(last[0].topic, last[0].state).recorded_at > now - KEEP:
        raise ValueError(f"only what is older than {KEEP.days} days can be removed; archive less, or without --prune")


def restore(settings: Settings, files: Sequence[str], advance: Advance) -> None:
    """Bring files back into the database."""
    with audited(settings) as log:
        retention = Retention(log.history)
        for done, file in enumerate(files, 1):
            name = file.rpartition("/")[2]
            missing = retention.restore(name, lambda seal: log.signer.genuine(seal.text, seal.signature))
            advance(done, len(files))
            print(f"{name}: {missing:,} events are back")
