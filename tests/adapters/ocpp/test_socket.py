"""When Bornier reads from a station: the journal must have room, and the station must read, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from websockets.protocol import OPEN

from adapters.ocpp.connection import StationConnection
from adapters.ocpp.front import Front
from application.admission import Admissions
from application.gateway import Gateway

SOON_S = 0.02


class Wire(asyncio.Transport):
    """A transport that only writes down what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.reading, self.aborted, self.written = 100_000, True, False, b""

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.left

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Book(SimpleNamespace):
    """A journal that is full when we say so."""

    full = False

    def when_room(self, resume: Callable[[], None]) -> None:
        self.resume = resume


class Place:
    """A front with one station, which is connected."""

    def __init__(self) -> None:
        self.journal = Book()
        gateway = SimpleNamespace(rules=SimpleNamespace(journal=self.journal))
        self.front = Front(
            cast(Gateway, gateway), cast(Admissions, None), lambda: datetime.now(UTC), ping_s=SOON_S, unread_s=SOON_S
        )
        self.wire = Wire()
        self.station = StationConnection(self.front)
        self.station.connection_made(self.wire)
        self.station.protocol.state = OPEN


@pytest.fixture
async def place() -> Place:
    return Place()


async def test_a_station_is_not_read_while_the_journal_is_full(place: Place) -> None:
    place.journal.full = True
    place.station.data_received(b"\x81")
    assert not place.wire.reading
    place.journal.resume()
    assert place.wire.reading


async def test_a_station_that_we_do_not_read_is_not_taken_for_silent(place: Place) -> None:
    place.journal.full = True
    place.station.data_received(b"\x81")
    watching = asyncio.create_task(place.front.watch())
    await asyncio.sleep(6 * SOON_S)
    assert not place.wire.aborted
    place.journal.resume()
    await asyncio.sleep(6 * SOON_S)
    watching.cancel()
    assert place.wire.aborted


async def test_a_station_that_does_not_read_is_read_again_only_when_it_does(place: Place) -> None:
    place.journal.full = True
    place.station.data_received(b"\x81")
    place.station.pause_writing()
    place.journal.resume()
    assert not place.wire.reading
    place.station.resume_writing()
    assert place.wire.reading


async def test_room_in_the_journal_matters_also_when_the_station_reads_again(place: Place) -> None:
    place.station.pause_writing()
    place.journal.full = True
    place.station.data_received(b"\x81")
    place.station.resume_writing()
    assert not place.wire.reading


async def test_a_station_that_reads_nothing_is_hung_up_with_the_reason(place: Place) -> None:
    place.station.pause_writing()
    await asyncio.sleep(3 * SOON_S)
    assert place.station.close_code == 1008
    assert place.station.lost == "for 0.02 s it read nothing of what it was sent"
    assert (1008).to_bytes(2, "big") + b"for 0.02 s" in place.wire.written


async def test_a_station_that_reads_slowly_stays(place: Place) -> None:
    place.station.pause_writing()
    for _ in range(6):
        await asyncio.sleep(SOON_S / 2)
        place.wire.left -= 1
    assert place.station.close_code is None
    place.station.resume_writing()
