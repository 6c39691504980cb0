"""From a tariff to the cost on the screen of the station and in GraphQL, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server

TARIFF = {
    "id": "PUBLIC",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "FLAT", "price": 1, "vat": 20, "step_size": 1},
                {"type": "ENERGY", "price": 0.25, "vat": 20, "step_size": 1},
            ]
        }
    ],
}
COST = """{ transactions(stationId: "%s") { edges { node { id energyWh unpriced { code }
  cost { currency exclVat vat inclVat tariffId tariffVersion policy final energyKwh
         lines { subject quantity unit unitPrice vatPercent exclVat inclVat element } } } } } }"""
TOKEN = {"idToken": "B1", "type": "ISO14443"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("price") / "bornier.db"
    with Server(f"sqlite:///{path}", BORNIER_COST_INTERVAL_S="1", BORNIER_TOKENS=f"v:viewer:{'v' * 16}") as running:
        yield running


async def put(server: Server, mutation: str, answer: str, **wish: Any) -> Any:
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    query = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {answer} }} }}"
    return (await server.ask(query, input=wish))[mutation]


async def assigned(server: Server, station_id: str, document: dict[str, Any] = TARIFF, **scope: Any) -> str:
    """A tariff of its own for a station."""
    await put(server, "publishTariff", "id", ocpi=document, id=station_id)
    made = await put(server, "assignTariff", "id", tariffId=station_id, stationId=station_id, **scope)
    return str(made["id"])


def event(kind: str, seq_no: int, wh: float, station_id: str, **more: Any) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    return {
        "eventType": kind, "timestamp": at, "triggerReason": "MeterValuePeriodic", "seqNo": seq_no,
        "transactionInfo": {"transactionId": f"{station_id}-1", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": at, "sampledValue": [{"value": wh}]}],
    } | more  # fmt: skip


async def cost_of(server: Server, station_id: str, final: bool) -> dict[str, Any]:
    def wanted(data: dict[str, Any]) -> bool:
        edges = data["transactions"]["edges"]
        return bool(edges) and edges[0]["node"]["cost"] is not None and edges[0]["node"]["cost"]["final"] is final

    data = await server.until(COST % station_id, wanted)
    found: dict[str, Any] = data["transactions"]["edges"][0]["node"]["cost"]
    return found


async def test_the_station_is_told_the_running_cost_and_the_total(server: Server) -> None:
    await assigned(server, "SHOW")
    async with Station(server.ocpp, "SHOW", "2.0.1") as station:
        station.commands["CostUpdated"] = {}
        await station.boot()
        assert await station.call("TransactionEvent", event("Started", 0, 1000, "SHOW", idToken=TOKEN)) != {}
        assert await station.call("TransactionEvent", event("Updated", 1, 1200, "SHOW")) == {}
        live = await cost_of(server, "SHOW", final=False)
        assert (live["exclVat"], live["vat"], live["inclVat"]) == ("1.05", "0.21", "1.26")
        for _ in range(200):
            told = [message[3] for message in station.heard if message[2] == "CostUpdated"]
            if told and told[-1]["totalCost"] == 1.26:
                break
            await asyncio.sleep(0.05)
        assert told[-1] == {"totalCost": 1.26, "transactionId": "SHOW-1"}
        ended = await station.call("TransactionEvent", event("Ended", 2, 1400, "SHOW", idToken=TOKEN))
        assert ended["totalCost"] == 1.32
        assert ended["idTokenInfo"]["status"] == "Accepted"
    bill = await cost_of(server, "SHOW", final=True)
    assert (bill["inclVat"], bill["tariffId"], bill["tariffVersion"]) == ("1.32", "SHOW", 1)
    assert bill["policy"] == "line-half-up-1"
    assert [(line["subject"], line["quantity"], line["inclVat"]) for line in bill["lines"]] == [
        ("FLAT", "1", "1.20"), ("ENERGY", "0.4", "0.12"),
    ]  # fmt: skip


async def test_a_charge_keeps_the_version_it_began_with(server: Server) -> None:
    assignment = await assigned(server, "FROZEN")
    async with Station(server.ocpp, "FROZEN", "1.6") as station:
        await station.boot()
        start = {"connectorId": 1, "idTag": "B1", "meterStart": 0, "timestamp": datetime.now(UTC).isoformat()}
        number = (await station.call("StartTransaction", start))["transactionId"]
        dearer = {"price_components": [{"type": "ENERGY", "price": 9, "step_size": 1}]}
        await put(server, "publishTariff", "version", ocpi=TARIFF | {"elements": [dearer]}, id="FROZEN")
        await put(server, "unassignTariff", "revokedAt", id=assignment)
        at = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        await station.call("StopTransaction", {"transactionId": number, "meterStop": 400, "timestamp": at})
    bill = await cost_of(server, "FROZEN", final=True)
    assert (bill["tariffVersion"], bill["exclVat"]) == (1, "1.10")
    versions = await server.ask('{ tariffVersions(tariffId: "FROZEN") { edges { node { version } } totalCount } }')
    assert versions["tariffVersions"]["totalCount"] == 2


async def test_a_charge_without_a_tariff_costs_nothing_to_anybody_and_says_why(server: Server) -> None:
    async with Station(server.ocpp, "FREE", "2.1") as station:
        await station.boot()
        await station.call("TransactionEvent", event("Started", 0, 1000, "FREE"))
        assert await station.call("TransactionEvent", event("Ended", 1, 1200, "FREE")) == {}
    data = await server.until(COST % "FREE", lambda d: d["transactions"]["edges"])
    node = data["transactions"]["edges"][0]["node"]
    assert (node["cost"], node["unpriced"]) == (None, {"code": "NO_TARIFF"})


QUOTE = """query ($input: QuoteInput!) { quote(input: $input) { label assignmentId
  cost { inclVat tariffId lines { subject inclVat } } } }"""


async def test_a_quote_says_what_it_would_cost_before_anybody_plugs_in(server: Server) -> None:
    assignment = await assigned(server, "QUOTE", evseId=2)
    wish: dict[str, Any] = {"stationId": "QUOTE", "evseId": 2, "energyWh": "10000", "chargingMinutes": 30}
    found = (await server.ask(QUOTE, input=wish | {"language": "EN"}))["quote"]
    assert found["label"] == "€0.30 per kWh + €1.20 per session"
    assert (found["assignmentId"], found["cost"]["inclVat"]) == (assignment, "4.20")
    named = (await server.ask(QUOTE, input={"tariffId": "QUOTE", "energyWh": "1000"}))["quote"]
    assert (named["cost"]["inclVat"], named["assignmentId"]) == ("1.50", None)
    assert named["label"] == "0,30 € par kWh + 1,20 € par session"


async def test_a_tariff_is_read_as_it_was_published_and_written_as_ocpi(server: Server) -> None:
    await put(server, "publishTariff", "id", ocpi=TARIFF | {"min_price": {"excl_vat": 1, "incl_vat": 1.2}})
    query = """{ tariff(id: "PUBLIC") { version currency withdrawnAt current { taxIncluded minPrice { exclVat inclVat }
      elements { components { type price vatPercent stepSize } restriction } label(language: EN)
      ocpi(version: OCPI230) } } }"""
    found = (await server.until(query, lambda d: d["tariff"]))["tariff"]
    assert found["current"]["elements"][0]["components"][1] == {
        "type": "ENERGY", "price": "0.25", "vatPercent": "20", "stepSize": 1,
    }  # fmt: skip
    assert found["current"]["ocpi"]["min_price"] == {"before_taxes": 1, "after_taxes": 1.2}
    gone = await put(server, "withdrawTariff", "withdrawnAt withdrawnReason", id="PUBLIC", reason="replaced")
    assert gone["withdrawnReason"] == "replaced"
    listed = await server.until(
        "{ tariffs(withdrawn: true) { edges { node { id } } } }", lambda d: d["tariffs"]["edges"]
    )
    assert listed["tariffs"]["edges"] == [{"node": {"id": "PUBLIC"}}]
    places = await server.ask('{ assignments(stationId: "FROZEN", revoked: true) { edges { node { tariffId } } } }')
    assert places["assignments"]["edges"] == [{"node": {"tariffId": "FROZEN"}}]


async def test_a_site_has_an_address_and_a_clock(server: Server) -> None:
    made = await put(server, "registerSite", "id timeZone", id="porto", name="Porto", timeZone="Europe/Lisbon")
    assert made == {"id": "porto", "timeZone": "Europe/Lisbon"}
    query = '{ site(id: "porto") { name timeZone } sites(search: "POR") { edges { node { id } } } }'
    found = await server.until(query, lambda d: d["site"])
    assert found == {"site": {"name": "Porto", "timeZone": "Europe/Lisbon"},
                     "sites": {"edges": [{"node": {"id": "porto"}}]}}  # fmt: skip


@pytest.mark.parametrize(
    ("mutation", "wish", "reason"),
    [
        ("publishTariff", {"ocpi": {"id": "X"}}, "no OCPI tariff"),
        ("publishTariff", {"ocpi": {k: v for k, v in TARIFF.items() if k != "id"}}, "needs an id"),
        ("withdrawTariff", {"id": "NONE"}, "no such tariff"),
        ("assignTariff", {"tariffId": "NONE"}, "no tariff NONE"),
        ("unassignTariff", {"id": "NONE"}, "no such assignment"),
        ("registerSite", {"id": "x", "timeZone": "Mars"}, "no time zone 'Mars'"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(server: Server, mutation: str, wish: Any, reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        await put(server, mutation, "id", **wish)


async def test_reading_is_for_viewers_and_changing_is_not(server: Server) -> None:
    assert await server.ask("{ tariffs { totalCount } }", token="v" * 16)
    with pytest.raises(AssertionError, match="FORBIDDEN"):
        await server.ask('mutation { withdrawTariff(input: {id: "X"}) { id } }', token="v" * 16)
    with pytest.raises(AssertionError, match="BAD_USER_INPUT"):
        await server.ask(QUOTE, input={"stationId": "NOWHERE", "energyWh": "1"})
    with pytest.raises(AssertionError, match="tariffId or stationId"):
        await server.ask(QUOTE, input={"energyWh": "1"})
