"""What an accepted remote start leads to, in three versions: a charge, or nothing in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import VERSIONS

START = "mutation ($input: RemoteStartInput!) { remoteStart(input: $input) { id } }"
OUTCOME = """query ($id: ID!) { command(id: $id) { status givenUpAt error
  transaction { stationId stationTransactionId badge } } }"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("outcome") / "bornier.db"
    with Server(f"sqlite:///{path}", BORNIER_START_TIMEOUT_S="2") as running:
        yield running


async def remote_start(server: Server, station: Station, badge: str = "B") -> str:
    """Ask until the station has answered; the command's id."""
    wish = {"stationId": station.station_id, "badge": badge, "evseId": 1}
    command_id = str((await server.ask(START, input=wish))["remoteStart"]["id"])
    await server.until(
        OUTCOME, lambda d: d["command"] and d["command"]["status"] not in ("REQUESTED", "SENT"), id=command_id
    )
    return command_id


async def led_to(server: Server, command_id: str) -> dict[str, Any]:
    data = await server.until(OUTCOME, lambda d: d["command"]["transaction"], id=command_id)
    assert data["command"]["givenUpAt"] is None
    found: dict[str, Any] = data["command"]["transaction"]
    return found


async def begin(station: Station, badge: str | None = "B", kind: str = "Started", seq_no: int = 0, **info: Any) -> None:
    at = datetime.now(UTC).isoformat()
    if station.version == "1.6":
        payload = {"connectorId": 1, "idTag": badge, "meterStart": 0, "timestamp": at}
        await station.call("StartTransaction", payload)
        return
    token = {"idToken": {"idToken": badge, "type": "ISO14443"}} if badge else {}
    said: dict[str, Any] = {
        "eventType": kind, "timestamp": at, "triggerReason": "RemoteStart", "seqNo": seq_no,
        "transactionInfo": {"transactionId": "mine"} | info, "evse": {"id": 1, "connectorId": 1},
    }  # fmt: skip
    await station.call("TransactionEvent", said | token)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_start_leads_to_its_charge(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"L{version}", version) as station:
        await station.boot()
        command_id = await remote_start(server, station)
        number = station.heard[-1][3].get("remoteStartId")
        await begin(station, remoteStartId=number)
        found = await led_to(server, command_id)
        assert (found["stationId"], found["badge"]) == (station.station_id, "B")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_start_that_comes_to_nothing_is_given_up(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"N{version}", version) as station:
        await station.boot()
        command_id = await remote_start(server, station)
        data = await server.until(OUTCOME, lambda d: d["command"]["givenUpAt"], id=command_id)
        assert (data["command"]["status"], data["command"]["transaction"]) == ("ACCEPTED", None)
    query = "query ($stream: ID!) { events(stream: $stream) { edges { node { topic data } } } }"
    events = (await server.ask(query, stream=f"command/{command_id}"))["events"]["edges"]
    assert events[-1]["node"]["topic"] == "command.given_up.v1"
    assert "within 2 s" in events[-1]["node"]["data"]["reason"]


async def test_a_start_that_the_station_rejects_is_not_waited_for(server: Server) -> None:
    async with Station(server.ocpp, "R") as station:
        await station.boot()
        station.commands["RemoteStartTransaction"] = {"status": "Rejected"}
        command_id = await remote_start(server, station)
        other = await remote_start_of_another(server)
        await server.until(OUTCOME, lambda d: d["command"]["givenUpAt"], id=other)
        data = await server.ask(OUTCOME, id=command_id)
        assert (data["command"]["status"], data["command"]["givenUpAt"]) == ("REJECTED", None)


async def remote_start_of_another(server: Server) -> str:
    async with Station(server.ocpp, "R2") as station:
        await station.boot()
        return await remote_start(server, station)


async def test_the_charge_of_another_badge_is_not_it(server: Server) -> None:
    async with Station(server.ocpp, "O") as station:
        await station.boot()
        command_id = await remote_start(server, station)
        await begin(station, badge="C")
        await server.until(OUTCOME, lambda d: d["command"]["givenUpAt"], id=command_id)


async def test_a_charge_that_waited_for_the_start_is_found_by_the_id_in_the_answer(server: Server) -> None:
    async with Station(server.ocpp, "A", "2.0.1") as station:
        await station.boot()
        await begin(station, badge=None)
        station.commands["RequestStartTransaction"] = {"status": "Accepted", "transactionId": "mine"}
        found = await led_to(server, await remote_start(server, station))
        assert found["stationTransactionId"] == "mine"


async def test_a_charge_that_waited_for_the_start_is_found_by_the_badge_shown(server: Server) -> None:
    async with Station(server.ocpp, "P", "2.0.1") as station:
        await station.boot()
        await begin(station, badge=None)
        command_id = await remote_start(server, station)
        await begin(station, kind="Updated", seq_no=1)
        assert (await led_to(server, command_id))["stationTransactionId"] == "mine"


async def test_two_starts_lead_to_two_charges(server: Server) -> None:
    async with Station(server.ocpp, "T", "2.0.1") as station:
        await station.boot()
        first = await remote_start(server, station)
        one = station.heard[-1][3]["remoteStartId"]
        second = await remote_start(server, station)
        await begin(station, remoteStartId=one)
        assert (await led_to(server, first))["badge"] == "B"
        data = await server.until(OUTCOME, lambda d: d["command"]["givenUpAt"], id=second)
        assert data["command"]["transaction"] is None
