"""Datasets: read models as plain rows for spreadsheets and other programs; names of columns are promises.

A column of a dataset keeps its name, unit and meaning for ever; new ones are added at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)

from projections.bill import LINE, RATING
from projections.der import ALARM
from projections.fault import FAULT
from projections.incident import INCIDENT
from projections.invoice import INVOICE
from projections.monitor import NOTICE
from projections.signature import SIGNED_VALUE
from projections.station import STATION
from projections.transaction import ENERGY_WH, READING, TRANSACTION
from projections.uptime import UPTIME

Kind = Literal["text", "time", "integer", "number", "boolean", "money"]
ROWS = 2_000
WH = literal(1_000.0)
NO_NUMBER: Any = cast(null(), Integer)
NOT_SAID: Any = cast(null(), Boolean)


@dataclass(frozen=True)
class Field:
    """A column: its public name with its unit, what it holds, and where it comes from."""

    name: str
    kind: Kind
    words: str
    source: ColumnElement[Any]


@dataclass(frozen=True)
class Dataset:
    """A table somebody exports. `time` is what `since` and `until` ask for; `order` makes two exports alike."""

    name: str
    words: str
    fields: tuple[Field, ...]
    source: Any
    order: tuple[ColumnElement[Any], ...]
    time: ColumnElement[datetime] | None
    station: ColumnElement[str]
    badge: ColumnElement[str] | None = None
    wanted: ColumnElement[bool] | None = None


@dataclass(frozen=True)
class Window:
    """Which rows: of a time (`since` included, `until` not), of a station, of a badge."""

    since: datetime | None = None
    until: datetime | None = None
    station_id: str | None = None
    badge: str | None = None


def query(dataset: Dataset, window: Window) -> Select[Any]:
    """Raises ValueError for a window this dataset does not have."""
    conditions = [] if dataset.wanted is None else [dataset.wanted]
    if (window.since or window.until) and dataset.time is None:
        raise ValueError(f"{dataset.name} are what is now: they have no time to choose by")
    if window.badge is not None and dataset.badge is None:
        raise ValueError(f"{dataset.name} have no badge to choose by")
    if window.since is not None and dataset.time is not None:
        conditions.append(dataset.time >= window.since)
    if window.until is not None and dataset.time is not None:
        conditions.append(dataset.time < window.until)
    if window.station_id is not None:
        conditions.append(dataset.station == window.station_id)
    if window.badge is not None and dataset.badge is not None:
        conditions.append(dataset.badge == window.badge)
    columns = [field.source.label(field.name) for field in dataset.fields]
    return select(*columns).select_from(dataset.source).where(and_(True, *conditions)).order_by(*dataset.order)


def count(connection: Connection, dataset: Dataset, window: Window) -> int:
    inner = query(dataset, window).order_by(None).subquery()
    return int(connection.execute(select(func.count()).select_from(inner)).scalar() or 0)


def rows(connection: Connection, dataset: Dataset, window: Window) -> Iterator[Sequence[Sequence[Any]]]:
    """All rows, some thousands at a time; the database keeps the place, nothing else is held in memory."""
    found = connection.execution_options(stream_results=True, yield_per=ROWS).execute(query(dataset, window))
    yield from found.partitions()


def text(name: str, words: str, source: ColumnElement[Any]) -> Field:
    return Field(name, "text", words, source)


def time(name: str, words: str, source: ColumnElement[Any]) -> Field:
    return Field(name, "time", words, source)


def integer(name: str, words: str, source: ColumnElement[Any]) -> Field:
    return Field(name, "integer", words, source)


def number(name: str, words: str, source: ColumnElement[Any]) -> Field:
    return Field(name, "number", words, source)


def money(name: str, words: str, source: ColumnElement[Any]) -> Field:
    return Field(name, "money", words, source)


def boolean(name: str, words: str, source: ColumnElement[Any]) -> Field:
    return Field(name, "boolean", words, source)


def transactions() -> Dataset:
    """The classic transaction table of every charging-station management system, and more behind it."""
    it = TRANSACTION.c
    return Dataset(
        name="transactions",
        words="Charges, finished and running, the oldest start first.",
        source=TRANSACTION.outerjoin(STATION, STATION.c.id == it.station_id),
        order=(it.started_at, it.id),
        time=it.started_at,
        station=it.station_id,
        badge=it.badge,
        wanted=it.started_at.is_not(None),
        fields=(
            time("started_at", "Start, by the station's clock.", it.started_at),
            time("ended_at", "End; empty while it runs.", it.ended_at),
            text("transaction_id", "Our id of the transaction.", it.id),
            number("soc_start_percent", "State of charge of the car at the start.", it.soc_start),
            number("soc_end_percent", "The last known state of charge.", it.soc_end),
            text("stop_reason", "Why it ended, in OCPP's word.", it.stop_reason),
            number("energy_kwh", "Energy, end register minus start register.", ENERGY_WH / WH),
            text("station_id", "The station.", it.station_id),
            text("badge", "The badge (id token) that pays.", it.badge),
            number("power_w", "Power now; empty when it is over or unknown.", it.power_w),
            text("site", "The site of the station.", STATION.c.site),
            integer("evse_id", "EVSE, from 1.", it.evse_id),
            integer("connector_id", "Connector of the EVSE, if it was told.", it.connector_id),
            text("station_transaction_id", "The id on the wire.", it.station_transaction_id),
            number("meter_start_kwh", "Energy register at the start.", it.meter_start_wh / WH),
            number("meter_stop_kwh", "Energy register at the end.", it.meter_stop_wh / WH),
            text("verdict", "What was decided about the badge.", it.verdict),
            boolean("offline", "It began while the station had no connection.", it.offline),
            text("doubt", "Why its figures are in doubt; empty: they are not.", it.doubt),
        ),
    )


def readings() -> Dataset:
    it = READING.c
    return Dataset(
        name="readings",
        words="Meter readings of charges, by the station's clock.",
        source=READING.join(TRANSACTION, TRANSACTION.c.id == it.transaction_id),
        order=(it.transaction_id, it.at, it.position, it.item),
        time=it.at,
        station=TRANSACTION.c.station_id,
        badge=TRANSACTION.c.badge,
        fields=(
            time("at", "When it was measured.", it.at),
            text("transaction_id", "Our id of the transaction.", it.transaction_id),
            text("station_id", "The station.", TRANSACTION.c.station_id),
            integer("evse_id", "EVSE, from 1.", TRANSACTION.c.evse_id),
            number("energy_register_kwh", "Energy register.", it.register_wh / WH),
            number("power_w", "Power to the car.", it.power_w),
            number("current_a", "Current to the car, the greatest phase.", it.current_a),
            number("voltage_v", "Voltage.", it.voltage_v),
            number("soc_percent", "State of charge of the car.", it.soc_percent),
            number("offered_power_w", "Power offered to the car.", it.offered_w),
            number("offered_current_a", "Current offered to the car.", it.offered_a),
            text("context", "Why it was measured, in OCPP's word.", it.context),
        ),
    )


def stations() -> Dataset:
    it = STATION.c
    return Dataset(
        name="stations",
        words="Stations as they are now.",
        source=STATION,
        order=(it.id,),
        time=None,
        station=it.id,
        fields=(
            text("station_id", "The station.", it.id),
            text("site", "Its site.", it.site),
            text("vendor", "Its maker.", it.vendor),
            text("model", "Its model.", it.model),
            text("serial_number", "Its serial number.", it.serial_number),
            text("firmware_version", "Its firmware.", it.firmware_version),
            text("ocpp_version", "The version of OCPP it speaks.", it.ocpp_version),
            boolean("connected", "Is it connected?", it.connected),
            boolean("registered", "Has an operator registered it?", it.registered),
            time("last_seen_at", "When it was last heard.", it.last_seen_at),
            time("booted_at", "When it last booted.", it.booted_at),
            text("iccid", "Its SIM card.", it.iccid),
            text("imsi", "Its subscription.", it.imsi),
            text("meter_type", "Its meter.", it.meter_type),
            text("meter_serial_number", "The serial number of its meter.", it.meter_serial_number),
        ),
    )


def alarms() -> Dataset:
    """Five kinds of bad news, one table; the severity is OCPP's (0 danger … 9 debug) where the station gave one."""
    fault, notice, incident, grid = FAULT.c, NOTICE.c, INCIDENT.c, ALARM.c
    place = {"evse_id": fault.evse_id, "connector_id": fault.connector_id}
    faults = said("CONNECTOR", fault, fault.occurred_at, fault.error_code, fault.reason, **place)
    place = {"evse_id": notice.evse_id, "connector_id": notice.connector_id}
    weight = {"severity": notice.severity, "cleared": notice.cleared}
    code = notice.component + literal(".") + notice.variable
    notices = said("DEVICE", notice, notice.occurred_at, code, notice.value, **place, **weight)
    incidents = said("SECURITY", incident, incident.occurred_at, incident.kind, incident.detail)
    over = case((grid.ended_at.is_not(None), true()), else_=false())
    controls = said("GRID", grid, grid.raised_at, grid.control_type, grid.fault, cleared=over)
    signed = SIGNED_VALUE.c
    place = {"evse_id": signed.evse_id}
    forged = said("METER", signed, signed.judged_at, literal("signature"), signed.reason, **place)
    forged = forged.where(signed.verdict == "INVALID")
    it = union_all(faults, notices, incidents, controls, forged).subquery("alarm").c
    return Dataset(
        name="alarms",
        words="What is wrong with stations: connectors, components, security, grid, altered meter values.",
        source=it.occurred_at.table,
        order=(it.occurred_at, it.position, it.kind, it.code),
        time=it.occurred_at,
        station=it.station_id,
        fields=(
            time("occurred_at", "When, by the station's clock.", it.occurred_at),
            text("station_id", "The station.", it.station_id),
            text("kind", "CONNECTOR, DEVICE, SECURITY, GRID or METER.", it.kind),
            text(
                "code",
                "Error code, component and variable, kind of security event, DER control, or signature.",
                it.code,
            ),
            text("detail", "What the station said of it; METER: why the signature does not fit.", it.detail),
            integer("evse_id", "EVSE, if it is about one.", it.evse_id),
            integer("connector_id", "Connector, if it is about one.", it.connector_id),
            integer("severity", "0 danger to 9 debug (OCPP 2.x), if it was told.", it.severity),
            boolean("cleared", "It says that something is over; empty: not told.", it.cleared),
            integer("position", "Its place in the history.", it.position),
        ),
    )


