"""Security of a station: which security profile it must use, and the life of its password."""

from __future__ import annotations

from datetime import datetime

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

PROFILES = range(4)
WORDS = ("no authentication", "HTTP Basic", "TLS and HTTP Basic", "TLS and a client certificate")


def stream(station_id: str) -> str:
    return f"security/{station_id}"


class Security(Aggregate):
    """How one station proves who it is (OCPP 2.0.1 block A; OCPP 1.6 security whitepaper)."""

    class ProfileRequired(Event, tag="security.profile_required.v1"):
        """An operator decided the lowest security profile the station may use; this is the only way down."""

        profile: int
        reason: str | None = None

    class ProfileReached(Event, tag="security.profile_reached.v1"):
        """The station connected with a higher security profile than ever; it may not go back (A05.FR.07)."""

        profile: int

    class CertificateNamed(Event, tag="security.certificate_named.v1"):
        """The common name in the station's certificates is not its id but this, such as its serial number."""

        common_name: str

    class PasswordOffered(Event, tag="security.password_offered.v1"):
        """A new password is on its way to the station; the one before stays valid until it returns with the new."""

        credential_id: str

    class PasswordAdopted(Event, tag="security.password_adopted.v1"):
        """The station returned with the new password; the one before is over."""

        credential_id: str

    class PasswordDeclined(Event, tag="security.password_declined.v1"):
        """The station did not take the new password; the one before stays (A01.FR.04)."""

        credential_id: str
        reason: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.required: int | None = None
        self.reached = 0
        self.common_name: str | None = None
        self.offered: set[str] = set()

    @property
    def station_id(self) -> str:
        return self.id.removeprefix("security/")

    def least(self, default: int) -> int:
        """The lowest profile the station may use; `default` is for a station nobody decided about."""
        return max(default if self.required is None else self.required, self.reached)

    def names(self) -> set[str]:
        """Common names that a certificate of this station may have (A00.FR.405)."""
        return {self.station_id, self.common_name or self.station_id}

    def require(self, profile: int, reason: str | None, cause: AnyCause, now: datetime) -> None:
        if profile not in PROFILES:
            raise Refusal("a security profile is 0, 1, 2 or 3")
        self.record(Security.ProfileRequired, cause, now, profile=profile, reason=reason)

    def reach(self, profile: int, cause: AnyCause, now: datetime) -> None:
        """The station connected with this profile."""
        if profile > self.reached:
            self.record(Security.ProfileReached, cause, now, profile=profile)

    def name(self, common_name: str, cause: AnyCause, now: datetime) -> None:
        if common_name != self.common_name:
            self.record(Security.CertificateNamed, cause, now, common_name=common_name)

    def offer(self, credential_id: str, cause: AnyCause, now: datetime) -> None:
        self.record(Security.PasswordOffered, cause, now, credential_id=credential_id)

    def adopt(self, credential_id: str, cause: AnyCause, now: datetime) -> None:
        if credential_id in self.offered:
            self.record(Security.PasswordAdopted, cause, now, credential_id=credential_id)

    def decline(self, credential_id: str, reason: str, cause: AnyCause, now: datetime) -> None:
        if credential_id in self.offered:
            self.record(Security.PasswordDeclined, cause, now, credential_id=credential_id, reason=reason)

    def apply(self, event: Event) -> None:
        match event:
            case Security.ProfileRequired():
                self.required = event.profile
                self.reached = min(self.reached, event.profile)
            case Security.ProfileReached():
                self.reached = event.profile
            case Security.CertificateNamed():
                self.common_name = event.common_name
            case Security.PasswordOffered():
                self.offered.add(event.credential_id)
            case Security.PasswordAdopted():
                self.offered.clear()
            case Security.PasswordDeclined():
                self.offered.discard(event.credential_id)
