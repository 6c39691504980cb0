"""Monitors of a simulated station (OCPP 2.x, N01-N08): variables that it watches, and tells about by itself."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.simulator.device import Variable, matches, missing, parts
from adapters.simulator.vocabulary import Payload, Said, now, stamp, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station

LEAST_SEVERE = 9
NUMERIC = ("integer", "decimal")
CRITERIA = {"ThresholdMonitoring": "Threshold", "DeltaMonitoring": "Delta", "PeriodicMonitoring": "Periodic"}


@dataclass
class Monitor:
    """One monitor, and what it last saw."""

    id: int
    variable: Variable
    kind: str
    value: float
    severity: int
    transaction: bool
    seen: str
    told_at: datetime
    alarmed: bool = False

    @property
    def row(self) -> Payload:
        return {
            "id": self.id,
            "transaction": self.transaction,
            "value": self.value,
            "type": self.kind,
            "severity": self.severity,
        }

    def alarming(self) -> bool:
        reading = float(self.variable.value)
        return reading > self.value if self.kind == "UpperThreshold" else reading < self.value

    def due(self, at: datetime) -> str | None:
        """Why it has something to tell: the trigger of NotifyEvent."""
        if self.kind.endswith("Threshold"):
            before, self.alarmed = self.alarmed, self.alarming()
            return "Alerting" if before != self.alarmed else None
        if self.kind.startswith("Periodic"):
            return "Periodic" if (at - self.told_at).total_seconds() >= self.value else None
        return "Delta" if self.moved() else None

    def moved(self) -> bool:
        if self.variable.kind not in NUMERIC:
            return self.seen != self.variable.value
        return abs(float(self.variable.value) - float(self.seen)) >= self.value


class Monitors:
    """All monitors of one station."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.rows: dict[int, Monitor] = {}
        self.numbers = itertools.count(1)
        self.events = itertools.count(1)
        self.severity = LEAST_SEVERE

    def check(self) -> None:
        """Look at every variable that is watched, and send what has to be told (N07, N08)."""
        at = now()
        told = []
        for monitor in self.rows.values():
            trigger = monitor.due(at)
            if trigger is not None and monitor.severity <= self.severity:
                told.append(self.event(monitor, trigger, at))
                monitor.seen, monitor.told_at = monitor.variable.value, at
        if told:
            self.station.send([Said("NotifyEvent", {"generatedAt": stamp(at), "seqNo": 0, "eventData": told})])

    def event(self, monitor: Monitor, trigger: str, at: datetime) -> Payload:
        line = {
            "eventId": next(self.events),
            "timestamp": stamp(at),
            "trigger": trigger,
            "actualValue": monitor.variable.value,
            "variableMonitoringId": monitor.id,
            "eventNotificationType": "CustomMonitor",
            **monitor.variable.named,
        }
        if monitor.kind.endswith("Threshold"):
            line["cleared"] = not monitor.alarmed
        return line

    def add(self, line: Payload) -> Payload:
        """One line of SetVariableMonitoring, and what becomes of it (N04)."""
        named = {name: line[name] for name in ("type", "severity", "component", "variable")}
        variable = self.station.device.find(line["component"]["name"], line["variable"]["name"])
        if variable is None:
            return named | {"status": missing(self.station.device, line)}
        verdict = self.judge(line, variable)
        if verdict != "Accepted":
            return named | {"status": verdict}
        number = line.get("id") or next(n for n in self.numbers if n not in self.rows)
        self.rows[number] = Monitor(
            number, variable, line["type"], line["value"], line["severity"], line.get("transaction", False),
            variable.value, now(),
        )  # fmt: skip
        self.station.streams.opened(number, line.get("periodicEventStream"))
        return named | {"status": "Accepted", "id": number}

    def judge(self, line: Payload, variable: Variable) -> str:
        number = line.get("id")
        if number is not None and (number not in self.rows or self.rows[number].variable is not variable):
            return "Rejected"
        if variable.kind not in NUMERIC and not line["type"].startswith(("Delta", "Periodic")):
            return "UnsupportedMonitorType"
        if not 0 <= line["severity"] <= LEAST_SEVERE:
            return "Rejected"
        same = (variable, line["type"], line["severity"])
        twin = any((m.variable, m.kind, m.severity) == same and m.id != number for m in self.rows.values())
        return "Duplicate" if twin else "Accepted"

    def remove(self, number: int) -> bool:
        self.station.streams.closed(number)
        return self.rows.pop(number, None) is not None


def set_monitoring(station: Station, payload: Payload) -> Payload:
    results = [station.monitors.add(line) for line in payload["setMonitoringData"]]
    station.then(station.watch)
    return {"setMonitoringResult": results}


def clear_monitoring(station: Station, payload: Payload) -> Payload:
    """N06."""
    results = [
        {"id": number, "status": "Accepted" if station.monitors.remove(number) else "NotFound"}
        for number in payload["id"]
    ]
    return {"clearMonitoringResult": results}


def set_base(station: Station, payload: Payload) -> Payload:
    """N05: this station has no monitors from the factory, so all but `All` leaves none."""
    if payload["monitoringBase"] != "All":
        for number in list(station.monitors.rows):
            station.monitors.remove(number)
    return status(True)


def set_level(station: Station, payload: Payload) -> Payload:
    """N03: only what is at least as severe is told."""
    if not 0 <= payload["severity"] <= LEAST_SEVERE:
        return status(False)
    station.monitors.severity = payload["severity"]
    return status(True)


def get_report(station: Station, payload: Payload) -> Payload:
    """N02."""
    kinds = tuple(CRITERIA[criterion] for criterion in payload.get("monitoringCriteria", CRITERIA))
    wanted = [
        monitor
        for monitor in station.monitors.rows.values()
        if any(kind in monitor.kind for kind in kinds) and matches(monitor.variable, payload.get("componentVariable"))
    ]
    if not wanted:
        return {"status": "EmptyResultSet"}
    custom = {"eventNotificationType": "CustomMonitor"} if station.version == "2.1" else {}
    rows = [m.variable.named | {"variableMonitoring": [m.row | custom]} for m in wanted]
    station.send(parts("NotifyMonitoringReport", payload["requestId"], "monitor", rows, generatedAt=stamp(now())))
    return status(True)


OBEY201 = {
    "SetVariableMonitoring": set_monitoring,
    "ClearVariableMonitoring": clear_monitoring,
    "SetMonitoringBase": set_base,
    "SetMonitoringLevel": set_level,
    "GetMonitoringReport": get_report,
}
