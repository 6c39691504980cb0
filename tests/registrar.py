"""A QualiCharge of our own, for tests: routes and checks are those of the saved OpenAPI, manners those that were
seen of the real one. It is not the real one."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import jsonschema_rs
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

GOLDEN = Path(__file__).parent / "golden/qualicharge"
OPENAPI = json.loads((GOLDEN / "openapi-v1-qualicharge-0.33.1.json").read_text("utf-8"))
USER, PASSWORD = "operator", "a-secret-of-tests"


def validator(path: str) -> Any:
    """The schema of the body of a POST."""
    body = OPENAPI["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return jsonschema_rs.validator_for({**body, "components": OPENAPI["components"]}, validate_formats=True)


class Registrar:
    """What it was told. `trouble`: statuses to answer instead, one for each call of a kind; `limit`: of a batch."""

    def __init__(self, limit: int = 10) -> None:
        self.limit = limit
        self.points: dict[str, dict[str, Any]] = {}
        self.statuses: list[dict[str, Any]] = []
        self.sessions: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, int]] = []
        self.tokens: set[str] = set()
        self.agents: set[str] = set()
        self.packed = 0
        self.trouble: dict[str, list[int]] = {}
        self.drop_answers = 0
        bodies = {
            path: each["post"].get("requestBody", {}) for path, each in OPENAPI["paths"].items() if "post" in each
        }
        self.checks = {
            path: validator(path) for path, body in bodies.items() if "application/json" in body.get("content", {})
        }
        self.url = ""

    def app(self) -> Starlette:
        handlers = {
            "/auth/token": self.token, "/statique/bulk": self.static, "/dynamique/status/bulk": self.status,
            "/dynamique/session/bulk": self.session, "/dynamique/session/check": self.check,
        }  # fmt: skip
        routes = [
            Route(f"/api/v1{path}", handlers[path], methods=[method.upper() for method in OPENAPI["paths"][path]])
            for path in handlers
        ]
        return Starlette(routes=routes)

    async def token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        if (form.get("username"), form.get("password")) != ([USER], [PASSWORD]):
            return JSONResponse({"detail": "Invalid credentials"}, 401)
        self.tokens.add(made := uuid4().hex)
        self.calls.append(("token", 200))
        return JSONResponse({"access_token": made, "token_type": "bearer"})

    async def bulk(self, request: Request, path: str) -> list[dict[str, Any]] | Response:
        """The body, checked as the schema wants it; or a refusal."""
        self.agents.add(request.headers.get("user-agent", ""))
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return JSONResponse({"detail": "Could not validate credentials"}, 401)
        if self.trouble.get(path):
            return JSONResponse({"detail": "trouble"}, self.trouble[path].pop(0))
        content = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            content, self.packed = gzip.decompress(content), self.packed + 1
        items: list[dict[str, Any]] = json.loads(content)
        errors = [
            {"loc": ["body", *error.instance_path], "msg": error.message, "type": "value_error"}
            for error in self.checks[path].iter_errors(items)
        ]
        if len(items) > self.limit:
            errors.append({"loc": ["body"], "msg": f"List should have at most {self.limit} items", "type": "too_long"})
        errors += [
            {"loc": ["body", at, name], "msg": said, "type": "value_error"}
            for at, item in enumerate(items) if not errors for name, said in wrong(path, item)
        ]  # fmt: skip
        return JSONResponse({"detail": errors}, 422) if errors else items

    def answer(self, path: str, response: Response) -> Response:
        self.calls.append((path, response.status_code))
        if response.status_code == 201 and self.drop_answers:
            self.drop_answers -= 1
            return Response(status_code=502)
        return response

    async def static(self, request: Request) -> Response:
        items = await self.bulk(request, path := "/statique/bulk")
        if isinstance(items, Response):
            return self.answer(path, items)
        alike: dict[str, set[str]] = {}
        for item in items:
            alike.setdefault(item["id_station_itinerance"], set()).add(f"{item['nom_station']} {item['nbre_pdc']}")
        if any(len(names) > 1 for names in alike.values()):
            return self.answer(path, JSONResponse({"detail": "Inconsistent stations"}, 400))
        self.points |= {item["id_pdc_itinerance"]: item for item in items}
        told = [item["id_pdc_itinerance"] for item in items]
        made = {"message": "Statique items created", "items": told, "size": len(told)}
        return self.answer(path, JSONResponse(made, 201))

    async def status(self, request: Request) -> Response:
        return await self.dynamic(request, "/dynamique/status/bulk")

    async def session(self, request: Request) -> Response:
        return await self.dynamic(request, "/dynamique/session/bulk")

    async def dynamic(self, request: Request, path: str) -> Response:
        """One unknown point refuses the whole batch."""
        items = await self.bulk(request, path)
        if isinstance(items, Response):
            return self.answer(path, items)
        if any(item["id_pdc_itinerance"] not in self.points for item in items):
            return self.answer(path, JSONResponse({"detail": "Point of charge does not exist"}, 404))
        made = [str(uuid4()) for _ in items]
        if "session" in path:
            self.sessions |= dict(zip(made, items, strict=True))
        else:
            self.statuses += items
        return self.answer(path, JSONResponse({"size": len(made), "items": made}, 201))

    async def check(self, request: Request) -> Response:
        """Not yet at the first time of asking, as the real one."""
        known = request.query_params["session_id"] in self.sessions
        asked = ("check", 200) in self.calls or ("check", 404) in self.calls
        self.calls.append(("check", 200 if known and asked else 404))
        return JSONResponse(None, 200 if known and asked else 404)


def wrong(path: str, item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the schema cannot say, and the server checks."""
    now = datetime.now(UTC)
    for name in ("horodatage", "start", "end"):
        if name in item:
            at = datetime.fromisoformat(item[name])
            if at.tzinfo is None or at > now + timedelta(seconds=1):
                yield name, "Input should be in the past"
            if name == "horodatage" and at < now - timedelta(hours=24):
                yield name, "is older than 24 hours"
    if "statique" in path and not re.fullmatch(r"\[-?[\d.]+, ?-?[\d.]+\]", item["coordonneesXY"]):
        yield "coordonneesXY", "is no place"


@contextmanager
def serving(registrar: Registrar) -> Iterator[Registrar]:
    """On a free port of this machine, until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    registrar.url = f"http://127.0.0.1:{listening.getsockname()[1]}/api/v1"
    server = uvicorn.Server(uvicorn.Config(registrar.app(), log_config=None, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    for _ in range(500):
        if server.started:
            break
        time.sleep(0.01)
    try:
        yield registrar
    finally:
        server.should_exit = True
        thread.join(5)
        listening.close()
