"""OCPP 2.1: tariffs on the station, and payment at the station."""

from __future__ import annotations

from decimal import Decimal

from adapters.ocpp.dialect import EMPTY, Hear, Heed, Payload, Said, Say, dump, given, read
from adapters.ocpp.sample import when
from adapters.ocpp.v201.transaction import known
from application.session import Session
from domain.payment import Payment, vat_number
from domain.payment import stream as payment_stream
from domain.pricelist import Entry, Kind, Pricelist, stream

KINDS: dict[str, Kind] = {"DefaultTariff": "DEFAULT", "DriverTariff": "DRIVER"}


def settlement(session: Session, payload: Payload) -> bytes:
    """NotifySettlement (C21, C22). The receipt is the station's, so there is none of ours to point to."""
    payment = session.of(Payment, payment_stream(session.station_id))
    transaction = payload.get("transactionId")
    found = session.station.find(transaction) if transaction else None
    payment.record(
        Payment.Settled,
        session.cause,
        session.now,
        station_id=session.station_id,
        status=payload["status"],
        amount=Decimal(str(payload["settlementAmount"])),
        settled_at=when(payload["settlementTime"], session.now),
        psp_reference=payload["pspRef"],
        station_transaction_id=transaction,
        transaction_id=found.transaction_id if found else None,
        detail=payload.get("statusInfo"),
        receipt_id=payload.get("receiptId"),
        receipt_url=payload.get("receiptUrl"),
        vat_number=payload.get("vatNumber"),
        company=payload.get("vatCompany"),
    )
    return EMPTY


def vat(session: Session, payload: Payload) -> bytes:
    """VatNumberValidation (C18): its form is checked, not whether the company exists."""
    payment, said = session.of(Payment, payment_stream(session.station_id)), payload["vatNumber"]
    valid, evse_id = vat_number(said) is not None, payload.get("evseId")
    facts = {"station_id": session.station_id, "vat_number": said, "valid": valid, "evse_id": evse_id}
    payment.record(Payment.VatNumberChecked, session.cause, session.now, **facts)
    why = {"reasonCode": "InvalidValue", "additionalInfo": "this is not a VAT number of the European Union"}
    status = "Accepted" if valid else "Rejected"
    return dump(given(status=status, vatNumber=said, evseId=evse_id, statusInfo=None if valid else why))


def say_set_default(session: Session, wish: Payload) -> Said:
    """SetDefaultTariff (I07)."""
    return Said("SetDefaultTariff", {"evseId": wish.get("evse_id", 0), "tariff": wish["tariff"]})


def heed_set_default(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    pricelist = session.of(Pricelist, stream(session.station_id))
    if read(answer).accepted:
        pricelist.install(sent["evseId"], sent["tariff"], session.cause, session.now)


def say_get(session: Session, wish: Payload) -> Said:
    """GetTariffs (I09)."""
    return Said("GetTariffs", {"evseId": wish.get("evse_id", 0)})


def heed_get(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """What the station has; NoTariff: nothing."""
    pricelist = session.of(Pricelist, stream(session.station_id))
    if answer["status"] != "Rejected":
        said: dict[Entry, Kind] = {
            (evse_id, line["tariffId"]): KINDS[line["tariffKind"]]
            for line in answer.get("tariffAssignments", ())
            for evse_id in line.get("evseIds") or [sent["evseId"]]
        }
        pricelist.compare(sent["evseId"], said, session.cause, session.now)


def say_clear(session: Session, wish: Payload) -> Said:
    """ClearTariffs (I10); without ids: all of them."""
    return Said("ClearTariffs", given(tariffIds=wish.get("tariff_ids"), evseId=wish.get("evse_id")))


def heed_clear(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """A tariff that the station does not have is gone as well."""
    pricelist = session.of(Pricelist, stream(session.station_id))
    for line in answer["clearTariffsResult"]:
        if line["status"] != "Rejected":
            pricelist.clear(line.get("tariffId"), sent.get("evseId"), session.cause, session.now)


def say_change(session: Session, wish: Payload) -> Said:
    """ChangeTransactionTariff (I11)."""
    return Said("ChangeTransactionTariff", {"transactionId": known(session, wish), "tariff": wish["tariff"]})


def heed_change(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    pricelist = session.of(Pricelist, stream(session.station_id))
    if read(answer).accepted:
        pricelist.switch(wish["transaction_id"], sent["tariff"], session.cause, session.now)


def say_web_payment(session: Session, wish: Payload) -> Said:
    """NotifyWebPaymentStarted (C25.FR.21): the EVSE waits for somebody who pays on a web page."""
    return Said("NotifyWebPaymentStarted", {"evseId": wish["evse_id"], "timeout": wish["timeout_s"]})


HEAR: dict[str, Hear] = {
    "NotifySettlement": settlement,
    "VatNumberValidation": vat,
}
SAY: dict[str, Say] = {
    "setDefaultTariff": say_set_default,
    "getTariffs": say_get,
    "clearTariffs": say_clear,
    "changeTransactionTariff": say_change,
    "notifyWebPaymentStarted": say_web_payment,
}
HEED: dict[str, Heed] = {
    "setDefaultTariff": heed_set_default,
    "getTariffs": heed_get,
    "clearTariffs": heed_clear,
    "changeTransactionTariff": heed_change,
}
