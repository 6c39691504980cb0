"""Secrets in what stations say: values of keys that are passwords never reach the history."""

from __future__ import annotations

import re
from typing import Any

from adapters.ocpp.dialect import Payload
from domain.secret import NAMES, secret

VALUES = ("value", "attributeValue", "actualValue")
VALUE = re.compile(rf'("(?:{"|".join(VALUES)})"\s*:\s*)"(?:[^"\\]|\\.)*"?')


def redacted(payload: Payload) -> Payload:
    """The same without the values of secrets: the lines of its lists are keys, variables, reports or events."""
    return {
        name: [blanked(line) for line in part] if isinstance(part, list) else part for name, part in payload.items()
    }


def blanked(line: Any) -> Any:
    if not isinstance(line, dict) or not names_secret(line):
        return line
    blank = {name: value for name, value in line.items() if name not in VALUES}
    if "actualValue" in line:
        blank["actualValue"] = ""
    if isinstance(attributes := line.get("variableAttribute"), list):
        blank["variableAttribute"] = [{k: v for k, v in each.items() if k not in VALUES} for each in attributes]
    return blank


def names_secret(line: Payload) -> bool:
    """A configuration key (1.6) or a variable (2.x) whose value nobody should read."""
    variable = line.get("variable")
    name = variable.get("name") if isinstance(variable, dict) else line.get("key")
    return isinstance(name, str) and secret(name)


def scrubbed(text: str) -> str:
    """A raw text that names a secret, without any value: it may be no JSON at all, so rather none than too many."""
    return VALUE.sub(r'\1"(not kept)"', text) if secret_in(text) else text


def secret_in(text: str) -> bool:
    lower = text.lower()
    return any(name in lower for name in NAMES)
