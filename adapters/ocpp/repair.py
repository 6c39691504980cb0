"""Repair: between a breach of the schema and a refusal stands the question whether the meaning is plain.

A valid message never comes here. What a rule changes is the copy we work with; the history keeps what was said.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from adapters.ocpp import schema
from adapters.ocpp.rule import RULES, Breach, Path, title
from adapters.ocpp.schema import Kind

ROUNDS = 5
WORST = 500
"""More breaches than this are no slip of the pen."""

Connector = Callable[[dict[str, Any]], int | None]


NO_RULES: tuple[str, ...] = ()


class Unheard(Exception):
    """Why a message cannot be heard: the error code of OCPP, and words."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Repaired(NamedTuple):
    """What is meant, and by which rules we know."""

    payload: dict[str, Any]
    rules: tuple[str, ...]


def nowhere(payload: dict[str, Any]) -> int | None:
    """Nobody knows of which connector it speaks."""
    return None


def repair(
    version: str, action: str, kind: Kind, payload: dict[str, Any], connector: Connector = nowhere
) -> Repaired | None:
    """The payload as it is meant; None when a single breach is left that no rule explains."""
    meant = copy.deepcopy(payload)
    shape = schema.document(version, action, kind)
    applied: dict[str, None] = {}
    waived: set[tuple[Path, str]] = set()
    for _ in range(ROUNDS):
        errors = schema.breaches(version, action, kind, meant, WORST)
        found = [
            Breach(action, kind, meant, tuple(e.instance_path), e.kind.name, e.kind, shape, connector, waived)
            for e in errors
        ]
        found = [breach for breach in found if (breach.path, breach.keyword) not in waived]
        if not found:
            return Repaired(meant, tuple(applied))
        if len(errors) == WORST:
            return None
        for breach in [b for b in found if b.keyword == "additionalProperties"] or found:
            rule = explain(breach)
            if rule is None:
                return None
            applied |= dict.fromkeys(rule)
    return None


def explain(breach: Breach) -> list[str] | None:
    """The name of the rule that applied; none if its place is gone already; None if no rule knows."""
    try:
        breach.value  # noqa: B018
    except (KeyError, IndexError, TypeError):
        return []
    return next(([title(rule)] for rule in RULES if rule(breach)), None)
