"""A token: a program or a person may use the API, within a scope and until a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, get_args

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

Role = Literal["viewer", "operator", "admin", "auditor", "driver"]
PREFIX = "bornier_"
LONGEST = timedelta(days=5 * 366)
USED_EVERY = timedelta(hours=1)
LONGEST_NAME, MOST = 100, 200


def stream(token_id: str) -> str:
    return f"token/{token_id}"


def digest(secret: str) -> str:
    """What is kept of a secret. It is 256 random bits, so nobody finds it again from this."""
    return sha256(secret.encode(errors="replace")).hexdigest()


def idle(used_at: datetime | None, now: datetime) -> bool:
    """Is another use worth telling?"""
    return used_at is None or now - used_at >= USED_EVERY


class Token(Aggregate):
    """A bearer token. The secret is shown once, to whoever issued it; the history holds its SHA-256."""

    class Issued(Event, tag="token.issued.v1"):
        """Somebody was given a token: these roles, at these sites and for these badges and fields, until then."""

        personal = "badge"
        name: str
        token_hash: str
        roles: tuple[str, ...]
        expires_at: datetime
        sites: tuple[str, ...] = ()
        badges: tuple[str, ...] = ()
        fields: tuple[str, ...] = ()

    class Used(Event, tag="token.used.v1"):
        """The token was used; told at most once an hour."""

    class Revoked(Event, tag="token.revoked.v1"):
        """The token is no longer valid, though its time is not over."""

        reason: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.issued: Token.Issued | None = None
        self.revoked = False
        self.used_at: datetime | None = None

    @property
    def token_id(self) -> str:
        return self.id.partition("/")[2]

    def issue(
        self,
        name: str,
        token_hash: str,
        roles: tuple[str, ...],
        expires_at: datetime,
        cause: AnyCause,
        now: datetime,
        sites: tuple[str, ...] = (),
        badges: tuple[str, ...] = (),
        fields: tuple[str, ...] = (),
    ) -> None:
        """`sites` empty: all of them; `fields` empty: all that the roles may. Raises Refusal."""
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or not name.strip():
            raise Refusal(f"a token has a name of 1 to {LONGEST_NAME} printable characters")
        if not roles or set(roles) - set(get_args(Role)):
            raise Refusal(f"a token has one or more of the roles {', '.join(get_args(Role))}")
        if ("driver" in roles) != bool(badges) or ("driver" in roles and len(set(roles)) > 1):
            raise Refusal("a token of a driver names badges and has no other role; any other names none")
        if max(len(sites), len(badges), len(fields)) > MOST:
            raise Refusal(f"a token names at most {MOST} sites, badges or fields")
        if not now < expires_at <= now + LONGEST:
            raise Refusal("a token expires in the future, and within 5 years")
        facts = {"name": name, "token_hash": token_hash, "roles": tuple(sorted(set(roles))), "expires_at": expires_at}
        self.record(Token.Issued, cause, now, **facts, sites=sites, badges=badges, fields=fields)

    def use(self, cause: AnyCause, now: datetime) -> None:
        """Somebody came with it; nothing happens if that is known of this hour."""
        if self.valid(now) and idle(self.used_at, now):
            self.record(Token.Used, cause, now)

    def revoke(self, reason: str, cause: AnyCause, now: datetime) -> None:
        """Raises Refusal where there is nothing to revoke."""
        if self.issued is None:
            raise Refusal(f"there is no token {self.token_id}")
        if self.revoked:
            raise Refusal("this token is revoked already")
        self.record(Token.Revoked, cause, now, reason=reason)

    def valid(self, now: datetime) -> bool:
        return self.issued is not None and not self.revoked and now < self.issued.expires_at

    def apply(self, event: Event) -> None:
        match event:
            case Token.Issued():
                self.issued = event
            case Token.Used():
                self.used_at = event.recorded_at
            case Token.Revoked():
                self.revoked = True
