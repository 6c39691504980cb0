"""A webhook: where somebody outside wants to be told of events, which ones, and what became of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

LONGEST_URL = 2_000
LONGEST_DESCRIPTION = 500
MOST_TOPICS = 100
OWN = "webhook."
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def stream(webhook_id: str) -> str:
    return f"webhook/{webhook_id}"


class Webhook(Aggregate):
    """An address outside that is told of events, each signed with a secret that both sides know."""

    class Registered(Event, tag="webhook.registered.v1"):
        """Somebody outside wants to be told of events. `topics`: exact ones, `noun.*`, or `*`; `begin`: the position
        after which it is told; none: from this event on."""

        url: str
        topics: tuple[str, ...]
        station_id: str | None = None
        description: str | None = None
        begin: int | None = None

    class SecretRotated(Event, tag="webhook.secret_rotated.v1"):
        """It has a new secret; until then what is sent also carries the signature of the old one."""

        old_until: datetime

    class Paused(Event, tag="webhook.paused.v1"):
        """Nothing is sent until somebody resumes it; what happens meanwhile waits."""

        reason: str | None = None

    class Resumed(Event, tag="webhook.resumed.v1"):
        """It is told again, of everything since."""

    class Disabled(Event, tag="webhook.disabled.v1"):
        """We stopped sending: the target is gone for good, or took nothing for too long. What happens waits."""

        reason: str
        status: int | None = None

    class Tested(Event, tag="webhook.tested.v1"):
        """Somebody let us send a test event; `reason`: why it did not arrive."""

        status: int | None = None
        reason: str | None = None

    class DeadLettered(Event, tag="webhook.dead_lettered.v1"):
        """An event could not be delivered however often we tried; those after it go on. `subject`: its stream."""

        position: int
        subject: str
        kind: str
        attempts: int
        first_tried_at: datetime
        reason: str
        status: int | None = None
        answer: str | None = None

    class RedeliveryRequested(Event, tag="webhook.redelivery_requested.v1"):
        """Somebody wants dead letters to be sent once more."""

        positions: tuple[int, ...]

    class Redelivered(Event, tag="webhook.redelivered.v1"):
        """A dead letter arrived after all."""

        position: int

    class ReplayRequested(Event, tag="webhook.replay_requested.v1"):
        """Somebody wants everything after a position to be sent once more."""

        begin: int

    class Removed(Event, tag="webhook.removed.v1"):
        """It is told nothing any more, and its secret is forgotten."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.url = ""
        self.state = ""
        self.dead: frozenset[int] = frozenset()

    def register(
        self,
        url: str,
        topics: Sequence[str],
        known: Iterable[str],
        private: bool,
        cause: AnyCause,
        now: datetime,
        station_id: str | None = None,
        description: str | None = None,
        begin: int | None = None,
    ) -> None:
        """`known`: every topic there is; `private`: may the target be in our own network?"""
        check_url(url, private)
        check_topics(topics, known)
        if description is not None and len(description) > LONGEST_DESCRIPTION:
            raise Refusal(f"a description has at most {LONGEST_DESCRIPTION} characters")
        self.record(
            Webhook.Registered,
            cause,
            now,
            url=url,
            topics=tuple(dict.fromkeys(topics)),
            station_id=station_id,
            description=description,
            begin=begin,
        )

    def rotate(self, old_until: datetime, cause: AnyCause, now: datetime) -> None:
        self.exists()
        self.record(Webhook.SecretRotated, cause, now, old_until=old_until)

    def pause(self, reason: str | None, cause: AnyCause, now: datetime) -> None:
        self.exists()
        if self.state == "active":
            self.record(Webhook.Paused, cause, now, reason=reason)

    def resume(self, cause: AnyCause, now: datetime) -> None:
        self.exists()
        if self.state != "active":
            self.record(Webhook.Resumed, cause, now)

    def disable(self, reason: str, status: int | None, cause: AnyCause, now: datetime) -> None:
        if self.state == "active":
            self.record(Webhook.Disabled, cause, now, reason=reason, status=status)

    def test(self, status: int | None, reason: str | None, cause: AnyCause, now: datetime) -> None:
        self.exists()
        self.record(Webhook.Tested, cause, now, status=status, reason=reason)

    def give_up(self, position: int, cause: AnyCause, now: datetime, **facts: object) -> None:
        """An event is a dead letter from now on; giving up twice is once."""
        if self.state and position not in self.dead:
            self.record(Webhook.DeadLettered, cause, now, position=position, **facts)

    def redeliver(self, position: int | None, cause: AnyCause, now: datetime) -> None:
        """Send a dead letter once more, or all of them."""
        self.exists()
        if position is not None and position not in self.dead:
            raise Refusal(f"there is no dead letter of position {position} here")
        positions = tuple(sorted(self.dead)) if position is None else (position,)
        if positions:
            self.record(Webhook.RedeliveryRequested, cause, now, positions=positions)

    def arrive(self, position: int, cause: AnyCause, now: datetime) -> None:
        if position in self.dead:
            self.record(Webhook.Redelivered, cause, now, position=position)

    def replay_from(self, begin: int, cause: AnyCause, now: datetime) -> None:
        self.exists()
        self.record(Webhook.ReplayRequested, cause, now, begin=begin)

    def remove(self, cause: AnyCause, now: datetime) -> None:
        self.exists()
        self.record(Webhook.Removed, cause, now)

    def exists(self) -> None:
        if self.state in ("", "removed"):
            raise Refusal(f"there is no webhook {self.id.removeprefix('webhook/')}")

    def apply(self, event: Event) -> None:
        match event:
            case Webhook.Registered():
                self.url, self.state = event.url, "active"
            case Webhook.Resumed():
                self.state = "active"
            case Webhook.Paused():
                self.state = "paused"
            case Webhook.Disabled():
                self.state = "disabled"
            case Webhook.DeadLettered():
                self.dead |= {event.position}
            case Webhook.Redelivered():
                self.dead -= {event.position}
            case Webhook.Removed():
                self.state = "removed"


