"""Battery swaps: who put which batteries in, and took which out?"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Index, Table, Text

from domain.swap import Swap
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, UtcTime

SWAP = Table(
    "swap",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("request_id", BigInteger, primary_key=True),
    Column("badge", Text),
    Column("arranged_at", UtcTime),
    Column("inserted_at", UtcTime),
    Column("inserted", JSON(none_as_null=True)),
    Column("taken_at", UtcTime),
    Column("taken", JSON(none_as_null=True)),
    Column("left_at", UtcTime),
    Column("began", BigInteger),
    Column("position", BigInteger),
    Index("swap_by_beginning", "began"),
    Index("swap_by_station", "station_id", "began"),
)


def arranged(changes: Changes, event: Swap.Arranged, position: int) -> None:
    put(changes, event, position, arranged_at=event.recorded_at)


def inserted(changes: Changes, event: Swap.BatteriesInserted, position: int) -> None:
    put(changes, event, position, inserted_at=event.recorded_at, inserted=batteries(event))


def taken(changes: Changes, event: Swap.BatteriesTaken, position: int) -> None:
    put(changes, event, position, taken_at=event.recorded_at, taken=batteries(event))


def left(changes: Changes, event: Swap.BatteriesLeft, position: int) -> None:
    put(changes, event, position, left_at=event.recorded_at)


def batteries(event: Swap.BatteriesInserted | Swap.BatteriesTaken) -> list[Any]:
    return [msgspec.to_builtins(battery) for battery in event.batteries]


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    key = (event.station_id, event.request_id)
    changes.put("swap", key, badge=event.badge, position=position, **values)
    changes.first("swap", key, "began", position)


PROJECTION = Projection(
    name="swap",
    tables={"swap": SWAP},
    handlers={
        Swap.Arranged: arranged,
        Swap.BatteriesInserted: inserted,
        Swap.BatteriesTaken: taken,
        Swap.BatteriesLeft: left,
    },
)
