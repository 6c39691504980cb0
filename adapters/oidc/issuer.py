"""OpenID Connect: whether a bearer JWT is one that our identity provider signed for us, and still valid."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt

from application.ports import Unreachable, Untrusted

log = logging.getLogger("bornier.oidc")

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Signatures that a public key verifies. Neither `none` nor HMAC, whose key would be the public one."""
LEEWAY_S, TIMEOUT_S = 60, 5.0
STALE_S, AGAIN_S = 3_600.0, 10.0
LONGEST = 16_384
MOST_BYTES = 1_000_000


class Issuer:
    """One provider. Its keys are fetched when first needed, once an hour, and when a key nobody knows turns up, but not
    more often than every `again_s`; while it does not answer, the keys that are known go on."""

    def __init__(
        self,
        url: str,
        audience: str,
        again_s: float = AGAIN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self.audience = audience
        self.again_s = again_s
        self.clock = clock
        self.keys: dict[str | None, jwt.PyJWK] = {}
        self.fetched_at: float | None = None
        self.tried_at: float | None = None
        self.fetching = asyncio.Lock()

    async def claims(self, token: str) -> dict[str, Any]:
        """What the provider says of whoever holds the token. Raises Untrusted, or Unreachable if no key is known."""
        kid, algorithm = header(token)
        if not self.keys or self.clock() - (self.fetched_at or 0.0) > STALE_S:
            await self.fetch()
        if self.key(kid) is None:
            await self.fetch()
        if not self.keys:
            raise Unreachable("the identity provider does not answer")
        key = self.key(kid)
        if key is None:
            raise Untrusted("the token is signed with a key that the identity provider does not have")
        try:
            return self.read(token, key, algorithm)
        except jwt.InvalidSignatureError:
            if kid is None and await self.fetch() and (key := self.key(kid)) is not None:
                return self.read(token, key, algorithm, again=True)
            raise Untrusted("the signature of the token is wrong") from None

    def read(self, token: str, key: jwt.PyJWK, algorithm: str, again: bool = False) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self.audience,
                issuer=self.url,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.InvalidSignatureError:
            if again:
                raise Untrusted("the signature of the token is wrong") from None
            raise
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Untrusted(words(error)) from None

    def key(self, kid: str | None) -> jwt.PyJWK | None:
        """The key of that name; a token that names none fits a provider that has one."""
        if kid is None and len(self.keys) == 1:
            return next(iter(self.keys.values()))
        return self.keys.get(kid)

    async def fetch(self) -> bool:
        """Get the keys of today, unless that was tried just now. True if they came."""
        async with self.fetching:
            now = self.clock()
            if self.tried_at is not None and now - self.tried_at < self.again_s:
                return False
            self.tried_at = now
            try:
                self.keys = await self.published()
            except (httpx.HTTPError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
                log.warning("the keys of %s cannot be had: %s", self.url, error or type(error).__name__)
                return False
            self.fetched_at = now
            return True

    async def published(self) -> dict[str | None, jwt.PyJWK]:
        """The keys that sign, by their names (OpenID Connect Discovery 1.0; RFC 7517)."""
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
            about = await get(client, f"{self.url.rstrip('/')}/.well-known/openid-configuration")
            if about["issuer"] != self.url:
                raise ValueError(f"it says it is {about['issuer']!r}")
            if self.url.startswith("https://") and not about["jwks_uri"].startswith("https://"):
                raise ValueError("its keys are not at an https address")
            found = await get(client, about["jwks_uri"])
        keys = {}
        for known in found["keys"]:
            if known.get("kty") in ("RSA", "EC", "OKP") and known.get("use", "sig") == "sig":
                try:
                    keys[known.get("kid")] = jwt.PyJWK(known)
                except jwt.PyJWTError:
                    continue  # of a kind we do not speak
        if not keys:
            raise ValueError("it publishes no key that signs")
        return keys


async def get(client: httpx.AsyncClient, url: str) -> Any:
    async with client.stream("GET", url) as response:
        response.raise_for_status()
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MOST_BYTES:
                raise ValueError(f"{url} does not end")
    return httpx.Response(200, content=body).json()


def header(token: str) -> tuple[str | None, str]:
    """The name of the key, and the algorithm. Raises Untrusted."""
    if len(token) > LONGEST:
        raise Untrusted("the token is too long")
    try:
        said = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise Untrusted("this is no token") from None
    algorithm = said.get("alg")
    if algorithm not in ALGORITHMS:
        raise Untrusted(f"tokens signed by {str(algorithm)[:20]} are not accepted")
    return said.get("kid"), str(algorithm)


def words(error: Exception) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "the token has expired"
        case jwt.ImmatureSignatureError():
            return "the token is not valid yet"
        case jwt.InvalidAudienceError():
            return "the token is for somebody else (audience)"
        case jwt.InvalidIssuerError():
            return "the token is of another issuer"
        case jwt.MissingRequiredClaimError():
            return f"the token does not say {error.claim}"
        case _:
            return "the token cannot be read"