def matches(pattern: str, topic: str) -> bool:
    """`*` is every topic, `noun.*` all of a noun; webhooks are never told about webhooks, which would never end."""
    if topic.startswith(OWN):
        return False
    return pattern in ("*", topic) or (pattern.endswith(".*") and topic.startswith(pattern[:-1]))


def check_topics(patterns: Sequence[str], known: Iterable[str]) -> None:
    """Raises Refusal for a pattern that no topic fits."""
    topics = list(known)
    if not 1 <= len(patterns) <= MOST_TOPICS:
        raise Refusal(f"a webhook has 1 to {MOST_TOPICS} topics; * is every topic")
    for pattern in patterns:
        if not any(matches(pattern, topic) for topic in topics):
            raise Refusal(f"no topic fits {pattern[:80]!r}: say transaction.ended.v1, transaction.* or *")


def check_url(url: str, private: bool) -> None:
    """Raises Refusal for an address that nothing can, or should, be sent to."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise Refusal(f"a webhook's address is a URL of at most {LONGEST_URL:,} printable ASCII characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Refusal(f"this is no URL: {error}") from None
    if parts.scheme not in ("https", "http") or not host:
        raise Refusal("a webhook's address begins with https://")
    if "@" in parts.netloc or parts.fragment:
        raise Refusal("a webhook's address has no password and no #fragment: what is sent is signed")
    if private:
        return
    if parts.scheme != "https":
        raise Refusal("a webhook's address begins with https:// (http:// needs BORNIER_WEBHOOK_PRIVATE)")
    if host == "localhost" or host.endswith(".localhost") or (is_address(host) and not public(host)):
        raise Refusal(f"{host} is in a private network (BORNIER_WEBHOOK_PRIVATE would allow it)")


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def public(address: str) -> bool:
    """Is this an address of the Internet, and not one of our own network in some disguise?"""
    one = ipaddress.ip_address(address)
    if isinstance(one, ipaddress.IPv6Address):
        inner = (
            one.ipv4_mapped or one.sixtofour or (ipaddress.IPv4Address(int(one) & 0xFFFFFFFF) if one in NAT64 else None)
        )
        if inner is not None:
            return public(str(inner))
    return one.is_global and not one.is_multicast


@dataclass(frozen=True)
class Patience:
    """How long to wait before the next attempt, and when to give up."""

    first_s: float = 5.0
    most_s: float = 36_000.0
    attempts: int = 9
    off_s: float = 259_200.0

    def pause_s(self, failures: int, luck: float, wish_s: float = 0.0) -> float:
        """Four times as long after every failure, a quarter more or less by luck (0 to 1); not before the target
        wishes, and never longer than the longest pause."""
        longer = self.first_s * 4.0 ** min(max(failures, 1) - 1, 20) * (0.75 + 0.5 * luck)
        return min(max(longer, wish_s), self.most_s)

    def exhausted(self, attempts: int, since: datetime | None, now: datetime) -> bool:
        """Has an event been refused so often, or tried for so long, that it is a dead letter?"""
        return attempts >= self.attempts or self.over(since, now)

    def over(self, since: datetime | None, now: datetime) -> bool:
        return since is not None and (now - since).total_seconds() >= self.off_s
