"""What is about a person is sealed in the store, and nowhere else; what has been forgotten stays unread for ever."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.privacy import Key, Ring
from application.store import EventMapper
from domain.badge import Badge, Terms, stream
from domain.catalog import CATALOG, Recorded
from domain.event import Event
from domain.privacy import BADGES, TEXTS
from domain.station import Station
from tests.history import Notebook, busy_day
from tests.scenario import NOW, SOMEBODY

TELL_OF_NOBODY = [
    "locallist.synchronised.v1", "display.message_shown.v1", "trust.installed.v1", "sponsorship.granted.v1",
    "series.numbered.v1", "invoice.drafted.v1", "submission.prepared.v1",
]  # fmt: skip
"""A number of entries, a text on a screen, the certificate of an authority, a group and a cost centre, a number, what
the law wants kept of an invoice, readings of a meter."""
NAMES = iter(f"{number:016d}".translate(str.maketrans("0123456789", "abcdefghij")) for number in range(10**9))


class Memory:
    """A keyring without a database."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.asked = 0

    def make(self, places: Sequence[str]) -> dict[str, Key]:
        self.asked += 1
        return {place: self.keys.setdefault(place, Key(next(NAMES), secrets.token_bytes(64))) for place in places}

    def find(self, places: Sequence[str]) -> dict[str, Key]:
        return {place: self.keys[place] for place in places if place in self.keys}

    def open(self, ids: Sequence[str]) -> dict[str, bytes]:
        return {key.id: key.secret for key in self.keys.values() if key.id in ids}


class Bench(Ring):
    """A ring over such a keyring."""

    keyring: Memory


@pytest.fixture
def ring() -> Bench:
    return Bench(Memory(), b"x" * 32)


def facts(row: Recorded) -> Any:
    return CATALOG.decode(row.topic, row.state)


def stored(ring: Ring | None, events: Sequence[Event]) -> list[Recorded]:
    rows = EventMapper(None, ring).to_stored_events(events)
    return [
        Recorded(position, str(row.originator_id), row.originator_version, row.topic, row.state)
        for position, row in enumerate(rows, 1)
    ]


def refused(raw: str) -> Event:
    facts: dict[str, Any] = {
        "originator_id": "station/A",
        "originator_version": 1,
        "recorded_at": NOW,
        "cause": SOMEBODY,
    }
    return Station.MessageRefused(raw=raw, code="FormationViolation", reason="?", **facts)


def registered(badge: str) -> Sequence[Event]:
    known = Badge(stream(badge))
    known.register(badge, Terms(message="Hello Anna"), SOMEBODY, NOW)
    known.block("lost", SOMEBODY, NOW)
    return known.collect_events()


def test_a_whole_day_is_read_as_it_was_told(ring: Bench) -> None:
    events = busy_day().events
    plain, sealed = stored(None, events), stored(ring, events)
    assert ring.open(sealed) == plain
    assert sealed != plain


def test_no_badge_of_a_whole_day_is_in_the_store(ring: Bench) -> None:
    sealed = stored(ring, busy_day().events)
    for row in sealed:
        for badge in (b'"B1"', b'"B2"', b'"b3"', b'"family"', b"Anna"):
            assert badge not in row.state, row
        assert not row.stream.startswith("badge/b")
        msgspec.json.decode(row.state)


def test_rows_are_told_apart_where_nobody_knows_their_positions(ring: Bench) -> None:
    """A stream that is read from its end has no positions."""
    events = busy_day().events
    plain, sealed = ([row._replace(position=0) for row in stored(by, events)] for by in (None, ring))
    assert ring.open(sealed) == plain


def test_what_names_nobody_is_stored_as_it_is(ring: Bench) -> None:
    rows = stored(None, busy_day().events)
    events = [
        event
        for event, row in zip(busy_day().events, rows, strict=True)
        if type(event).__name__ in ("Metered", "StatusReported", "Booted") and b"idToken" not in row.state
    ]
    assert len(events) > 10
    assert stored(ring, events) == stored(None, events)
    assert not ring.keyring.asked


def test_of_a_forgotten_badge_only_that_there_was_one_is_left(ring: Bench) -> None:
    sealed = stored(ring, [*registered("04A2"), *registered("77FF"), refused('[2,"1","Authorize",{"idTag":"04a2"}]')])
    for place in (ring.use("04A2"), ring.card("04A2")):
        del ring.keyring.keys[place]
    ring.forget()
    rows = ring.open(sealed)
    gone = rows[0].stream
    assert gone.startswith("badge/forgotten-")
    assert [row.stream for row in rows] == [gone, gone, "badge/77FF", "badge/77FF", "station/A"]
    assert ring.stored(gone) == sealed[0].stream
    first, second, other, _, raw = map(facts, rows)
    assert (first.badge, first.message, second.reason, second.originator_id) == ("forgotten", "forgotten", "lost", gone)
    assert (other.badge, other.message) == ("77FF", "Hello Anna")
    assert raw.raw == '[2,"1","Authorize",{"idTag":"forgotten"}]'


