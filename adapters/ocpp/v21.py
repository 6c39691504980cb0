"""OCPP 2.1: OCPP 2.0.1 and what was added to it."""

from __future__ import annotations

from adapters.ocpp.dialect import EMPTY, Dialect
from adapters.ocpp.v201 import CANNOT, HEAR, KEPT, SAY

ADDED = {
    "BatterySwap": EMPTY,
    "ClosePeriodicEventStream": EMPTY,
    "GetCertificateChainStatus": b'{"certificateStatus":[]}',
    "NotifyDERAlarm": EMPTY,
    "NotifyDERStartStop": EMPTY,
    "NotifyPriorityCharging": EMPTY,
    "NotifySettlement": EMPTY,
    "OpenPeriodicEventStream": b'{"status":"Rejected"}',
    "ReportDERControl": EMPTY,
}

DIALECT = Dialect(version="2.1", hear=HEAR, kept=KEPT | ADDED, say=SAY, cannot=CANNOT)
