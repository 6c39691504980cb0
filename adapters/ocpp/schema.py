"""The official JSON schemas, compiled: is this payload what the specification says?

The files are those of the `ocpp` package; the verdicts are those of its own validator (Draft 4 for every version, no
check of date formats), at a hundredth of the time.
"""

from __future__ import annotations

import importlib.resources
import json
from functools import cache
from itertools import islice
from typing import Any, Literal, NamedTuple

import jsonschema_rs

from adapters.ocpp.frame import code

Kind = Literal["request", "response"]

FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
CODES = {
    "type": "TypeConstraintViolation",
    "maxLength": "TypeConstraintViolation",
    "additionalProperties": "FormatViolation",
    "required": "ProtocolError",
    "minItems": "OccurrenceConstraintViolation",
    "maxItems": "OccurrenceConstraintViolation",
    "enum": "PropertyConstraintViolation",
    "minimum": "PropertyConstraintViolation",
    "maximum": "PropertyConstraintViolation",
    "multipleOf": "PropertyConstraintViolation",
}
LONGEST = 200


class Violation(NamedTuple):
    """Why a payload is not valid: the error code of the version, and words."""

    code: str
    message: str


def violation(version: str, action: str, kind: Kind, payload: Any) -> Violation | None:
    """The first breach of the schema, None if there is none. Raises KeyError for an action without schema."""
    validator = compiled(version, action, kind)
    if validator is None:
        raise KeyError(action)
    if validator.is_valid(payload):
        return None
    error = next(iter(validator.iter_errors(payload)))
    where = ".".join(str(step) for step in error.instance_path)
    name = CODES.get(error.kind.name, "FormatViolation")
    reason = shorten(error.message)
    return Violation(code(version, name), f"{where}: {reason}" if where else reason)


def breaches(version: str, action: str, kind: Kind, payload: Any, most: int) -> list[Any]:
    """Every breach of the schema, up to `most`."""
    validator = compiled(version, action, kind)
    assert validator is not None
    return list(islice(validator.iter_errors(payload), most))


def answerless(version: str, action: str) -> bool:
    """Is this a SEND (OCPP 2.1): a message that nobody answers?"""
    return (action, "request") in files(version) and (action, "response") not in files(version)


def shorten(message: str) -> str:
    """The beginning, which quotes what was said, and the end, which says what is wrong with it."""
    return message if len(message) <= LONGEST else f"{message[:80]} ... {message[-LONGEST + 85 :]}"


def known(version: str, action: str) -> bool:
    """Is there such an action in this version, in either direction?"""
    return action in actions(version)


@cache
def actions(version: str) -> frozenset[str]:
    """Every action of a version that has a request."""
    return frozenset(action for action, kind in files(version) if kind == "request")


@cache
def files(version: str) -> dict[tuple[str, Kind], str]:
    """Action and kind of message → schema file of the package."""
    found: dict[tuple[str, Kind], str] = {}
    for path in importlib.resources.files("ocpp").joinpath(FOLDERS[version], "schemas").iterdir():
        name = path.name.removesuffix(".json")
        if name == path.name:
            continue
        if name.endswith("Response"):
            found[name.removesuffix("Response"), "response"] = path.name
        else:
            found[name if version == "1.6" else name.removesuffix("Request"), "request"] = path.name
    return found


@cache
def compiled(version: str, action: str, kind: Kind) -> jsonschema_rs.Draft4Validator | None:
    if (action, kind) not in files(version):
        return None
    return jsonschema_rs.Draft4Validator(document(version, action, kind), validate_formats=False)


@cache
def document(version: str, action: str, kind: Kind) -> dict[str, Any]:
    """The schema itself."""
    path = importlib.resources.files("ocpp").joinpath(FOLDERS[version], "schemas", files(version)[action, kind])
    found: dict[str, Any] = json.loads(path.read_text("utf-8-sig"))
    return found