def test_what_a_station_told_of_a_customer_is_forgotten_with_the_badge(ring: Bench) -> None:
    told = [event for event in busy_day().events if event.originator_id == "customer/PARTS"]
    sealed = stored(ring, told)
    assert b"Anna" not in b"".join(row.state for row in sealed)
    del ring.keyring.keys[ring.use("B")]
    ring.forget()
    assert [facts(row).person for row in ring.open(sealed)] == ["forgotten", "forgotten"]
    assert facts(ring.open(sealed)[-1]).text == "forgotten"


def test_a_badge_has_one_stream_however_it_is_written(ring: Bench) -> None:
    ring.close([])
    (first, _), (second, _) = (stored(ring, registered(badge)) for badge in ("ab", "AB"))
    assert first.stream == second.stream == ring.stored("badge/AB")


def test_a_stream_of_old_times_goes_on_under_its_name(ring: Bench) -> None:
    _, later = registered("OLD")
    (row,) = stored(ring, [later])
    assert row.stream == ring.stored("badge/OLD") == "badge/OLD"


@pytest.mark.parametrize(
    "raw",
    ['{"idTag":"B1"', '{"IDTAG" : "B1"}', '{"idTag":12345}', '[2,"1","StartTransaction",{"idTag":"B1","x":"\\u00e9"}]'],
)
def test_the_raw_text_of_a_refused_message_is_covered(ring: Bench, raw: str) -> None:
    (row,) = stored(ring, [refused(raw)])
    assert b"B1" not in row.state
    assert b"12345" not in row.state
    (read,) = ring.open([row])
    assert facts(read).raw == raw


def test_a_number_as_a_badge_is_a_number_again(ring: Bench) -> None:
    state = b'{"topic":"x","payload":{"idTag":4711},"badge":"4711"}'
    ((_, sealed),) = ring.close([(refused(""), state)])
    assert b"4711" not in sealed
    assert ring.open([(1, "s", 1, "x", sealed)])[0].state == state


def test_nobody_reads_what_somebody_else_sealed_by_saying_it(ring: Bench) -> None:
    """A station that has seen a sealed text cannot have it opened by sending it in a message of its own."""
    (secret,) = stored(ring, [refused('{"idTag":"SECRET"}')])
    quoted = secret.state[secret.state.index(b"sealed:") :][:60].decode().split("\\")[0]
    said = refused(f'{{"idTag":"B1","vendor":"{quoted}"}}')
    (row,) = ring.open(stored(ring, [said]))
    assert row == stored(None, [said])[0]
    unsealed = refused(quoted)
    assert ring.open(stored(ring, [unsealed])) == stored(None, [unsealed])


@given(st.text(min_size=1), st.text(), st.booleans())
def test_any_text_is_read_as_it_was_written(badge: str, rest: str, quoted: bool) -> None:
    ring = Ring(Memory(), b"x" * 32)
    inside = msgspec.json.encode({"idTag": badge, "x": rest}).decode()
    events = [refused(inside if quoted else rest), *registered_as(badge)]
    assert ring.open(stored(ring, events)) == stored(None, events)


def registered_as(badge: str) -> Sequence[Event]:
    known = Badge(f"badge/{badge}")
    known.record(Badge.Registered, SOMEBODY, NOW, badge=badge)
    return known.collect_events()


def test_a_commit_asks_once_for_all_keys_that_are_missing(ring: Bench) -> None:
    events = [event for number in range(100) for event in registered(f"B{number}")]
    EventMapper(None, ring).to_stored_events(events)
    assert ring.keyring.asked == 1
    EventMapper(None, ring).to_stored_events(events)
    assert ring.keyring.asked == 1


def test_every_event_that_names_a_badge_or_tells_of_a_person_is_marked() -> None:
    telling = {*BADGES, *TEXTS, "raw", "content", "entries", "parameters"}
    plain = [name for name, kind in CATALOG.events.items() if telling & {*kind.__struct_fields__} and not kind.personal]
    assert plain == TELL_OF_NOBODY


def test_the_notebook_of_tests_is_plain() -> None:
    notebook = Notebook()
    notebook.events += registered("B1")
    assert b'"badge":"B1"' in notebook.rows()[0].state
