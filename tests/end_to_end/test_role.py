"""One Bornier in many processes: whoever dies, another goes on, and nothing is lost or told twice."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from application.history import History
from application.store import Store
from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_crash import meter, recorded

STATION = "query ($id: ID!) { station(id: $id) { connected vendor lastSeenAt } }"
CHARGE = 'query { transactions(stationId: "LEFT") { totalCount edges { node { energyWh endedAt } } } }'
TAKEN_OVER_S = 15.0
"""Seats are asked for every second and gateways buried every three; the rest is for a machine with much else to do."""


async def test_a_projector_that_is_killed_is_replaced_within_seconds(postgres: str) -> None:
    with ExitStack() as stack:
        roles = ("projector", "projector", "gateway", "api")
        first, second, gateway, api = (stack.enter_context(Server(postgres, "--role", role)) for role in roles)
        async with Station(gateway.ocpp, "MOVED") as station:
            await station.boot()
            await api.until(STATION, lambda d: d["station"] and d["station"]["connected"], id="MOVED")
            first.kill()
            began = time.monotonic()
            await station.call("Heartbeat", {})
            seen = await api.until(STATION, lambda d: d["station"]["lastSeenAt"], id="MOVED")
            await asyncio.sleep(0.01)
            await station.call("Heartbeat", {})
            last = seen["station"]["lastSeenAt"]
            await api.until(STATION, lambda d: d["station"]["lastSeenAt"] > last, id="MOVED")
            assert time.monotonic() - began < TAKEN_OVER_S
        assert second.process.poll() is None


async def test_a_command_asked_at_any_api_reaches_the_gateway_that_holds_the_station(postgres: str) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(Server(postgres, "--role", "gateway", "--role", "api")) for _ in range(2)]
        stack.enter_context(Server(postgres, "--role", "projector"))
        async with Station(both[0].ocpp, "NEAR") as near, Station(both[1].ocpp, "FAR") as far:
            await near.boot()
            await far.boot()
            for api, station in itertools.product(both, (near, far)):
                wish = {"stationId": station.station_id}
                asked = await api.ask("mutation ($w: ResetInput!) { reset(input: $w) { id } }", w=wish)
                query = "query ($id: ID!) { command(id: $id) { status } }"
                await api.until(query, lambda d: d["command"]["status"] == "ACCEPTED", id=asked["reset"]["id"])
            assert [frame[2] for frame in near.heard] == [frame[2] for frame in far.heard] == ["Reset", "Reset"]


@pytest.mark.timeout(180)
async def test_the_stations_of_a_gateway_that_is_killed_come_in_elsewhere_and_no_message_is_lost_or_doubled(
    postgres: str,
) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(Server(postgres, "--role", "gateway")) for _ in range(2)]
        stack.enter_context(Server(postgres, "--role", "projector"))
        api = stack.enter_context(Server(postgres, "--role", "api"))
        sent: list[str] = []
        answered: list[str] = []
        async with Station(both[0].ocpp, "LEFT") as left, Station(both[1].ocpp, "STAYS") as other:
            await other.boot()
            number = await started(left)
            talk = asyncio.create_task(charge(left, number, sent, answered))
            await api.until(STATION, lambda d: d["station"] and d["station"]["connected"], id="LEFT")
            while len(answered) < 20:
                await asyncio.sleep(0.01)
            both[0].kill()
            began = time.monotonic()
            await api.until(STATION, lambda d: not d["station"]["connected"], id="LEFT")
            assert time.monotonic() - began < TAKEN_OVER_S
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)
            assert (await api.ask(STATION, id="STAYS"))["station"]["connected"]
            await other.call("Heartbeat", {})
        async with Station(both[1].ocpp, "LEFT") as again:
            await again.boot()
            await api.until(STATION, lambda d: d["station"]["connected"], id="LEFT")
            for message_id in sent[len(answered) :]:  # what nobody answered a station says again
                await again.call("MeterValues", meter(number, register_of(message_id)), message_id)
            await again.call("StopTransaction", {"transactionId": number, "meterStop": 9_005, "timestamp": LATER})
            seen = await api.until(CHARGE, lambda d: d["transactions"]["edges"][0]["node"]["endedAt"])
        assert seen["transactions"]["totalCount"] == 1
        assert seen["transactions"]["edges"][0]["node"]["energyWh"] == 9_000
        assert len(answered) >= 20
        assert await asyncio.to_thread(recorded, postgres) == sent


LATER = "2026-11-23T12:00:00Z"


async def started(station: Station) -> int:
    """A charge begins."""
    await station.boot()
    begin = {"connectorId": 1, "idTag": "T", "meterStart": 5, "timestamp": "2026-11-23T10:00:00Z"}
    return int((await station.call("StartTransaction", begin))["transactionId"])


async def charge(station: Station, number: int, sent: list[str], answered: list[str]) -> None:
    """Meter values until the connection breaks, one after the other, each written down when it is sent and answered."""
    for register in itertools.count(10):
        sent.append(f"LEFT/{register}")
        try:
            await station.call("MeterValues", meter(number, register), sent[-1])
        except ConnectionClosed:
            return
        answered.append(sent[-1])
        await asyncio.sleep(0.005)


def register_of(message_id: str) -> int:
    return int(message_id.partition("/")[2])


async def test_a_station_that_moves_fences_the_gateway_that_still_believes_to_hold_it(postgres: str) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(Server(postgres, "--role", "gateway")) for _ in range(2)]
        async with Station(both[0].ocpp, "TWICE") as before:
            await before.boot()
            async with Station(both[1].ocpp, "TWICE") as now:
                await now.boot()
                with contextlib.suppress(ConnectionClosed, TimeoutError):
                    async with asyncio.timeout(10):
                        await before.socket.send('[2,"late","Heartbeat",{}]')
                        await before.socket.wait_closed()
                assert before.socket.close_code is not None
                assert "currentTime" in await now.call("Heartbeat", {})
    versions, states = await asyncio.to_thread(told, postgres, "station/TWICE")
    assert versions == list(range(1, len(versions) + 1))
    assert '"message_id":"late"' not in str(states)
    assert "TWICE" in str(states)


def told(database: str, stream: str) -> tuple[list[int], list[Any]]:
    """The versions of a stream, and what its events say."""
    store = Store(database)
    try:
        rows = History(store.recorder).stream(stream)
        return [row.version for row in rows], [row.state for row in rows]
    finally:
        store.close()
