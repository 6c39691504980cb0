"""The XML of an invoice: UN/CEFACT Cross Industry Invoice as EN 16931 and Factur-X want it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from lxml import etree

from adapters.facturx.phrase import SUBJECTS, legal, mentions, period
from domain.payer import Details as Payer
from domain.seller import Details as Seller
from domain.statement import Entry, Statement

RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
QDT = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"
PROFILE = "urn:cen.eu:en16931:2017"
GOODS = "B1"
"""Charging is a supply of goods (CJEU C-282/22)."""
UNITS = {"kWh": "KWH", "h": "HUR", "once": "C62"}
SIREN = "0002"


def written(statement: Statement) -> bytes:
    """The document, UTF-8."""
    root = etree.Element(f"{{{RSM}}}CrossIndustryInvoice", nsmap={"rsm": RSM, "ram": RAM, "udt": UDT, "qdt": QDT})
    context = rsm(root, "ExchangedDocumentContext")
    put(put(context, "BusinessProcessSpecifiedDocumentContextParameter"), "ID", GOODS)
    put(put(context, "GuidelineSpecifiedDocumentContextParameter"), "ID", PROFILE)
    document(rsm(root, "ExchangedDocument"), statement)
    trade = rsm(root, "SupplyChainTradeTransaction")
    for number, entry in enumerate(statement.entries, 1):
        line(trade, number, entry, statement)
    agreement = put(trade, "ApplicableHeaderTradeAgreement")
    seller(put(agreement, "SellerTradeParty"), statement.seller)
    buyer(put(agreement, "BuyerTradeParty"), statement.payer)
    delivery = put(put(trade, "ApplicableHeaderTradeDelivery"), "ActualDeliverySupplyChainEvent")
    stamp(put(delivery, "OccurrenceDateTime"), local(statement.end, statement))
    settlement(put(trade, "ApplicableHeaderTradeSettlement"), statement)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def document(node: etree._Element, statement: Statement) -> None:
    put(node, "ID", statement.number)
    put(node, "TypeCode", "380" if statement.content.kind == "INVOICE" else "381")
    stamp(put(node, "IssueDateTime"), statement.issued_on)
    for code, text in mentions(statement):
        note = put(node, "IncludedNote")
        put(note, "Content", text)
        put(note, "SubjectCode", code)


def line(trade: etree._Element, number: int, entry: Entry, statement: Statement) -> None:
    node = put(trade, "IncludedSupplyChainTradeLineItem")
    put(put(node, "AssociatedDocumentLineDocument"), "LineID", str(number))
    product = put(node, "SpecifiedTradeProduct")
    put(product, "Name", SUBJECTS[entry.subject])
    put(product, "Description", f"{period(entry, statement.zone)}, borne {entry.station_id}")
    price = put(put(node, "SpecifiedLineTradeAgreement"), "NetPriceProductTradePrice")
    put(price, "ChargeAmount", plain(entry.net_price))
    amount = put(put(node, "SpecifiedLineTradeDelivery"), "BilledQuantity", plain(entry.quantity))
    amount.set("unitCode", UNITS[entry.unit])
    paid = put(node, "SpecifiedLineTradeSettlement")
    tax = put(paid, "ApplicableTradeTax")
    put(tax, "TypeCode", "VAT")
    put(tax, "CategoryCode", statement.category(entry.vat_percent))
    put(tax, "RateApplicablePercent", plain(entry.vat_percent))
    span(put(paid, "BillingSpecifiedPeriod"), local(entry.begin, statement), local(entry.end, statement))
    put(put(paid, "SpecifiedTradeSettlementLineMonetarySummation"), "LineTotalAmount", money(entry.excl_vat))
    session = put(paid, "AdditionalReferencedDocument")
    put(session, "IssuerAssignedID", entry.transaction_id)
    put(session, "TypeCode", "130")


def seller(node: etree._Element, said: Seller) -> None:
    put(node, "Name", said.name)
    put(node, "Description", legal(said))
    organisation(node, said.siren)
    address(node, said.address, said.postal_code, said.city, said.country)
    if said.email:
        put(put(node, "URIUniversalCommunication"), "URIID", said.email).set("schemeID", "EM")
    registration(node, said.vat_number)


def buyer(node: etree._Element, said: Payer) -> None:
    put(node, "Name", said.full_name)
    organisation(node, said.siren)
    address(node, said.address, said.postal_code, said.city, said.country)
    if said.email:
        put(put(node, "URIUniversalCommunication"), "URIID", said.email).set("schemeID", "EM")
    registration(node, said.vat_number)


def organisation(node: etree._Element, siren: str | None) -> None:
    if siren:
        put(put(node, "SpecifiedLegalOrganization"), "ID", siren).set("schemeID", SIREN)


def address(node: etree._Element, street: str | None, code: str | None, city: str | None, country: str) -> None:
    place = put(node, "PostalTradeAddress")
    for name, text in (("PostcodeCode", code), ("LineOne", street), ("CityName", city)):
        if text:
            put(place, name, text)
    put(place, "CountryID", country)


def registration(node: etree._Element, vat_number: str | None) -> None:
    if vat_number:
        put(put(node, "SpecifiedTaxRegistration"), "ID", vat_number).set("schemeID", "VA")


def settlement(node: etree._Element, statement: Statement) -> None:
    content, said = statement.content, statement.seller
    put(node, "PaymentReference", statement.number)
    put(node, "InvoiceCurrencyCode", content.currency)
    means = put(node, "SpecifiedTradeSettlementPaymentMeans")
    put(means, "TypeCode", "58" if said.iban else "1")
    if said.iban:
        put(put(means, "PayeePartyCreditorFinancialAccount"), "IBANID", said.iban.replace(" ", ""))
    for tax in statement.taxes:
        part = put(node, "ApplicableTradeTax")
        put(part, "CalculatedAmount", money(tax.vat))
        put(part, "TypeCode", "VAT")
        if statement.category(tax.vat_percent) == "E":
            put(part, "ExemptionReason", said.vat_exemption or "")
        put(part, "BasisAmount", money(tax.excl_vat))
        put(part, "CategoryCode", statement.category(tax.vat_percent))
        if said.vat_on_debits:
            put(part, "DueDateTypeCode", "5")
        put(part, "RateApplicablePercent", plain(tax.vat_percent))
    begin, end = local(statement.begin, statement), local(statement.end, statement)
    span(put(node, "BillingSpecifiedPeriod"), begin, end)
    terms = put(node, "SpecifiedTradePaymentTerms")
    stamp(put(terms, "DueDateDateTime"), statement.due_on)
    sums = put(node, "SpecifiedTradeSettlementHeaderMonetarySummation")
    put(sums, "LineTotalAmount", money(content.excl_vat))
    put(sums, "TaxBasisTotalAmount", money(content.excl_vat))
    put(sums, "TaxTotalAmount", money(content.vat)).set("currencyID", content.currency)
    put(sums, "GrandTotalAmount", money(content.incl_vat))
    put(sums, "DuePayableAmount", money(content.incl_vat))
    if statement.original is not None:
        number, day = statement.original
        before = put(node, "InvoiceReferencedDocument")
        put(before, "IssuerAssignedID", number)
        dated = etree.SubElement(put(before, "FormattedIssueDateTime"), f"{{{QDT}}}DateTimeString", format="102")
        dated.text = f"{day:%Y%m%d}"


def rsm(node: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(node, f"{{{RSM}}}{name}")


def put(node: etree._Element, name: str, text: str | None = None) -> etree._Element:
    made = etree.SubElement(node, f"{{{RAM}}}{name}")
    if text is not None:
        made.text = "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")
    return made


def span(node: etree._Element, begin: date, end: date) -> None:
    stamp(put(node, "StartDateTime"), begin)
    stamp(put(node, "EndDateTime"), end)


def stamp(node: etree._Element, day: date) -> None:
    etree.SubElement(node, f"{{{UDT}}}DateTimeString", format="102").text = f"{day:%Y%m%d}"


def local(moment: datetime, statement: Statement) -> date:
    return moment.astimezone(ZoneInfo(statement.zone)).date()


def money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def plain(number: Decimal) -> str:
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
