"""The local list of a station (local authorization list): the badges it knows by itself, without asking us.

Source: OCPP 2.0.1 block D; OCPP 1.6 sections 3.5.2, 5.10 and 5.15. A list has a version greater than 0; a message
either replaces it (full) or changes it (differential), and a station refuses a change that is not newer than its list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from domain.aggregate import Aggregate
from domain.badge import FORGOTTEN, fold
from domain.event import AnyCause, Event, Refusal

ENVELOPE_BYTES = 160
ENTRY_BYTES = 120


def stream(station_id: str) -> str:
    return f"locallist/{station_id}"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a station is told of one badge; without a status it is taken off the list."""

    badge: str
    kind: str = "ISO14443"
    status: str | None = None
    group: str | None = None
    expires_at: datetime | None = None
    language: str | None = None
    message: str | None = None
    priority: int | None = None
    evses: tuple[int, ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How much a station takes: entries and bytes in one message, entries on its list."""

    items: int | None = None
    size_bytes: int | None = None
    entries: int | None = None


class Part(NamedTuple):
    """One message: the version of the list after it, whether it replaces the list, and how many entries are left."""

    version: int
    full: bool
    entries: tuple[Entry, ...]
    left: int


class LocalList(Aggregate):
    """What we believe is on the list of one station, and the message under way to it, one at a time.

    It is written by whoever asks and by whoever follows the commands, never by the session of the station.
    """

    class Requested(Event, tag="locallist.requested.v1"):
        """The list is to be brought in step with the badges; `full`: from scratch, whatever we believe is on it."""

        full: bool = False
        deadline_s: int | None = None
        limits: Limits = Limits()
        job_id: str | None = None

    class Sent(Event, tag="locallist.sent.v1"):
        """One message went on its way as a command; so many entries are left for later ones."""

        personal = "badge"
        command_id: str
        version: int
        full: bool
        entries: tuple[Entry, ...] = ()
        left: int = 0

    class Installed(Event, tag="locallist.installed.v1"):
        """The station took the message."""

        command_id: str
        version: int

    class Refused(Event, tag="locallist.refused.v1"):
        """The station did not take it, or nobody knows whether it did; its list is unknown until a full one."""

        command_id: str
        reason: str

    class Synchronised(Event, tag="locallist.synchronised.v1"):
        """The list is in step with the badges."""

        version: int | None
        entries: int

    class Abandoned(Event, tag="locallist.abandoned.v1"):
        """The list could not be brought in step."""

        reason: str

    class VersionReported(Event, tag="locallist.version_reported.v1"):
        """The station said which version it has: 0 for no list, -1 for no such thing (OCPP 1.6)."""

        version: int

    class Automated(Event, tag="locallist.automated.v1"):
        """From now on the list is kept in step whenever badges change, or no longer."""

        automatic: bool

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.version_known: int | None = None
        self.held: dict[str, Entry] | None = None
        self.wish: LocalList.Requested | None = None
        self.under_way: LocalList.Sent | None = None
        self.begun = False
        self.retried = False
        self.done = 0
        self.automatic: bool | None = None

    @property
    def station_id(self) -> str:
        return self.id.removeprefix("locallist/")

    def request(
        self,
        full: bool,
        deadline_s: int | None,
        limits: Limits,
        cause: AnyCause,
        now: datetime,
        job_id: str | None = None,
    ) -> None:
        """Ask for a synchronisation. One that runs takes up what changes meanwhile."""
        if self.under_way is not None:
            raise Refusal("a message for the local list of this station is under way; wait for its end")
        self.record(LocalList.Requested, cause, now, full=full, deadline_s=deadline_s, limits=limits, job_id=job_id)

    def automate(self, automatic: bool, cause: AnyCause, now: datetime) -> None:
        if automatic != self.automatic:
            self.record(LocalList.Automated, cause, now, automatic=automatic)

    def next_version(self) -> int:
        """Greater than what the station has, and never 0 or -1 (D01.FR.18; 1.6 errata 3.52)."""
        return max(self.version_known or 0, 0) + 1

    def next_part(self, wanted: Iterable[Entry], limits: Limits) -> Part | None:
        """The next message towards this list, or None when the station has it. Raises Refusal if it is too long.

        What is on the list is unknown at first and after a refusal: then a full one goes first, cut to what the station
        takes at once, and the rest follows as changes (D01.FR.15, D01.FR.03).
        """
        target = {fold(entry.badge): entry for entry in wanted}
        if limits.entries is not None and len(target) > limits.entries:
            raise Refusal(f"{len(target)} badges may charge there, but the list of the station holds {limits.entries}")
        full = self.held is None or (self.wish is not None and self.wish.full and not self.begun)
        changes = list(target.values()) if full else difference(self.held or {}, target)
        if not changes and not full:
            return None
        size = fitting(changes, limits)
        return Part(self.next_version(), full, tuple(changes[:size]), len(changes) - size)

    def send(self, command_id: str, part: Part, cause: AnyCause, now: datetime) -> None:
        if self.under_way is not None:
            raise Refusal("a message for the local list of this station is under way; wait for its end")
        if part.version < 1:
            raise Refusal("the version of a local list is 1 or more")
        version, full, entries, left = part
        self.record(
            LocalList.Sent, cause, now, command_id=command_id, version=version, full=full, entries=entries, left=left
        )

    def install(self, command_id: str, cause: AnyCause, now: datetime) -> None:
        """The station accepted; an answer to another command changes nothing."""
        if self.under_way is not None and self.under_way.command_id == command_id:
            version = self.under_way.version
            self.record(LocalList.Installed, cause, now, command_id=command_id, version=version)

    def refuse(self, command_id: str, reason: str, again: bool, cause: AnyCause, now: datetime) -> None:
        """The station did not take it. A refused change is followed by a full list, once (D01.FR.03)."""
        sent = self.under_way
        if sent is None or sent.command_id != command_id:
            return
        retry = again and not sent.full and not self.retried
        self.record(LocalList.Refused, cause, now, command_id=command_id, reason=reason)
        if self.wish is not None and not retry:
            self.record(LocalList.Abandoned, cause, now, reason=reason)

    def complete(self, cause: AnyCause, now: datetime) -> None:
        if self.wish is not None:
            entries = len(self.held or {})
            self.record(LocalList.Synchronised, cause, now, version=self.version_known, entries=entries)

    def abandon(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if self.wish is not None:
            self.record(LocalList.Abandoned, cause, now, reason=reason)

    def report(self, version: int, cause: AnyCause, now: datetime) -> None:
        self.record(LocalList.VersionReported, cause, now, version=version)

    def apply(self, event: Event) -> None:
        match event:
            case LocalList.Requested():
                self.wish, self.begun, self.retried, self.done = event, False, False, 0
            case LocalList.Sent():
                self.under_way, self.begun = event, True
            case LocalList.Installed():
                assert self.under_way is not None
                self.version_known, self.held = event.version, after(self.held, self.under_way)
                self.done += len(self.under_way.entries)
                self.under_way = None
            case LocalList.Refused():
                self.under_way, self.held, self.retried = None, None, True
            case LocalList.Synchronised() | LocalList.Abandoned():
                self.wish = None
            case LocalList.VersionReported():
                self.held = self.held if event.version == self.version_known else None
                self.version_known = event.version
            case LocalList.Automated():
                self.automatic = event.automatic


def after(held: Mapping[str, Entry] | None, sent: LocalList.Sent) -> dict[str, Entry] | None:
    """What is on the list after a message; a change of an unknown list leaves it unknown, and so does a badge that has
    been forgotten meanwhile: only a full list takes it off."""
    if held is None and not sent.full:
        return None
    known = {} if sent.full else dict(held or {})
    for entry in sent.entries:
        if entry.status is None:
            known.pop(fold(entry.badge), None)
        else:
            known[fold(entry.badge)] = entry
    return None if fold(FORGOTTEN) in known else known


def difference(held: Mapping[str, Entry], target: Mapping[str, Entry]) -> list[Entry]:
    """What to tell: first whom to take off or no longer let in, for that is what matters, then the others."""
    gone = [Entry(badge=entry.badge, kind=entry.kind) for key, entry in held.items() if key not in target]
    changed = [entry for key, entry in target.items() if held.get(key) != entry]
    return [*gone, *sorted(changed, key=lambda entry: entry.status == "Accepted")]


def fitting(entries: list[Entry], limits: Limits) -> int:
    """How many of the first entries go into one message; at least one, or it would never end."""
    most = len(entries) if limits.items is None else min(limits.items, len(entries))
    room = (limits.size_bytes or 2**62) - ENVELOPE_BYTES
    for count, entry in enumerate(entries[:most]):
        room -= len(msgspec.json.encode(entry)) + ENTRY_BYTES
        if room < 0:
            return max(count, 1)
    return most
