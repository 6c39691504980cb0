"""OCPP-J messages: arrays of JSON in text frames (OCPP-J 1.6 section 4, OCPP 2.0.1 part 4 section 4)."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

BOM = b"\xef\xbb\xbf"
FORMATION = {"FormatViolation": "FormationViolation", "OccurrenceConstraintViolation": "OccurenceConstraintViolation"}
RENAMED = {
    "1.6": FORMATION
    | {"RpcFrameworkError": "GenericError", "MessageTypeNotSupported": "GenericError"},
    "2.0.1": {"OccurrenceConstraintViolation": "OccurenceConstraintViolation"},
    "2.1": {},
}


class Call(msgspec.Struct, frozen=True, gc=False):
    """[2, id, action, payload]: a question. `raw_payload` is the payload's text as received."""

    id: str | int
    action: str
    payload: dict[str, Any]
    raw_payload: bytes


class Result(msgspec.Struct, frozen=True, gc=False):
    """[3, id, payload]: an answer."""

    id: str | int
    payload: dict[str, Any]


class Error(msgspec.Struct, frozen=True, gc=False):
    """[4, id, code, description, details]: a question could not be answered."""

    id: str | int
    code: str
    description: str
    details: Any


class ResultError(msgspec.Struct, frozen=True, gc=False):
    """[5, id, code, description, details]: our answer was not valid (OCPP 2.1)."""

    id: str | int
    code: str
    description: str
    details: Any


class Send(msgspec.Struct, frozen=True, gc=False):
    """[6, id, action, payload]: a message without answer (OCPP 2.1)."""

    id: str | int
    action: str
    payload: dict[str, Any]
    raw_payload: bytes


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """Text that is no message: what is wrong, the id if one can be read, and the error code of OCPP 2.x."""

    reason: str
    id: str | int | None
    code: str


Heard = Call | Result | Error | ResultError | Send | Malformed

FRAME = msgspec.json.Decoder(list[msgspec.Raw])


def parse(raw: str | bytes) -> Heard:
    """Read one message. Spaces, line breaks and a byte order mark are tolerated; never raises."""
    text = raw.encode() if isinstance(raw, str) else raw
    if text.startswith(BOM):
        text = text[3:]
    try:
        parts = FRAME.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Malformed("the text is not a JSON array", None, "RpcFrameworkError")
    try:
        return READ[bytes(parts[0])](parts)
    except (IndexError, KeyError):
        return broken(parts, "the array is not an OCPP message")
    except (ValueError, TypeError) as error:
        return broken(parts, f"the message cannot be read: {error}")


def question(parts: list[msgspec.Raw]) -> Call | Malformed:
    if len(parts) != 4:
        return broken(parts, "a CALL has four elements")
    raw_payload = bytes(parts[3])
    return Call(identifier(parts[1]), text_of(parts[2]), object_of(raw_payload), raw_payload)


def send(parts: list[msgspec.Raw]) -> Send | Malformed:
    if len(parts) != 4:
        return broken(parts, "a SEND has four elements")
    raw_payload = bytes(parts[3])
    return Send(identifier(parts[1]), text_of(parts[2]), object_of(raw_payload), raw_payload)


def answer(parts: list[msgspec.Raw]) -> Result:
    return Result(identifier(parts[1]), object_of(bytes(parts[2])))


def failure(parts: list[msgspec.Raw]) -> Error:
    return Error(*error_parts(parts))


def answer_failure(parts: list[msgspec.Raw]) -> ResultError:
    return ResultError(*error_parts(parts))


READ = {b"2": question, b"3": answer, b"4": failure, b"5": answer_failure, b"6": send}


def error_parts(parts: list[msgspec.Raw]) -> tuple[str | int, str, str, Any]:
    """Stations leave out description and details; the code is what matters."""
    rest = [orjson.loads(bytes(part)) for part in parts[2:5]]
    description = str(rest[1]) if len(rest) > 1 and rest[1] is not None else ""
    return identifier(parts[1]), str(rest[0]), description, rest[2] if len(rest) > 2 else {}


def identifier(raw: msgspec.Raw) -> str | int:
    """Message ids are text; some stations send numbers, and get numbers back."""
    value = orjson.loads(bytes(raw))
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError("the message id is not a text")
    return value


def text_of(raw: msgspec.Raw) -> str:
    value = orjson.loads(bytes(raw))
    if not isinstance(value, str):
        raise TypeError("the action is not a text")
    return value


def object_of(raw: bytes) -> dict[str, Any]:
    value = orjson.loads(raw)
    if not isinstance(value, dict):
        raise TypeError("the payload is not an object")
    return value


def broken(parts: list[msgspec.Raw], reason: str) -> Malformed:
    try:
        known = identifier(parts[1])
    except (IndexError, TypeError, ValueError):
        return Malformed(reason, None, "RpcFrameworkError")
    if bytes(parts[0]) not in READ:
        return Malformed(f"message type {bytes(parts[0])[:20].decode()} does not exist", known, "MessageTypeNotSupported")
    return Malformed(reason, known, "FormatViolation")


def code(version: str, name: str) -> str:
    """The error code of a version; `name` is that of OCPP 2.1. Spellings differ, and 1.6 lacks two."""
    return RENAMED[version].get(name, name)


def result(message_id: str | int, payload: bytes) -> bytes:
    """[3, id, payload]."""
    return b"[3," + orjson.dumps(message_id) + b"," + payload + b"]"


def error(message_id: str | int, code: str, description: str, details: dict[str, Any] | None = None) -> bytes:
    """[4, id, code, description, details]."""
    return orjson.dumps([4, message_id, code, description, details or {}])


def call(message_id: str, action: str, payload: dict[str, Any]) -> bytes:
    """[2, id, action, payload]."""
    return orjson.dumps([2, message_id, action, payload])
