"""The client: tokens, batches and single items over HTTP. A batch that is refused is halved until each item has its own
fate; what may have arrived is never said to have failed."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import msgspec

from application.ports import Outcome
from domain.qualicharge import Draft, Kind

TOKEN_S = 25 * 60.0
"""Tokens are valid for 30 minutes."""
TOKENS_A_MINUTE = 4
WORTH_PACKING = 1_000
LONGEST_REASON = 500
PATHS: dict[Kind, str] = {
    "STATIC": "/statique/bulk", "STATUS": "/dynamique/status/bulk", "SESSION": "/dynamique/session/bulk"
}  # fmt: skip
QUICKER = {"STATUS": 3}
"""Statuses may be sent three times as often as the others."""
SPLIT = frozenset({400, 403, 404, 409, 413, 422})
"""Refusals of a whole batch that may be the fault of one item, or of the size."""


class Unreached(Exception):
    """The request surely did not arrive; it may be sent again. `wait_s`: not before."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Unknown(Exception):
    """The request may have arrived, or not."""


class Client:
    """`Authority` of QualiCharge for the outbox. Works in one event loop; close it at the end."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        company: str,
        calls_per_minute: int,
        timeout_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.credentials = {"username": user, "password": password}
        self.least_s = 60.0 / calls_per_minute
        self.now = now
        self.client = httpx.AsyncClient(
            base_url=url.rstrip("/"), timeout=timeout_s, headers={"user-agent": company}, follow_redirects=False
        )
        self.token, self.token_until = "", 0.0
        self.free_at: dict[str, float] = {}

    async def close(self) -> None:
        await self.client.aclose()

    async def send(self, kind: Kind, drafts: Sequence[Draft]) -> list[Outcome]:
        """The fate of each, in their order. Never raises for what the other side does."""
        try:
            response = await self.ask("POST", PATHS[kind], kind, [draft.payload for draft in drafts])
        except Unreached as error:
            return [Outcome("RETURNED", reason=str(error), wait_s=error.wait_s)] * len(drafts)
        except Unknown as error:
            return [Outcome("UNCERTAIN", reason=str(error))] * len(drafts)
        if response.status_code == 201:
            return taken(response, kind, drafts)
        if response.status_code in SPLIT and len(drafts) > 1:
            half = len(drafts) // 2
            first = await self.send(kind, drafts[:half])
            return [*first, *await self.send(kind, drafts[half:])]
        return [Outcome("REFUSED", status=response.status_code, reason=reason(response))] * len(drafts)

    async def stored(self, reference: str) -> bool | None:
        """Does QualiCharge have the session? None: nobody can say now."""
        try:
            response = await self.ask("GET", "/dynamique/session/check", "CHECK", query={"session_id": reference})
        except (Unreached, Unknown):
            return None
        return {200: True, 404: False}.get(response.status_code)

    async def ask(
        self, method: str, path: str, kind: str, body: Any = None, query: dict[str, str] | None = None
    ) -> httpx.Response:
        """One request with a token that is valid; a token that is refused is replaced once."""
        for last in (False, True):
            token = await self.authorized()
            await self.pace(kind)
            headers, content = packed(body)
            headers["authorization"] = f"Bearer {token}"
            response = await self.request(method, path, headers, content, query)
            if response.status_code != 401:
                break
            self.token = ""
            if last:
                raise Unreached("the credentials are refused (401): see BORNIER_QUALICHARGE_USER", 60.0)
        if response.status_code == 429:
            raise Unreached("too many requests (429)", wish(response))
        if response.status_code >= 500 or not (response.is_success or response.is_client_error):
            raise Unknown(f"QualiCharge answered {response.status_code}")
        return response

    async def request(
        self, method: str, path: str, headers: dict[str, str], content: bytes | None, query: dict[str, str] | None
    ) -> httpx.Response:
        try:
            return await self.client.request(method, path, headers=headers, content=content, params=query)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreached(f"QualiCharge cannot be reached: {str(error) or type(error).__name__}") from error
        except (httpx.HTTPError, OSError) as error:
            raise Unknown(f"no answer: {str(error) or type(error).__name__}") from error

    async def authorized(self) -> str:
        """A token, asked for again before it ends. Raises Unreached."""
        if self.token and self.now() < self.token_until:
            return self.token
        await self.pace("TOKEN", 60.0 / TOKENS_A_MINUTE)
        try:
            response = await self.client.post("/auth/token", data=self.credentials)
        except (httpx.HTTPError, OSError) as error:
            raise Unreached(f"no token: {str(error) or type(error).__name__}") from error
        if response.status_code in (400, 401, 403, 422):
            raise Unreached(f"the credentials are refused ({response.status_code}): see BORNIER_QUALICHARGE_USER", 60.0)
        try:
            self.token = str(response.raise_for_status().json()["access_token"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise Unreached(f"no token: QualiCharge answered {response.status_code}", wish(response)) from error
        self.token_until = self.now() + TOKEN_S
        return self.token

    async def pace(self, kind: str, least_s: float | None = None) -> None:
        """Not more often than was announced: wait for our turn."""
        least_s = self.least_s / QUICKER.get(kind, 1) if least_s is None else least_s
        turn = max(self.free_at.get(kind, 0.0), self.now())
        self.free_at[kind] = turn + least_s
        if (wait_s := turn - self.now()) > 0:
            await asyncio.sleep(wait_s)


def packed(body: Any) -> tuple[dict[str, str], bytes | None]:
    if body is None:
        return {}, None
    content, headers = msgspec.json.encode(body), {"content-type": "application/json"}
    if len(content) < WORTH_PACKING:
        return headers, content
    return headers | {"content-encoding": "gzip"}, gzip.compress(content, mtime=0)


def taken(response: httpx.Response, kind: Kind, drafts: Sequence[Draft]) -> list[Outcome]:
    """The ids come in the order of what was sent; a charge point keeps its own."""
    try:
        items = response.json()["items"]
    except (ValueError, KeyError, TypeError):
        items = None
    if kind == "STATIC":
        return [Outcome("ACCEPTED", reference=draft.point) for draft in drafts]
    if not isinstance(items, list) or len(items) != len(drafts):
        return [Outcome("ACCEPTED")] * len(drafts)
    return [Outcome("ACCEPTED", reference=str(item)) for item in items]


def reason(response: httpx.Response) -> str:
    """In the words of the server, which says in a list what fits where (422), or in a text."""
    try:
        said = response.json()
    except ValueError:
        said = response.text
    detail = said.get("detail", said) if isinstance(said, dict) else said
    if isinstance(detail, list):
        detail = "; ".join(
            f"{'.'.join(map(str, each.get('loc', ())[1:]))}: {each.get('msg')}" if isinstance(each, dict) else str(each)
            for each in detail
        )
    return f"{detail}"[:LONGEST_REASON] or f"QualiCharge answered {response.status_code}"


def wish(response: httpx.Response) -> float:
    said = response.headers.get("retry-after", "").strip()
    return float(said[:6]) if said.isdecimal() else 30.0
