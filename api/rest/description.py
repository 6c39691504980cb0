"""The description of the REST side: OpenAPI 3.1, served and checked in."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

JSON = "application/json"


def answer(words: str, kind: str | None = JSON) -> dict[str, Any]:
    return {"description": words} | ({"content": {kind: {"schema": {}}}} if kind else {})


PROBLEM = {
    "description": "What was wrong (RFC 9457).",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["title", "status", "detail"],
                "properties": {
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                },
            }
        }
    },
}
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Bornier",
        "version": "0.1.0",
        "description": "Probes, metrics, browser sessions and exports. Everything else is GraphQL at /graphql.",
    },
    "security": [{"bearer": []}],
    "paths": {
        "/health/live": {
            "get": {"summary": "The process runs", "security": [], "responses": {"200": answer("Alive.")}}
        },
        "/health/ready": {
            "get": {
                "summary": "The process can do its work",
                "security": [],
                "responses": {"200": answer("Ready."), "503": answer("Not well, and which part.")},
            }
        },
        "/metrics": {
            "get": {
                "summary": "Figures for Prometheus",
                "security": [],
                "responses": {"200": answer("Prometheus text.", "text/plain")},
            }
        },
        "/api/openapi.json": {
            "get": {"summary": "This description", "security": [], "responses": {"200": answer("OpenAPI 3.1.")}}
        },
        "/api/session": {
            "post": {
                "summary": "Trade a bearer token for a session cookie",
                "responses": {"201": answer("The cookie is set."), "401": PROBLEM, "403": PROBLEM},
            },
            "delete": {"summary": "End the session", "responses": {"204": answer("Forgotten.", None)}},
        },
        "/api/proofs": {
            "get": {
                "summary": "Sealed events with their inclusion proofs, as JSON lines for docs/verify.py",
                "parameters": [
                    {
                        "name": name,
                        "in": "query",
                        "description": f"The {name} position.",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1, "default": default},
                    }
                    for name, default in (("first", 1), ("last", 2**63 - 1))
                ],
                "responses": {
                    "200": answer("One proof a line.", "application/jsonl"),
                    "400": PROBLEM,
                    "401": PROBLEM,
                    "403": PROBLEM,
                },
            }
        },
        "/api/events": {
            "get": {
                "summary": "The history as JSON lines",
                "parameters": [
                    {
                        "name": "after",
                        "in": "query",
                        "description": "Begin after this position.",
                        "schema": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1, "default": 0},
                    },
                    {
                        "name": "stream",
                        "in": "query",
                        "description": "Only this stream, such as station/CP001.",
                        "schema": {"type": "string"},
                    },
                    {
                        "name": "topic",
                        "in": "query",
                        "description": "Only these topics.",
                        "schema": {"type": "array", "items": {"type": "string"}},
                        "explode": True,
                    },
                ],
                "responses": {
                    "200": answer("One event a line.", "application/jsonl"),
                    "400": PROBLEM,
                    "401": PROBLEM,
                    "403": PROBLEM,
                },
            }
        },
    },
    "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
}


async def description(request: Request) -> Response:
    """This document."""
    return JSONResponse(OPENAPI)