def said(
    kind: str,
    columns: Any,
    at: ColumnElement[datetime],
    code: ColumnElement[str],
    detail: ColumnElement[str],
    evse_id: Any = NO_NUMBER,
    connector_id: Any = NO_NUMBER,
    severity: Any = NO_NUMBER,
    cleared: Any = NOT_SAID,
) -> Select[Any]:
    """One kind of bad news in the columns that all have."""
    told = {
        "kind": literal(kind), "station_id": columns.station_id, "occurred_at": at, "code": code, "detail": detail,
        "evse_id": evse_id, "connector_id": connector_id, "severity": severity, "cleared": cleared,
        "position": columns.position,
    }  # fmt: skip
    return select(*(column.label(name) for name, column in told.items()))


def uptime() -> Dataset:
    it = UPTIME.c
    return Dataset(
        name="uptime",
        words="Availability of EVSEs, month by month and rule by rule.",
        source=UPTIME,
        order=(it.began_at, it.station_id, it.evse_id, it.rule),
        time=it.began_at,
        station=it.station_id,
        fields=(
            text("month", "The month, by the calendar of the site.", it.month),
            text("station_id", "The station.", it.station_id),
            integer("evse_id", "EVSE, from 1.", it.evse_id),
            number("availability_percent", "Up, of up and down; empty: no time counts.", it.percent),
            integer("up_s", "Seconds in which it worked.", it.up_s),
            integer("down_s", "Seconds in which it did not.", it.down_s),
            integer("excluded_s", "Seconds of planned maintenance in which it did not work.", it.excluded_s),
            integer("unknown_s", "Seconds of which nobody knows.", it.unknown_s),
            integer("rule", "The rule; 0 is the built-in one.", it.rule),
            time("measured_at", "When it was recorded.", it.measured_at),
            time("superseded_at", "When another rule was applied instead; empty: it holds.", it.superseded_at),
        ),
    )


