"""The PDF of an invoice, in French, with its own fonts."""

from __future__ import annotations

import io
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import reportlab
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from adapters.facturx.phrase import SUBJECTS, UNITS, euros, mentions, number, period
from domain.payer import Details as Payer
from domain.seller import Details as Seller
from domain.statement import Statement

FONTS = Path(reportlab.__file__).parent / "fonts"
FACES = {"Vera": "Vera.ttf", "Vera-Bold": "VeraBd.ttf"}
PLAIN = ParagraphStyle("plain", fontName="Vera", fontSize=7.5, leading=10)
SMALL = ParagraphStyle("small", parent=PLAIN, fontSize=6.5, leading=8.5)
BOLD = ParagraphStyle("bold", parent=PLAIN, fontName="Vera-Bold")
TITLE = ParagraphStyle("title", parent=BOLD, fontSize=15, leading=20)
GRID = TableStyle([
    ("FONT", (0, 0), (-1, -1), "Vera", 6.5), ("FONT", (0, 0), (-1, 0), "Vera-Bold", 6.5),
    ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black), ("LINEBELOW", (0, 1), (-1, -1), 0.2, colors.lightgrey),
    ("ALIGN", (2, 0), (-1, -1), "RIGHT"), ("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5), ("LEFTPADDING", (0, 0), (-1, -1), 2),
    ("RIGHTPADDING", (0, 0), (-1, -1), 2),
])  # fmt: skip
HEAD = ["Désignation", "Session", "Quantité", "Prix HT", "TVA", "HT", "TTC"]
WIDTHS = [width * mm for width in (57, 36, 22, 20, 13, 17, 17)]


def drawn(statement: Statement) -> bytes:
    """The pages; the XML is put in afterwards."""
    for name, file in FACES.items():
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(FONTS / file)))
    sink = io.BytesIO()
    margins: dict[str, Any] = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), 14 * mm)
    page = SimpleDocTemplate(
        sink, pagesize=A4, title=f"{name_of(statement)} {statement.number}", author=statement.seller.name, lang="fr",
        **margins,
    )  # fmt: skip
    page.build(list(story(statement)), onFirstPage=footed(statement), onLaterPages=footed(statement))
    return sink.getvalue()


def story(statement: Statement) -> Any:
    content = statement.content
    yield Table([[parties(seller(statement.seller)), parties(buyer(statement.payer))]], colWidths=[91 * mm, 91 * mm])
    yield Spacer(1, 6 * mm)
    yield Paragraph(f"{name_of(statement)} n° {escape(statement.number)}", TITLE)
    for text in facts(statement):
        yield Paragraph(escape(text), PLAIN)
    yield Spacer(1, 4 * mm)
    yield lines(statement)
    yield Spacer(1, 4 * mm)
    yield sums(statement)
    yield Spacer(1, 4 * mm)
    if content.kind == "INVOICE":
        yield Paragraph(f"À payer au plus tard le {day(statement.due_on)}", BOLD)
        if statement.seller.iban:
            yield Paragraph(f"par virement sur le compte {escape(statement.seller.iban)}", PLAIN)
    for _, text in mentions(statement):
        yield Paragraph(escape(text), SMALL)


def name_of(statement: Statement) -> str:
    return "Facture" if statement.content.kind == "INVOICE" else "Avoir"


def parties(texts: list[str]) -> list[Paragraph]:
    return [Paragraph(escape(text), BOLD if place == 0 else PLAIN) for place, text in enumerate(texts)]


def seller(said: Seller) -> list[str]:
    city = f"{said.postal_code} {said.city}, {said.country}"
    return [said.name, said.address or "", city, f"SIREN {said.siren}", *told("TVA", said.vat_number),
            *told("", said.email)]  # fmt: skip


def buyer(said: Payer) -> list[str]:
    city = f"{said.postal_code} {said.city}, {said.country}"
    return [said.full_name, said.address or "", city, *told("SIREN", said.siren), *told("TVA", said.vat_number)]


def told(word: str, text: str | None) -> list[str]:
    return [f"{word} {text}".strip()] if text else []


def facts(statement: Statement) -> list[str]:
    content = statement.content
    found = [f"Date d'émission : {day(statement.issued_on)}", f"Mois de livraison : {content.month}"]
    if content.cost_centre:
        found.append(f"Centre de coûts : {content.cost_centre}")
    if content.group:
        found.append(f"Groupe de badges : {content.group}")
    if statement.original is not None:
        found.append(f"Avoir sur la facture {statement.original[0]} du {day(statement.original[1])}")
    return found


def lines(statement: Statement) -> LongTable:
    currency = statement.content.currency
    rows: list[list[Any]] = [HEAD]
    for entry in statement.entries:
        what = f"{SUBJECTS[entry.subject]}, {period(entry, statement.zone)}, borne {entry.station_id}"
        rows.append([
            Paragraph(escape(what), SMALL), Paragraph(escape(entry.transaction_id), SMALL),
            f"{number(entry.quantity)} {UNITS[entry.unit]}".strip(), number(entry.net_price),
            f"{number(entry.vat_percent)}\u00a0%", euros(entry.excl_vat, currency), euros(entry.incl_vat, currency),
        ])  # fmt: skip
    return LongTable(rows, colWidths=WIDTHS, style=GRID, repeatRows=1)


def sums(statement: Statement) -> Table:
    content, currency = statement.content, statement.content.currency
    rows = [["", "TVA", "Base HT", "Montant TVA"]]
    for tax in statement.taxes:
        rows.append(["", f"{number(tax.vat_percent)}\u00a0%", euros(tax.excl_vat, currency), euros(tax.vat, currency)])
    for word, amount in (("Total HT", content.excl_vat), ("Total TVA", content.vat), ("Total TTC", content.incl_vat)):
        rows.append(["", "", word, euros(amount, currency)])
    return Table(rows, colWidths=[82 * mm, 25 * mm, 38 * mm, 37 * mm], style=GRID)


def footed(statement: Statement) -> Any:
    """Number and page under every page."""

    def draw(canvas: Any, _: Any) -> None:
        canvas.setFont("Vera", 6)
        canvas.drawRightString(A4[0] - 14 * mm, 8 * mm, f"{statement.number}, page {canvas.getPageNumber()}")

    return draw


def day(said: date) -> str:
    return f"{said:%d/%m/%Y}"
