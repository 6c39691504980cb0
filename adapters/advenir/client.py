"""The client of Advenir's web service: one request with HTTP Basic authentication, and what its answer says."""

from __future__ import annotations

import json
from typing import Any

import httpx

from application.ports import Told

LONGEST = 1_000_000
SHOWN = 4_000


class Client:
    """`Regulator` of the application. Login and password are in no event, no answer and no log."""

    def __init__(self, url: str, verb: str, user_id: str, login: str, password: str, timeout_s: float = 30.0) -> None:
        self.url = url
        self.verb = verb
        self.user_id = user_id
        self.hidden = {login, password} - {""}
        self.http = httpx.AsyncClient(auth=(login, password), timeout=timeout_s)

    async def send(self, body: bytes) -> Told:
        """Whatever goes wrong on the way is a reason: nobody knows then whether it arrived."""
        try:
            async with self.http.stream(
                self.verb, self.url, content=body, headers={"Content-Type": "application/json"}
            ) as response:
                status, text = response.status_code, await self.text(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Told(None, "", reason=f"no answer: {self.harmless(str(error)) or type(error).__name__}")
        return read(status, self.harmless(text)) if 200 <= status < 300 else Told(
            status, self.harmless(text)[:SHOWN], reason=words(status)
        )  # fmt: skip

    async def text(self, response: httpx.Response) -> str:
        """No answer is so long."""
        read = b""
        async for piece in response.aiter_bytes():
            read += piece
            if len(read) > LONGEST:
                break
        return read[:LONGEST].decode("utf-8", "replace").replace("\0", "")

    def harmless(self, text: str) -> str:
        for secret in self.hidden:
            text = text.replace(secret, "***")
        return text

    async def close(self) -> None:
        await self.http.aclose()


def read(status: int, text: str) -> Told:
    """An answer in the documented form; anything else is no answer."""
    try:
        told: Any = json.loads(text)
    except (ValueError, RecursionError):
        return Told(status, text[:SHOWN], reason="the answer is no JSON")
    if not isinstance(told, dict) or told.get("statut") not in ("OK", "ECHEC"):
        return Told(status, text[:SHOWN], reason="the answer says neither OK nor ECHEC")
    details = told.get("details")
    details = details if isinstance(details, dict) else {}
    return Told(status, text[:SHOWN], told["statut"], {str(code): listed(each) for code, each in details.items()})


def listed(told: Any) -> list[Any] | None:
    return told if isinstance(told, list) else None


def words(status: int) -> str:
    if status in (401, 403):
        return f"HTTP {status}: see BORNIER_ADVENIR_LOGIN and BORNIER_ADVENIR_PASSWORD"
    if 300 <= status < 400:
        return f"HTTP {status}: the address has moved, see BORNIER_ADVENIR_URL"
    return f"HTTP {status}"
