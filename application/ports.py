"""What the application needs from the outside."""

from __future__ import annotations

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
