"""Results of commands: what a station can answer, in one shape for each kind of command, whatever the OCPP version."""

from __future__ import annotations

import strawberry

from api.graphql.scalar import DateTime, Json


@strawberry.interface(description="What a station answered to a command.")
class CommandResult:
    status: str = strawberry.field(description="Its status in OCPP's words; Accepted where OCPP has none.")
    reason: str | None = strawberry.field(description="The station's own reason, if it gave one.")


@strawberry.type(description="An answer that is a status and nothing more.")
class StatusResult(CommandResult):
    pass


@strawberry.type(description="A configuration key of OCPP 1.6.")
class ConfigurationKey:
    key: str = strawberry.field(description="The key.")
    value: str | None = strawberry.field(description="Its value, if it has one.")
    readonly: bool = strawberry.field(description="It cannot be written.")


@strawberry.type(description="Configuration keys (OCPP 1.6).")
class ConfigurationResult(CommandResult):
    keys: list[ConfigurationKey] = strawberry.field(description="The keys the station has.")
    unknown_keys: list[str] = strawberry.field(description="Those it does not have.")


@strawberry.type(description="What became of one variable of the device model.")
class VariableResult:
    component: str = strawberry.field(description="Its component.")
    component_instance: str | None = strawberry.field(description="Instance of the component.")
    variable: str = strawberry.field(description="The variable.")
    variable_instance: str | None = strawberry.field(description="Instance of the variable.")
    evse_id: int | None = strawberry.field(description="EVSE of the component.")
    connector_id: int | None = strawberry.field(description="Connector of the component.")
    attribute_type: str = strawberry.field(description="Actual, Target, MinSet or MaxSet.")
    status: str = strawberry.field(description="Accepted, Rejected, UnknownVariable, RebootRequired, …")
    reason: str | None = strawberry.field(description="The station's own reason, if it gave one.")
    value: str | None = strawberry.field(description="Its value, if it was read.")


@strawberry.type(description="Variables read or written (OCPP 2.x).")
class VariablesResult(CommandResult):
    variables: list[VariableResult] = strawberry.field(description="One by one.")


@strawberry.type(description="What became of one monitor of a variable.")
class MonitorResult:
    id: int | None = strawberry.field(description="Its number on the station.")
    status: str = strawberry.field(description="Accepted, Rejected, Duplicate, NotFound, …")
    reason: str | None = strawberry.field(description="The station's own reason, if it gave one.")
    kind: str | None = strawberry.field(description="UpperThreshold, LowerThreshold, Delta, Periodic, …")
    component: str | None = strawberry.field(description="The component.")
    variable: str | None = strawberry.field(description="The variable.")


@strawberry.type(description="Monitors set or cleared (OCPP 2.x).")
class MonitorsResult(CommandResult):
    monitors: list[MonitorResult] = strawberry.field(description="One by one.")


@strawberry.type(description="What holds from one moment of a schedule on.")
class CompositePeriod:
    start_seconds: int = strawberry.field(description="Seconds after the start of the schedule.")
    limit: float | None = strawberry.field(description="At most this, in the unit of the schedule.")
    phases: int | None = strawberry.field(description="How many phases.")


@strawberry.type(description="All charging profiles of an EVSE as one schedule.")
class CompositeScheduleResult(CommandResult):
    evse_id: int | None = strawberry.field(description="The EVSE; 0: the whole station.")
    starts_at: DateTime | None = strawberry.field(description="When it starts.")
    duration_seconds: int | None = strawberry.field(description="How long it is.")
    unit: str | None = strawberry.field(description="A or W.")
    periods: list[CompositePeriod] = strawberry.field(description="Its periods.")


@strawberry.type(description="Which local list a station has.")
class LocalListResult(CommandResult):
    version: int = strawberry.field(description="Its version; 0: none, -1: not supported.")


@strawberry.type(description="A certificate by its hashes.")
class CertificateId:
    kind: str | None = strawberry.field(description="What it is for, if the version says so.")
    hash_algorithm: str = strawberry.field(description="SHA256, SHA384 or SHA512.")
    issuer_name_hash: str = strawberry.field(description="Hash of the name of its issuer.")
    issuer_key_hash: str = strawberry.field(description="Hash of the key of its issuer.")
    serial_number: str = strawberry.field(description="Its serial number, hexadecimal.")


@strawberry.type(description="The certificates a station has.")
class CertificatesResult(CommandResult):
    certificates: list[CertificateId] = strawberry.field(description="One by one, those below another one included.")


@strawberry.type(description="A log that is about to come.")
class LogResult(CommandResult):
    file_name: str | None = strawberry.field(description="How the station will call it.")


@strawberry.type(description="What a station answered in words of its vendor.")
class DataTransferResult(CommandResult):
    data: Json | None = strawberry.field(description="A text in OCPP 1.6, any JSON in 2.x.")


@strawberry.type(description="Any answer to a message sent by hand.")
class MessageResult(CommandResult):
    payload: Json = strawberry.field(description="The whole answer.")


@strawberry.type(description="A charge that may begin.")
class StartResult(CommandResult):
    station_transaction_id: str | None = strawberry.field(description="The transaction that was there already.")


@strawberry.type(description="How a transaction stands (OCPP 2.x).")
class TransactionStatusResult(CommandResult):
    ongoing: bool | None = strawberry.field(description="It goes on; null when none was named.")
    messages_in_queue: bool = strawberry.field(description="The station has messages about it that we do not know yet.")


@strawberry.type(description="What is true of a tariff on a station.")
class TariffResult:
    tariff_id: str | None = strawberry.field(description="The tariff.")
    status: str = strawberry.field(description="DefaultTariff, DriverTariff; or what became of it.")
    reason: str | None = strawberry.field(description="The station's own reason, if it gave one.")
    evse_ids: list[int] = strawberry.field(description="Where it is in force.")


@strawberry.type(description="Tariffs listed or cleared (OCPP 2.1).")
class TariffsResult(CommandResult):
    tariffs: list[TariffResult] = strawberry.field(description="One by one.")


@strawberry.type(description="A periodic event stream.")
class StreamResult:
    id: int = strawberry.field(description="Its number on the station.")
    monitor_id: int = strawberry.field(description="The monitor whose values it carries.")
    interval_s: int | None = strawberry.field(description="At the latest every so many seconds.")
    values: int | None = strawberry.field(description="At the latest after so many values.")


@strawberry.type(description="The periodic event streams of a station (OCPP 2.1).")
class StreamsResult(CommandResult):
    streams: list[StreamResult] = strawberry.field(description="One by one.")


@strawberry.type(description="A DER control set (OCPP 2.1).")
class DerControlResult(CommandResult):
    superseded_ids: list[str] = strawberry.field(description="The controls it takes the place of.")


TYPES = tuple(CommandResult.__subclasses__())
