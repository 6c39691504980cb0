"""The doorman: who is it that sends a request? Tokens of the settings, tokens of the API, tokens of an identity
provider, and the sessions of browsers."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, get_args
from urllib.parse import urlsplit

from api.access import Principal
from api.pace import Pace
from api.settings import Settings
from application.ports import Issuer, Unreachable, Untrusted
from application.token import Tokens
from domain.token import PREFIX, Role, Token

KNOWN = 10_000
ANYWHERE = "*"
"""What a claim says of somebody with rights at every site."""


class Stranger(Exception):
    """Nobody we let in: the HTTP status, why, and the name as far as it is known."""

    def __init__(
        self, reason: str, status: int = 401, name: str | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.status, self.name, self.retry_after_s = reason, status, name, retry_after_s

    @property
    def code(self) -> str:
        return {401: "UNAUTHENTICATED", 403: "FORBIDDEN", 429: "RATE_LIMITED"}.get(self.status, "UNAVAILABLE")

    @property
    def headers(self) -> dict[str, str]:
        if self.status == 401:
            return {"WWW-Authenticate": "Bearer"}
        return {"Retry-After": str(self.retry_after_s)} if self.retry_after_s else {}


class Doorman:
    """Sessions of browsers end after a working day, with the token they began with, and with the process."""

    COOKIE = "bornier_session"
    SESSION_S = 12 * 3600

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens | None = None,
        issuer: Issuer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.given = {settings.admin_token: Principal("admin", frozenset({"admin"}))} | given(settings.tokens)
        self.tokens = tokens
        self.issuer = issuer
        self.mapping = mapping(settings.oidc_roles)
        self.sessions: dict[str, tuple[float, Principal]] = {}
        self.failures = Pace(settings.sign_in_failures_per_minute, settings.sign_in_failures_per_minute)
        self.pace = Pace(settings.requests_per_minute)
        self.proven: OrderedDict[bytes, None] = OrderedDict()
        self.clock = clock

    async def recognise(
        self, headers: Mapping[str, str], cookies: Mapping[str, str], address: str | None = None
    ) -> Principal:
        """Who sends a request: by its token, else by its session cookie. A page of another origin has no session here,
        even where the browser sends the cookie (another port of the same host is the same site). Raises Stranger."""
        if "authorization" in headers:
            return await self.bearer(headers["authorization"], address)
        until, principal = self.sessions.get(cookies.get(self.COOKIE, ""), (0.0, None))
        if principal is None or until <= self.clock() or not at_home(headers):
            raise Stranger("a bearer token is needed")
        if not self.valid(principal):
            raise Stranger("the token that this session began with is no longer valid", name=principal.name)
        return principal

    async def bearer(self, header: object, address: str | None = None) -> Principal:
        """Who holds the token of an `Authorization` value. Raises Stranger: 429 for an address that guesses."""
        scheme, _, token = header.partition(" ") if isinstance(header, str) else ("", "", "")
        if scheme.lower() != "bearer" or not (token := token.strip()):
            raise Stranger("a bearer token is needed")
        key = sha256(token.encode(errors="replace")).digest()
        if key not in self.proven and (wait := self.failures.wait(address or "")) is not None:
            raise Stranger("too many sign-ins failed, try later", 429, retry_after_s=wait)
        try:
            principal = await self.holder(token)
        except Stranger as stranger:
            if stranger.status == 401:
                self.failures.take(address or "")
            raise
        self.remember(key)
        return principal

    def remember(self, key: bytes) -> None:
        """A token that was right is looked at even when others guess from its address."""
        self.proven[key] = None
        self.proven.move_to_end(key)
        if len(self.proven) > KNOWN:
            self.proven.popitem(last=False)

    async def holder(self, text: str) -> Principal:
        """Who holds a token; every comparison takes the same time."""
        found = None
        for known, principal in self.given.items():
            if hmac.compare_digest(known.encode(), text.encode(errors="replace")):
                found = principal
        if found is not None:
            return found
        if self.tokens is not None and text.startswith(PREFIX):
            return await self.by_token(self.tokens, text)
        if self.issuer is not None and text.count(".") == 2:
            return await self.by_claims(self.issuer, text)
        raise Stranger("this token is not known")

    async def by_token(self, tokens: Tokens, text: str) -> Principal:
        token = tokens.find(text)
        if token is None or token.issued is None:
            raise Stranger("this token is not known")
        if not token.valid(tokens.clock()):
            why = "is revoked" if token.revoked else "has expired"
            raise Stranger(f"this token {why}", name=token.issued.name)
        await tokens.use(token)
        return holder_of(token)

    async def by_claims(self, issuer: Issuer, text: str) -> Principal:
        try:
            claims = await issuer.claims(text)
        except Untrusted as error:
            raise Stranger(str(error)) from None
        except Unreachable as error:
            raise Stranger(str(error), 503, retry_after_s=10) from None
        settings = self.settings
        name = str(claims.get(settings.oidc_name_claim) or claims["sub"])[:200]
        said = texts(claim(claims, settings.oidc_roles_claim))
        roles = {self.mapping.get(each, "") if self.mapping else each for each in said} & set(get_args(Role))
        if not roles:
            raise Stranger(f"{name} has no role here", 403, name)
        sites = texts(claim(claims, settings.oidc_sites_claim)) if settings.oidc_sites_claim else {ANYWHERE}
        if not sites:
            raise Stranger(f"{name} has no site here", 403, name)
        badges = texts(claim(claims, settings.oidc_badges_claim)) if roles == {"driver"} else ()
        limits = frozenset() if ANYWHERE in sites else frozenset(sites)
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return Principal(name, frozenset(roles), limits, frozenset(badges), expires_at=expires_at)

    def valid(self, principal: Principal) -> bool:
        """Is what it came with still good?"""
        if principal.expires_at is not None and principal.expires_at <= datetime.now(UTC):
            return False
        return principal.token_id is None or (self.tokens is not None and self.tokens.valid(principal.token_id))

    def admit(self, principal: Principal) -> str:
        """Begin a browser session; returns the value of its cookie. Sessions that are over are forgotten."""
        now, session = self.clock(), secrets.token_urlsafe(32)
        self.sessions = {known: entry for known, entry in self.sessions.items() if entry[0] > now}
        self.sessions[session] = (now + self.SESSION_S, principal)
        return session

    def dismiss(self, session: str) -> None:
        self.sessions.pop(session, None)


def holder_of(token: Token) -> Principal:
    """Whoever was given a token of the API."""
    issued = token.issued
    assert issued is not None
    return Principal(
        issued.name,
        frozenset(issued.roles),
        frozenset(issued.sites),
        frozenset(issued.badges),
        frozenset(issued.fields),
        issued.expires_at,
        token.token_id,
    )


def at_home(headers: Mapping[str, str]) -> bool:
    """The request comes from a page of this very host and port, or from no page at all."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or the parts of its path with dots between: `realm_access.roles`."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def texts(value: Any) -> set[str]:
    """A claim that is a list of texts, or one text with spaces between."""
    if isinstance(value, str):
        return set(value.split())
    return {each for each in value if isinstance(each, str)} if isinstance(value, list) else set()


def mapping(text: str) -> dict[str, str]:
    """`theirs=ours,…` as a table of roles. Raises ValueError."""
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        theirs, _, ours = pair.rpartition("=")
        if not theirs or ours not in get_args(Role):
            raise ValueError(f"BORNIER_OIDC_ROLES: {pair!r} must be theirs=ours, ours {', '.join(get_args(Role))}")
        found[theirs] = ours
    return found


def given(tokens: str) -> dict[str, Principal]:
    """`name:role:token,…` as principals, `name:role@site+site:token` limited to sites. Raises ValueError."""
    found: dict[str, Principal] = {}
    for line in filter(None, (part.strip() for part in tokens.split(","))):
        name, role, token = ([*line.split(":", 2), "", ""])[:3]
        role, _, sites = role.partition("@")
        if role not in get_args(Role) or len(token) < 16:
            raise ValueError(
                f"BORNIER_TOKENS: {name!r} must be name:role:token or name:role@site+site:token, role "
                f"{', '.join(get_args(Role))}, token 16 characters or more"
            )
        found[token] = Principal(name, frozenset({role}), frozenset(filter(None, sites.split("+"))))
    return found
