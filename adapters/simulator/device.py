"""What a simulated station is made of: variables (OCPP 2.x), some of which are configuration keys (OCPP 1.6)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adapters.simulator.vocabulary import Payload, Said, now, stamp

if TYPE_CHECKING:
    from adapters.simulator.station import Station

Verdict = Literal["Accepted", "Rejected", "RebootRequired", "Unknown"]
PART = 8
READ, BOTH, WRITE = "ReadOnly", "ReadWrite", "WriteOnly"


@dataclass
class Variable:
    """One variable of one component; `key` is its name in OCPP 1.6, if it has one there."""

    component: str
    name: str
    value: str
    kind: str = "string"
    mutability: str = READ
    key: str | None = None
    reboot: bool = False
    unit: str | None = None
    minimum: float | None = None
    choices: str | None = None

    def fits(self, value: str) -> bool:
        """May it have this value?"""
        match self.kind:
            case "integer" | "decimal":
                return self.number(value) is not None
            case "boolean":
                return value.lower() in ("true", "false")
            case "MemberList" | "OptionList" if self.choices is not None:
                return set(value.split(",")) <= set(self.choices.split(","))
        return len(value) <= 500

    def number(self, value: str) -> float | None:
        try:
            number = int(value) if self.kind == "integer" else float(value)
        except ValueError:
            return None
        return number if self.minimum is None or number >= self.minimum else None

    @property
    def named(self) -> Payload:
        return {"component": {"name": self.component}, "variable": {"name": self.name}}

    @property
    def row(self) -> Payload:
        """As NotifyReport tells it (B07, B08)."""
        attribute: Payload = {"type": "Actual", "mutability": self.mutability, "persistent": True, "constant": False}
        if self.mutability != WRITE:
            attribute["value"] = self.value
        kind: Payload = {"dataType": self.kind, "supportsMonitoring": self.kind in ("integer", "decimal", "boolean")}
        kind |= {
            name: value
            for name, value in (("unit", self.unit), ("minLimit", self.minimum), ("valuesList", self.choices))
            if value is not None
        }
        return self.named | {"variableAttribute": [attribute], "variableCharacteristics": kind}


def variables(station: Station) -> list[Variable]:
    """What it has when it leaves the factory."""
    seconds, yes = {"kind": "integer", "unit": "s", "minimum": 0}, {"kind": "boolean"}
    measurands = "Energy.Active.Import.Register,Power.Active.Import,Voltage,Current.Import,SoC"
    features = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
    made: list[tuple[str, str, str, str, str | None, Payload]] = [
        ("OCPPCommCtrlr", "HeartbeatInterval", "300", BOTH, "HeartbeatInterval", seconds | {"minimum": 1}),
        ("OCPPCommCtrlr", "WebSocketPingInterval", "0", BOTH, "WebSocketPingInterval", seconds),
        ("OCPPCommCtrlr", "NetworkConfigurationPriority", "0", BOTH, None, {"kind": "SequenceList", "reboot": True}),
        ("SampledDataCtrlr", "TxUpdatedInterval", f"{station.meter_s:g}", BOTH, "MeterValueSampleInterval",
         {"kind": "decimal", "unit": "s", "minimum": 0}),
        ("SampledDataCtrlr", "TxUpdatedMeasurands", measurands, BOTH, "MeterValuesSampledData",
         {"kind": "MemberList", "choices": measurands}),
        ("TxCtrlr", "EVConnectionTimeOut", "60", BOTH, "ConnectionTimeOut", seconds),
        ("TxCtrlr", "StopTxOnInvalidId", "true", BOTH, "StopTransactionOnInvalidId", yes),
        ("AuthCtrlr", "AuthorizeRemoteStart", "false", READ, "AuthorizeRemoteTxRequests", yes),
        ("AuthCtrlr", "LocalPreAuthorize", "true", BOTH, "LocalPreAuthorize", yes),
        ("AuthCtrlr", "LocalAuthorizeOffline", "true", BOTH, "LocalAuthorizeOffline", yes),
        ("AuthCacheCtrlr", "Enabled", "true", BOTH, "AuthorizationCacheEnabled", yes),
        ("LocalAuthListCtrlr", "Enabled", "true", BOTH, "LocalAuthListEnabled", yes),
        ("LocalAuthListCtrlr", "Entries", "1000", READ, "LocalAuthListMaxLength", {"kind": "integer"}),
        ("LocalAuthListCtrlr", "ItemsPerMessage", "100", READ, "SendLocalListMaxLength", {"kind": "integer"}),
        ("SmartChargingCtrlr", "Enabled", "true", READ, None, yes),
        ("SmartChargingCtrlr", "ProfileStackLevel", "10", READ, "ChargeProfileMaxStackLevel", {"kind": "integer"}),
        ("SmartChargingCtrlr", "RateUnit", "A,W", READ, "ChargingScheduleAllowedChargingRateUnit",
         {"kind": "MemberList", "choices": "A,W"}),
        ("SmartChargingCtrlr", "PeriodsPerSchedule", "48", READ, "ChargingScheduleMaxPeriods", {"kind": "integer"}),
        ("SmartChargingCtrlr", "Entries", "20", READ, "MaxChargingProfilesInstalled", {"kind": "integer"}),
        ("ReservationCtrlr", "Enabled", "true", READ, None, yes),
        ("ReservationCtrlr", "NonEvseSpecific", "true", READ, "ReserveConnectorZeroSupported", yes),
        ("DeviceDataCtrlr", "ItemsPerMessage", "64", READ, "GetConfigurationMaxKeys", {"kind": "integer"}),
        ("MonitoringCtrlr", "Enabled", "true", READ, None, yes),
        ("SecurityCtrlr", "BasicAuthPassword", "", WRITE, "AuthorizationKey", {"kind": "string"}),
        ("SecurityCtrlr", "SecurityProfile", "1", READ, "SecurityProfile", {"kind": "integer"}),
        ("SecurityCtrlr", "OrganizationName", "Bornier", BOTH, "CpoName", {}),
        ("ChargingStation", "Model", station.model, READ, None, {}),
        ("ChargingStation", "VendorName", "Bornier", READ, None, {}),
        ("ChargingStation", "AvailabilityState", "Available", READ, None, {"kind": "OptionList"}),
        ("ChargingStation", "Problem", "false", READ, None, yes),
        ("EVSE", "AvailabilityState", "Available", READ, None, {"kind": "OptionList"}),
        ("EVSE", "Power", "0", READ, None, {"kind": "decimal", "unit": "W"}),
        ("Connector", "ConnectorType", "cType2" if station.phases else "cCCS2", READ, None, {}),
    ]  # fmt: skip
    if station.version == "1.6":
        made.append(("ChargingStation", "NumberOfConnectors", "1", READ, "NumberOfConnectors", {"kind": "integer"}))
        made.append(("OCPPCommCtrlr", "Profiles", features, READ, "SupportedFeatureProfiles", {}))
    return [
        Variable(component, name, value, mutability=mutability, key=key, **more)
        for component, name, value, mutability, key, more in made
    ]


class Device:
    """The variables of one station, and what happens when one of them gets a value."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.variables = variables(station)
        self.effects: dict[str, Callable[[str], None]] = {
            "HeartbeatInterval": self.beat,
            "TxUpdatedInterval": self.sample,
            "BasicAuthPassword": self.password,
        }

    def find(self, component: str, name: str) -> Variable | None:
        return next((v for v in self.variables if v.component == component and v.name == name), None)

    def known(self, component: str) -> bool:
        return any(v.component == component for v in self.variables)

    def key(self, key: str) -> Variable | None:
        return next((v for v in self.variables if v.key == key), None)

    def value(self, component: str, name: str) -> str:
        found = self.find(component, name)
        return found.value if found is not None else ""

    def on(self, component: str, name: str = "Enabled") -> bool:
        return self.value(component, name).lower() == "true"

    def limit(self, component: str, name: str) -> int:
        return int(self.value(component, name))

    def show(self, component: str, name: str, value: str) -> None:
        """The station itself sees something new."""
        found = self.find(component, name)
        if found is not None and found.value != value:
            found.value = value

    def put(self, variable: Variable, value: str) -> Verdict:
        """The CSMS wants a variable to have a value."""
        if variable.mutability == READ or not variable.fits(value):
            return "Rejected"
        variable.value = value
        effect = self.effects.get(variable.name)
        if effect is not None:
            effect(value)
        return "RebootRequired" if variable.reboot else "Accepted"

    def beat(self, value: str) -> None:
        self.station.heartbeat_s = float(value)

    def sample(self, value: str) -> None:
        if float(value) > 0:
            self.station.meter_s = float(value)

    def password(self, value: str) -> None:
        """The new password counts from the next connection on, so it hangs up and comes back (A01.FR.11)."""
        self.station.link.trust(key_bytes(value) if self.station.version == "1.6" else value.encode())
        self.station.then(self.station.link.close)