def bills() -> Dataset:
    """What counts now: a rating that was credited is in no sum."""
    it = RATING.c
    return Dataset(
        name="bills",
        words="Bills of finished charges that count, for ERP: who pays how much.",
        source=RATING.outerjoin(INVOICE, INVOICE.c.id == it.invoice_id),
        order=(it.end, it.bill_id),
        time=it.end,
        station=it.station_id,
        wanted=it.credited_at.is_(None),
        fields=(
            text("transaction_id", "The charge.", it.bill_id),
            integer("rating", "Which rating of the bill, from 1.", it.number),
            text("station_id", "The station.", it.station_id),
            text("month", "The month of the statement, such as 2026-11.", it.month),
            time("begin", "When it began, with the reservation.", it.begin),
            time("end", "When it ended.", it.end),
            number("energy_kwh", "Energy.", it.energy_kwh),
            money("excl_vat", "Without VAT.", it.excl_vat),
            money("vat", "VAT.", it.vat),
            money("incl_vat", "With VAT.", it.incl_vat),
            text("currency", "ISO 4217.", it.currency),
            text("payer_id", "Who pays; empty: nobody was found.", it.payer_id),
            text("cost_centre", "The cost centre of the payer.", it.cost_centre),
            text("badge_group", "The badge group.", it.group),
            text("driver_id", "The driver.", it.driver_id),
            text("tariff_id", "The tariff.", it.tariff_id),
            integer("tariff_version", "Its version.", it.tariff_version),
            text("invoice", "The number of its invoice; empty: not issued.", INVOICE.c.number),
        ),
    )


