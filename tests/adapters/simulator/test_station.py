"""The simulated stations are honest: a strict CSMS accepts every word, and they do what they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.simulator.fleet import Fleet
from adapters.simulator.station import Station
from tests.end_to_end.server import Server

VERSIONS = ["1.6", "2.0.1", "2.1"]
CHARGES = """query ($id: ID!) { transactions(stationId: $id) { edges { node {
  id badge endedAt stopReason energyWh meterStartWh meterStopWh socStart socEnd offline doubt
  readings { totalCount edges { node { registerWh powerW } } } } } } }"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"sqlite:///{tmp_path_factory.mktemp('simulator')}/bornier.db") as running:
        yield running


@asynccontextmanager
async def alive(server: Server, name: str, version: str, **more: Any) -> AsyncIterator[Station]:
    """A station that lives its own life, quickly."""
    station = Station(server.ocpp, name, version, meter_s=0.1, **({"pause_s": 60.0} | more))
    stop = asyncio.Event()
    life = asyncio.create_task(station.live(stop))
    try:
        await until(lambda: station.accepted and station.link.up)
        yield station
    finally:
        stop.set()
        await asyncio.wait_for(life, 10)


async def until(wanted: Callable[[], Any]) -> None:
    for _ in range(600):
        if wanted():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never happened")


async def charges(server: Server, name: str, wanted: Callable[[list[Any]], Any]) -> list[Any]:
    def nodes(data: dict[str, Any]) -> list[Any]:
        return [edge["node"] for edge in data["transactions"]["edges"]]

    return nodes(await server.until(CHARGES, lambda data: wanted(nodes(data)), id=name))


async def order(server: Server, mutation: str) -> str:
    data = await server.ask(f"mutation {{ {mutation} {{ id }} }}")
    (asked,) = data.values()
    query = "query ($id: ID!) { command(id: $id) { status } }"
    final = ("ACCEPTED", "REJECTED", "FAILED", "TIMED_OUT", "EXPIRED")
    ended = await server.until(query, lambda d: d["command"] and d["command"]["status"] in final, id=asked["id"])
    return str(ended["command"]["status"])


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_charge_by_hand_gives_the_energy_its_register_shows(server: Server, version: str) -> None:
    station = Station(server.ocpp, f"HAND-{version}", version, speed=1.0)
    await station.connect()
    assert await station.start("04A2B1")
    before = station.register_wh
    for _ in range(3):
        station.take_energy(100_000, 0.2)
        await asyncio.sleep(0.05)
        await station.meter()
    await station.end("EVDisconnected")
    await station.link.close()
    (node,) = await charges(server, station.identity, lambda found: found and found[0]["endedAt"])
    assert node["energyWh"] == pytest.approx(station.register_wh - before, abs=1)
    assert (node["badge"], node["stopReason"], node["doubt"]) == ("04A2B1", "EVDisconnected", None)
    assert node["socEnd"] >= node["socStart"]
    assert station.link.errors == 0


@pytest.mark.parametrize("version", VERSIONS)
async def test_it_obeys_remote_start_and_remote_stop(server: Server, version: str) -> None:
    async with alive(server, f"REMOTE-{version}", version) as station:
        start = f'remoteStart(input: {{stationId: "{station.identity}", badge: "CAFE", evseId: 1}})'
        assert await order(server, start) == "ACCEPTED"
        (node,) = await charges(server, station.identity, lambda found: found and found[0]["readings"]["totalCount"])
        assert await order(server, start) == "REJECTED"
        assert await order(server, f'remoteStop(input: {{transactionId: "{node["id"]}"}})') == "ACCEPTED"
        (node,) = await charges(server, station.identity, lambda found: found[0]["endedAt"])
        assert node["stopReason"] == "Remote"
        assert station.link.errors == 0


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_reset_ends_the_charge_hangs_up_and_boots_again(server: Server, version: str) -> None:
    async with alive(server, f"RESET-{version}", version) as station:
        station.wish("CAFE", None)
        await charges(server, station.identity, lambda found: found)
        assert await order(server, f'reset(input: {{stationId: "{station.identity}", kind: HARD}})') == "ACCEPTED"
        await charges(server, station.identity, lambda found: found[0]["endedAt"])
        query = '{ events(stream: "station/%s", topics: ["station.booted.v1"]) { totalCount } }'
        await server.until(query.replace("%s", station.identity), lambda data: data["events"]["totalCount"] >= 2)
        assert station.link.errors == 0


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_happened_offline_is_told_later_with_its_own_times(server: Server, version: str) -> None:
    station = Station(server.ocpp, f"OFF-{version}", version, meter_s=0.05)
    await station.connect()
    await station.start("04A2B1")
    with pytest.raises(Exception, match="offline"):
        await station.lose_network(asyncio.Event())
    waiting = len(station.unsent)
    assert waiting >= 1
    await station.connect()
    assert not station.unsent
    await station.end("Local")
    await station.link.close()
    (node,) = await charges(server, station.identity, lambda found: found and found[0]["endedAt"])
    assert node["readings"]["totalCount"] >= waiting
    assert station.link.errors == 0


