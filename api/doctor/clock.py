"""The clocks: ours against the database's, and against a time server if somebody names one."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
from sqlalchemy import Connection, text

from api.doctor.finding import Finding, fail, first_line, ok, warn

Clock = Callable[[], datetime]
NEAR, FAR = timedelta(seconds=2), timedelta(seconds=30)
PATIENCE_S = 5.0
NTP_EPOCH = 2_208_988_800
MEND = "let chrony or systemd-timesyncd keep the clock of this machine and of the database's"


def database_clock(connection: Connection, clock: Clock) -> Finding | None:
    """None on SQLite, which has the same clock."""
    if connection.dialect.name != "postgresql":
        return None
    before = clock()
    theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return judged("database clock", middle(before, clock()) - theirs, "the database's")


def time_server(address: str, clock: Clock) -> Finding:
    """`http(s)://host` (its Date header, whole seconds) or `ntp://host[:port]`."""
    try:
        ours, theirs = (ntp if address.startswith("ntp://") else http)(address, clock)
    except (OSError, httpx.HTTPError, ValueError) as error:
        return warn("clock", f"{address} does not tell the time: {first_line(error)}", "name another --time-server")
    return judged("clock", ours - theirs, f"that of {address}")


def judged(check: str, off: timedelta, whose: str) -> Finding:
    words = f"our clock is {abs(off).total_seconds():.1f} s {'ahead of' if off > timedelta(0) else 'behind'} {whose}"
    if abs(off) <= NEAR:
        return ok(check, words)
    return (warn if abs(off) <= FAR else fail)(check, words, MEND)


def http(address: str, clock: Clock) -> tuple[datetime, datetime]:
    before = clock()
    told = httpx.head(address, timeout=PATIENCE_S).headers.get("date")
    if told is None:
        raise ValueError("no Date header")
    return middle(before, clock()), parsedate_to_datetime(told) + timedelta(seconds=0.5)


def ntp(address: str, clock: Clock) -> tuple[datetime, datetime]:
    """One question of SNTP (RFC 4330): 48 bytes there and back; the time is in the last eight."""
    place = urlsplit(address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(PATIENCE_S)
        before = clock()
        line.sendto(b"\x23" + bytes(47), (place.hostname or "", place.port or 123))
        answer = line.recv(128)
        after = clock()
    if len(answer) < 48:
        raise ValueError("that is no answer of NTP")
    seconds, fraction = struct.unpack("!II", answer[40:48])
    if not seconds:
        raise ValueError("the time server does not know the time itself")
    return middle(before, after), datetime.fromtimestamp(seconds - NTP_EPOCH + fraction / 2**32, UTC)


def middle(before: datetime, after: datetime) -> datetime:
    return before + (after - before) / 2