def key_bytes(value: str) -> bytes:
    """AuthorizationKey of OCPP 1.6: hexadecimal, or the password itself."""
    try:
        return bytes.fromhex(value)
    except ValueError:
        return value.encode()


def get_configuration(station: Station, payload: Payload) -> Payload:
    """OCPP 1.6 section 5.8; a key that is write-only is known, and says nothing."""
    wanted = payload.get("key") or [v.key for v in station.device.variables if v.key is not None]
    known = [v for key in wanted if (v := station.device.key(key)) is not None]
    rows: list[Payload] = [{"key": v.key, "readonly": v.mutability == READ} for v in known]
    for row, variable in zip(rows, known, strict=True):
        if variable.mutability != WRITE:
            row["value"] = variable.value[:500]
    return {"configurationKey": rows, "unknownKey": [key for key in wanted if station.device.key(key) is None]}


def change_configuration(station: Station, payload: Payload) -> Payload:
    """OCPP 1.6 section 5.3."""
    variable = station.device.key(payload["key"])
    if variable is None:
        return {"status": "NotSupported"}
    return {"status": station.device.put(variable, payload["value"])}


def get_variables(station: Station, payload: Payload) -> Payload:
    return {"getVariableResult": [get(station.device, line) for line in payload["getVariableData"]]}


