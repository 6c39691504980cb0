"""What meters have signed, over real sockets in every OCPP version: kept, examined, shown, and an alarm if altered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server
from tests.meter import SigningMeter, keba

SHOWN = """{ transactions(stationId: "%s") { edges { node { id energyWh
  signature { verdict values energyWh deviationWh agrees }
  signedValues { edges { node { text verdict reason keySource meter readings { kind registerWh } } } } } } } }"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("signature") / "bornier.db"
    with Server(f"sqlite:///{path}") as running:
        yield running


def now() -> str:
    return datetime.now(UTC).isoformat()


async def judged(server: Server, station_id: str, verdict: str) -> dict[str, Any]:
    """The transaction of a station, once its signed values have this verdict."""

    def wanted(data: dict[str, Any]) -> bool:
        edges = data["transactions"]["edges"]
        return bool(edges) and (edges[0]["node"]["signature"] or {}).get("verdict") == verdict

    data = await server.until(SHOWN % station_id, wanted)
    found: dict[str, Any] = data["transactions"]["edges"][0]["node"]
    return found


async def register(server: Server, station_id: str, key: str, evse_id: int = 0) -> None:
    query = "mutation ($input: RegisterMeterKeyInput!) { registerMeterKey(input: $input) { key } }"
    await server.ask(query, input={"stationId": station_id, "key": key, "evseId": evse_id})


async def charge16(server: Server, station_id: str, start: int, stop: int, *texts: str) -> None:
    async with Station(server.ocpp, station_id, "1.6") as station:
        await station.boot()
        begin = {"connectorId": 1, "idTag": "B1", "meterStart": start, "timestamp": now()}
        number = (await station.call("StartTransaction", begin))["transactionId"]
        samples = [{"value": text, "format": "SignedData", "context": "Transaction.End"} for text in texts]
        told = [{"timestamp": now(), "sampledValue": [*samples, {"value": str(stop)}]}]
        end = {"transactionId": number, "meterStop": stop, "timestamp": now(), "transactionData": told}
        await station.call("StopTransaction", end)


async def test_the_record_of_a_real_meter_in_ocpp_16(server: Server) -> None:
    record, key = keba()
    await register(server, "KEBA", key)
    await charge16(server, "KEBA", 260, 260, record)
    shown = await judged(server, "KEBA", "VALID")
    assert shown["signature"] == {
        "verdict": "VALID", "values": 1, "energyWh": 0.1, "deviationWh": 0.1, "agrees": True,
    }  # fmt: skip
    value = shown["signedValues"]["edges"][0]["node"]
    assert (value["text"], value["keySource"], value["meter"]) == (record, "REGISTERED", "17619300")
    assert [reading["kind"] for reading in value["readings"]] == ["B", "E"]


async def test_a_key_that_comes_later_gives_another_verdict(server: Server) -> None:
    meter = SigningMeter()
    await charge16(server, "LATE", 1000, 2000, meter.sign(("B", 1.0), ("E", 2.0)))
    assert (await judged(server, "LATE", "NO_KEY"))["signature"]["agrees"] is True
    await register(server, "LATE", meter.key, 1)
    assert (await judged(server, "LATE", "VALID"))["signature"]["deviationWh"] == 0.0


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_signed_values_of_ocpp_2_with_the_key_in_the_message(server: Server, version: str) -> None:
    meter, name = SigningMeter(), f"SIGN-{version}"
    async with Station(server.ocpp, name, version) as station:
        await station.boot()
        for seq_no, (kind, register, wh) in enumerate((("Started", "B", 1000), ("Ended", "E", 3000))):
            signed = {
                "signedMeterData": meter.sign((register, wh / 1000)), "encodingMethod": "OCMF",
                "signingMethod": "ECDSA-secp256r1-SHA256", "publicKey": f"oca:base16:asn1:{meter.key}",
            }  # fmt: skip
            sample = {"value": wh, "signedMeterValue": signed}
            await station.call("TransactionEvent", {
                "eventType": kind, "timestamp": now(), "triggerReason": "Authorized", "seqNo": seq_no,
                "transactionInfo": {"transactionId": "t"}, "evse": {"id": 1, "connectorId": 1},
                "meterValue": [{"timestamp": now(), "sampledValue": [sample]}],
            })  # fmt: skip
    shown = await judged(server, name, "VALID")
    assert (shown["energyWh"], shown["signature"]["energyWh"], shown["signature"]["agrees"]) == (2000.0, 2000.0, True)
    sources = {edge["node"]["keySource"] for edge in shown["signedValues"]["edges"]}
    assert sources == {"MESSAGE"}


async def test_an_altered_value_is_an_alarm(server: Server) -> None:
    meter = SigningMeter()
    await register(server, "FORGED", meter.key)
    good = meter.sign(("B", 1.0), ("E", 2.0))
    await charge16(server, "FORGED", 1000, 9000, good.replace('"RV":2.000', '"RV":9.000'), "AP;0;3;ALCV3")
    shown = await judged(server, "FORGED", "INVALID")
    assert shown["signature"] == {
        "verdict": "INVALID", "values": 2, "energyWh": None, "deviationWh": None, "agrees": None,
    }  # fmt: skip
    data = await server.until(
        '{ signedValues(stationId: "FORGED") { edges { node { verdict reason } } totalCount } }',
        lambda d: all(edge["node"]["verdict"] for edge in d["signedValues"]["edges"]),
    )
    assert sorted(edge["node"]["verdict"] for edge in data["signedValues"]["edges"]) == ["INVALID", "UNCHECKED"]
    async with httpx.AsyncClient(base_url=server.http, headers={"authorization": f"Bearer {TOKEN}"}) as client:
        alarms = (await client.get("/api/exports/alarms.jsonl", params={"station": "FORGED"})).text
    assert '"kind":"METER"' in alarms.replace(" ", "")
    assert "the signature does not fit the public key" in alarms
    found = await server.ask('{ meterKeys(stationId: "FORGED") { edges { node { evseId key } } } }')
    assert found["meterKeys"]["edges"] == [{"node": {"evseId": 0, "key": meter.key}}]
    remove = 'mutation { removeMeterKey(input: {stationId: "FORGED"}) }'
    assert (await server.ask(remove))["removeMeterKey"] is True
    assert (await judged(server, "FORGED", "NO_KEY"))["signature"]["values"] == 2


async def test_the_station_may_tell_its_key_itself(server: Server) -> None:
    meter = SigningMeter()
    async with Station(server.ocpp, "TELLS", "1.6") as station:
        keys = [{"key": "MeterPublicKey1", "readonly": True, "value": meter.key}]
        station.commands["GetConfiguration"] = {"configurationKey": keys, "unknownKey": []}
        await station.boot()
        asked = 'mutation { getConfiguration(input: {stationId: "TELLS", keys: ["MeterPublicKey1"]}) { id } }'
        await server.ask(asked)
        await server.until(
            '{ variables(stationId: "TELLS") { edges { node { value } } } }', lambda d: d["variables"]["edges"]
        )
    await charge16(server, "TELLS", 1000, 2000, meter.sign(("B", 1.0), ("E", 2.0)))
    value = (await judged(server, "TELLS", "VALID"))["signedValues"]["edges"][0]["node"]
    assert value["keySource"] == "STATION"
