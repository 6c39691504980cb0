"""A snapshot says what a replay says, for every aggregate and wherever its past is cut."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.aggregate import Aggregate
from domain.catalog import AGGREGATES, CATALOG, events
from domain.event import Event, topic
from domain.snapshot import Unfit, decode, encode, found, shape
from domain.station import Station
from tests.domain.test_catalog import GOLDEN
from tests.history import busy_day

STREAMS: dict[str, list[Event]] = defaultdict(list)
for told in busy_day().events:
    STREAMS[told.originator_id].append(told)
KINDS = {kind: aggregate for aggregate in AGGREGATES for kind in events(aggregate)}
OF: dict[type[Aggregate], list[str]] = defaultdict(list)
for stream, past in STREAMS.items():
    OF[KINDS[type(past[0])]].append(stream)
for kind in set(AGGREGATES) - set(OF):
    past = [CATALOG.decode(topic(each), (GOLDEN / f"{topic(each)}.json").read_bytes()) for each in events(kind)]
    STREAMS[kind.__name__] = [
        msgspec.structs.replace(event, originator_id=kind.__name__, originator_version=version)
        for version, event in enumerate(past, 1)
    ]
    OF[kind].append(kind.__name__)


def memory(aggregate: Aggregate) -> dict[str, Any]:
    """Everything, with JSON texts made comparable."""
    return {name: str(value) if isinstance(value, msgspec.Raw) else value for name, value in vars(aggregate).items()}


@pytest.mark.parametrize("kind", AGGREGATES, ids=lambda kind: str(kind.__name__))
@given(data=st.data())
def test_a_snapshot_and_the_rest_say_what_the_whole_past_says(kind: type[Aggregate], data: st.DataObject) -> None:
    stream = data.draw(st.sampled_from(OF[kind]))
    past = STREAMS[stream]
    cut = data.draw(st.integers(0, len(past)))
    early = kind(stream).replay(past[:cut])
    again = decode(kind(stream), early.version, encode(early), lambda version: past[version - 1])
    assert memory(again) == memory(early)
    assert memory(again.replay(past[cut:])) == memory(kind(stream).replay(past))


@given(data=st.data())
def test_what_is_not_heeded_changes_nothing(data: st.DataObject) -> None:
    stream = data.draw(st.sampled_from(OF[Station]))
    past = STREAMS[stream]
    heeded = [event for event in past if not isinstance(event, Station.unheeded)]
    short, whole = Station(stream).replay(heeded), Station(stream).replay(past)
    short.version = whole.version
    assert memory(short) == memory(whole)


def test_every_aggregate_has_a_past_to_be_tested_on() -> None:
    assert set(OF) == set(AGGREGATES)


def test_a_program_of_another_shape_is_another_shape() -> None:
    assert len({shape(kind) for kind in AGGREGATES}) == len({kind.__module__ for kind in AGGREGATES})
    assert shape(Station) == shape(Station)


@pytest.mark.parametrize("name", ["os:system", "builtins:eval", "domain.station:stream", "domain.station:Nothing"])
def test_a_snapshot_is_data_and_no_program(name: str) -> None:
    with pytest.raises((Unfit, AttributeError)):
        found(name)


@pytest.mark.parametrize(
    "state", [b"{", b"[]", b'{"quirks": {"what": 1}}', b'{"quirks": {"struct": "os:path", "of": []}}']
)
def test_what_cannot_be_read_is_unfit(state: bytes) -> None:
    with pytest.raises(Unfit):
        decode(Station("station/A"), 1, state, lambda version: STREAMS["station/OLD"][version])


def test_what_cannot_be_written_is_unfit() -> None:
    station = Station("station/A")
    station.orphans = {1: STREAMS["station/OLD"][0]}  # type: ignore[dict-item]
    with pytest.raises(Unfit, match="another stream"):
        encode(station)
