"""Stored JSON can be read for ever."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.aggregate import Aggregate
from domain.catalog import AGGREGATES, CATALOG, Catalog, UnknownTopic, events
from domain.event import Event, topic

GOLDEN = Path(__file__).parent.parent / "golden" / "events"


@pytest.mark.parametrize("name", sorted(CATALOG.events))
def test_every_event_has_a_golden_file_that_still_loads(name: str) -> None:
    state = (GOLDEN / f"{name}.json").read_bytes()
    event = CATALOG.decode(name, state)
    assert topic(type(event)) == name
    assert msgspec.json.decode(msgspec.json.encode(event)) == msgspec.json.decode(state)


def test_every_golden_file_still_has_an_event() -> None:
    known = set(CATALOG.events) | set(CATALOG.upcasts)
    assert {path.stem for path in GOLDEN.glob("*.json")} <= known


def test_topics_are_nouns_with_a_past_participle_and_a_version() -> None:
    for name in CATALOG.events:
        noun, happening, version = name.split(".")
        assert noun.isalpha()
        assert happening.replace("_", "").isalpha()
        assert version[0] == "v"
        assert version[1:].isdigit()


def test_every_event_says_what_it_means() -> None:
    assert all(kind.__doc__ for aggregate in AGGREGATES for kind in events(aggregate))


def test_an_unknown_topic_is_named() -> None:
    with pytest.raises(UnknownTopic, match=r"station\.vanished\.v1"):
        CATALOG.decode("station.vanished.v1", b"{}")


class Kettle(Aggregate):
    """An aggregate with a past: its first event once said minutes."""

    class Boiled(Event, tag="kettle.boiled.v2"):
        """Water boiled."""

        duration_s: float

    upcasts = {"kettle.boiled.v1": lambda data: to_v2(data)}  # noqa: RUF012


def to_v2(data: dict[str, Any]) -> dict[str, Any]:
    minutes = data.pop("minutes")
    return data | {"topic": "kettle.boiled.v2", "duration_s": minutes * 60}


def test_an_event_of_a_retired_shape_is_read_as_its_successor() -> None:
    old = {
        "topic": "kettle.boiled.v1",
        "originator_id": "kettle/1",
        "originator_version": 1,
        "recorded_at": "2020-01-01T00:00:00Z",
        "cause": {"by": "operator", "name": "anna"},
        "minutes": 3,
    }
    catalog = Catalog((Kettle,))
    assert catalog.names(Kettle.Boiled) == ["kettle.boiled.v2", "kettle.boiled.v1"]
    event = catalog.decode("kettle.boiled.v1", msgspec.json.encode(old))
    assert isinstance(event, Kettle.Boiled)
    assert event.duration_s == 180
    assert isinstance(event.recorded_at, datetime)
