"""A badge (OCPP: id token, idTag): who may charge."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

Verdict = Literal["Accepted", "Blocked", "Expired", "Invalid"]
Unknown = Literal["accept", "reject"]


def stream(badge: str) -> str:
    """Badges compare without case (OCPP 1.6 CiString20Type, OCPP 2.x identifierString)."""
    return f"badge/{badge.upper()}"


class Badge(Aggregate):
    """A card, a fob, a contract id or an app account that may start a charge."""

    class Registered(Event, tag="badge.registered.v1"):
        """An operator made the badge known; registering again replaces the expiry time and the group."""

        badge: str
        kind: str = "ISO14443"
        group: str | None = None
        expires_at: datetime | None = None

    class Blocked(Event, tag="badge.blocked.v1"):
        """The badge may no longer charge."""

        reason: str

    class Unblocked(Event, tag="badge.unblocked.v1"):
        """The badge may charge again."""

        reason: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.registered = False
        self.blocked = False
        self.kind = "ISO14443"
        self.group: str | None = None
        self.expires_at: datetime | None = None

    def register(
        self, badge: str, kind: str, group: str | None, expires_at: datetime | None, cause: AnyCause, now: datetime
    ) -> None:
        if not badge or len(badge) > 255:
            raise Refusal("a badge has 1 to 255 characters")
        self.record(Badge.Registered, cause, now, badge=badge, kind=kind, group=group, expires_at=expires_at)

    def block(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if not self.registered:
            raise Refusal("this badge is not registered")
        if not self.blocked:
            self.record(Badge.Blocked, cause, now, reason=reason)

    def unblock(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if self.blocked:
            self.record(Badge.Unblocked, cause, now, reason=reason)

    def apply(self, event: Event) -> None:
        match event:
            case Badge.Registered():
                self.registered, self.kind = True, event.kind
                self.group, self.expires_at = event.group, event.expires_at
            case Badge.Blocked():
                self.blocked = True
            case Badge.Unblocked():
                self.blocked = False


def verdict(badge: Badge | None, unknown: Unknown, now: datetime) -> Verdict:
    """May this badge charge now? One rule for Authorize, StartTransaction and TransactionEvent.

    Source: OCPP 1.6 AuthorizationStatus, OCPP 2.0.1 AuthorizationStatusEnumType.
    """
    if badge is None or not badge.registered:
        return "Accepted" if unknown == "accept" else "Invalid"
    if badge.blocked:
        return "Blocked"
    if badge.expires_at is not None and badge.expires_at <= now:
        return "Expired"
    return "Accepted"