def bill_lines() -> Dataset:
    it = LINE.c
    return Dataset(
        name="bill_lines",
        words="The lines of bills that count: one price and what it was applied to.",
        source=LINE.join(RATING, (RATING.c.bill_id == it.bill_id) & (RATING.c.number == it.number)),
        order=(RATING.c.end, it.bill_id, it.line),
        time=RATING.c.end,
        station=it.station_id,
        wanted=RATING.c.credited_at.is_(None),
        fields=(
            text("transaction_id", "The charge.", it.bill_id),
            integer("line", "Its place on the bill, from 1.", it.line),
            text("subject", "ENERGY, TIME, PARKING_TIME, FLAT, …", it.subject),
            number("quantity", "How much is billed, in unit.", it.quantity),
            number("measured", "How much was used, in unit.", it.measured),
            text("unit", "kWh, h or once.", it.unit),
            money("unit_price", "The price of one unit.", it.unit_price),
            number("vat_percent", "The rate of VAT; empty: none, or several.", it.vat_percent),
            money("excl_vat", "Without VAT.", it.excl_vat),
            money("vat", "VAT.", it.vat),
            money("incl_vat", "With VAT.", it.incl_vat),
            text("currency", "ISO 4217.", RATING.c.currency),
            time("begin", "When this price first held.", it.begin),
            time("end", "Until when.", it.end),
        ),
    )


def reimbursements() -> Dataset:
    it = RATING.c
    return Dataset(
        name="reimbursements",
        words="What drivers get back for charging at the own meter (défraiement), charge by charge, for payroll.",
        source=RATING,
        order=(it.end, it.bill_id),
        time=it.end,
        station=it.station_id,
        wanted=it.credited_at.is_(None) & it.reimbursed_driver_id.is_not(None),
        fields=(
            text("driver_id", "The employee.", it.reimbursed_driver_id),
            text("month", "The month, such as 2026-11.", it.month),
            text("transaction_id", "The charge.", it.bill_id),
            text("station_id", "The station at home.", it.station_id),
            time("end", "When it ended.", it.end),
            number("energy_kwh", "Energy as measured.", it.energy_kwh),
            money("rate", "For a kWh.", it.rate),
            money("amount", "What the employee gets.", it.reimbursement),
            text("currency", "ISO 4217.", it.currency),
            text("allowance_id", "The allowance that held that day.", it.allowance_id),
            text("legal_basis", "The contract, the law.", it.reimbursement_basis),
        ),
    )


def benefits() -> Dataset:
    it = RATING.c
    return Dataset(
        name="benefits",
        words="What charges paid by the employer count for (avantage en nature), charge by charge, for payroll.",
        source=RATING,
        order=(it.end, it.bill_id),
        time=it.end,
        station=it.station_id,
        wanted=it.credited_at.is_(None) & it.benefit_driver_id.is_not(None),
        fields=(
            text("driver_id", "The employee.", it.benefit_driver_id),
            text("month", "The month, such as 2026-11.", it.month),
            text("transaction_id", "The charge.", it.bill_id),
            text("station_id", "The station.", it.station_id),
            time("end", "When it ended.", it.end),
            number("energy_kwh", "Energy.", it.energy_kwh),
            money("cost", "What the employer pays, with VAT.", it.benefit_cost),
            money("value", "What counts of it.", it.benefit_value),
            text("currency", "ISO 4217.", it.currency),
            text("rule_id", "The rule that held that day; empty: none, all counts.", it.benefit_rule_id),
            text("legal_basis", "The law.", it.benefit_basis),
        ),
    )


def known(name: str) -> Dataset:
    """Raises ValueError."""
    if name not in DATASETS:
        raise ValueError(f"there is no export {name!r}: {', '.join(DATASETS)}")
    return DATASETS[name]


DATASETS = {
    dataset.name: dataset
    for dataset in (
        transactions(),
        readings(),
        stations(),
        alarms(),
        uptime(),
        bills(),
        bill_lines(),
        reimbursements(),
        benefits(),
    )
}
