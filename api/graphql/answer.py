"""Answers of stations as results of commands: which command has which, and how it is read in every version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from api.graphql.result import (
    CertificateId,
    CertificatesResult,
    CommandResult,
    CompositePeriod,
    CompositeScheduleResult,
    ConfigurationKey,
    ConfigurationResult,
    DataTransferResult,
    DerControlResult,
    LocalListResult,
    LogResult,
    MessageResult,
    MonitorResult,
    MonitorsResult,
    StartResult,
    StatusResult,
    StreamResult,
    StreamsResult,
    TariffResult,
    TariffsResult,
    TransactionStatusResult,
    VariableResult,
    VariablesResult,
)
from api.graphql.scalar import DateTime, Json, read_time

Raw = dict[str, Any]
Telling = Callable[[Raw], CommandResult]


def result(action: str, answer: Any) -> CommandResult | None:
    """The typed answer of a command; None while there is none."""
    return RESULTS.get(action, status)(answer) if isinstance(answer, dict) else None


def status(answer: Raw) -> CommandResult:
    return StatusResult(**told(answer))


def told(answer: Raw) -> dict[str, Any]:
    """Status and reason; a station that answers without status has done what it was asked."""
    return {"status": answer.get("status", "Accepted"), "reason": reason(answer.get("statusInfo"))}


def reason(info: Raw | None) -> str | None:
    words = [str(info[key]) for key in ("reasonCode", "additionalInfo") if info.get(key)] if info else []
    return ", ".join(words) or None


def overall(lines: list[Raw], name: str) -> dict[str, Any]:
    """The status of an answer that has one for each of its parts: the first that is not good."""
    said = [str(line[name]) for line in lines]
    return {"status": next((each for each in said if each not in ("Accepted", "RebootRequired")), "Accepted"),
            "reason": None}  # fmt: skip


def configuration(answer: Raw) -> CommandResult:
    keys = [
        ConfigurationKey(key=line["key"], value=line.get("value"), readonly=line["readonly"])
        for line in answer.get("configurationKey", ())
    ]
    return ConfigurationResult(keys=keys, unknown_keys=answer.get("unknownKey", []), **told(answer))


def variables(answer: Raw) -> CommandResult:
    lines = answer.get("getVariableResult") or answer.get("setVariableResult") or []
    return VariablesResult(variables=[variable(line) for line in lines], **overall(lines, "attributeStatus"))


def variable(line: Raw) -> VariableResult:
    component, named, evse = line["component"], line["variable"], line["component"].get("evse", {})
    return VariableResult(
        component=component["name"],
        component_instance=component.get("instance"),
        variable=named["name"],
        variable_instance=named.get("instance"),
        evse_id=evse.get("id"),
        connector_id=evse.get("connectorId"),
        attribute_type=line.get("attributeType", "Actual"),
        status=line["attributeStatus"],
        reason=reason(line.get("attributeStatusInfo")),
        value=line.get("attributeValue"),
    )


def setting(answer: Raw) -> CommandResult:
    """A key of OCPP 1.6 or a profile has one status, a variable of OCPP 2.x one of its own."""
    return variables(answer) if "setVariableResult" in answer else status(answer)


def monitors(answer: Raw) -> CommandResult:
    lines = answer.get("setMonitoringResult") or answer.get("clearMonitoringResult") or []
    return MonitorsResult(monitors=[monitor(line) for line in lines], **overall(lines, "status"))


def monitor(line: Raw) -> MonitorResult:
    return MonitorResult(
        id=line.get("id"),
        status=line["status"],
        reason=reason(line.get("statusInfo")),
        kind=line.get("type"),
        component=line.get("component", {}).get("name"),
        variable=line.get("variable", {}).get("name"),
    )


def composite(answer: Raw) -> CommandResult:
    """OCPP 1.6 says connector and start beside the schedule, OCPP 2.x in it."""
    schedule = answer.get("chargingSchedule") or answer.get("schedule") or {}
    start = answer.get("scheduleStart") or schedule.get("scheduleStart")
    return CompositeScheduleResult(
        evse_id=answer.get("connectorId", schedule.get("evseId")),
        starts_at=DateTime(read_time(start)) if start else None,
        duration_seconds=schedule.get("duration"),
        unit=schedule.get("chargingRateUnit"),
        periods=[
            CompositePeriod(start_seconds=line["startPeriod"], limit=line.get("limit"), phases=line.get("numberPhases"))
            for line in schedule.get("chargingSchedulePeriod", ())
        ],
        **told(answer),
    )


def local_list(answer: Raw) -> CommandResult:
    return LocalListResult(version=int(answer.get("listVersion") or answer.get("versionNumber") or 0), **told(answer))


def certificates(answer: Raw) -> CommandResult:
    found = [certificate(line, None) for line in answer.get("certificateHashData", ())]
    for chain in answer.get("certificateHashDataChain", ()):
        lines = [chain["certificateHashData"], *chain.get("childCertificateHashData", ())]
        found += [certificate(line, chain["certificateType"]) for line in lines]
    return CertificatesResult(certificates=found, **told(answer))


def certificate(line: Raw, kind: str | None) -> CertificateId:
    return CertificateId(
        kind=kind,
        hash_algorithm=line["hashAlgorithm"],
        issuer_name_hash=line["issuerNameHash"],
        issuer_key_hash=line["issuerKeyHash"],
        serial_number=line["serialNumber"],
    )


def log(answer: Raw) -> CommandResult:
    return LogResult(file_name=answer.get("filename") or answer.get("fileName"), **told(answer))


def data(answer: Raw) -> CommandResult:
    return DataTransferResult(data=answer.get("data"), **told(answer))


def message(answer: Raw) -> CommandResult:
    said = answer.get("status")
    return MessageResult(payload=Json(answer), status=said if isinstance(said, str) else "Accepted", reason=None)


def start(answer: Raw) -> CommandResult:
    return StartResult(station_transaction_id=answer.get("transactionId"), **told(answer))


def transaction_status(answer: Raw) -> CommandResult:
    queue = answer.get("messagesInQueue", False)
    return TransactionStatusResult(ongoing=answer.get("ongoingIndicator"), messages_in_queue=queue, **told(answer))


def tariffs(answer: Raw) -> CommandResult:
    lines = [
        TariffResult(
            tariff_id=line["tariffId"], status=line["tariffKind"], reason=None, evse_ids=line.get("evseIds", [])
        )
        for line in answer.get("tariffAssignments", ())
    ]
    return TariffsResult(tariffs=lines, **told(answer))


def cleared_tariffs(answer: Raw) -> CommandResult:
    lines = answer["clearTariffsResult"]
    found = [
        TariffResult(
            tariff_id=line.get("tariffId"), status=line["status"], reason=reason(line.get("statusInfo")), evse_ids=[]
        )
        for line in lines
    ]
    return TariffsResult(tariffs=found, **overall(lines, "status"))


def streams(answer: Raw) -> CommandResult:
    found = [
        StreamResult(
            id=line["id"],
            monitor_id=line["variableMonitoringId"],
            interval_s=line["params"].get("interval"),
            values=line["params"].get("values"),
        )
        for line in answer.get("constantStreamData", ())
    ]
    return StreamsResult(streams=found, **told(answer))


def der_control(answer: Raw) -> CommandResult:
    return DerControlResult(superseded_ids=answer.get("supersededIds", []), **told(answer))


SPECIAL: Mapping[str, Telling] = {
    "getConfiguration": configuration,
    "getVariables": variables,
    "setVariables": variables,
    "setPassword": setting,
    "setSecurityProfile": setting,
    "setVariableMonitoring": monitors,
    "clearVariableMonitoring": monitors,
    "getCompositeSchedule": composite,
    "getLocalListVersion": local_list,
    "getInstalledCertificateIds": certificates,
    "getLog": log,
    "getDiagnostics": log,
    "dataTransfer": data,
    "sendMessage": message,
    "remoteStart": start,
    "getTransactionStatus": transaction_status,
    "getTariffs": tariffs,
    "clearTariffs": cleared_tariffs,
    "getPeriodicEventStreams": streams,
    "setDERControl": der_control,
}
PLAIN = (
    "adjustPeriodicEventStream", "afrrSignal", "cancelReservation", "certificateSigned", "changeAvailability",
    "changeConfiguration", "changeTransactionTariff", "clearCache", "clearChargingProfile", "clearDERControl",
    "clearDisplayMessage", "costUpdated", "customerInformation", "deleteCertificate", "getBaseReport",
    "getChargingProfiles", "getDERControl", "getDisplayMessages", "getMonitoringReport", "getReport",
    "installCertificate", "notifyAllowedEnergyTransfer", "notifyWebPaymentStarted", "publishFirmware", "remoteStop",
    "renewCertificate", "requestBatterySwap", "reserveNow", "reset", "sendLocalList", "setChargingProfile",
    "setDefaultTariff", "setDisplayMessage", "setMonitoringBase", "setMonitoringLevel", "setNetworkProfile",
    "triggerMessage", "unlockConnector", "unpublishFirmware", "updateDynamicSchedule", "updateFirmware",
    "usePriorityCharging",
)  # fmt: skip
"""Commands whose answer is a status and nothing more: listed, so that none is forgotten."""
RESULTS: Mapping[str, Telling] = {**SPECIAL, **dict.fromkeys(PLAIN, status)}
