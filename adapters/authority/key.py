"""The folder of the keys: made at first need, readable only by whoever runs Bornier."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4


class Keys:
    """Files that are written once. What an operator puts there before is used instead."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def once(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The content of a file; made now if it is missing. Of many processes at once, one makes it."""
        place = self.folder / name
        try:
            return place.read_bytes()
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / f".{name}.{uuid4().hex}"
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, place)
        finally:
            draft.unlink(missing_ok=True)
        return place.read_bytes()

    def given(self, name: str) -> bytes | None:
        """The content of a file that only an operator makes."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
