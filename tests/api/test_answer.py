"""Every command has a typed answer, and every answer its schema allows can be told."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.ocpp.direction import to_station
from adapters.ocpp.version import DIALECTS
from api.graphql.answer import RESULTS, result
from api.graphql.result import (
    TYPES,
    CertificatesResult,
    CompositeScheduleResult,
    ConfigurationResult,
    LocalListResult,
    LogResult,
    MonitorsResult,
    StartResult,
    StatusResult,
    TariffsResult,
    VariablesResult,
)
from tests.adapters.ocpp.corpus import grown, schemas

COMMANDS = sorted({command for dialect in DIALECTS.values() for command in dialect.say})
OTHER_NAMES = {
    "remoteStart": ("RemoteStartTransaction", "RequestStartTransaction"),
    "remoteStop": ("RemoteStopTransaction", "RequestStopTransaction"),
    "updateFirmware": ("UpdateFirmware", "SignedUpdateFirmware"),
    "getPeriodicEventStreams": ("GetPeriodicEventStream",),
    "afrrSignal": ("AFRRSignal",),
    "setPassword": ("ChangeConfiguration", "SetVariables"),
    "setSecurityProfile": ("ChangeConfiguration", "SetVariables"),
    "renewCertificate": ("ExtendedTriggerMessage", "TriggerMessage"),
    "sendMessage": ("Reset",),
}
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1f"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_typed_result(command: str) -> None:
    assert command in RESULTS, f"say in api/graphql/answer.py what the answer to {command} becomes"


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("command", sorted(RESULTS))
def test_the_smallest_and_the_fullest_answer_are_told(command: str, version: str) -> None:
    known = schemas(version)
    for action in OTHER_NAMES.get(command, (command[0].upper() + command[1:],)):
        if action in to_station(version):
            schema = known[f"{action}Response"]
            for full in (False, True):
                answer = dated(grown(schema, schema, full))
                told = result(command, answer)
                assert isinstance(told, TYPES)
                assert isinstance(told.status, str)


def dated(value: Any) -> Any:
    """The same with times that can be read."""
    if isinstance(value, dict):
        return {name: TIME if "Start" in name and part == "0" else dated(part) for name, part in value.items()}
    return [dated(part) for part in value] if isinstance(value, list) else value


TIME = "2026-11-23T12:00:00Z"


def test_a_status_with_the_reason_of_the_station() -> None:
    info = {"reasonCode": "NotNow", "additionalInfo": "busy"}
    told = result("reset", {"status": "Rejected", "statusInfo": info})
    assert told == StatusResult(status="Rejected", reason="NotNow, busy")


def test_an_answer_without_status_is_a_good_one() -> None:
    assert result("costUpdated", {}) == StatusResult(status="Accepted", reason=None)


def test_no_answer_is_no_result() -> None:
    assert result("reset", None) is None


def test_configuration_keys_and_those_nobody_knows() -> None:
    told = result("getConfiguration", {"configurationKey": [{"key": "K", "readonly": True}], "unknownKey": ["U"]})
    assert isinstance(told, ConfigurationResult)
    assert ([(key.key, key.value, key.readonly) for key in told.keys], told.unknown_keys) == (
        [("K", None, True)],
        ["U"],
    )


def test_variables_one_by_one() -> None:
    line = {
        "component": {"name": "C", "evse": {"id": 2}}, "variable": {"name": "V", "instance": "i"},
        "attributeStatus": "Rejected", "attributeStatusInfo": {"reasonCode": "ReadOnly"},
    }  # fmt: skip
    told = result("setVariables", {"setVariableResult": [line | {"attributeStatus": "Accepted"}, line]})
    assert isinstance(told, VariablesResult)
    assert (told.status, [each.status for each in told.variables]) == ("Rejected", ["Accepted", "Rejected"])
    bad = told.variables[1]
    assert (bad.evse_id, bad.variable_instance, bad.attribute_type, bad.reason) == (2, "i", "Actual", "ReadOnly")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "Accepted", "connectorId": 1, "scheduleStart": TIME, "chargingSchedule": {
            "duration": 60, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]}},
        {"status": "Accepted", "schedule": {
            "evseId": 1, "scheduleStart": TIME, "duration": 60, "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]}},
    ],
    ids=["1.6", "2.x"],
)  # fmt: skip
def test_a_composite_schedule_is_one_in_all_versions(answer: dict[str, Any]) -> None:
    told = result("getCompositeSchedule", answer)
    assert isinstance(told, CompositeScheduleResult)
    assert (told.evse_id, told.duration_seconds, told.unit, told.periods[0].limit) == (1, 60, "A", 6)
    assert told.starts_at is not None
    assert told.starts_at.isoformat() == "2026-11-23T12:00:00+00:00"


@pytest.mark.parametrize("answer", [{"listVersion": 3}, {"versionNumber": 3}])
def test_a_local_list_version_is_one_in_all_versions(answer: dict[str, Any]) -> None:
    told = result("getLocalListVersion", answer)
    assert isinstance(told, LocalListResult)
    assert told.version == 3


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "Accepted", "certificateHashData": [HASHES, HASHES]},
        {"status": "Accepted", "certificateHashDataChain": [
            {"certificateType": "V2GCertificateChain", "certificateHashData": HASHES,
             "childCertificateHashData": [HASHES]}]},
    ],
    ids=["1.6", "2.x"],
)  # fmt: skip
def test_certificates_are_listed_in_all_versions(answer: dict[str, Any]) -> None:
    told = result("getInstalledCertificateIds", answer)
    assert isinstance(told, CertificatesResult)
    assert [each.serial_number for each in told.certificates] == ["1f", "1f"]


def test_the_rest() -> None:
    log = result("getDiagnostics", {"fileName": "d.zip"})
    assert isinstance(log, LogResult)
    assert log.file_name == "d.zip"
    start = result("remoteStart", {"status": "Accepted", "transactionId": "t"})
    assert isinstance(start, StartResult)
    assert start.station_transaction_id == "t"
    monitors = result("clearVariableMonitoring", {"clearMonitoringResult": [{"id": 1, "status": "NotFound"}]})
    assert isinstance(monitors, MonitorsResult)
    assert (monitors.status, monitors.monitors[0].id) == ("NotFound", 1)
    tariffs = result("clearTariffs", {"clearTariffsResult": [{"tariffId": "a", "status": "NoTariff"}]})
    assert isinstance(tariffs, TariffsResult)
    assert (tariffs.status, tariffs.tariffs[0].tariff_id) == ("NoTariff", "a")
