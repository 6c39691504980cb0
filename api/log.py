"""Logs: one line per happening on stderr; JSON when nobody watches a terminal. No secret, and no line that lies."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TextIO

from application.log import ABOUT

SECRETS = (
    re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+(?=@)"),
    re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"),
    re.compile(r"(?i)\b(password)(?:=|\s+is\s+)\S+"),
)
SHORTEST = 6
"""A shorter secret would make stars of ordinary words."""


class Line(logging.Formatter):
    """What all lines have in common: secrets are starred."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        known = sorted((re.escape(secret) for secret in secrets if len(secret) >= SHORTEST), key=len, reverse=True)
        self.known = re.compile("|".join(known)) if known else None

    def discreet(self, text: str) -> str:
        for pattern in SECRETS:
            text = pattern.sub(r"\1 ***" if "bearer" in pattern.pattern else r"\1:***", text)
        return self.known.sub("***", text) if self.known else text


class JsonLine(Line):
    """One JSON object a line; what a line is about are keys of it, such as `station_id` and `command_id`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.discreet(record.getMessage()),
            **ABOUT.get(),
        }
        if record.exc_info:
            line["exception"] = self.discreet(self.formatException(record.exc_info))
        return plain(json.dumps(line, ensure_ascii=False))


class TextLine(Line):
    """For people: what a line is about follows in brackets; only a traceback has more than one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        ids = " ".join(f"{name}={value}" for name, value in ABOUT.get().items())
        record.message = plain(self.discreet(record.message) + (f" [{ids}]" if ids else ""))
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        lines = super().formatException(ei).split("\n")  # type: ignore[arg-type]
        return "\n".join(plain(self.discreet(line)) for line in lines)


def plain(text: str) -> str:
    """Nothing in it starts a new line or steers a terminal: what cannot be printed is written as \\uXXXX."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "".join(f"\\u{unit:04x}" for unit in units(c)) for c in text)


def units(character: str) -> list[int]:
    """UTF-16 code units, as JSON writes them."""
    code = ord(character)
    return [code] if code < 0x10000 else [0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF)]


def configure(level: str = "INFO", secrets: Collection[str] = (), stream: TextIO | None = None) -> None:
    """Send everything to stderr; stdout is for what a program reads."""
    to = stream or sys.stderr
    handler = logging.StreamHandler(to)
    handler.setFormatter((TextLine if to.isatty() else JsonLine)(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("kafka", "websockets.server", "psycopg.pool", "eventsourcing", "strawberry.execution"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    for chatty in ("uvicorn.error", "alembic", "asyncio", "httpx", "httpcore", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
