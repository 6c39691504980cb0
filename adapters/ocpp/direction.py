"""Who says what: the direction of every message of every version (tables 1.1 to 1.4 of the specifications' messages).

The schemas do not say it; DataTransfer goes both ways.
"""

from __future__ import annotations

from adapters.ocpp.schema import actions

BOTH = frozenset({"DataTransfer"})
FROM_STATION_16 = frozenset({
    "Authorize", "BootNotification", "DataTransfer", "DiagnosticsStatusNotification", "FirmwareStatusNotification",
    "Heartbeat", "LogStatusNotification", "MeterValues", "SecurityEventNotification", "SignCertificate",
    "SignedFirmwareStatusNotification", "StartTransaction", "StatusNotification", "StopTransaction",
})  # fmt: skip
FROM_STATION_201 = frozenset({
    "Authorize", "BootNotification", "ClearedChargingLimit", "DataTransfer", "FirmwareStatusNotification",
    "Get15118EVCertificate", "GetCertificateStatus", "Heartbeat", "LogStatusNotification", "MeterValues",
    "NotifyChargingLimit", "NotifyCustomerInformation", "NotifyDisplayMessages", "NotifyEVChargingNeeds",
    "NotifyEVChargingSchedule", "NotifyEvent", "NotifyMonitoringReport", "NotifyReport",
    "PublishFirmwareStatusNotification", "ReportChargingProfiles", "ReservationStatusUpdate",
    "SecurityEventNotification", "SignCertificate", "StatusNotification", "TransactionEvent",
})  # fmt: skip
FROM_STATION_21 = FROM_STATION_201 | frozenset({
    "BatterySwap", "ClosePeriodicEventStream", "GetCertificateChainStatus", "NotifyDERAlarm", "NotifyDERStartStop",
    "NotifyPeriodicEventStream", "NotifyPriorityCharging", "NotifySettlement", "OpenPeriodicEventStream",
    "PullDynamicScheduleUpdate", "ReportDERControl", "VatNumberValidation",
})  # fmt: skip
FROM_STATION = {"1.6": FROM_STATION_16, "2.0.1": FROM_STATION_201, "2.1": FROM_STATION_21}


def to_station(version: str) -> frozenset[str]:
    """What a CSMS may send."""
    return (actions(version) - FROM_STATION[version]) | BOTH