KEY = "HeartbeatInterval"
SMALL: list[tuple[str, Callable[[Station], str]]] = [
    ("1.6", lambda s: f'getConfiguration(input: {{stationId: "{s.identity}", keys: ["HeartbeatInterval", "Nope"]}})'),
    (
        "1.6",
        lambda s: f'changeConfiguration(input: {{stationId: "{s.identity}", key: "HeartbeatInterval", value: "9"}})',
    ),
    ("2.0.1", lambda s: f'triggerMessage(input: {{stationId: "{s.identity}", message: "Heartbeat"}})'),
    ("2.1", lambda s: f'unlockConnector(input: {{stationId: "{s.identity}", evseId: 1, connectorId: 1}})'),
    ("2.1", lambda s: f'changeAvailability(input: {{stationId: "{s.identity}", operative: false}})'),
]
EVERYWHERE = (
    """setChargingProfile(input: {stationId: "S", evseId: 0, chargingProfile: {purpose: TX_DEFAULT_PROFILE,
       kind: RELATIVE, schedules: [{unit: A, periods: [{startSeconds: 0, limit: "10"}]}]}})""",
    'getCompositeSchedule(input: {stationId: "S", evseId: 1, durationSeconds: 120, unit: W})',
    'reserveNow(input: {stationId: "S", evseId: 1, badge: "MINE", expiresAt: "2099-01-01T00:00:00Z"})',
    'sendLocalList(input: {stationId: "S", full: true, badges: ["MINE"]})',
    'getLocalListVersion(input: {stationId: "S"})',
    'clearCache(input: {stationId: "S"})',
    'getLog(input: {stationId: "S"})',
)


@pytest.mark.parametrize(("version", "mutation"), SMALL)
async def test_it_answers_the_smaller_orders(server: Server, version: str, mutation: Callable[[Station], str]) -> None:
    async with alive(server, f"SMALL-{version}", version) as station:
        assert await order(server, mutation(station)) == "ACCEPTED"
        assert station.link.errors == 0


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_bornier_asks_in_every_version_is_done(server: Server, version: str) -> None:
    badge = f"MINE-{version}"
    await server.ask(f'mutation {{ registerBadge(input: {{badge: "{badge}"}}) {{ badge }} }}')
    async with alive(server, f"EVERY-{version}", version) as station:
        for mutation in EVERYWHERE:
            asked = mutation.replace('"S"', f'"{station.identity}"').replace('"MINE"', f'"{badge}"')
            assert await order(server, asked) == "ACCEPTED", asked
        assert station.badges.list[badge].status == "Accepted"
        assert len(station.profiles.rows) == 1
        await until(lambda: station.diary.status == "Uploaded")
        assert station.link.errors == 0


async def test_a_fleet_of_all_versions_speaks_without_one_error(server: Server) -> None:
    lines: list[str] = []
    fleet = Fleet(server.ocpp, stations=6, speed=2_000, on_activity=lines.append, prefix="FLEET", pause_s=0.2)
    summary = await fleet.run(asyncio.Event(), duration=6)
    assert summary.errors == 0
    assert summary.calls == summary.answers > 24
    assert summary.charges >= 6
    assert lines


async def test_a_fleet_ends_promptly_when_nobody_answers() -> None:
    stop = asyncio.Event()
    run: Awaitable[Any] = Fleet("ws://127.0.0.1:9/ocpp", stations=2).run(stop)
    asyncio.get_running_loop().call_later(0.3, stop.set)
    summary = await asyncio.wait_for(run, 5)
    assert (summary.calls, summary.answers) == (0, 0)
