"""A certificate that we signed for a station: from its signing to its replacement or revocation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

Kind = Literal["ChargingStationCertificate", "V2GCertificate", "V2G20Certificate"]


def stream(serial_number: str) -> str:
    return f"certificate/{serial_number.lower()}"


class Certificate(Aggregate):
    """One certificate of our own authority, known by its serial number in hexadecimal."""

    class Signed(Event, tag="certificate.signed.v1"):
        """Our authority signed what a station asked for."""

        station_id: str
        kind: str
        common_name: str
        not_before: datetime
        not_after: datetime
        chain: str

    class Delivered(Event, tag="certificate.delivered.v1"):
        """The station took it, and uses it from now on."""

    class Declined(Event, tag="certificate.declined.v1"):
        """The station did not take it."""

        reason: str

    class RenewalDue(Event, tag="certificate.renewal_due.v1"):
        """It ends soon, so the station is asked for a new signing request."""

    class Revoked(Event, tag="certificate.revoked.v1"):
        """An operator declared it invalid; nobody connects with it any more."""

        reason: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.station_id: str | None = None
        self.kind = ""
        self.not_before: datetime
        self.not_after: datetime
        self.delivered = self.ended = self.revoked = self.due = False

    @property
    def serial_number(self) -> str:
        return self.id.removeprefix("certificate/")

    def sign(self, cause: AnyCause, now: datetime, **facts: object) -> None:
        self.record(Certificate.Signed, cause, now, **facts)

    def deliver(self, cause: AnyCause, now: datetime) -> None:
        if not self.delivered and not self.revoked:
            self.record(Certificate.Delivered, cause, now)

    def decline(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if not self.delivered and not self.ended:
            self.record(Certificate.Declined, cause, now, reason=reason)

    def expiring(self, before: timedelta, now: datetime) -> bool:
        """In use, and to be renewed by now."""
        return self.delivered and not self.revoked and now >= self.not_after - before

    def renew(self, cause: AnyCause, now: datetime) -> None:
        if not self.due:
            self.record(Certificate.RenewalDue, cause, now)

    def revoke(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if self.station_id is None:
            raise Refusal("we have not signed a certificate with this serial number")
        if self.revoked:
            raise Refusal("this certificate is already revoked")
        self.record(Certificate.Revoked, cause, now, reason=reason)

    def apply(self, event: Event) -> None:
        match event:
            case Certificate.Signed():
                self.station_id, self.kind = event.station_id, event.kind
                self.not_before, self.not_after = event.not_before, event.not_after
            case Certificate.Delivered():
                self.delivered = True
            case Certificate.Declined():
                self.ended = True
            case Certificate.RenewalDue():
                self.due = True
            case Certificate.Revoked():
                self.revoked = True
