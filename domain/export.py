"""An export on a schedule: a dataset, written again and again, and delivered where others fetch it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

Period = Literal["DAY", "WEEK", "MONTH"]

LONGEST = 200
RETRIES_S = (60, 300, 900, 3_600, 10_800)
"""How long to wait after each failed try; after the last it is tried again so often until it works."""


def stream(export_id: str) -> str:
    return f"export/{export_id}"


class Span(NamedTuple):
    """A whole day, week or month of the export's time zone, as UTC: `since` is in it, `until` is not."""

    since: datetime
    until: datetime


class Export(Aggregate):
    """One schedule, from the wish for it to its end."""

    class Scheduled(Event, tag="export.scheduled.v1"):
        """Somebody wants a dataset delivered after every day, week or month, at an hour of the clock there.

        `place` is a folder under the exports of this installation, sftp://user@host/folder or s3://bucket/prefix.
        """

        dataset: str
        format: str
        period: Period
        at: str
        timezone: str
        place: str
        options: dict[str, str] = msgspec.field(default_factory=dict)
        site: str | None = None

    class Delivered(Event, tag="export.delivered.v1"):
        """A file with the rows of one period arrived."""

        since: datetime
        until: datetime
        file: str
        rows: int
        size_bytes: int
        sha256: str
        position: int

    class Failed(Event, tag="export.failed.v1"):
        """A file could not be delivered; it is tried again."""

        since: datetime
        until: datetime
        reason: str
        attempt: int

    class Stopped(Event, tag="export.stopped.v1"):
        """Nobody wants it any more; what was delivered stays where it is."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.wish: Export.Scheduled | None = None
        self.delivered_until: datetime | None = None
        self.attempts = 0
        self.failed_at: datetime | None = None
        self.stopped = False

    @property
    def live(self) -> bool:
        return self.wish is not None and not self.stopped

    def schedule(
        self, dataset: str, suffix: str, period: Period, at: str, timezone: str, place: str,
        options: dict[str, str], site: str | None, cause: AnyCause, now: datetime,
    ) -> None:  # fmt: skip
        """Raises Refusal for a time, a zone or a place that cannot be."""
        clock_time(at)
        zone(timezone)
        check(place)
        self.record(
            Export.Scheduled, cause, now, dataset=dataset, format=suffix, period=period, at=at, timezone=timezone,
            place=place, options=options, site=site,
        )  # fmt: skip

    def due(self, now: datetime) -> Span | None:
        """The oldest period that is over, at its hour, and not yet delivered; none while a failure is fresh."""
        if self.wish is None or self.stopped or (self.failed_at and now < self.failed_at + self.rest()):
            return None
        begin = self.delivered_until or self.wish.recorded_at
        span = period_of(self.wish, begin)
        return span if now >= hour_after(self.wish, span) else None

    def rest(self) -> timedelta:
        return timedelta(seconds=RETRIES_S[min(self.attempts, len(RETRIES_S)) - 1])

    def deliver(self, span: Span, file: str, rows: int, size_bytes: int, sha256: str, position: int, cause: AnyCause,
                now: datetime) -> None:  # fmt: skip
        self.record(
            Export.Delivered, cause, now, since=span.since, until=span.until, file=file, rows=rows,
            size_bytes=size_bytes, sha256=sha256, position=position,
        )  # fmt: skip

    def fail(self, span: Span, reason: str, cause: AnyCause, now: datetime) -> None:
        attempt = self.attempts + 1
        self.record(Export.Failed, cause, now, since=span.since, until=span.until, reason=reason, attempt=attempt)

    def stop(self, cause: AnyCause, now: datetime) -> None:
        if not self.live:
            raise Refusal("there is no such export on a schedule")
        self.record(Export.Stopped, cause, now)

    def apply(self, event: Event) -> None:
        match event:
            case Export.Scheduled():
                self.wish = event
            case Export.Delivered():
                self.delivered_until, self.attempts, self.failed_at = event.until, 0, None
            case Export.Failed():
                self.attempts, self.failed_at = event.attempt, event.recorded_at
            case Export.Stopped():
                self.stopped = True


def clock_time(text: str) -> time:
    """Raises Refusal."""
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise Refusal(f"{text!r} is no time of day: say it like 05:30") from None


def zone(name: str) -> ZoneInfo:
    """Raises Refusal."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refusal(f"there is no time zone {name!r}: say it like Europe/Paris") from None


def check(place: str) -> None:
    """Raises Refusal for a place that cannot be, or that carries a secret."""
    if not 1 <= len(place) <= LONGEST or not place.isprintable():
        raise Refusal(f"a place has 1 to {LONGEST} printable characters")
    parts = urlsplit(place)
    if parts.scheme not in ("", "s3", "sftp"):
        raise Refusal("a place is a folder name, sftp://user@host/folder or s3://bucket/prefix")
    if parts.password is not None:
        raise Refusal("no password in a place: SFTP uses the key of BORNIER_SFTP_KEY")
    if parts.scheme and not parts.hostname:
        raise Refusal(f"which host? {place!r} names none")
    if parts.scheme == "sftp" and not parts.username:
        raise Refusal("which user? say sftp://user@host/folder")
    if not parts.scheme and (place.startswith(("/", "\\")) or ".." in place.replace("\\", "/").split("/")):
        raise Refusal("a folder is a name under BORNIER_EXPORTS, without .. and not from the root")


def period_of(wish: Export.Scheduled, moment: datetime) -> Span:
    """The period a moment lies in, by the local calendar (a day may have 23 or 25 hours)."""
    there = zone(wish.timezone)
    first = moment.astimezone(there).date()
    if wish.period == "WEEK":
        first -= timedelta(days=first.weekday())
    if wish.period == "MONTH":
        first = first.replace(day=1)
    after = first + timedelta(days={"DAY": 1, "WEEK": 7, "MONTH": 32}[wish.period])
    if wish.period == "MONTH":
        after = after.replace(day=1)
    since, until = (datetime.combine(day, time(), there).astimezone(UTC) for day in (first, after))
    return Span(since, until)


def hour_after(wish: Export.Scheduled, span: Span) -> datetime:
    """When the file of a period is made: at the hour wished, on the day after its last."""
    day = span.until.astimezone(zone(wish.timezone)).date()
    return datetime.combine(day, clock_time(wish.at), zone(wish.timezone)).astimezone(UTC)
