"""OCPP 1.6: there are no monitors."""

from __future__ import annotations

CANNOT: dict[str, str] = dict.fromkeys(
    (
        "getMonitoringReport",
        "setVariableMonitoring",
        "clearVariableMonitoring",
        "setMonitoringBase",
        "setMonitoringLevel",
    ),
    "OCPP 1.6 has no monitors: its stations report faults by StatusNotification",
)
