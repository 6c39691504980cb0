"""The audit on a terminal: is the history whole, and the proof of its events."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy import Engine

from api.bootstrap.privacy import opened
from api.bootstrap.spine import signer_of
from api.settings import Settings
from application.history import History
from migrations.migrate import upgrade
from projections import audit
from projections.audit import Signer

Advance = Callable[[int, int], None]


class Log(NamedTuple):
    """What is audited, and with which key."""

    engine: Engine
    history: History
    signer: Signer


@contextmanager
def audited(settings: Settings) -> Iterator[Log]:
    upgrade(settings.database)
    with opened(settings) as here:
        yield Log(here.engine, here.history, signer_of(settings))


def verify(settings: Settings, advance: Advance, kept: Path | None = None) -> bool:
    """Print every fault, then one line that sums up; True only if the history is whole. `kept`: a file with a seal that
    must be in it. Raises ValueError for a file with anything else."""
    seal = read(kept) if kept is not None else None
    with audited(settings) as log, log.engine.connect() as connection:
        faults = 0
        for fault in audit.verify(connection, log.history.stored, log.signer, advance):
            faults += 1
            print(fault)
        for fault in audit.missed(connection, log.signer, seal) if seal is not None else ():
            faults += 1
            print(fault)
        for stream in log.history.broken():
            faults += 1
            print(f"stream {stream}: its versions are not 1, 2, 3 and so on")
        sealed, head = audit.sealed_up_to(connection), log.history.head()
    end = f"{head - sealed:,} after them are not sealed yet" if head > sealed else "nothing is left unsealed"
    print(f"{'whole' if not faults else f'{faults} faults'}: {sealed:,} positions are sealed, {end}")
    return not faults


def read(path: Path) -> audit.Kept:
    """The seal in a file, as `bornier prove --seal` wrote it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=audit.Kept)
    except msgspec.MsgspecError:
        raise ValueError(f"{path} holds no seal") from None


def show_seal(settings: Settings) -> None:
    """Print the newest seal as JSON, to be kept elsewhere. Raises ValueError when nothing is sealed yet."""
    with audited(settings) as log, log.engine.connect() as connection:
        newest = audit.newest(connection)
    if newest is None:
        raise ValueError("nothing is sealed yet")
    print(msgspec.json.encode(newest).decode())


def prove(settings: Settings, first: int, last: int) -> None:
    """Print the proofs of a range of positions, one a line. Raises ValueError when nothing is sealed there."""
    with audited(settings) as log, log.engine.connect() as connection:
        written = 0
        for proof in audit.proofs(connection, log.history.stored, first, last):
            sys.stdout.write(f"{json.dumps(proof, ensure_ascii=False)}\n")
            written += 1
        if not written:
            raise ValueError(f"nothing is sealed there: the seals reach position {audit.sealed_up_to(connection)}")


def show_key(settings: Settings) -> None:
    """Print the public key of the seals, as PEM."""
    print(signer_of(settings).pem, end="")
