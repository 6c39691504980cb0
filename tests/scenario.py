"""Given, when, then: a decision of the domain as a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import pytest

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Operator, Refusal

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SOMEBODY: AnyCause = Operator(name="somebody")
ENVELOPE = {"originator_id", "originator_version", "recorded_at", "cause"}
A = TypeVar("A", bound=Aggregate)
Step = Callable[[A], Any]


def facts(event: Event) -> dict[str, Any]:
    """An event without its envelope and without what it did not say."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__ if name not in ENVELOPE}
    return {"": type(event).__name__} | {
        name: value for name, value in fields.items() if value not in (None, (), False)
    }


@dataclass
class Scenario(Generic[A]):
    """An aggregate after some steps."""

    aggregate: A
    result: Any = None
    events: list[Event] = field(default_factory=list)

    def when(self, step: Step[A]) -> Scenario[A]:
        self.aggregate.collect_events()
        self.result = step(self.aggregate)
        self.events = list(self.aggregate.collect_events())
        return self

    def then(self, *kinds: type[Event]) -> Scenario[A]:
        """Exactly these kinds of events happened."""
        assert [type(event) for event in self.events] == list(kinds)
        return self

    def showing(self, **expected: Any) -> Scenario[A]:
        """The last event says so."""
        said = facts(self.events[-1])
        assert {name: said.get(name) for name in expected} == expected
        return self

    def then_nothing(self) -> None:
        assert self.events == []


def given(aggregate: A, *steps: Step[A]) -> Scenario[A]:
    for step in steps:
        step(aggregate)
    return Scenario(aggregate)


def refused(aggregate: A, step: Step[A], reason: str) -> None:
    """The step is refused with these words, and nothing happened."""
    aggregate.collect_events()
    with pytest.raises(Refusal, match=reason):
        step(aggregate)
    assert aggregate.collect_events() == []
