"""Tariffs on a simulated station (OCPP 2.1, I07-I12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.simulator.vocabulary import Payload, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station


def set_default(station: Station, payload: Payload) -> Payload:
    """I07: one default for an EVSE, or for all of them."""
    tariff = payload["tariff"]
    if payload["evseId"] not in (0, 1):
        return status(False)
    twins = [t for evse_id, t in station.tariffs.items() if evse_id != payload["evseId"]]
    if any(t["tariffId"] == tariff["tariffId"] and t != tariff for t in twins):
        return {"status": "DuplicateTariffId"}
    station.tariffs[payload["evseId"]] = tariff
    return status(True)


def get_tariffs(station: Station, payload: Payload) -> Payload:
    """I09."""
    rows: list[Payload] = [
        {"tariffId": tariff["tariffId"], "tariffKind": "DefaultTariff", "evseIds": [evse_id or 1]}
        for evse_id, tariff in station.tariffs.items()
        if payload["evseId"] in (0, evse_id) or evse_id == 0
    ]
    if station.charge is not None and station.charge.tariff is not None:
        badge = station.charge.badge
        rows.append({"tariffId": station.charge.tariff["tariffId"], "tariffKind": "DriverTariff", "idTokens": [badge]})
    return status(True) | {"tariffAssignments": rows} if rows else {"status": "NoTariff"}


def clear_tariffs(station: Station, payload: Payload) -> Payload:
    """I10: those named, or all of an EVSE."""
    evse_id = payload.get("evseId", 0)
    here = {n: t["tariffId"] for n, t in station.tariffs.items() if evse_id in (0, n)}
    wanted = payload.get("tariffIds") or sorted(set(here.values()))
    station.tariffs = {n: t for n, t in station.tariffs.items() if here.get(n) not in wanted}
    results: list[Payload] = [
        {"tariffId": name, "status": "Accepted" if name in here.values() else "NoTariff"} for name in wanted
    ]
    return {"clearTariffsResult": results or [{"status": "NoTariff"}]}


def change_tariff(station: Station, payload: Payload) -> Payload:
    """I11: the charge goes on under another tariff of the same currency."""
    charge, tariff = station.charge, payload["tariff"]
    if charge is None or not charge.is_called(payload["transactionId"]):
        return {"status": "TxNotFound"}
    current = charge.tariff or station.tariffs.get(1) or station.tariffs.get(0)
    if current is not None and current["currency"] != tariff["currency"]:
        return {"status": "NoCurrencyChange"}
    charge.tariff = tariff
    return status(True)


OBEY21 = {
    "SetDefaultTariff": set_default,
    "GetTariffs": get_tariffs,
    "ClearTariffs": clear_tariffs,
    "ChangeTransactionTariff": change_tariff,
}
