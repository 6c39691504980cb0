"""A receiver of webhooks: a real HTTP server on loopback; the library of Standard Webhooks checks what it gets."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from standardwebhooks.webhooks import Webhook

Answer = tuple[int, dict[str, str], float]
"""Status, headers, and how many seconds it takes."""
FINE: Answer = (204, {}, 0.0)


class Letter(NamedTuple):
    """One request as it came."""

    id: str
    headers: Mapping[str, str]
    body: bytes
    event: dict[str, Any]

    @property
    def position(self) -> int:
        return int(self.event["id"])


class Receiver:
    """`secret` must be set before anything comes; `answer` says what each letter is answered."""

    def __init__(self, answer: Callable[[dict[str, Any]], Answer] = lambda event: FINE, secret: str = "") -> None:
        self.answer = answer
        self.secret = secret
        self.letters: list[Letter] = []
        self.forged: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.reply(self, receiver.take(dict(self.headers.items()), body))

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def accepted(self) -> list[Letter]:
        """Every event once, in the order of arrival, as a receiver that drops repetitions sees them."""
        seen: dict[str, Letter] = {}
        for letter in self.letters:
            seen.setdefault(letter.id, letter)
        return list(seen.values())

    def take(self, headers: dict[str, str], body: bytes) -> Answer:
        try:
            event: dict[str, Any] = Webhook(self.secret).verify(body, {k.lower(): v for k, v in headers.items()})
        except Exception as error:
            self.forged.append(f"{type(error).__name__}: {error}")
            return 401, {}, 0.0
        answer = self.answer(event)
        if 200 <= answer[0] < 300:
            self.letters.append(Letter(headers["webhook-id"], headers, body, event))
        return answer

    def reply(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        status, headers, seconds = answer
        time.sleep(seconds)
        words = b"" if status == 204 else f"status {status}".encode()
        with contextlib.suppress(ConnectionError):  # whoever was in a hurry has hung up
            handler.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(words))}).items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(words)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
