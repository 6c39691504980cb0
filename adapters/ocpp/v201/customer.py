"""OCPP 2.0.1: what a station knows of a customer."""

from __future__ import annotations

import msgspec

from adapters.ocpp.dialect import EMPTY, Hear, Heed, Payload, Said, Say, dump, given
from adapters.ocpp.sample import when
from application.session import Session
from domain.customer import Customer, stream
from domain.event import Message, Refusal

WHO = ("badge", "certificate", "customer_identifier")


def information(session: Session, payload: Payload) -> bytes:
    """NotifyCustomerInformation (N09, N10). The text is personal data: the cause of the fact does not repeat it."""
    customer = session.of(Customer, stream(session.station_id))
    if isinstance(session.cause, Message):
        session.cause.payload = msgspec.Raw(dump(payload | {"data": ""}))
    customer.record(
        Customer.InformationTold,
        session.cause,
        session.now,
        request_id=payload["requestId"],
        seq_no=payload["seqNo"],
        occurred_at=when(payload["generatedAt"], session.now),
        text=payload["data"],
        to_be_continued=payload.get("tbc", False),
        person=customer.people.get(payload["requestId"]),
    )
    return EMPTY


def say_customer_information(session: Session, wish: Payload) -> Said:
    """CustomerInformation (N09, N10): about exactly one customer (N09.FR.04, N09.FR.09)."""
    if sum(name in wish for name in WHO) != 1:
        raise Refusal("name the customer by exactly one of badge, certificate and customerIdentifier")
    certificate = wish.get("certificate")
    badge = wish.get("badge")
    return Said(
        "CustomerInformation",
        given(
            requestId=session.rules.numbers.take(),
            report=wish["report"],
            clear=wish["clear"],
            customerIdentifier=wish.get("customer_identifier"),
            idToken={"idToken": badge, "type": session.rules.badges.kind(badge)} if badge else None,
            customerCertificate=hashes(certificate) if certificate else None,
        ),
    )


def hashes(certificate: Payload) -> Payload:
    return {
        "hashAlgorithm": certificate["hash_algorithm"],
        "issuerNameHash": certificate["issuer_name_hash"],
        "issuerKeyHash": certificate["issuer_key_hash"],
        "serialNumber": certificate["serial_number"],
    }


def heed_customer_information(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """The station will tell, or erase, or not."""
    session.of(Customer, stream(session.station_id)).record(
        Customer.InformationOrdered,
        session.cause,
        session.now,
        request_id=sent["requestId"],
        report=sent["report"],
        clear=sent["clear"],
        status=answer["status"],
        person=named(wish),
    )


def named(wish: Payload) -> str | None:
    """How the request named the customer."""
    certificate = wish.get("certificate") or {}
    return wish.get("badge") or wish.get("customer_identifier") or certificate.get("serial_number")


HEAR: dict[str, Hear] = {
    "NotifyCustomerInformation": information,
}
SAY: dict[str, Say] = {
    "customerInformation": say_customer_information,
}
HEED: dict[str, Heed] = {
    "customerInformation": heed_customer_information,
}
