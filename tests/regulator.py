"""Advenir's web service as far as it is known: a real HTTP server on loopback that accepts and refuses by its codes.

It shares nothing with what it checks: it was written from the agreement of three open clients (docs/advenir.md).
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from types import TracebackType
from typing import Any, NamedTuple, Self

USER_ID = "7a0c0f4e-1111-4222-8333-944445555666"
LOGIN, PASSWORD = "operator@example.org", "s3cret-of-advenir"
TWELVE_H = 12 * 3600
DROP = 0
Answer = tuple[int, Any]
"""Status (DROP: hang up) and body."""


class Request(NamedTuple):
    """One request as it came."""

    verb: str
    body: bytes

    @property
    def charges(self) -> dict[tuple[str, str], Any]:
        """(station, transaction) → what was told."""
        ((_, stations),) = json.loads(self.body).items()
        return {(station, number): told for station, own in stations.items() for number, told in own.items()}


class Regulator:
    """`mood` answers in place of the rules when it returns something; `after` answers once it was recorded."""

    def __init__(self, verb: str = "POST") -> None:
        self.verb = verb
        self.mood: Callable[[Request], Answer | None] = lambda request: None
        self.after: Callable[[Request], Answer | None] = lambda request: None
        self.delay_s = 0.0
        self.requests: list[Request] = []
        self.recorded: dict[tuple[str, str], Any] = {}
        self.twice: list[tuple[str, str]] = []
        regulator = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                regulator.handle(self)

            do_POST = do_PUT = do_GET = handle_any

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/api/operation/put"

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def handle(self, connection: BaseHTTPRequestHandler) -> None:
        body = connection.rfile.read(int(connection.headers.get("Content-Length", 0)))
        request = Request(connection.command, body)
        with self.lock:
            self.requests.append(request)
            status, told = self.mood(request) or self.judge(request, connection.headers.get("Authorization"))
            status, told = self.after(request) or (status, told)
        time.sleep(self.delay_s)
        if status == DROP:
            connection.close_connection = True
            return
        text = told if isinstance(told, bytes) else json.dumps(told).encode()
        with contextlib.suppress(OSError):
            connection.send_response(status)
            connection.send_header("Content-Length", str(len(text)))
            connection.end_headers()
            connection.wfile.write(text)

    def judge(self, request: Request, authorization: str | None) -> Answer:
        expected = "Basic " + base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
        if authorization != expected:
            return 401, b"who are you?"
        if request.verb != self.verb:
            return 405, b"not like this"
        try:
            told = json.loads(request.body)
        except ValueError:
            return 200, failed("103")
        if not shaped(told):
            return 200, failed("101")
        ((user_id, _),) = told.items()
        if user_id != USER_ID:
            return 200, failed("104")
        return 200, self.record(request.charges)

    def record(self, charges: dict[tuple[str, str], Any]) -> dict[str, Any]:
        """Everything that can be recorded is, and everything else is named by its start and stop."""
        details: dict[str, list[int]] = {}
        for key, told in charges.items():
            points = indexes(told)
            code = refusal(points)
            if code is None and key in self.recorded:
                code = "202"
                self.twice.append(key)
            if code is None:
                self.recorded[key] = told
            else:
                details.setdefault(code, []).extend((points[0][0], points[-1][0]))
        return {"statut": "ECHEC" if details.keys() - {"202"} else "OK", "details": details}


def failed(code: str) -> dict[str, Any]:
    return {"statut": "ECHEC", "details": {code: None}}


def shaped(told: Any) -> bool:
    """{UserID: {station: {transaction: an operation or a load curve}}}, all numbers whole."""
    if not isinstance(told, dict) or len(told) != 1:
        return False
    ((_, stations),) = told.items()
    return isinstance(stations, dict) and all(
        isinstance(own, dict) and all(known(charge) for charge in own.values()) for own in stations.values()
    )


def known(charge: Any) -> bool:
    if isinstance(charge, dict):
        names = {"StartTransaction", "StopTransaction", "StartValue", "StopValue"}
        return charge.keys() == names and all(type(value) is int for value in charge.values())
    return (
        isinstance(charge, list)
        and len(charge) > 1
        and all(
            isinstance(point, dict)
            and point.keys() == {"timestamp", "value"}
            and all(type(value) is int for value in point.values())
            for point in charge
        )
    )


def indexes(charge: Any) -> list[tuple[int, int]]:
    if isinstance(charge, dict):
        return [(charge["StartTransaction"], charge["StartValue"]), (charge["StopTransaction"], charge["StopValue"])]
    return [(point["timestamp"], point["value"]) for point in charge]


def refusal(points: list[tuple[int, int]]) -> str | None:
    for (at, wh), (later, more) in pairwise(points):
        if later <= at or more < wh:
            return "201"
        if later - at > TWELVE_H:
            return "203"
    return None
