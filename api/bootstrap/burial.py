"""The burial of gateways that died: what they could not record any more, another one records."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

from eventsourcing.persistence import InterfaceError, OperationalError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from application.gateway import Gateway
from application.seat import Seats
from projections import station

BURY_EVERY_S = 3.0


async def keep_burying(gateway: Gateway, read_side: Engine, here: Seats) -> None:
    """Look for gateways that died, again and again."""
    while True:
        await asyncio.sleep(BURY_EVERY_S)
        with contextlib.suppress(SQLAlchemyError, OperationalError, InterfaceError):  # the next round tries again
            await bury(gateway, read_side, here)


async def bury(gateway: Gateway, read_side: Engine, here: Seats) -> None:
    """Record the disconnection of stations whose gateway could not: it is no longer in its seat."""
    if not await asyncio.to_thread(here.holds, seat(gateway.name)):
        return
    for name in await asyncio.to_thread(ask, read_side, station.gateways):
        if name != gateway.name and await asyncio.to_thread(here.empty, seat(name)):
            left = await asyncio.to_thread(ask, read_side, partial(station.connected_to, gateway=name))
            await gateway.disown(name, left)


def seat(gateway: str) -> str:
    return f"gateway {gateway}"


def ask(read_side: Engine, query: Callable[[Connection], list[str]]) -> list[str]:
    with read_side.connect() as connection:
        return query(connection)
