"""The history: do the read models keep up with it, is its last seal whole, and do the clocks of stations fit?"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from api.doctor.finding import Finding, Findings, fail, first_line, ok, warn
from domain.audit import GENESIS
from projections import checkpoint
from projections.audit import SEAL, Signer, compare, read, within
from projections.catalog import PROJECTIONS
from projections.feed import Feed

BEHIND = 10_000
STALE = timedelta(minutes=1)
SKEW = timedelta(minutes=1)
RECENT = 2_000
SHOWN = 5


class Told(msgspec.Struct):
    """What of an event tells about a clock."""

    station_id: str = ""
    occurred_at: datetime | None = None
    recorded_at: datetime | None = None
    cause: dict[str, Any] = {}

    @property
    def late(self) -> timedelta:
        assert self.occurred_at is not None
        assert self.recorded_at is not None
        return self.recorded_at - self.occurred_at

    @property
    def dated(self) -> bool:
        """The station said when; otherwise the times are one and the same."""
        known = self.occurred_at and self.recorded_at and self.cause.get("by") == "ocpp"
        return bool(known and self.occurred_at != self.recorded_at)


TOLD = msgspec.json.Decoder(Told)


def projections(connection: Connection, feed: Feed, now: datetime) -> Findings:
    head, known = feed.head(), checkpoint.read(connection)
    for name in PROJECTIONS:
        found = known.get(name)
        if found is not None and found.error:
            mend = f"mend the cause and it goes on by itself; `bornier rebuild {name}` makes it again"
            yield fail("projections", f"{name} stands still at {found.position}: {found.error}", mend)
    slow = [name for name in PROJECTIONS if head - (known[name].position if name in known else 0) > BEHIND]
    moved = max((place.moved_at for place in known.values() if place.moved_at), default=None)
    behind = max((head - place.position for name, place in known.items() if name in PROJECTIONS), default=head)
    if behind > 0 and (moved is None or now - moved > STALE):
        words = f"the read models are {behind:,} events behind, and none has moved for {ago(now, moved)}"
        yield warn("projections", words, "start a process with the role projector: `bornier run --role projector`")
    elif slow:
        words = f"{', '.join(slow[:SHOWN])} are up to {behind:,} events behind"
        yield warn("projections", words, "wait; if it grows, give the projector and the database more CPU")
    elif not any(place.error for place in known.values()):
        yield ok("projections", f"{len(PROJECTIONS)} read models are at most {behind:,} events behind")


def ago(now: datetime, moved: datetime | None) -> str:
    return "ever" if moved is None else f"{(now - moved).total_seconds():,.0f} s"


def seals(connection: Connection, feed: Feed, signer: Signer) -> Finding:
    """The last seal only; `bornier verify` checks all of them."""
    rows = connection.execute(select(SEAL).order_by(SEAL.c.first.desc()).limit(2)).all()
    if not rows:
        return ok("seals", "nothing is sealed yet")
    last, before = read(rows[0]), read(rows[1]) if len(rows) > 1 else None
    mend = "run `bornier verify`; keep the database as it is for whoever investigates"
    try:
        if not signer.genuine(last.text, last.signature):
            return fail(
                "seals", "the last seal is not signed by our key", "set BORNIER_AUDIT_KEY to the key of the seals"
            )
    except (OSError, ValueError) as error:
        return fail(
            "seals", f"the key cannot be read: {first_line(error)}", "bring BORNIER_AUDIT_KEY back from a backup"
        )
    if last.previous != (before.digest if before else GENESIS):
        return fail("seals", "the last seal does not follow the one before it", mend)
    for fault in compare(last, within(feed, last.first)):
        return fail("seals", str(fault), mend)
    return ok("seals", f"the last seal, up to position {last.last:,}, is whole")


def station_clocks(feed: Feed) -> Finding:
    """From what stations told last: one that is ahead tells the future; one that is behind is always late."""
    delays: dict[str, list[timedelta]] = defaultdict(list)
    for row in feed.read(max(feed.head() - RECENT, 0), RECENT):
        told = TOLD.decode(row.state)
        if told.dated:
            delays[told.station_id or row.stream.removeprefix("station/")].append(told.late)
    wrong = {station: min(found, key=abs) for station, found in delays.items() if abs(min(found, key=abs)) > SKEW}
    if not wrong:
        return ok("station clocks", f"{len(delays)} stations that spoke lately are within {SKEW.seconds} s of ours")
    worst = sorted(wrong, key=lambda station: abs(wrong[station]), reverse=True)[:SHOWN]
    words = ", ".join(f"{station} {-wrong[station].total_seconds():+,.0f} s" for station in worst)
    mend = "set the clock of the station: NTP in its configuration, or Heartbeat as its time source"
    return warn("station clocks", f"{len(wrong)} of {len(delays)} stations are off: {words}", mend)
