"""Lenient rules: what stations write that is not valid, and what they mean by it. Each is small, named and counted.

Only what can mean one thing is here. The history keeps every message as received, whatever a rule made of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

Path = tuple[str | int, ...]

TIMES = {"timestamp", "generatedAt"}
LISTS = {"meterValue", "sampledValue", "transactionData"}
REGISTERS = {"meterStart", "meterStop"}
NAMES = {"chargePointVendor", "chargePointModel", "vendorName", "model"}
TOLD = {
    "measurand", "unit", "phase", "context", "location", "format", "reason", "stoppedReason", "triggerReason",
}  # fmt: skip
"""Words that harm nobody when they are unknown: kept as told, and not counted as energy."""


@dataclass
class Breach:
    """One breach of the schema, and the payload it is in, which a rule may change."""

    action: str
    kind: str
    payload: Any
    path: Path
    keyword: str
    said: Any
    shape: dict[str, Any]
    connector: Callable[[dict[str, Any]], int | None]
    waived: set[tuple[Path, str]] = field(default_factory=set)

    @property
    def value(self) -> Any:
        return reach(self.payload, self.path)

    @property
    def key(self) -> str | int:
        return self.path[-1] if self.path else ""

    @property
    def types(self) -> Any:
        """What would be valid here, if this is the wrong kind of value."""
        return self.said.types if self.keyword == "type" else ()

    @property
    def lacks(self) -> str:
        """The field that is not there, if that is the breach."""
        return str(self.said.property) if self.keyword == "required" else ""

    @property
    def optional(self) -> bool:
        """May the field be left out?"""
        if not self.path or isinstance(self.key, int):
            return False
        return self.key not in shape_of(self.shape, self.path[:-1]).get("required", ())

    def put(self, value: Any) -> bool:
        reach(self.payload, self.path[:-1])[self.path[-1]] = value
        return True

    def add(self, name: str, value: Any) -> bool:
        self.value[name] = value
        return True

    def drop(self) -> bool:
        del reach(self.payload, self.path[:-1])[self.path[-1]]
        return True

    def waive(self) -> bool:
        """Take it as it is."""
        self.waived.add((self.path, self.keyword))
        return True


Rule = Callable[[Breach], bool]
"""Does it apply? Then the payload has been changed, or the breach waived."""


def reach(payload: Any, path: Path) -> Any:
    for step in path:
        payload = payload[step]
    return payload


def shape_of(root: dict[str, Any], path: Path) -> dict[str, Any]:
    """The part of a schema that speaks of a place in a payload."""
    shape = root
    for step in path:
        inner = shape.get("items", {}) if isinstance(step, int) else shape.get("properties", {}).get(step, {})
        shape = root["definitions"][inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner
    return shape


def plain(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())


def field_in_other_case(breach: Breach) -> bool:
    """A field is written in other letters (`idtag`, `connectorID`): the one that is meant."""
    if breach.keyword != "additionalProperties":
        return False
    known = {name.lower(): name for name in shape_of(breach.shape, breach.path).get("properties", ())}
    wrong = {name: known[name.lower()] for name in breach.said.unexpected if name.lower() in known}
    wrong = {name: meant for name, meant in wrong.items() if meant not in breach.value}
    for name, meant in wrong.items():
        breach.value[meant] = breach.value.pop(name)
    return bool(wrong)


def unknown_field(breach: Breach) -> bool:
    """A field that OCPP does not have: kept in the recorded payload, else ignored."""
    if breach.keyword != "additionalProperties":
        return False
    for name in breach.said.unexpected:
        breach.value.pop(name, None)
    return True


def null_for_nothing(breach: Breach) -> bool:
    """`null` in a field that may be left out: left out."""
    return breach.keyword in ("type", "enum") and breach.value is None and breach.optional and breach.drop()


def object_for_list(breach: Breach) -> bool:
    """One object where a list of them belongs: a list of one."""
    return "array" in breach.types and isinstance(breach.value, dict) and breach.put([breach.value])


def number_for_text(breach: Breach) -> bool:
    """A number or a truth value where a text belongs: its text."""
    value = breach.value
    if "string" not in breach.types or not isinstance(value, int | float):
        return False
    return breach.put(orjson.dumps(value).decode())


def object_for_text(breach: Breach) -> bool:
    """Vendor data (DataTransfer) that are no text: their JSON."""
    value = breach.value
    if "string" not in breach.types or breach.path != ("data",) or not isinstance(value, dict | list):
        return False
    return breach.put(orjson.dumps(value).decode())


def empty_sample(breach: Breach) -> bool:
    """A sampled value that is empty or missing: nothing was measured."""
    if "sampledValue" not in breach.path:
        return False
    if breach.lacks == "value":
        return breach.waive()
    return breach.keyword == "type" and breach.key == "value" and breach.value in ("", None) and breach.waive()


def text_for_number(breach: Breach) -> bool:
    """A number written as a text: the number."""
    value = breach.value
    if not {"integer", "number"} & set(breach.types) or not isinstance(value, str):
        return False
    number = figure(value)
    if number is None:
        return False
    return breach.put(int(number) if number.is_integer() else number)


def figure(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e15 else None


def point_in_whole_number(breach: Breach) -> bool:
    """`1.0` where a whole number belongs: the whole number. A register with a fraction of a Wh is taken as it is."""
    value = breach.value
    if "integer" not in breach.types or not isinstance(value, float):
        return False
    return breach.put(int(value)) if value.is_integer() else breach.key in REGISTERS and breach.waive()


def text_for_truth(breach: Breach) -> bool:
    """`"true"` or `"false"` as a text: the truth value."""
    if "boolean" not in breach.types or not isinstance(breach.value, str):
        return False
    word = breach.value.strip().lower()
    return word in ("true", "false") and breach.put(word == "true")


def empty_value(breach: Breach) -> bool:
    """An empty text in a field that may be left out and holds no free text: left out."""
    return breach.keyword in ("type", "enum") and breach.value == "" and breach.optional and breach.drop()


def long_text(breach: Breach) -> bool:
    """A text that is too long: kept in full."""
    return breach.keyword == "maxLength" and breach.waive()


def empty_list(breach: Breach) -> bool:
    """An empty list of meter values: nothing was measured. Another one that may be left out: left out."""
    if breach.keyword != "minItems" or breach.value != []:
        return False
    return breach.waive() if breach.key in LISTS else breach.optional and breach.drop()


def word_in_other_case(breach: Breach) -> bool:
    """A word of a list in other letters (`available`, `Transaction_Begin`): the word."""
    if breach.keyword != "enum" or not isinstance(breach.value, str):
        return False
    meant = [word for word in breach.said.options if plain(str(word)) == plain(breach.value) != ""]
    return len(meant) == 1 and breach.put(meant[0])


def unknown_error_code(breach: Breach) -> bool:
    """An error code that OCPP 1.6 does not have: OtherError, with the original as the vendor's code."""
    if breach.key != "errorCode" or breach.keyword not in ("enum", "type"):
        return False
    reach(breach.payload, breach.path[:-1]).setdefault("vendorErrorCode", str(breach.value))
    return breach.put("OtherError")


