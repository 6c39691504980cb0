"""The sender: one signed HTTP request in the form of Standard Webhooks, and never into our own network by mistake.

A name is resolved once, its addresses are looked at, and the connection goes to just such an address: a name that
resolves otherwise a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache

import httpx

from application.ports import Reply
from domain.webhook import public

LONGEST_ANSWER = 1_000
CONTENT = "application/cloudevents+json"
LOOKUPS = ThreadPoolExecutor(16, "webhook-names")
"""Names that take long to resolve must not keep anything else waiting."""


class Forbidden(Exception):
    """The target is in a private network; the text says where."""


class Sender:
    """Sends from one event loop; `private`: may targets be in our own network? Close it at the end."""

    def __init__(
        self, private: bool, timeout_s: float, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.private = private
        self.timeout_s = timeout_s
        self.clock = clock
        self.client = httpx.AsyncClient(
            verify=trusted(), follow_redirects=False, trust_env=False, timeout=timeout_s,
            headers={"user-agent": "bornier", "accept-encoding": "identity"},
        )  # fmt: skip

    async def close(self) -> None:
        await self.client.aclose()

    async def send(self, url: str, secrets: Sequence[str], number: str, body: bytes) -> Reply:
        """One signed request; `number` is the key by which the receiver knows a repetition. Never raises."""
        began = time.monotonic()
        status, answer, reason, wish = None, "", None, 0.0
        try:
            async with asyncio.timeout(self.timeout_s):
                response, answer = await self.post(httpx.URL(url), self.headers(secrets, number, body), body)
            status, wish = response.status_code, retry_after(response.headers.get("retry-after"), self.clock())
            if not response.is_success:
                reason = f"the target answered {status}"
        except (TimeoutError, httpx.TimeoutException):
            reason = f"no answer within {self.timeout_s:g} s"
        except (Forbidden, httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            reason = str(error) or type(error).__name__
        return Reply(status, answer, reason, round((time.monotonic() - began) * 1000), wish)

    def headers(self, secrets: Sequence[str], number: str, body: bytes) -> dict[str, str]:
        moment = str(int(self.clock().timestamp()))
        return {
            "content-type": CONTENT,
            "webhook-id": number,
            "webhook-timestamp": moment,
            "webhook-signature": " ".join(signature(secret, number, moment, body) for secret in secrets),
        }

    async def post(self, url: httpx.URL, headers: dict[str, str], body: bytes) -> tuple[httpx.Response, str]:
        """To the first address that takes a connection."""
        fault: Exception = OSError(f"{url.host} has no address")
        for address in await self.addresses(url.host, url.port or (443 if url.scheme == "https" else 80)):
            try:
                return await self.post_to(address, url, headers, body)
            except httpx.ConnectError as error:
                fault = error
        raise fault

    async def post_to(
        self, address: str, url: httpx.URL, headers: dict[str, str], body: bytes
    ) -> tuple[httpx.Response, str]:
        headers = headers | {"host": url.netloc.decode()}
        known = {"sni_hostname": url.host}
        begin = self.client.stream("POST", url.copy_with(host=address), headers=headers, content=body, extensions=known)
        async with begin as response:
            read = b""
            async for chunk in response.aiter_raw():
                read += chunk
                if len(read) >= LONGEST_ANSWER:
                    break
        return response, read[:LONGEST_ANSWER].decode(errors="replace").replace("\0", "�")

    async def addresses(self, host: str, port: int) -> list[str]:
        """Where a name leads to, without what it must not lead to. Raises Forbidden, OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(LOOKUPS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        every = list(dict.fromkeys(str(place[4][0]) for place in found))
        allowed = [address for address in every if self.private or public(address)]
        if every and not allowed:
            raise Forbidden(f"{host} is at {every[0]}, in a private network (BORNIER_WEBHOOK_PRIVATE would allow it)")
        return allowed


@cache
def trusted() -> ssl.SSLContext:
    """The roots of this machine."""
    return ssl.create_default_context()


def signature(secret: str, number: str, moment: str, body: bytes) -> str:
    """Standard Webhooks, symmetric: HMAC-SHA256 over id, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.digest(key, f"{number}.{moment}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def retry_after(header: str | None, now: datetime) -> float:
    """Seconds that the target wishes us to wait: a number or a date (RFC 9110, 10.2.3); 0 for anything else."""
    if not header:
        return 0.0
    if header.strip().isdecimal():
        return float(header.strip()[:9])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)
