"""The keys of people, as every process needs them that writes or reads the history."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from adapters.authority.key import Keys
from adapters.privacy.keyring import LONG, Keyring, KeysLost
from adapters.storage.shelf import Shelf
from api.settings import Settings
from application.archive import Whole
from application.history import History
from application.privacy import Ring
from application.store import Store
from projections.engine import engine

FILE = "privacy.key"


class Opened(NamedTuple):
    """A history and its read models, for a command that is no server."""

    engine: Engine
    store: Store
    history: History
    keyring: Keyring | None


@contextmanager
def opened(settings: Settings) -> Iterator[Opened]:
    """Raises ValueError where there is no history: a reader makes no database."""
    path = settings.database.removeprefix("sqlite:///")
    if path != settings.database and not Path(path).is_file():
        raise ValueError(f"there is no history at {path}")
    read_side = engine(settings.database)
    try:
        keyring = keyring_of(settings, read_side) if Keyring.ready(read_side) else None
        store = Store(settings.database, Ring(keyring, keyring.finder) if keyring else None)
        try:
            yield Opened(read_side, store, History(whole(settings, store), store.ring), keyring)
        finally:
            store.close()
    finally:
        read_side.dispose()


def whole(settings: Settings, store: Store) -> Whole:
    """The store for readers, with what is in the archive."""
    return Whole(store.recorder, Shelf(settings.archive_place))


def keyring_of(settings: Settings, read_side: Engine) -> Keyring:
    """Raises ValueError when the key file is not that of the database."""
    keys = Keys(settings.keys_folder)
    secret = keys.given(FILE)
    if secret is None:
        if Keyring.used(read_side):
            raise KeysLost
        secret = keys.once(FILE, lambda: secrets.token_bytes(LONG))
    return Keyring(read_side, secret)
