"""A simulated station has a valid answer with a meaning to every question of a CSMS, in every version."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adapters.ocpp import schema
from adapters.ocpp.version import DIALECTS
from adapters.simulator.link import Refused
from adapters.simulator.obey import TABLES
from adapters.simulator.station import Station
from tests.adapters.ocpp.corpus import grown, schemas

VERSIONS = ["1.6", "2.0.1", "2.1"]
AT = "2026-11-23T12:00:00Z"
BOTH_WAYS = {"DataTransfer"}
OF_STATIONS = {"PullDynamicScheduleUpdate", "VatNumberValidation"}
HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "01"}
CURVE = {"curveData": [{"x": 1, "y": 2}], "priority": 1, "yUnit": "PctMaxW"}
SAMPLES: dict[str, dict[str, Any]] = {
    "GetReport": {"requestId": 1, "componentCriteria": ["Problem"]},
    "DeleteCertificate": {"certificateHashData": HASH},
    "ReserveNow": {"id": 1, "expiryDateTime": AT, "idToken": {"idToken": "B", "type": "Central"}},
    "UpdateFirmware": {"requestId": 1, "firmware": {"location": "http://127.0.0.1:9/x", "retrieveDateTime": AT}},
    "SetDERControl": {"isDefault": False, "controlId": "c", "controlType": "FreqWatt", "curve": CURVE},
}
SAMPLES16: dict[str, dict[str, Any]] = {
    "ReserveNow": {"connectorId": 1, "expiryDate": AT, "idTag": "B", "reservationId": 1},
    "UpdateFirmware": {"location": "http://127.0.0.1:9/x", "retrieveDate": AT},
    "SignedUpdateFirmware": {
        "requestId": 1,
        "firmware": {
            "location": "http://127.0.0.1:9/x", "retrieveDateTime": AT, "signingCertificate": "", "signature": "",
        },
    },
    "SetChargingProfile": {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]},
        },
    },
}  # fmt: skip
SCHEDULE = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]}
SAMPLES["SetChargingProfile"] = {
    "evseId": 1,
    "chargingProfile": {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [SCHEDULE],
    },
}


def questions(version: str) -> set[str]:
    """What a CSMS may ask: every request that a station does not send (two of 2.1 whether they are heard or not)."""
    dialect = DIALECTS[f"ocpp{version}"]
    return (set(schema.actions(version)) - dialect.hear.keys() - dialect.kept.keys() - OF_STATIONS) | BOTH_WAYS


def sample(version: str, action: str, full: bool) -> dict[str, Any]:
    """A valid question: written down, or the smallest or fullest there is."""
    written = (SAMPLES16 if version == "1.6" else SAMPLES).get(action)
    if written is not None:
        return written
    known = schemas(version)
    root = known[action if version == "1.6" else f"{action}Request"]
    made: dict[str, Any] = grown(root, root, full=full)
    return made


@pytest.mark.parametrize("version", VERSIONS)
def test_there_is_an_answer_to_every_question_and_to_nothing_else(version: str) -> None:
    assert set(TABLES[version]) == questions(version)


@pytest.mark.parametrize("full", [False, True], ids=["smallest", "fullest"])
@pytest.mark.parametrize(
    ("version", "action"), [(version, action) for version in VERSIONS for action in sorted(TABLES[version])]
)
async def test_every_answer_is_what_the_schema_wants(version: str, action: str, full: bool) -> None:
    station = Station("ws://127.0.0.1:9/ocpp", "S1", version)
    payload = sample(version, action, full)
    assert schema.violation(version, action, "request", payload) is None
    answer = station.hear(action, payload)
    assert schema.violation(version, action, "response", answer) is None
    assert answer.get("status") != "NotImplemented" or "TriggerMessage" in action
    for task in list(station.tasks):
        task.cancel()
    await asyncio.gather(*station.tasks, return_exceptions=True)


async def test_what_no_version_has_is_refused() -> None:
    with pytest.raises(Refused, match="NotImplemented"):
        Station("ws://127.0.0.1:9/ocpp", "S1", "1.6").hear("MakeCoffee", {})
