"""Admission: whether whoever knocks is the station it says, safely enough; and what is kept of those who are not."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from cryptography import x509

from application.amend import amend
from application.history import History
from application.journal import Journal
from application.log import about
from application.ports import Credentials
from application.snapshot import load
from domain.admission import Admission
from domain.admission import stream as admission_stream
from domain.certificate import Certificate
from domain.certificate import stream as certificate_stream
from domain.event import Connection
from domain.security import WORDS, Security
from domain.security import stream as security_stream
from domain.x509 import common_name, serial

log = logging.getLogger("bornier.admission")

MINUTE_S = 60.0
PER_ADDRESS = 20
KNOWN = 10_000
QUEUE = 1_000


class Knock(NamedTuple):
    """An attempt to connect, as far as it is known; `certificate` is one that TLS has verified."""

    address: str | None
    path: str | None = None
    station_id: str | None = None
    offered: tuple[str, ...] = ()
    user: str | None = None
    password: bytes | None = None
    encrypted: bool = False
    certificate: x509.Certificate | None = None

    @property
    def host(self) -> str:
        return (self.address or "").rpartition(":")[0]


class Denied(Exception):
    """Not let in: the HTTP status, and why."""

    def __init__(self, status: int, reason: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s


class Entry(NamedTuple):
    """How a station proved who it is: the security profile, a password it uses for the first time, its certificate."""

    profile: int
    security: Security
    adopted: str | None = None
    serial_number: str | None = None


class Admissions:
    """Decides over every knock of this gateway. `default` is the lowest profile of a station nobody decided about."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        credentials: Credentials,
        default: int,
        per_minute: int,
        clock: Callable[[], datetime],
    ) -> None:
        self.journal = journal
        self.history = history
        self.credentials = credentials
        self.default = default
        self.limit = Limit(per_minute)
        self.clock = clock
        self.denials: Counter[str] = Counter()
        self.queue: asyncio.Queue[tuple[Knock, Denied, int]] = asyncio.Queue(QUEUE)
        self.unrecorded = 0

    async def admit(self, knock: Knock) -> Entry:
        """Raises Denied: 429 too often, 401 wrong or no password, 403 not with this certificate or not so openly."""
        assert knock.station_id is not None
        wait = self.limit.wait(knock, asyncio.get_running_loop().time())
        if wait is not None:
            raise Denied(429, "too many attempts failed, try later", wait)
        security, _ = await asyncio.to_thread(load, self.history, Security(security_stream(knock.station_id)))
        if knock.certificate is not None:
            await asyncio.to_thread(self.check, knock.certificate, security)
            return Entry(3, security, serial_number=serial(knock.certificate))
        return await self.by_password(knock, security)

    async def by_password(self, knock: Knock, security: Security) -> Entry:
        """Profiles 0 to 2. The user is the station's id, character for character (A00.FR.204)."""
        proof = await self.credentials.verify(security.station_id, knock.password)
        if not proof.accepted or knock.user not in (None, security.station_id):
            raise Denied(401, "unknown station or wrong password")
        profile = (2 if knock.encrypted else 1) if proof.proven else 0
        least = security.least(self.default)
        if profile < least:
            helps = least < 3 and (2 if knock.encrypted else 1) >= least
            raise Denied(401 if helps else 403, f"this station must use security profile {least}: {WORDS[least]}")
        return Entry(profile, security, proof.adopted)

    def check(self, certificate: x509.Certificate, security: Security) -> None:
        """Whose certificate it is: one of ours is whose it was signed for, another's is whose name it bears."""
        signed, _ = load(self.history, Certificate(certificate_stream(serial(certificate))))
        if signed.revoked:
            raise Denied(403, "this certificate is revoked")
        if signed.station_id is not None:
            mine = signed.station_id == security.station_id
        else:
            mine = common_name(certificate.subject) in security.names()
        if not mine:
            raise Denied(403, "this certificate is of another station (A00.FR.405)")

    async def entered(self, entry: Entry, cause: Connection) -> None:
        """The station is in: what is new about its security becomes a fact."""
        if entry.profile <= entry.security.reached and entry.adopted is None:
            return

        def decide(security: Security) -> None:
            security.reach(entry.profile, cause, self.clock())
            if entry.adopted is not None:
                security.adopt(entry.adopted, cause, self.clock())

        await amend(self.journal, self.history, lambda: Security(entry.security.id), decide)

    def deny(self, knock: Knock, denied: Denied) -> None:
        """Somebody was not let in: count it, remember who, and keep it as a fact unless there are too many."""
        self.denials[str(denied.status) if denied.status else "TLS"] += 1
        with about(station_id=knock.station_id):
            log.warning("%s from %s was not let in: %s", knock.station_id or "somebody", knock.address, denied.reason)
        if denied.status == 429 or not self.limit.failed(knock, asyncio.get_running_loop().time()):
            self.unrecorded += 1
            return
        try:
            self.queue.put_nowait((knock, denied, self.unrecorded))
            self.unrecorded = 0
        except asyncio.QueueFull:
            self.unrecorded += 1

    async def keep(self) -> None:
        """Write denials down, beside the answer: whoever knocks in vain waits for nothing of ours."""
        while True:
            try:
                await self.write(*await self.queue.get())
            except Exception as error:
                self.unrecorded += 1
                log.error("a denied connection was not recorded: %s", error)

    async def write(self, knock: Knock, denied: Denied, unrecorded: int) -> None:
        cause = Connection(connection_id="", gateway="", address=knock.address)

        def decide(admission: Admission) -> None:
            admission.record(
                Admission.Refused,
                cause,
                self.clock(),
                reason=denied.reason,
                status=denied.status or None,
                claimed_id=knock.station_id,
                address=knock.address,
                path=(knock.path or "")[:500] or None,
                offered=tuple(name[:50] for name in knock.offered[:10]),
                unrecorded=unrecorded,
            )

        await amend(self.journal, self.history, lambda: Admission(admission_stream(knock.station_id)), decide)


class Limit:
    """Failures of the last minute, by station and host and by host; bounded, the longest silent are forgotten."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self.failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def wait(self, knock: Knock, now: float) -> int | None:
        """Seconds until this knock may be looked at again; None if now."""
        return max(
            (wait for key, most in self.keys(knock) if (wait := self.wait_for(key, most, now)) is not None),
            default=None,
        )

    def wait_for(self, key: tuple[str, str], most: int, now: float) -> int | None:
        times = self.failures.get(key)
        while times and times[0] <= now - MINUTE_S:
            times.popleft()
        return int(times[0] + MINUTE_S - now) + 1 if times and len(times) >= most else None

    def failed(self, knock: Knock, now: float) -> bool:
        """One more failure. False once there are more than a minute may have: those are not recorded."""
        room = self.wait(knock, now) is None
        for key, most in self.keys(knock):
            self.failures.setdefault(key, deque(maxlen=most)).append(now)
            self.failures.move_to_end(key)
        while len(self.failures) > KNOWN:
            self.failures.popitem(last=False)
        return room

    def keys(self, knock: Knock) -> list[tuple[tuple[str, str], int]]:
        named = knock.station_id or ""
        return [((knock.host, named), self.per_minute), ((knock.host, ""), self.per_minute * PER_ADDRESS)]
