"""Any message to a station, as an operator or a test tool writes it."""

from __future__ import annotations

from typing import Any

from adapters.ocpp.dialect import Payload, Said
from adapters.ocpp.direction import to_station
from domain.event import Refusal
from domain.secret import refuse, secret


def say_message(version: str, wish: Payload) -> Said:
    """Any action of this version with any payload; `unchecked`: even what no specification knows."""
    action, payload, unchecked = wish["action"], wish.get("payload", {}), wish.get("unchecked", False)
    if not isinstance(payload, dict):
        raise Refusal("a payload is a JSON object")
    if not unchecked and action not in to_station(version):
        raise Refusal(f"OCPP {version} has no {action} from a CSMS to a station")
    for name in names(payload):
        refuse(name)
    return Said(action, payload, unchecked=unchecked)


def names(value: Any) -> list[str]:
    """Every key and variable in a payload that may be a secret: by its own name, or as the name of a value."""
    if isinstance(value, list):
        return [name for part in value for name in names(part)]
    if not isinstance(value, dict):
        return []
    own = [name for name in value if secret(name)]
    own += [text for text in (value.get("key"), value.get("name")) if isinstance(text, str) and secret(text)]
    return own + [name for part in value.values() for name in names(part)]