def get(device: Device, line: Payload) -> Payload:
    """B06: one result for each question, in the order of the questions."""
    kind = line.get("attributeType", "Actual")
    named = {"component": line["component"], "variable": line["variable"], "attributeType": kind}
    variable = device.find(line["component"]["name"], line["variable"]["name"])
    if variable is None:
        return named | {"attributeStatus": missing(device, line)}
    if kind != "Actual":
        return named | {"attributeStatus": "NotSupportedAttributeType"}
    if variable.mutability == WRITE:
        return named | {"attributeStatus": "Rejected"}
    return named | {"attributeStatus": "Accepted", "attributeValue": variable.value}


def set_variables(station: Station, payload: Payload) -> Payload:
    return {"setVariableResult": [put(station.device, line) for line in payload["setVariableData"]]}


def put(device: Device, line: Payload) -> Payload:
    """B05."""
    kind = line.get("attributeType", "Actual")
    named = {"component": line["component"], "variable": line["variable"], "attributeType": kind}
    variable = device.find(line["component"]["name"], line["variable"]["name"])
    if variable is None:
        return named | {"attributeStatus": missing(device, line)}
    if kind != "Actual":
        return named | {"attributeStatus": "NotSupportedAttributeType"}
    return named | {"attributeStatus": device.put(variable, line["attributeValue"])}


def missing(device: Device, line: Payload) -> str:
    return "UnknownVariable" if device.known(line["component"]["name"]) else "UnknownComponent"


def get_base_report(station: Station, payload: Payload) -> Payload:
    """B07: everything, what can be configured, or how it is."""
    rows = station.device.variables
    match payload["reportBase"]:
        case "ConfigurationInventory":
            rows = [v for v in rows if v.mutability != READ]
        case "SummaryInventory":
            rows = [v for v in rows if v.name in ("AvailabilityState", "Problem")]
    return report(station, payload["requestId"], rows)


def get_report(station: Station, payload: Payload) -> Payload:
    """B08: by component and variable, or by how components are."""
    rows = [
        v
        for v in station.device.variables
        if matches(v, payload.get("componentVariable"))
        and meets(station.device, v.component, payload.get("componentCriteria"))
    ]
    return report(station, payload["requestId"], rows)


def matches(variable: Variable, wanted: Sequence[Payload] | None) -> bool:
    """No criterion fits everything; one without a variable fits all of its component."""
    return not wanted or any(
        line["component"]["name"] == variable.component
        and line.get("variable", {}).get("name", variable.name) == variable.name
        for line in wanted
    )


def meets(device: Device, component: str, criteria: Sequence[str] | None) -> bool:
    """A component that does not say whether it is active, available or enabled is; it has no problem (B08.FR.07-10)."""
    for criterion in criteria or ():
        found = device.find(component, criterion)
        if found.value == "true" if found is not None else criterion != "Problem":
            return True
    return not criteria


def report(station: Station, request_id: int, rows: Sequence[Variable]) -> Payload:
    if not rows:
        return {"status": "EmptyResultSet"}
    station.send(parts("NotifyReport", request_id, "reportData", [v.row for v in rows], generatedAt=stamp(now())))
    return {"status": "Accepted"}


def parts(action: str, request_id: int, name: str, rows: Iterable[Payload], **more: object) -> Iterator[Said]:
    """A long report in numbered parts, each but the last with `tbc`."""
    pages = [list(page) for page in batched(rows)]
    for number, page in enumerate(pages):
        body = {"requestId": request_id, "seqNo": number, "tbc": number < len(pages) - 1, name: page}
        yield Said(action, body | more)


def batched(rows: Iterable[Payload]) -> Iterator[Sequence[Payload]]:
    left = iter(rows)
    while page := tuple(itertools.islice(left, PART)):
        yield page


OBEY16 = {"GetConfiguration": get_configuration, "ChangeConfiguration": change_configuration}
OBEY201 = {
    "GetVariables": get_variables,
    "SetVariables": set_variables,
    "GetBaseReport": get_base_report,
    "GetReport": get_report,
}
