"""One domain, three OCPP versions: the same charge, told in each, gives the same facts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server

BADGE = "04A2B1"
T0, T1, T2, T3 = (f"2026-11-23T10:{minute:02d}:00Z" for minute in (0, 5, 10, 15))
CHARGE = """query ($id: ID!) { transactions(stationId: $id) { edges { node { id
  evseId badge verdict startedAt endedAt energyWh powerW socStart socEnd stopReason meterStartWh meterStopWh doubt
  readings { edges { node { at registerWh powerW socPercent } } } } } } }"""
EXPECTED = {
    "evseId": 1, "badge": BADGE, "verdict": "Accepted", "startedAt": T0, "endedAt": T3, "energyWh": 1500.0,
    "powerW": None, "socStart": 40.0, "socEnd": 45.0, "stopReason": "EVDisconnected",
    "meterStartWh": 123_456_000.0, "meterStopWh": 123_457_500.0, "doubt": None,
}  # fmt: skip
READINGS = [
    {"at": T1, "registerWh": 123_456_500.0, "powerW": 11000.0, "socPercent": 40.0},
    {"at": T2, "registerWh": 123_457_000.0, "powerW": 10500.0, "socPercent": 45.0},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"sqlite:///{tmp_path_factory.mktemp('session')}/bornier.db") as running:
        yield running


async def charge16(station: Station) -> None:
    answer = await station.call("Authorize", {"idTag": BADGE})
    assert answer == {"idTagInfo": {"status": "Accepted"}}
    started = await station.call(
        "StartTransaction", {"connectorId": 1, "idTag": BADGE, "meterStart": 123_456_000, "timestamp": T0}
    )
    number = started["transactionId"]
    for at, register_kwh, power, soc in ((T1, "123456.5", "11", "40"), (T2, "123457", "10.5", "45")):
        samples = [
            {"value": register_kwh, "unit": "kWh"},
            {"value": power, "measurand": "Power.Active.Import", "unit": "kW"},
            {"value": soc, "measurand": "SoC", "unit": "Percent", "location": "EV"},
        ]
        await station.call(
            "MeterValues",
            {"connectorId": 1, "transactionId": number, "meterValue": [{"timestamp": at, "sampledValue": samples}]},
        )
    await station.call(
        "StopTransaction",
        {"transactionId": number, "meterStop": 123_457_500, "timestamp": T3, "reason": "EVDisconnected"},
    )


async def charge2(station: Station) -> None:
    token = {"idToken": BADGE, "type": "ISO14443"}
    answer = await station.call("Authorize", {"idToken": token})
    assert answer == {"idTokenInfo": {"status": "Accepted"}}
    register = {"value": 123_456_000, "context": "Transaction.Begin"}
    started = {"idToken": token, "evse": {"id": 1, "connectorId": 1}}
    begun = await event(station, "Started", 0, T0, [register], started, {})
    assert begun == {"idTokenInfo": {"status": "Accepted"}}
    for seq_no, at, register_wh, power, soc in ((1, T1, 123_456_500, 11, 40), (2, T2, 123_457_000, 10.5, 45)):
        samples: list[dict[str, Any]] = [
            {"value": register_wh / 1000, "unitOfMeasure": {"unit": "Wh", "multiplier": 3}},
            {"value": power, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "kW"}},
            {"value": soc, "measurand": "SoC", "unitOfMeasure": {"unit": "Percent"}, "location": "EV"},
        ]
        await event(station, "Updated", seq_no, at, samples, {}, {"chargingState": "Charging"})
    stop = {"value": 123_457_500, "context": "Transaction.End"}
    await event(station, "Ended", 3, T3, [stop], {}, {"stoppedReason": "EVDisconnected"})


async def event(
    station: Station,
    kind: str,
    seq_no: int,
    at: str,
    samples: list[dict[str, Any]],
    more: dict[str, Any],
    info: dict[str, Any],
) -> dict[str, Any]:
    return await station.call(
        "TransactionEvent",
        {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": "MeterValuePeriodic",
            "seqNo": seq_no,
            "transactionInfo": {"transactionId": "tx-1"} | info,
            "meterValue": [{"timestamp": at, "sampledValue": samples}],
        }
        | more,
    )


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_the_same_charge_gives_the_same_facts_in_every_version(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"CP-{version}", version) as station:
        await station.boot()
        await (charge16(station) if version == "1.6" else charge2(station))
        name = station.station_id
    data = await server.until(CHARGE, lambda d: ended(d), id=name)
    node = data["transactions"]["edges"][0]["node"]
    assert {field: node[field] for field in EXPECTED} == EXPECTED
    readings = [edge["node"] for edge in node["readings"]["edges"]]
    assert [reading for reading in readings if reading["at"] in (T1, T2)] == READINGS


def ended(data: dict[str, Any]) -> bool:
    edges = data["transactions"]["edges"]
    return bool(edges) and edges[0]["node"]["endedAt"] is not None


async def test_a_second_start_message_gets_the_same_number_and_makes_no_second_charge(server: Server) -> None:
    async with Station(server.ocpp, "AGAIN") as station:
        await station.boot()
        start = {"connectorId": 1, "idTag": BADGE, "meterStart": 1, "timestamp": T0}
        first = await station.call("StartTransaction", start)
        assert await station.call("StartTransaction", start) == first
        meter = {"connectorId": 1, "transactionId": first["transactionId"], "meterValue": []}
        await station.frame(
            "MeterValues", meter | {"meterValue": [{"timestamp": T1, "sampledValue": [{"value": "9"}]}]}
        )
    data = await server.until(CHARGE, lambda d: d["transactions"]["edges"], id="AGAIN")
    assert len(data["transactions"]["edges"]) == 1


async def test_a_retried_call_gets_the_recorded_answer_and_writes_nothing(server: Server) -> None:
    async with Station(server.ocpp, "RETRY") as station:
        await station.boot()
        first = await station.call("Heartbeat", {}, "same")
        await asyncio.sleep(0.01)
        assert await station.call("Heartbeat", {}, "same") == first
    query = '{ events(stream: "station/RETRY", topics: ["station.heartbeat_received.v1"]) { totalCount } }'
    assert (await server.ask(query))["events"]["totalCount"] == 1


async def test_numbers_of_transactions_are_never_shared(server: Server) -> None:
    async def begin(name: str) -> int:
        async with Station(server.ocpp, name) as station:
            await station.boot()
            payload = {"connectorId": 1, "idTag": BADGE, "meterStart": 1, "timestamp": T0}
            return int((await station.call("StartTransaction", payload))["transactionId"])

    numbers = await asyncio.gather(*(begin(f"N{n}") for n in range(20)))
    assert len(set(numbers)) == 20
    assert all(0 < number < 2**31 for number in numbers)


async def test_every_call_of_200_simultaneous_starts_is_answered(server: Server) -> None:
    async def begin(number: int, gate: asyncio.Event) -> dict[str, Any]:
        async with Station(server.ocpp, f"MANY{number}", "2.0.1") as station:
            await station.boot()
            await gate.wait()
            token = {"idToken": {"idToken": BADGE, "type": "ISO14443"}, "evse": {"id": 1}}
            return await event(station, "Started", 0, T0, [{"value": 1}], token, {})

    gate = asyncio.Event()
    stations = [asyncio.create_task(begin(number, gate)) for number in range(200)]
    await asyncio.sleep(3)
    gate.set()
    answers = await asyncio.gather(*stations)
    assert answers == [{"idTokenInfo": {"status": "Accepted"}}] * 200