def missing_error_code(breach: Breach) -> bool:
    """A status without error code: NoError, or OtherError when it is Faulted."""
    if breach.lacks != "errorCode":
        return False
    return breach.add("errorCode", "OtherError" if breach.value.get("status") == "Faulted" else "NoError")


def unknown_word(breach: Breach) -> bool:
    """A word that is not in the list, where the list only describes (measurand, unit, reason): kept as told. One in a
    field that may be left out: left out."""
    if breach.keyword != "enum" or not isinstance(breach.value, str):
        return False
    if breach.key in TOLD or breach.path[-2:] == ("idToken", "type"):
        return breach.waive()
    return breach.optional and breach.drop()


def missing_time(breach: Breach) -> bool:
    """A message that does not say when: when it arrived."""
    return breach.lacks in TIMES and breach.add(breach.lacks, "")


def missing_connector(breach: Breach) -> bool:
    """Meter values or a status without connector: that of the transaction named, or the only one there is."""
    if breach.lacks != "connectorId" or breach.path:
        return False
    found = breach.connector(breach.payload)
    return found is not None and breach.add("connectorId", found)


def missing_samples(breach: Breach) -> bool:
    """Meter values without any: nothing was measured."""
    return breach.lacks in LISTS and breach.add(breach.lacks, [])


def missing_register(breach: Breach) -> bool:
    """A stop that tells no register: the last one read counts."""
    return breach.action == "StopTransaction" and breach.lacks == "meterStop" and breach.waive()


def missing_number(breach: Breach) -> bool:
    """A stop that names no transaction: the only one it can be, as after an offline start."""
    missing = breach.action == "StopTransaction" and breach.lacks == "transactionId"
    return missing and breach.add("transactionId", -1)


def missing_name(breach: Breach) -> bool:
    """A boot without vendor or model: an empty name."""
    return breach.lacks in NAMES and breach.add(breach.lacks, "")


def broken_custom_data(breach: Breach) -> bool:
    """Custom data that are not what OCPP wants of them: kept in the recorded payload, else ignored."""
    if "customData" not in breach.path:
        return False
    place = breach.path[: breach.path.index("customData")]
    return reach(breach.payload, place).pop("customData", None) is not None


def broken_rest(breach: Breach) -> bool:
    """An answer with a good status and something broken beside it: the status counts."""
    if breach.kind != "response" or not breach.path or breach.path[0] == "status" or "status" not in breach.payload:
        return False
    if breach.path[0] in breach.shape.get("required", ()):
        return False
    return breach.payload.pop(breach.path[0], None) is not None


RULES: tuple[Rule, ...] = (
    field_in_other_case,
    unknown_field,
    null_for_nothing,
    object_for_list,
    number_for_text,
    object_for_text,
    empty_sample,
    text_for_number,
    point_in_whole_number,
    text_for_truth,
    long_text,
    empty_list,
    empty_value,
    word_in_other_case,
    unknown_error_code,
    missing_error_code,
    unknown_word,
    missing_time,
    missing_connector,
    missing_samples,
    missing_register,
    missing_number,
    missing_name,
    broken_custom_data,
    broken_rest,
)
"""In this order; the first that applies to a breach is the one that counts."""


def title(rule: Rule) -> str:
    """A rule as people read it."""
    return rule.__name__.replace("_", " ")
