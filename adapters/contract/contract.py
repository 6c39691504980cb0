"""The Plug & Charge backend over HTTP: one POST of JSON per question, `<address>/<question>`, answered with JSON.

The questions and their answers are in docs/plug-and-charge.md.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from domain.event import Refusal

log = logging.getLogger("bornier.contract")

TIMEOUT_S = 20.0
LONGEST = 1_000_000


class Backend:
    """Knows who signs contract certificates and who answers OCSP; we only carry questions there."""

    def __init__(self, address: str, token: str = "", timeout_s: float = TIMEOUT_S) -> None:
        self.address = address.rstrip("/")
        self.token = token
        self.timeout_s = timeout_s

    async def ask(self, question: str, content: dict[str, Any]) -> dict[str, Any]:
        """Its answer. Raises Refusal, with the reason, when there is none."""
        return await asyncio.to_thread(self.post, question, content)

    def post(self, question: str, content: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = Request(f"{self.address}/{question}", json.dumps(content).encode(), headers, method="POST")
        try:
            with urlopen(request, timeout=self.timeout_s) as response:
                answer = json.loads(response.read(LONGEST))
        except HTTPError as error:
            error.close()
            raise Refusal(f"the Plug & Charge backend answered {error.code}") from None
        except (OSError, ValueError) as error:
            log.warning("the Plug & Charge backend does not answer %s: %s", question, error)
            raise Refusal("the Plug & Charge backend does not answer") from None
        if not isinstance(answer, dict):
            raise Refusal("the Plug & Charge backend did not answer with an object")
        return answer
