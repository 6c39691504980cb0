"""OCPP 1.6: charges. Here we make the transaction ids, and a station knows connectors only."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Hear, Payload, Said, Say, dump, given
from adapters.ocpp.sample import readings16, signed16, when
from adapters.ocpp.v16 import badge
from adapters.ocpp.v16.profile import profile
from application.session import Session
from domain.event import Refusal


def start(session: Session, payload: Payload) -> bytes:
    """StartTransaction (section 4.8): we make the transaction id."""
    number, ruling = session.start_numbered(
        payload["connectorId"],
        payload["idTag"],
        float(payload["meterStart"]),
        when(payload["timestamp"], session.now, session.notice),
        payload.get("reservationId"),
    )
    return dump({"transactionId": number, "idTagInfo": badge.id_tag_info(session, ruling)})


def meter(session: Session, payload: Payload) -> bytes:
    """MeterValues (section 4.7)."""
    number = payload.get("transactionId")
    readings = readings16(payload["meterValue"], session.now, session.notice)
    session.meter(None if number is None else str(number), payload["connectorId"], readings)
    if session.signed:
        session.sign(None if number is None else str(number), signed16(payload["meterValue"], session.now))
    return EMPTY


def stop(session: Session, payload: Payload) -> bytes:
    """StopTransaction (section 4.10); without a reason it is Local."""
    tag, register = payload.get("idTag"), payload.get("meterStop")
    session.stop_numbered(
        payload["transactionId"],
        when(payload["timestamp"], session.now, session.notice),
        payload.get("reason", "Local"),
        None if register is None else float(register),
        tag,
        readings16(payload.get("transactionData", ()), session.now, session.notice),
    )
    if session.signed:
        session.sign(str(payload["transactionId"]), signed16(payload["transactionData"], session.now))
    if tag is None:
        return EMPTY
    return dump({"idTagInfo": badge.id_tag_info(session, session.authorize(tag, purpose="stop"))})


def say_start(session: Session, wish: Payload) -> Said:
    """RemoteStartTransaction (section 5.11)."""
    if wish.get("group_badge"):
        raise Refusal("OCPP 1.6 cannot name a group in a remote start")
    connector = wish.get("evse_id") or wish.get("connector_id")
    wanted = wish.get("charging_profile")
    limits = profile(session, wanted) if wanted else None
    start = given(idTag=badge.startable(session, wish), connectorId=connector, chargingProfile=limits)
    return Said("RemoteStartTransaction", start)


def say_stop(session: Session, wish: Payload) -> Said:
    """RemoteStopTransaction (section 5.12)."""
    known = session.known(wish["transaction_id"])
    if known is None:
        raise Refusal("this station has no such transaction")
    return Said("RemoteStopTransaction", {"transactionId": int(known.station_transaction_id)})


def say_unlock(session: Session, wish: Payload) -> Said:
    """UnlockConnector (section 5.18)."""
    return Said("UnlockConnector", {"connectorId": wish["evse_id"]})


HEAR: dict[str, Hear] = {
    "StartTransaction": start,
    "MeterValues": meter,
    "StopTransaction": stop,
}
SAY: dict[str, Say] = {
    "remoteStart": say_start,
    "remoteStop": say_stop,
    "unlockConnector": say_unlock,
}
CANNOT: dict[str, str] = {
    "setDefaultTariff": "tariffs on the station came with OCPP 2.1",
    "getTariffs": "tariffs on the station came with OCPP 2.1",
    "clearTariffs": "tariffs on the station came with OCPP 2.1",
    "changeTransactionTariff": "tariffs on the station came with OCPP 2.1",
    "notifyWebPaymentStarted": "web payment came with OCPP 2.1",
    "requestBatterySwap": "battery swap came with OCPP 2.1",
    "getTransactionStatus": "OCPP 1.6 cannot tell how a transaction stands: trigger MeterValues",
    "costUpdated": "OCPP 1.6 cannot show a cost",
}
