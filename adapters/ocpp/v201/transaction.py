"""OCPP 2.0.1: charges. The station makes the transaction ids, and its events are ordered by seqNo."""

from __future__ import annotations

from collections.abc import Callable

from adapters.ocpp.dialect import EMPTY, Hear, Payload, Said, Say, dump, given
from adapters.ocpp.sample import readings2, signed2, when
from adapters.ocpp.v201 import badge
from adapters.ocpp.v201.profile import profile
from application.session import Session, end_register
from application.tally import tallied, total
from domain.authorization import Ruling
from domain.event import Refusal
from domain.station import Station
from domain.transaction import ChargingState

STATE: dict[str, ChargingState] = {
    "Charging": "CHARGING",
    "EVConnected": "EV_CONNECTED",
    "SuspendedEV": "SUSPENDED_EV",
    "SuspendedEVSE": "SUSPENDED_EVSE",
    "Idle": "IDLE",
}


def transaction(session: Session, payload: Payload) -> bytes:
    """TransactionEvent (E01 to E15): order is by seqNo within a transaction, not by arrival."""
    facts, token = payload["transactionInfo"], payload.get("idToken")
    tally = tallied(session, facts["transactionId"]) if payload["eventType"] == "Ended" else None
    occurred_at = when(payload["timestamp"], session.now, session.notice)
    shown, ruling = (token["idToken"] or None) if token else None, badge.presented(session, payload)
    if payload["eventType"] == "Started":
        started(session, payload, shown, ruling)
    else:
        later(session, payload, shown, ruling)
    if session.signed:
        session.sign(facts["transactionId"], signed2(payload["meterValue"], session.now))
    known = session.station.find(facts["transactionId"])
    if known is not None and (state := facts.get("chargingState")) is not None:
        session.report_state(session.load(known), STATE[state], occurred_at, payload.get("offline", False))
    cost = total(session, session.load(known), tally) if known is not None and tally is not None else None
    if ruling is None and cost is None:
        return EMPTY
    token_info = badge.id_token_info(session, ruling) if ruling is not None else None
    return dump(given(idTokenInfo=token_info, totalCost=cost))


def started(session: Session, payload: Payload, shown: str | None, ruling: Ruling | None) -> None:
    facts, evse = payload["transactionInfo"], payload.get("evse", {})
    session.start(
        facts["transactionId"],
        when(payload["timestamp"], session.now, session.notice),
        shown,
        readings2(payload.get("meterValue", ()), session.now, session.notice),
        payload["seqNo"],
        payload.get("idToken", {}).get("type"),
        ruling,
        evse_id=evse.get("id", 0),
        connector_id=evse.get("connectorId"),
        remote_start_id=facts.get("remoteStartId"),
        reservation_id=payload.get("reservationId"),
        offline=payload.get("offline", False),
    )


def later(session: Session, payload: Payload, shown: str | None, ruling: Ruling | None) -> None:
    facts, evse = payload["transactionInfo"], payload.get("evse", {})
    occurred_at = when(payload["timestamp"], session.now, session.notice)
    found = session.find(facts["transactionId"], occurred_at, evse.get("id"), evse.get("connectorId"))
    if shown is not None and ruling is not None and payload["eventType"] == "Updated":
        found.present(shown, ruling.verdict, occurred_at, session.cause, session.now)
        session.rules.badges.charges.present(found.transaction_id, shown, ruling.verdict)
    readings = readings2(payload.get("meterValue", ()), session.now, session.notice)
    seq_no, offline = payload["seqNo"], payload.get("offline", False)
    if payload["eventType"] == "Ended":
        reason = facts.get("stoppedReason", "Local")
        session.end(found, occurred_at, reason, end_register(readings), shown, readings, seq_no, offline)
    else:
        found.meter(readings, session.cause, session.now, seq_no, offline)


def meter(session: Session, payload: Payload) -> bytes:
    """MeterValues (J01): readings outside transactions."""
    readings = readings2(payload["meterValue"], session.now, session.notice)
    session.tell(Station.Metered, evse_id=payload["evseId"], readings=readings)
    return EMPTY


def say_start(session: Session, wish: Payload) -> Said:
    """RequestStartTransaction (F01, F02)."""
    return request_start(session, wish, profile)


def request_start(session: Session, wish: Payload, profile: Callable[[Session, Payload], Payload]) -> Said:
    """The remote start id is never used twice; a profile is written in the words of the version (F01.FR.08)."""
    if wish.get("connector_id"):
        raise Refusal("OCPP 2.x starts a charge on an EVSE: its connector cannot be chosen")
    return Said(
        "RequestStartTransaction",
        given(
            idToken=badge.startable(session, wish),
            remoteStartId=session.rules.numbers.take(),
            evseId=wish.get("evse_id"),
            groupIdToken=badge.group_token(wish.get("group_badge")),
            chargingProfile=profile(session, wish["charging_profile"]) if "charging_profile" in wish else None,
        ),
    )


def say_stop(session: Session, wish: Payload) -> Said:
    """RequestStopTransaction (F03)."""
    return Said("RequestStopTransaction", {"transactionId": known(session, wish)})


def known(session: Session, wish: Payload) -> str:
    """The station's own id of a transaction."""
    found = session.known(wish["transaction_id"])
    if found is None:
        raise Refusal("this station has no such transaction")
    return found.station_transaction_id


def say_unlock(session: Session, wish: Payload) -> Said:
    """UnlockConnector (F05)."""
    return Said("UnlockConnector", {"evseId": wish["evse_id"], "connectorId": wish.get("connector_id") or 1})


def say_get_transaction_status(session: Session, wish: Payload) -> Said:
    """GetTransactionStatus (E14); without a transaction: whether any message about one still waits."""
    return Said("GetTransactionStatus", {"transactionId": known(session, wish)} if "transaction_id" in wish else {})


def say_cost_updated(session: Session, wish: Payload) -> Said:
    """CostUpdated (I02): the running total in the currency of the station."""
    return Said("CostUpdated", {"totalCost": float(wish["total_cost"]), "transactionId": known(session, wish)})


HEAR: dict[str, Hear] = {
    "TransactionEvent": transaction,
    "MeterValues": meter,
}
SAY: dict[str, Say] = {
    "remoteStart": say_start,
    "remoteStop": say_stop,
    "unlockConnector": say_unlock,
    "getTransactionStatus": say_get_transaction_status,
    "costUpdated": say_cost_updated,
}
CANNOT: dict[str, str] = {
    "setDefaultTariff": "tariffs on the station came with OCPP 2.1",
    "getTariffs": "tariffs on the station came with OCPP 2.1",
    "clearTariffs": "tariffs on the station came with OCPP 2.1",
    "changeTransactionTariff": "tariffs on the station came with OCPP 2.1",
    "notifyWebPaymentStarted": "web payment came with OCPP 2.1",
    "requestBatterySwap": "battery swap came with OCPP 2.1",
}
