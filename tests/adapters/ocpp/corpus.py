"""Good and bad payloads, grown from a JSON schema: the material on which two validators must agree."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    1,
    -1,
    1.0,
    0.15,
    0.3,
    21.4,
    1e10,
    2**31,
    "",
    "x",
    "Ünknown",
    [],
    [1],
    {},
    {"a": 1},
)
Path = tuple[str | int, ...]


def schemas(version: str) -> dict[str, dict[str, Any]]:
    """Every schema file of the package by its name without suffix."""
    folder = files("ocpp").joinpath(FOLDERS[version], "schemas")
    found = [path for path in folder.iterdir() if path.name.endswith(".json")]
    return {path.name.removesuffix(".json"): json.loads(path.read_text("utf-8-sig")) for path in found}


def payloads(root: dict[str, Any], count: int) -> Iterator[Any]:
    """The smallest and the fullest valid payload, and `count` damaged ones; always the same for one schema."""
    yield grown(root, root, full=False)
    full = grown(root, root, full=True)
    yield full
    chance = random.Random(json.dumps(root, sort_keys=True))
    paths = list(walk(full))
    for _ in range(count):
        yield damaged(full, chance.choice(paths), chance)


def grown(schema: dict[str, Any], root: dict[str, Any], full: bool) -> Any:
    """A valid value of a schema, with every optional part or with none."""
    if "$ref" in schema:
        return grown(root["definitions"][schema["$ref"].rpartition("/")[2]], root, full)
    if "enum" in schema:
        return schema["enum"][-1 if full else 0]
    match schema.get("type"):
        case "object":
            wanted = schema.get("properties", {}) if full else schema.get("required", [])
            return {name: grown(schema["properties"][name], root, full) for name in wanted}
        case "array":
            return [grown(schema["items"], root, full)] * max(schema.get("minItems", 0), 1 if full else 0)
        case "string":
            return written(schema, full)
        case "boolean":
            return full
        case "integer":
            return int(schema.get("maximum", 7) if full else schema.get("minimum", 0))
        case "number":
            return schema.get("maximum", 21.4) if full else schema.get("minimum", 0)
    return "anything"


def written(schema: dict[str, Any], full: bool) -> str:
    if schema.get("format") == "date-time":
        return "2026-11-23T12:00:00.000Z" if full else "0"
    return "é" * schema.get("maxLength", 3) if full else ""


def walk(value: Any, path: Path = ()) -> Iterator[Path]:
    """The way to every value inside a payload, the payload itself included."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        yield from walk(child, (*path, step))


def damaged(payload: Any, path: Path, chance: random.Random) -> Any:
    """The payload with one value replaced, left out, doubled, lengthened or given a stranger beside it."""
    value = payload
    for step in path:
        value = value[step]
    harm = chance.choice(("replace", "replace", "omit", "grow"))
    if harm == "grow":
        return put(payload, path, larger(value))
    if harm == "omit" and path and isinstance(path[-1], str):
        return put(payload, path, ...)
    return put(payload, path, chance.choice(WRONG))


def larger(value: Any) -> Any:
    match value:
        case dict():
            return value | {"unknownField": 1}
        case list():
            return value * 1025
        case str():
            return value + "x"
        case bool():
            return not value
    return value + 1


def put(payload: Any, path: Path, value: Any) -> Any:
    """A copy with another value at a place; an ellipsis leaves the place out."""
    if not path:
        return value
    result = copy.deepcopy(payload)
    place = result
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return result
