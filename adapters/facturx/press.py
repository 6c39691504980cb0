"""The press: a statement becomes a PDF that carries its own XML (Factur-X, profile EN 16931)."""

from __future__ import annotations

import facturx

from adapters.facturx.cii import written
from adapters.facturx.paper import drawn, name_of
from domain.statement import Statement


class FacturXPress:
    """`Press`. Every XML is checked against the XSD of its profile before it goes out."""

    def print(self, statement: Statement) -> tuple[bytes, bytes]:
        xml = written(statement)
        title = f"{name_of(statement)} {statement.number}"
        told = {"author": statement.seller.name, "title": title, "subject": title, "keywords": "Factur-X, facture"}
        pdf = facturx.generate_from_binary(
            drawn(statement), xml, flavor="factur-x", level="en16931", check_xsd=True, check_schematron=False,
            pdf_metadata=told, lang="fr-FR",
        )  # fmt: skip
        return bytes(pdf), xml
