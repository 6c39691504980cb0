"""The description of the REST side: OpenAPI 3.1, served and checked in."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.search import CAUSES
from projections.dataset import DATASETS

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
BYTES = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}
FILE = {
    "description": "The file is stored.",
    "content": {
        JSON: {
            "schema": {
                "type": "object",
                "required": ["id", "name", "sizeBytes", "sha256", "md5"],
                "properties": {
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "sizeBytes": {"type": "integer"},
                    "sha256": {"type": "string"},
                    "md5": {"type": "string"},
                },
            }
        }
    },
}
RANGE = {
    "name": "Range",
    "in": "header",
    "description": "One range of bytes, to go on with a download.",
    "schema": {"type": "string", "pattern": "^bytes=[0-9]{1,15}-[0-9]{0,15}$"},
}


def named(name: str, words: str) -> dict[str, Any]:
    """A part of an address."""
    schema = {"type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_-]+$"}
    return {"name": name, "in": "path", "required": True, "description": words, "schema": schema}


def download(summary: str, security: dict[str, Any], **refusals: Any) -> dict[str, Any]:
    """Reading a file, all of it or a part."""
    return {
        "summary": summary,
        **security,
        "parameters": [RANGE],
        "responses": {
            "200": answer("All of it.", "application/octet-stream"),
            "206": answer("The part that was asked for.", "application/octet-stream"),
            **refusals,
            "416": PROBLEM,
            "507": PROBLEM,
        },
    }


def upload(summary: str, security: dict[str, Any], **refusals: Any) -> dict[str, Any]:
    """Sending a file, as it is or as the first file of a form."""
    return {
        "summary": summary,
        **security,
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": BYTES, "multipart/form-data": FORM},
        },
        "responses": {"201": FILE, "400": PROBLEM, **refusals, "413": PROBLEM, "422": PROBLEM, "507": PROBLEM},
    }


def asked(name: str, words: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": words, "schema": {"type": "string"} | schema}


QUESTION = [
    asked("after", "Begin after this position.", type="integer", minimum=0, maximum=2**63 - 1, default=0),
    asked("first", "The first position.", type="integer", minimum=1, maximum=2**63 - 1, default=1),
    asked("last", "The last position; now, when absent.", type="integer", minimum=1, maximum=2**63 - 1),
    asked("stream", "Only this stream, such as station/CP001."),
    asked("topic", "Only these topics.", type="array", items={"type": "string"}) | {"explode": True},
    asked("station", "Whatever concerns this station, in every stream."),
    asked("badge", "Whatever concerns this badge, in every stream."),
    asked("from", "Recorded at or after.", format="date-time"),
    asked("to", "Recorded before.", format="date-time"),
    asked("occurredFrom", "At or after, by the clock of the station.", format="date-time"),
    asked("occurredTo", "Before, by the clock of the station.", format="date-time"),
    asked("cause", "What made it happen.", enum=list(CAUSES)),
    asked("command", "Caused by this command: its id."),
    asked("operator", "Asked for by this operator."),
    asked("rule", "Done by this rule of the system."),
    asked("message", "Caused by the OCPP message with this id."),
    asked("stored", "The bytes as they are stored, which a proof needs.", type="boolean", default=False),
]


def history(summary: str, words: str, media: str, **more: Any) -> dict[str, Any]:
    """Some way to fetch what a search finds."""
    responses = {"200": answer(words, media), "400": PROBLEM, "401": PROBLEM, "403": PROBLEM}
    return {"get": {"summary": summary, "parameters": QUESTION, "responses": responses | more}}


OPEN: dict[str, Any] = {"security": []}
TOKENS = {"401": PROBLEM, "403": PROBLEM}
SPENT = {"404": PROBLEM, "410": PROBLEM}
ADDRESS = [named("job", "The job; the address is good until it is over."), named("token", "Its secret.")]
STATION = {
    "get": download("A station fetches its firmware", OPEN, **SPENT),
    "head": download("A station asks how large its firmware is", OPEN, **SPENT),
    "put": upload("A station sends its log", OPEN, **SPENT),
    "post": upload("A station sends its log", OPEN, **SPENT),
}
NAME = {
    "name": "name",
    "in": "query",
    "description": "What to call it; else the name the sender gives.",
    "schema": {"type": "string"},
}
MEDIA = (
    "text/csv",
    "application/jsonl",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.apache.parquet",
)


def chosen(name: str, words: str, *choices: str) -> dict[str, Any]:
    """A part of a query."""
    schema: dict[str, Any] = {"type": "string"} | ({"enum": list(choices)} if choices else {})
    return {"name": name, "in": "query", "description": words, "schema": schema}


EXPORT = [
    {
        "name": "dataset",
        "in": "path",
        "required": True,
        "description": "What is exported.",
        "schema": {"type": "string", "enum": list(DATASETS)},
    },
    {
        "name": "suffix",
        "in": "path",
        "required": True,
        "description": "The format.",
        "schema": {"type": "string", "enum": ["csv", "xlsx", "jsonl", "parquet"]},
    },
    chosen("from", "Not before this RFC 3339 time."),
    chosen("to", "Before this RFC 3339 time."),
    chosen("station", "Only this station."),
    chosen("badge", "Only this badge."),
    chosen("preset", "How it is written, in one word.", "plain", "excel-fr"),
    chosen("delimiter", "CSV: what is between cells.", "comma", "semicolon", "tab", "|"),
    chosen("decimal", "CSV: the decimal sign.", ".", ","),
    chosen("encoding", "CSV: the encoding."),
    chosen("timezone", "CSV and XLSX: the time zone, such as Europe/Paris; UTC when absent."),
]


def published(summary: str, kind: str = "text/csv") -> dict[str, Any]:
    """Open data: without a token, where the operator opens it."""
    known = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"},
             "description": "The ETag of the copy that one has."}  # fmt: skip
    responses = {"200": answer("The file.", kind), "304": answer("It is as it was.", None), "404": PROBLEM}
    return {"summary": summary, **OPEN, "parameters": [known], "responses": responses}


OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Bornier",
        "version": "0.1.0",
        "description": "Probes, metrics, browser sessions, exports and files. Everything else is GraphQL at /graphql.",
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
        "/api/exports/{dataset}.{suffix}": {
            "get": {
                "summary": "A read model as a file (docs/export.md)",
                "parameters": EXPORT,
                "responses": {
                    "200": {"description": "The file.", "content": dict.fromkeys(MEDIA, BYTES)},
                    "400": PROBLEM,
                    **TOKENS,
                },
            }
        },
        "/api/public/irve/statique.csv": {"get": published("Every published charge point (schema-irve, static)")},
        "/api/public/irve/dynamique.csv": {"get": published("What charge points do now (schema-irve, dynamic)")},
        "/api/public/charge-points.json": {"get": published("Charge points with state and ad-hoc price (AFIR)", JSON)},
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
        "/api/advenir/{transaction}/proofs": {
            "get": {
                "summary": "The proofs of what Advenir was told of a charge, and of the events it was made from",
                "parameters": [
                    {
                        "name": "transaction",
                        "in": "path",
                        "required": True,
                        "description": "The transaction.",
                        "schema": {"type": "string"},
                    }
                ],
                "responses": {
                    "200": answer(
                        "One proof a line, for docs/verify.py; the header Bornier-Unsealed says how many of the events "
                        "are not sealed yet.",
                        "application/jsonl",
                    ),
                    "401": PROBLEM,
                    "403": PROBLEM,
                    "404": PROBLEM,
                },
            }
        },
        "/api/invoices/{number}.{suffix}": {
            "get": {
                "summary": "An invoice or a credit note as it was issued: a PDF with Factur-X, or its XML by itself",
                "parameters": [
                    {"name": name, "in": "path", "required": True, "description": words, "schema": {"type": "string"}}
                    for name, words in (("number", "Its number, such as F2026-000042."), ("suffix", "pdf or xml."))
                ],
                "responses": {
                    "200": answer("The bytes that were issued.", "application/pdf"),
                    "401": PROBLEM,
                    "403": PROBLEM,
                    "404": PROBLEM,
                    "503": PROBLEM,
                },
            }
        },
        "/api/persons": {
            "get": {
                "summary": "Every event about a driver, or about a badge that no driver holds, as JSON lines",
                "parameters": [
                    {"name": name, "in": "query", "description": words, "schema": {"type": "string"}}
                    for name, words in (("driver", "The id of the driver."), ("badge", "The badge."))
                ],
                "responses": {
                    "200": answer("One event a line, in clear.", "application/jsonl"),
                    "400": PROBLEM,
                    "401": PROBLEM,
                    "403": PROBLEM,
                    "404": PROBLEM,
                },
            }
        },
        "/api/events": history("The history as JSON lines", "One event a line.", "application/jsonl"),
        "/api/events.jsonl": history("The same", "One event a line.", "application/jsonl"),
        "/api/events.csv": history(
            "The history as CSV (RFC 4180); what a spreadsheet would compute gets an apostrophe in front",
            "A line of names, then one event a line.",
            "text/csv",
        ),
        "/api/events.proof": history(
            "The proof of an export with the same parameters and stored=true, for docs/verify_export.py",
            "A line about the export, then one seal a line, as far as the history is sealed.",
            "application/jsonl",
            **{"404": PROBLEM},
        ),
        "/api/files": {"post": upload("Bring a firmware image", {}, **TOKENS) | {"parameters": [NAME]}},
        "/api/files/{file}": {
            "parameters": [named("file", "The id of the file.")],
            "get": download("Fetch a firmware image or a log", {}, **TOKENS, **{"404": PROBLEM}),
            "head": download("How large a file is", {}, **TOKENS, **{"404": PROBLEM}),
        },
        "/api/files/job/{job}/{token}": {
            "parameters": ADDRESS,
            **STATION,
        },
        "/api/files/job/{job}/{token}/{name}": {
            "parameters": [*ADDRESS, named("name", "The name of the file; a station may add one of its own.")],
            **STATION,
        },
    },
    "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
}


async def description(request: Request) -> Response:
    """This document."""
    return JSONResponse(OPENAPI)
