"""What a station knows of a customer, told and forgotten (OCPP 2.0.1 block N: N09, N10)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order
from tests.end_to_end.test_device import AT, REPORTS, nodes

TOKEN = {"idToken": {"idToken": "B", "type": "ISO14443"}}
CERTIFICATE = {
    "customerCertificate": {
        "hashAlgorithm": "SHA256", "issuerNameHash": "ab", "issuerKeyHash": "cd", "serialNumber": "01",
    }
}  # fmt: skip
HASHES = 'certificate: {hashAlgorithm: "SHA256", issuerNameHash: "ab", issuerKeyHash: "cd", serialNumber: "01"}'
NAMED = {"customerIdentifier": "OpenChargeAlliance"}
CASES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "TCN27": ('badge: "B"', TOKEN | {"report": True, "clear": False}, ("Anna ", "Jones")),
    "TCN28": ('badge: "B"', TOKEN | {"report": True, "clear": False}, ("",)),
    "TCN30": ('badge: "B", clear: true', TOKEN | {"report": True, "clear": True}, ("Anna",)),
    "TCN31": ('badge: "B", clear: true', TOKEN | {"report": True, "clear": True}, ("",)),
    "TCN32": ('badge: "B", report: false, clear: true', TOKEN | {"report": False, "clear": True}, ("",)),
    "TCN62": (
        'customerIdentifier: "OpenChargeAlliance", clear: true', NAMED | {"report": True, "clear": True}, ("Anna",),
    ),
    "TCN63": (f"{HASHES}, clear: true", CERTIFICATE | {"report": True, "clear": True}, ("Anna",)),
}  # fmt: skip


async def ask(server: Server, station: Station, wish: str) -> dict[str, Any]:
    return await order(server, f'customerInformation(input: {{stationId: "{station.station_id}", {wish}}})')


async def tell(station: Station, *texts: str) -> None:
    request_id = station.heard[-1][3]["requestId"]
    for seq_no, text in enumerate(texts):
        said = {"data": text, "seqNo": seq_no, "generatedAt": AT, "requestId": request_id}
        assert await station.call("NotifyCustomerInformation", said | {"tbc": seq_no < len(texts) - 1}) == {}


@pytest.mark.octt(
    "2.0.1", "TC_N_27_CSMS", "TC_N_28_CSMS", "TC_N_30_CSMS", "TC_N_31_CSMS", "TC_N_32_CSMS", "TC_N_62_CSMS",
    "TC_N_63_CSMS",
)  # fmt: skip
@pytest.mark.parametrize("case", CASES)
async def test_what_a_station_knows_of_a_customer_is_asked_and_kept_apart(server: Server, case: str) -> None:
    query = """query ($id: ID!, $number: Int!) {
      customerInformation(stationId: $id, requestId: $number) { text complete } }"""
    wish, said, texts = CASES[case]
    async with Station(server.ocpp, case, "2.0.1") as station:
        await station.boot()
        assert (await ask(server, station, wish))["status"] == "ACCEPTED"
        asked = station.heard[-1][3]
        assert {name: value for name, value in asked.items() if name != "requestId"} == said
        await tell(station, *texts)
        told = (await server.ask(query, id=case, number=asked["requestId"]))["customerInformation"]
        assert told == {"text": "".join(texts), "complete": True}
        (report,) = await nodes(server, REPORTS, lambda rows: rows and rows[0]["complete"], id=case)
        assert (report["kind"], report["requestId"], report["status"]) == ("CUSTOMER", asked["requestId"], "Accepted")
    facts = await server.ask(f'{{ events(stream: "customer/{case}") {{ edges {{ node {{ topic data }} }} }} }}')
    for edge in facts["events"]["edges"]:
        if edge["node"]["topic"] == "customer.information_told.v1":
            assert edge["node"]["data"]["cause"]["payload"]["data"] == ""


@pytest.mark.octt("2.0.1", "TC_N_29_CSMS")
async def test_a_station_that_does_not_tell_is_a_rejection(server: Server) -> None:
    async with Station(server.ocpp, "TCN29", "2.0.1") as station:
        await station.boot()
        station.commands["CustomerInformation"] = {"status": "Rejected"}
        command = await ask(server, station, 'badge: "B"')
        assert (command["status"], command["error"]) == ("REJECTED", "Rejected")
        assert station.heard[-1][3] | TOKEN | {"report": True} == station.heard[-1][3]


@pytest.mark.octt("2.0.1", "TC_N_46_CSMS")
async def test_a_customer_that_is_forgotten_leaves_the_local_list_too(server: Server) -> None:
    async with Station(server.ocpp, "TCN46", "2.0.1") as station:
        await station.boot()
        assert (await ask(server, station, 'badge: "B", clear: true'))["status"] == "ACCEPTED"
        assert station.heard[-1][3] | TOKEN | {"report": True, "clear": True} == station.heard[-1][3]
        await tell(station, "Anna")
        listed = await order(server, 'sendLocalList(input: {stationId: "TCN46", remove: ["B"]})')
        assert listed["status"] == "ACCEPTED"
        call = next(call for call in station.heard if call[2] == "SendLocalList")
        assert (call[3]["updateType"], call[3]["versionNumber"] > 0) == ("Differential", True)
        assert call[3]["localAuthorizationList"] == [TOKEN]


async def test_a_customer_is_named_in_exactly_one_way(server: Server) -> None:
    async with Station(server.ocpp, "NAMES", "2.0.1") as station:
        await station.boot()
        for wish in ("clear: true", 'badge: "B", customerIdentifier: "C"'):
            command = await ask(server, station, wish)
            assert command["status"] == "REJECTED"
            assert "exactly one" in command["error"]
        assert station.heard == []
