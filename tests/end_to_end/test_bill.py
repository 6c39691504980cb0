"""From a charge on a socket to a PDF with its XML, and back from the bill to the station's message."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import facturx
import httpx
import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import TOKEN, Server
from tests.end_to_end.test_price import TARIFF, put

BEGIN = (datetime.now(UTC).replace(day=1) - timedelta(days=10)).replace(hour=9)
MONTH = BEGIN.strftime("%Y-%m")
BILL = """query ($id: ID!) { bill(id: $id) { withheld payerId driverId month
  rating { number lastPosition cost { inclVat lines { subject inclVat } } benefit { value ruleId } } ratings { number }
  events { edges { node { topic causes { depth event { topic cause { message { action payload } } } } } } } } }"""
SELLER = {
    "name": "Bornes SAS", "legalForm": "SAS", "capital": "10 000 €", "siren": "552100554", "rcs": "RCS Paris",
    "vatNumber": "FR65552100554", "address": "1 rue de Paris", "postalCode": "75001", "city": "Paris",
    "penalty": "3 fois le taux légal", "earlyPayment": "néant",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("bill") / "bornier.db"
    tokens = f"v:viewer:{'v' * 16}"
    with Server(f"sqlite:///{path}", BORNIER_FILES=str(path.parent / "files"), BORNIER_TOKENS=tokens) as running:
        yield running


async def charged(server: Server) -> str:
    """A charge of last month that its station tells today."""
    async with Station(server.ocpp, "CP1", "1.6") as station:
        await station.boot()
        start = {"connectorId": 1, "idTag": "B1", "meterStart": 1000, "timestamp": BEGIN.isoformat()}
        number = (await station.call("StartTransaction", start))["transactionId"]
        at = (BEGIN + timedelta(hours=1)).isoformat()
        stop = {"transactionId": number, "idTag": "B1", "meterStop": 9000, "timestamp": at, "reason": "Local"}
        await station.call("StopTransaction", stop)
    query = '{ transactions(stationId: "CP1") { edges { node { id bill { rating { number } } } } } }'

    def rated(data: dict[str, Any]) -> bool:
        edges = data["transactions"]["edges"]
        return bool(edges) and edges[0]["node"]["bill"] is not None and edges[0]["node"]["bill"]["rating"] is not None

    data = await server.until(query, rated)
    return str(data["transactions"]["edges"][0]["node"]["id"])


async def test_a_charge_becomes_a_bill_an_invoice_and_a_credit_note(server: Server) -> None:
    await put(server, "publishTariff", "id", ocpi=TARIFF, id="T")
    await put(server, "assignTariff", "id", tariffId="T")
    driver = await put(server, "registerDriver", "id", fullName="Dora")
    await put(server, "assignBadge", "id", driverId=driver["id"], badge="B1")
    await put(server, "registerSeller", "missing", **SELLER)
    place = {"address": "2 rue", "postalCode": "69000", "city": "Lyon", "siren": "732829320"}
    payer = await put(server, "registerPayer", "id", fullName="ACME", **place)
    early = (BEGIN - timedelta(days=1)).isoformat()
    grant = {"payerId": payer["id"], "driverId": driver["id"], "startsAt": early, "employer": True}
    await put(server, "grantSponsorship", "id", **grant)
    day = (BEGIN - timedelta(days=1)).date().isoformat()
    await put(server, "ruleBenefit", "id", id="work", percent="0", startsOn=day, legalBasis="the law")
    transaction_id = await charged(server)

    bill = (await server.ask(BILL, id=transaction_id))["bill"]
    assert (bill["payerId"], bill["driverId"], bill["month"]) == (payer["id"], driver["id"], MONTH)
    assert bill["rating"]["cost"]["inclVat"] == "3.60"
    assert bill["rating"]["benefit"] == {"value": "0.00", "ruleId": "work"}
    rated = bill["events"]["edges"][0]["node"]
    steps = [step["event"] for step in rated["causes"] if step["depth"] == 1]
    assert [step["topic"] for step in steps] == ["transaction.ended.v1"]
    assert steps[0]["cause"]["message"]["action"] == "StopTransaction"
    assert steps[0]["cause"]["message"]["payload"]["meterStop"] == 9000

    answer = f'mutation {{ draftInvoices(input: {{month: "{MONTH}"}}) {{ id number inclVat }} }}'
    (draft,) = (await server.ask(answer))["draftInvoices"]
    assert (draft["number"], draft["inclVat"]) == (None, "3.60")
    issued = await put(server, "issueInvoice", "number pdfPath pdfSha256", id=draft["id"])
    year = datetime.now(UTC).year
    assert issued["number"] == f"F{year}-000001"
    await server.until("{ invoices(issued: true) { edges { node { number } } } }", lambda d: d["invoices"]["edges"])
    async with httpx.AsyncClient(base_url=server.http, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        pdf = await client.get(issued["pdfPath"])
        xml = await client.get(issued["pdfPath"].replace(".pdf", ".xml"))
        assert (pdf.status_code, pdf.headers["content-type"]) == (200, "application/pdf")
        assert facturx.get_xml_from_pdf(pdf.content)[1] == xml.content
        assert (await client.get("/api/invoices/F1-000001.pdf")).status_code == 404
        rows = (await client.get("/api/exports/bills.csv")).text.splitlines()
        assert f",{issued['number']}" in rows[1]
        assert "3.60" in rows[1]
        assert ",0.00," in (await client.get("/api/exports/benefits.csv")).text.splitlines()[1]
        viewer = {"Authorization": f"Bearer {'v' * 16}"}
        assert (await client.get(issued["pdfPath"], headers=viewer)).status_code == 403
    note = await put(server, "creditInvoice", "number creditsId inclVat", id=draft["id"], reason="wrong address")
    assert note == {"number": f"A{year}-000001", "creditsId": draft["id"], "inclVat": "3.60"}
    found = await server.ask(f'{{ benefits(month: "{MONTH[:4]}") {{ driverId cost value charges }} }}')
    assert found["benefits"] == [{"driverId": driver["id"], "cost": "3.60", "value": "0.00", "charges": 1}]
