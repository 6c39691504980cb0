"""What the application needs from the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from application.command import Errand


class Credentials(Protocol):
    """Passwords of stations, kept outside the history."""

    async def verify(self, station_id: str, password: bytes | None) -> bool:
        """True if this station may connect with this password, or needs none."""

    async def store(self, station_id: str, password: str) -> None:
        """Set the password of a station."""


class Line(Protocol):
    """The open connection of one station."""

    connection_id: str

    def close(self, reason: str) -> None:
        """Hang up."""

    def order(self, errand: Errand) -> None:
        """Send a command, in its turn; the same one twice is sent once."""


class StorageFailed(Exception):
    """The storage could not do it; the text says why, for whoever runs Bornier."""


class Storage(Protocol):
    """Where the bytes of files are: a disk or an object store. Keys are names that Bornier made."""

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep all of it, or, when the chunks end in an exception, nothing. Raises StorageFailed, or that exception."""

    async def read(self, key: str, first: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `first` up to, not including, `end`. Raises StorageFailed."""

    async def delete(self, key: str) -> None:
        """Forget it; what is not there is forgotten already. Raises StorageFailed."""
