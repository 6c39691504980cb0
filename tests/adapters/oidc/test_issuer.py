"""Tokens of a real provider over a real socket: the right ones are read, all others are refused with a reason."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from adapters.oidc.issuer import Issuer
from application.ports import Unreachable, Untrusted
from tests.provider import AUDIENCE, QUIET, Provider, provider

pytestmark = pytest.mark.filterwarnings(QUIET)
SOON = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture(scope="module")
def theirs() -> Iterator[Provider]:
    with provider() as running:
        yield running


async def signed_in(theirs: Provider, person: str = "anna", audience: str = AUDIENCE) -> str:
    return await asyncio.to_thread(theirs.sign_in, person, audience, roles=["operator"])


async def refused(issuer: Issuer, token: str, words: str) -> None:
    with pytest.raises(Untrusted, match=words):
        await issuer.claims(token)


async def test_a_token_of_the_provider_is_read(theirs: Provider) -> None:
    claims = await Issuer(theirs.url, AUDIENCE).claims(await signed_in(theirs))
    assert (claims["sub"], claims["roles"], claims["iss"]) == ("anna", ["operator"], theirs.url)


async def test_a_token_for_somebody_else_is_refused(theirs: Provider) -> None:
    await refused(Issuer(theirs.url, AUDIENCE), await signed_in(theirs, audience="another"), "audience")


async def test_a_token_of_another_issuer_or_without_end_is_refused(theirs: Provider) -> None:
    with provider() as other:
        await refused(Issuer(theirs.url, AUDIENCE), await signed_in(other), "signature|key")


async def test_a_token_that_has_expired_is_refused() -> None:
    with provider(lives=timedelta(seconds=-300)) as past:
        await refused(Issuer(past.url, AUDIENCE), await signed_in(past), "has expired")


async def test_what_is_no_token_and_what_is_not_signed_by_a_private_key_is_refused(theirs: Provider) -> None:
    issuer, claims = Issuer(theirs.url, AUDIENCE), {"sub": "eve", "aud": AUDIENCE, "iss": theirs.url, "exp": SOON}
    async with httpx.AsyncClient() as client:
        public = json.dumps((await client.get(f"{theirs.url}/jwks")).json()["keys"][0])
    await refused(issuer, jwt.encode(claims, "", algorithm="none"), "none are not accepted")
    shared = encoded({"alg": "HS256"}) + "." + encoded(claims | {"exp": SOON.timestamp()})
    mac = hmac.digest(public.encode(), shared.encode(), "sha256")
    await refused(issuer, f"{shared}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}", "HS256")
    await refused(issuer, "a.b.c", "no token")
    await refused(issuer, "x" * 20_000, "too long")
    head, body, signature = (await signed_in(theirs)).split(".")
    data = json.loads(base64.urlsafe_b64decode(body + "==")) | {"roles": ["admin"]}
    await refused(issuer, f"{head}.{encoded(data)}.{signature}", "signature")


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


async def test_a_new_key_is_fetched_but_not_for_everybody_who_invents_one() -> None:
    now = 0.0
    with provider() as first:
        issuer = Issuer(first.url, AUDIENCE, clock=lambda: now)
        old = await signed_in(first)
        await issuer.claims(old)
    with provider(first.port) as second:
        token = await signed_in(second)
        await refused(issuer, token, "key that the identity provider does not have|signature")  # asked just now
        now += 11
        assert (await issuer.claims(token))["sub"] == "anna"
        await refused(issuer, old, "key that the identity provider does not have|signature")
        tried = issuer.tried_at
        for _ in range(5):
            await refused(issuer, old, "key|signature")
        assert issuer.tried_at == tried


async def test_known_keys_go_on_while_the_provider_is_away() -> None:
    now = 0.0
    with provider() as running:
        issuer, late = (Issuer(running.url, AUDIENCE, clock=lambda: now) for _ in range(2))
        token = await signed_in(running)
        await issuer.claims(token)
    now += 2 * 3_600
    assert (await issuer.claims(token))["sub"] == "anna"
    with pytest.raises(Unreachable):
        await late.claims(token)


async def test_a_provider_that_says_it_is_another_is_not_believed(theirs: Provider) -> None:
    elsewhere = Issuer(theirs.url.replace("localhost", "127.0.0.1") + "/", AUDIENCE)
    with pytest.raises(Unreachable):
        await elsewhere.claims(await signed_in(theirs))
