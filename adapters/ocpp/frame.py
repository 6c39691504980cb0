"""OCPP-J messages: arrays of JSON in text frames (OCPP-J 1.6 section 4, OCPP 2.0.1 and 2.1 part 4 section 4).

Numbers become floats, as in every JSON reader: 17 significant digits survive, which is more than any meter has. Whoever
needs the digits as the station wrote them has `raw_payload`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
import orjson

BOM = b"\xef\xbb\xbf"
TYPO = {"OccurrenceConstraintViolation": "OccurenceConstraintViolation"}
RENAMED: dict[str, dict[str, str]] = {
    "1.6": TYPO
    | {
        "FormatViolation": "FormationViolation",
        "RpcFrameworkError": "FormationViolation",
        "MessageTypeNotSupported": "GenericError",
    },
    "2.0.1": TYPO,
    "2.1": {},
}
"""Error codes of OCPP 2.1 (part 4, table 9) that earlier versions spell otherwise or lack (OCPP-J 1.6, table 7)."""


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
    """Text that is no message: what is wrong, and the error code of OCPP 2.1.

    `id` is what a CALLERROR may answer: None when it cannot be read, and when the text is itself an answer or a SEND,
    which are never answered (OCPP 2.1 part 4, 4.2.4).
    """

    reason: str
    id: str | int | None
    code: str


Heard = Call | Result | Error | ResultError | Send | Malformed

CALL = msgspec.json.Decoder(tuple[Literal[2], str | int, str, msgspec.Raw])
FRAME = msgspec.json.Decoder(list[msgspec.Raw])
ID: msgspec.json.Decoder[str | int] = msgspec.json.Decoder(str | int)
TEXT = msgspec.json.Decoder(str)
UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)


def parse(raw: str | bytes) -> Heard:
    """Read one message. Spaces, line breaks and a byte order mark are tolerated; never raises."""
    try:
        _, message_id, action, rest = CALL.decode(raw)
        raw_payload = bytes(rest)
        payload = orjson.loads(raw_payload)
    except UNREADABLE:
        return parse_any(raw)
    return Call(message_id, action, payload, raw_payload) if type(payload) is dict else parse_any(raw)


def parse_any(raw: str | bytes) -> Heard:
    """Everything but a plain CALL: the other kinds, and what went wrong with it."""
    try:
        text = raw.encode() if isinstance(raw, str) else raw
        parts = [bytes(part) for part in FRAME.decode(text.removeprefix(BOM))]
    except UNREADABLE:
        return Malformed("the text is not a JSON array", None, "RpcFrameworkError")
    if not parts:
        return Malformed("the array is empty", None, "RpcFrameworkError")
    reader = READ.get(parts[0])
    if reader is None:
        reason = f"message type {parts[0][:20].decode(errors='replace')} does not exist"
        return Malformed(reason, answerable(parts), "MessageTypeNotSupported")
    try:
        return reader(parts)
    except Broken as broken:
        return Malformed(str(broken), answerable(parts), broken.code)


class Broken(Exception):
    """The array is not the message its type announces."""

    def __init__(self, reason: str, code: str = "RpcFrameworkError") -> None:
        super().__init__(reason)
        self.code = code


def question(parts: list[bytes]) -> Call:
    if len(parts) != 4:
        raise Broken(f"a CALL has four elements, this has {len(parts)}")
    return Call(identifier(parts), text(parts, 2), payload(parts, 3), parts[3])


def answer(parts: list[bytes]) -> Result:
    return Result(identifier(parts), payload(parts, 2))


def failure(parts: list[bytes]) -> Error:
    return Error(identifier(parts), text(parts, 2), *explanation(parts))


def answer_failure(parts: list[bytes]) -> ResultError:
    return ResultError(identifier(parts), text(parts, 2), *explanation(parts))


def send(parts: list[bytes]) -> Send:
    if len(parts) != 4:
        raise Broken(f"a SEND has four elements, this has {len(parts)}")
    return Send(identifier(parts), text(parts, 2), payload(parts, 3), parts[3])


READ: dict[bytes, Callable[[list[bytes]], Heard]] = {
    b"2": question,
    b"3": answer,
    b"4": failure,
    b"5": answer_failure,
    b"6": send,
}


def answerable(parts: list[bytes]) -> str | int | None:
    """The message id to answer, of what is a question or might be one."""
    if parts[0] in READ and parts[0] != b"2":
        return None
    try:
        return identifier(parts)
    except Broken:
        return None


def identifier(parts: list[bytes]) -> str | int:
    """Message ids are text; some stations send whole numbers, of any size, and get numbers back."""
    try:
        return ID.decode(parts[1])
    except (IndexError, *UNREADABLE):
        raise Broken("the message id cannot be read") from None


def text(parts: list[bytes], place: int) -> str:
    try:
        return TEXT.decode(parts[place])
    except (IndexError, *UNREADABLE):
        raise Broken(f"element {place + 1} is not a text") from None


def payload(parts: list[bytes], place: int) -> dict[str, Any]:
    """An object; null means an empty one (OCPP-J 1.6 section 4.2.1, OCPP 2.1 part 4 section 4.1.5)."""
    if len(parts) <= place:
        raise Broken("there is no payload")
    try:
        value = orjson.loads(parts[place])
    except ValueError as error:
        raise Broken(f"the payload cannot be read: {error}", "FormatViolation") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Broken("the payload is not an object", "FormatViolation")
    return value


def explanation(parts: list[bytes]) -> tuple[str, Any]:
    """Description and details of an error; stations leave them out, the code is what matters."""
    rest = [loaded(part) for part in parts[3:5]]
    description = str(rest[0]) if rest and rest[0] is not None else ""
    return description, rest[1] if len(rest) > 1 else {}


def loaded(part: bytes) -> Any:
    try:
        return orjson.loads(part)
    except ValueError:
        return part.decode(errors="replace")


def code(version: str, name: str) -> str:
    """The error code of a version; `name` is that of OCPP 2.1. Spellings differ, and 1.6 lacks two."""
    return RENAMED[version].get(name, name)


def result(message_id: str | int, payload: bytes) -> bytes:
    """[3, id, payload]."""
    return b"[3," + msgspec.json.encode(message_id) + b"," + payload + b"]"


def error(message_id: str | int, code: str, description: str, details: dict[str, Any] | None = None) -> bytes:
    """[4, id, code, description, details]."""
    return msgspec.json.encode((4, message_id, code, description, details or {}))


def call(message_id: str, action: str, payload: dict[str, Any]) -> bytes:
    """[2, id, action, payload]."""
    return orjson.dumps([2, message_id, action, payload])
