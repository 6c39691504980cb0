"""A snapshot: what an aggregate remembers, written down, so that its past need not be read again.

It is worth nothing by itself: the history is the truth, and a snapshot can be thrown away at any time. An event that an
aggregate remembers is not copied but named by its version, so that what is said of a person stays in one place.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import inspect
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import msgspec

from domain.aggregate import Aggregate
from domain.event import Event

A = TypeVar("A", bound=Aggregate)
At = Callable[[int], Event]
"""Version -> the event of this stream."""

APART = ("id", "version", "pending")
SETS: dict[str, type] = {"set": set, "frozenset": frozenset}
DICTS: dict[str, type] = {"dict": dict, "Counter": Counter}


class Unfit(Exception):
    """What is remembered cannot be written down, or what was written down cannot be read."""


def encode(aggregate: Aggregate) -> bytes:
    """Everything it remembers, as JSON. Raises Unfit."""
    memory = {name: pack(value, aggregate.id) for name, value in vars(aggregate).items() if name not in APART}
    return msgspec.json.encode(memory)


def decode(blank: A, version: int, state: bytes, at: At) -> A:
    """The aggregate as it was at a version. Raises Unfit."""
    try:
        for name, value in msgspec.json.decode(state).items():
            setattr(blank, name, unpack(value, at))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unfit(str(error)) from error
    blank.version = version
    return blank


def pack(value: Any, stream: str) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            return [pack(item, stream) for item in value]
        case Event() if value.originator_id == stream:
            return {"event": value.originator_version}
        case Event():
            raise Unfit(f"an event of another stream: {value.originator_id}")
        case msgspec.Struct():
            of = [pack(getattr(value, name), stream) for name in value.__struct_fields__]
            return {"struct": path(type(value)), "of": of}
        case tuple() if hasattr(value, "_fields"):
            return {"named": path(type(value)), "of": [pack(item, stream) for item in value]}
        case tuple():
            return {"tuple": [pack(item, stream) for item in value]}
        case dict() if type(value) in DICTS.values():
            return {type(value).__name__: [[pack(key, stream), pack(item, stream)] for key, item in value.items()]}
        case set() | frozenset():
            return {type(value).__name__: [pack(item, stream) for item in sorted(value, key=repr)]}
    return scalar(value)


def scalar(value: Any) -> Any:
    match value:
        case datetime():
            return {"time": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case clock():
            return {"clock": value.isoformat()}
        case timedelta():
            return {"lasting": [value.days, value.seconds, value.microseconds]}
        case Decimal():
            return {"decimal": str(value)}
        case msgspec.Raw():
            return {"raw": bytes(value).decode()}
        case bytes():
            return {"bytes": base64.b64encode(value).decode()}
    raise Unfit(f"a {type(value).__name__}")


def unpack(value: Any, at: At) -> Any:
    if isinstance(value, list):
        return [unpack(item, at) for item in value]
    if not isinstance(value, dict):
        return value
    kind, of = next(iter(value.items()))
    match kind:
        case "event":
            return at(of)
        case "struct":
            return struct(value, at)
        case "named":
            return found(of)(*(unpack(item, at) for item in value["of"]))
        case "tuple":
            return tuple(unpack(item, at) for item in of)
        case "dict" | "Counter":
            return DICTS[kind]({unpack(key, at): unpack(item, at) for key, item in of})
        case "set" | "frozenset":
            return SETS[kind](unpack(item, at) for item in of)
        case "time":
            return datetime.fromisoformat(of)
        case "date":
            return date.fromisoformat(of)
        case "clock":
            return clock.fromisoformat(of)
        case "lasting":
            return timedelta(*of)
        case "decimal":
            return Decimal(of)
        case "raw":
            return msgspec.Raw(of.encode())
        case "bytes":
            return base64.b64decode(of)
    raise Unfit(kind)


def struct(value: dict[str, Any], at: At) -> Any:
    kind = found(value["struct"])
    return kind(**dict(zip(kind.__struct_fields__, [unpack(item, at) for item in value["of"]], strict=True)))


def path(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def found(name: str) -> Any:
    """A class of the domain by its path, and nothing else: a snapshot is data, not a program."""
    module, _, names = name.partition(":")
    kind: Any = sys.modules.get(module) if module.startswith("domain.") else None
    for part in names.split("."):
        kind = getattr(kind, part)
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct | tuple)):
        raise Unfit(name)
    return kind


def shape(kind: type[Aggregate]) -> str:
    """Of what program a snapshot is: the code of the aggregate and of all of the domain that it stands on.

    Comments and docstrings do not count. A snapshot of another shape is ignored.
    """
    return code(kind.__module__)


@cache
def code(module: str) -> str:
    known: dict[str, str] = {}
    gather(module, known)
    return hashlib.sha256("\n".join(known[name] for name in sorted(known)).encode()).hexdigest()[:16]


def gather(module: str, known: dict[str, str]) -> None:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    known[module] = ""
    for part in ast.walk(tree):
        if isinstance(part, ast.ImportFrom) and (part.module or "").startswith("domain.") and part.module not in known:
            gather(str(part.module), known)
        if isinstance(part, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            part.body = [line for line in part.body if not is_text(line)]
    known[module] = ast.dump(tree)


def is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
