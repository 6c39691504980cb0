"""Controls of a simulated station that could feed the grid (OCPP 2.1, R04)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.simulator.vocabulary import Payload, Said, now, stamp, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station

FIELDS = {
    "EnterService": ("enterService", "enterService"),
    "FreqDroop": ("freqDroop", "freqDroop"),
    "FixedPFAbsorb": ("fixedPFAbsorb", "fixedPF"),
    "FixedPFInject": ("fixedPFInject", "fixedPF"),
    "FixedVar": ("fixedVar", "fixedVar"),
    "Gradients": ("gradient", "gradient"),
    "LimitMaxDischarge": ("limitMaxDischarge", "limitMaxDischarge"),
}
CURVE = ("curve", "curve")
PLAIN = ("enterService", "gradient")


def set_control(station: Station, payload: Payload) -> Payload:
    """R04: among scheduled controls of a type, the one with the lower number of priority counts."""
    field, _ = FIELDS.get(payload["controlType"], CURVE)
    if field not in payload:
        return status(False) | {"statusInfo": {"reasonCode": "MissingParam"}}
    new = payload | {"isSuperseded": False}
    rivals = [c for c in station.controls.values() if alike(c, new) and c["controlId"] != new["controlId"]]
    lower = [c for c in rivals if priority(c) >= priority(new)]
    new["isSuperseded"] = len(lower) < len(rivals)
    for control in lower:
        control["isSuperseded"] = True
    station.controls[payload["controlId"]] = new
    begun = payload["isDefault"] or new["isSuperseded"]
    gone = [c["controlId"] for c in lower]
    if not begun:
        station.send([started(payload["controlId"], gone)])
    return status(True) | ({"supersededIds": gone} if gone else {})


def alike(one: Payload, other: Payload) -> bool:
    return (one["controlType"], one["isDefault"]) == (other["controlType"], other["isDefault"])


def priority(control: Payload) -> int:
    field, _ = FIELDS.get(control["controlType"], CURVE)
    return int(control[field]["priority"])


def started(control_id: str, gone: list[str]) -> Said:
    body: Payload = {"controlId": control_id, "started": True, "timestamp": stamp(now())}
    return Said("NotifyDERStartStop", body | ({"supersededIds": gone} if gone else {}))


def get_control(station: Station, payload: Payload) -> Payload:
    found = chosen(station, payload)
    if not found:
        return {"status": "NotFound"}
    report: Payload = {"requestId": payload["requestId"]}
    for control in found:
        field, inner = FIELDS.get(control["controlType"], CURVE)
        row: Payload = {"id": control["controlId"], inner: control[field]}
        if field not in PLAIN:
            row |= {"isDefault": control["isDefault"], "isSuperseded": control["isSuperseded"]}
        if field == "curve":
            row["curveType"] = control["controlType"]
        report.setdefault(field, []).append(row)
    station.send([Said("ReportDERControl", report)])
    return status(True)


def clear_control(station: Station, payload: Payload) -> Payload:
    found = chosen(station, payload)
    for control in found:
        del station.controls[control["controlId"]]
    return status(True) if found else {"status": "NotFound"}


def chosen(station: Station, payload: Payload) -> list[Payload]:
    """By id, or by type and whether it is a default."""
    names = ("controlId", "controlType", "isDefault")
    return [c for c in station.controls.values() if all(n not in payload or c[n] == payload[n] for n in names)]


OBEY21 = {"SetDERControl": set_control, "GetDERControl": get_control, "ClearDERControl": clear_control}
