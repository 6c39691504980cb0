"""One Bornier in many processes: whoever dies, another goes on."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import ExitStack

from websockets.exceptions import ConnectionClosed

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server

STATION = "query ($id: ID!) { station(id: $id) { connected vendor lastSeenAt } }"


async def test_a_projector_that_is_killed_is_replaced_within_seconds(postgres: str) -> None:
    with ExitStack() as stack:
        roles = ("projector", "projector", "gateway", "api")
        first, second, gateway, api = (stack.enter_context(Server(postgres, "--role", role)) for role in roles)
        async with Station(gateway.ocpp, "MOVED") as station:
            await station.boot()
            await api.until(STATION, lambda d: d["station"] and d["station"]["connected"], id="MOVED")
            first.kill()
            await station.call("Heartbeat", {})
            seen = await api.until(STATION, lambda d: d["station"]["lastSeenAt"], id="MOVED")
            await asyncio.sleep(0.01)
            await station.call("Heartbeat", {})
            last = seen["station"]["lastSeenAt"]
            await api.until(STATION, lambda d: d["station"]["lastSeenAt"] > last, id="MOVED")
        assert second.process.poll() is None


async def test_a_command_asked_at_one_process_reaches_the_station_at_another(postgres: str) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(Server(postgres, "--role", "gateway")) for _ in range(2)]
        stack.enter_context(Server(postgres, "--role", "projector"))
        api = stack.enter_context(Server(postgres, "--role", "api"))
        async with Station(both[1].ocpp, "FAR") as station:
            await station.boot()
            asked = await api.ask('mutation { reset(input: {stationId: "FAR"}) { id } }')
            query = "query ($id: ID!) { command(id: $id) { status } }"
            await api.until(query, lambda d: d["command"]["status"] == "ACCEPTED", id=asked["reset"]["id"])
            assert [frame[2] for frame in station.heard] == ["Reset"]


async def test_the_stations_of_a_gateway_that_is_killed_are_disconnected_and_come_in_elsewhere(postgres: str) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(Server(postgres, "--role", "gateway")) for _ in range(2)]
        stack.enter_context(Server(postgres, "--role", "projector"))
        api = stack.enter_context(Server(postgres, "--role", "api"))
        one, other = Station(both[0].ocpp, "LEFT"), Station(both[1].ocpp, "STAYS")
        async with one, other:
            await one.boot()
            await other.boot()
            await api.until(STATION, lambda d: d["station"] and d["station"]["connected"], id="LEFT")
            both[0].kill()
            await api.until(STATION, lambda d: not d["station"]["connected"], id="LEFT")
            assert (await api.ask(STATION, id="STAYS"))["station"]["connected"]
            await other.call("Heartbeat", {})
        async with Station(both[1].ocpp, "LEFT") as again:
            await again.boot()
            await api.until(STATION, lambda d: d["station"]["connected"], id="LEFT")


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
