"""Secrets: what must never be a parameter of a command, because commands are kept for ever."""

from __future__ import annotations

from typing import Any

from domain.event import Refusal
from domain.secret import PASSWORDS

VALUES = ("value", "attributeValue")


def keep_out(parameters: Any) -> None:
    """Raises Refusal for a command that would write a station's password into the history."""
    if betrays(parameters):
        raise Refusal("a password is not sent like this, for commands are kept for ever: use setPassword")


def betrays(thing: Any) -> bool:
    """Whether the name of a password, and beside or below it a value, are somewhere in here."""
    if isinstance(thing, list):
        return any(betrays(item) for item in thing)
    if not isinstance(thing, dict):
        return False
    if any(squeezed(name) in PASSWORDS and value for name, value in thing.items()):
        return True
    words = [word for value in thing.values() for word in (value.values() if isinstance(value, dict) else [value])]
    named = any(map(is_name, words))
    return (named and any(thing.get(name) for name in VALUES)) or any(betrays(value) for value in thing.values())


def is_name(value: Any) -> bool:
    return isinstance(value, str) and squeezed(value) in PASSWORDS


def squeezed(name: str) -> str:
    return name.replace("_", "").lower()
