"""No message is left out of a station's trace, in whatever streams it caused something."""

from __future__ import annotations

from collections import Counter

import orjson
from sqlalchemy import create_engine

from adapters.ocpp.trace import lines
from domain.catalog import CATALOG
from domain.event import Message
from migrations.migrate import upgrade
from projections import trace
from projections.catalog import PROJECTIONS
from projections.runner import Runner
from tests.projections.test_projection import HISTORY, Book

CONNECTIONS = {"OLD": "c-OLD", "NEW": "c-NEW"}


def test_every_message_of_a_station_is_in_its_streams_and_told_once(sqlite: str) -> None:
    upgrade(sqlite)
    here = create_engine(sqlite)
    runner = Runner(here, Book(), [PROJECTIONS["trace"]])
    while runner.step():
        pass
    events = [CATALOG.decode(row.topic, row.state) for row in HISTORY]
    for station_id, connection_id in CONNECTIONS.items():
        with here.connect() as connection:
            places = set(trace.streams(connection, station_id, len(HISTORY) + 1))
        told = [orjson.loads(line) for line in lines(station_id, (e for e in events if e.originator_id in places))]
        heard = Counter(line["frame"][1] for line in told if line["dir"] == "in" and line["frame"][0] == 2)
        said = {
            e.cause.message_id
            for e in events
            if isinstance(e.cause, Message) and e.cause.connection_id == connection_id
        }
        assert heard == Counter(said)
    here.dispose()
