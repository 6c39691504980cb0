"""Charge points as they are declared: what the public is told of them, what is missing, and planned maintenance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import strawberry
from sqlalchemy import Select

from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.page import Connection, bounded, connection, listed
from api.graphql.scalar import DateTime, Json
from api.irve import pricing, tolerance
from domain.irve import Declared, State, gaps, publishable, static_record
from domain.point import Equipment, Outlet, Point
from projections import irve as view
from projections import page as pages
from projections import point


@strawberry.enum(description="A kind of socket or plug.")
class SocketType(Enum):
    EF = strawberry.enum_value("EF", description="Household, types E and F.")
    TYPE_2 = strawberry.enum_value("TYPE_2", description="Type 2.")
    COMBO_CCS = strawberry.enum_value("COMBO_CCS", description="Combined charging system, Combo 2.")
    CHADEMO = strawberry.enum_value("CHADEMO", description="CHAdeMO.")
    OTHER = strawberry.enum_value("OTHER", description="Another one: say which in the remarks.")


@strawberry.enum(description="May people with reduced mobility use it (accessibilite_pmr)?")
class PointAccessibility(Enum):
    RESERVED = strawberry.enum_value("RESERVED", description="Réservé PMR.")
    ACCESSIBLE = strawberry.enum_value("ACCESSIBLE", description="Accessible mais non réservé PMR.")
    NOT_ACCESSIBLE = strawberry.enum_value("NOT_ACCESSIBLE", description="Non accessible.")
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="Accessibilité inconnue.")


@strawberry.enum(description="What a gap means.")
class GapSeverity(Enum):
    MISSING = strawberry.enum_value("MISSING", description="The charge point is not published.")
    WANTED = strawberry.enum_value("WANTED", description="It is published; QualiCharge refuses it.")
    DOUBTFUL = strawberry.enum_value("DOUBTFUL", description="It is published; somebody should look.")


@strawberry.type(description="What should still be said of a charge point or its site.")
class Gap:
    severity: GapSeverity = strawberry.field(description="What it means.")
    field: str = strawberry.field(description="The field here, such as evse_uid or brand.")
    column: str | None = strawberry.field(description="The column of schema-irve.")
    reason: str = strawberry.field(description="In words.")


@strawberry.type(description="What charge points of the public see of one, as schema-irve (dynamic) says it.")
class PointState:
    health: str = strawberry.field(description="etat_pdc: en_service, hors_service or inconnu.")
    use: str = strawberry.field(description="occupation_pdc: libre, occupe, reserve or inconnu.")
    at: DateTime = strawberry.field(description="horodatage: since when, as far as we know.")


@strawberry.type(description="A socket or a cable.")
class PointOutlet:
    socket: SocketType = strawberry.field(description="Its kind.")
    evse_id: int | None = strawberry.field(description="On which EVSE of OCPP; null: that of the point.")
    connector_id: int | None = strawberry.field(description="Which connector; null: the EVSE as a whole.")
    tethered: bool | None = strawberry.field(description="A cable is attached.")


@strawberry.type(description="What the public is told of a charge point (IRVE); null: not said.")
class PointEquipment:
    site: strawberry.ID | None = strawberry.field(description="Where it is; null: where its station is registered.")
    evse_uid: str | None = strawberry.field(description="id_pdc_itinerance: FRXXXE…, or Non concerné.")
    local_id: str | None = strawberry.field(description="id_pdc_local.")
    power_kw: Decimal | None = strawberry.field(description="puissance_nominale, kW.")
    outlets: list[PointOutlet] = strawberry.field(description="Its sockets and cables.")
    free: bool | None = strawberry.field(description="gratuit.")
    pay_per_use: bool | None = strawberry.field(description="paiement_acte: without a contract.")
    pay_by_card: bool | None = strawberry.field(description="paiement_cb.")
    pay_otherwise: bool | None = strawberry.field(description="paiement_autre.")
    pricing: str | None = strawberry.field(description="tarification; null: the label of its tariff.")
    bookable: bool | None = strawberry.field(description="reservation.")
    accessibility: PointAccessibility | None = strawberry.field(description="accessibilite_pmr.")
    size_limit: str | None = strawberry.field(description="restriction_gabarit.")
    remarks: str | None = strawberry.field(description="observations.")


@strawberry.type(description="An EVSE as the public sees it.")
class ChargePoint:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int = strawberry.field(description="The EVSE of it; in OCPP 1.6 the connector.")
    site: strawberry.ID | None = strawberry.field(description="Its site.")
    equipment: PointEquipment | None = strawberry.field(description="What was declared; null: nothing.")
    described_at: DateTime | None = strawberry.field(description="When, the last time.")
    state: PointState = strawberry.field(description="What it does now.")
    declared: strawberry.Private[Declared]

    @strawberry.field(description="Is enough said for a line of the static file?")
    def publishable(self) -> bool:
        return self.described_at is not None and publishable(self.declared)

    @strawberry.field(description="What should still be said.")
    def gaps(self) -> list[Gap]:
        return [
            Gap(severity=GapSeverity(gap.severity), field=gap.field, column=gap.column, reason=gap.reason)
            for gap in gaps(self.declared)
        ]

    @strawberry.field(description="The 40 columns of the static file, by name.")
    def static(self, info: strawberry.Info) -> Json:
        parts = asker(info).parts
        label = pricing(parts.prices.book, self.declared, parts.declarations.clock())
        return Json(static_record(self.declared, label))


def charge_point(found: Declared, row: Any, state: State) -> ChargePoint:
    return ChargePoint(
        station_id=strawberry.ID(found.station_id),
        evse_id=found.evse_id,
        site=None if found.site_id is None else strawberry.ID(found.site_id),
        equipment=None if row.equipment is None else equipment(found.equipment),
        described_at=row.described_at,
        state=PointState(health=state.health, use=state.use, at=DateTime(state.at)),
        declared=found,
    )


def equipment(own: Equipment) -> PointEquipment:
    outlets = [
        PointOutlet(**msgspec.structs.asdict(each) | {"socket": SocketType(each.socket)}) for each in own.outlets
    ]
    accessibility = PointAccessibility(own.accessibility) if own.accessibility else None
    return PointEquipment(**msgspec.structs.asdict(own) | {"outlets": outlets, "accessibility": accessibility})


async def charge_points(
    info: strawberry.Info, query: Select[Any], first: int | None, after: str | None
) -> Connection[ChargePoint]:
    reads, limit, parts = asker(info).reads, bounded(first), asker(info).parts
    position, now = await reads.position("point"), parts.declarations.clock()

    def work(c: Any) -> tuple[list[tuple[str, ChargePoint]], bool]:
        found, known = view.page_of(c, query, limit, after), view.census(c)
        pairs = [(view.declared(row, known), row) for row in found.rows]
        states = view.states(c, pairs, now, tolerance(parts.settings))
        nodes = [charge_point(*pair, state) for pair, state in zip(pairs, states, strict=True)]
        return [(pages.cursor(node.station_id, node.evse_id), node) for node in nodes], found.more

    nodes, more = await reads.run(work)
    return connection(nodes, more, position, lambda: reads.run(lambda c: pages.count(c, query)))


@strawberry.type(description="Maintenance that was announced.")
class Maintenance:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int = strawberry.field(description="The EVSE.")
    plan: int = strawberry.field(description="Its number at this EVSE.")
    starts_at: DateTime = strawberry.field(description="From when.")
    ends_at: DateTime = strawberry.field(description="Until when.")
    reason: str = strawberry.field(description="Why.")
    announced_at: DateTime = strawberry.field(description="When it was announced.")
    cancelled_at: DateTime | None = strawberry.field(description="When it was called off, or ended early.")


def maintenance(row: Any) -> Maintenance:
    names = ("station_id", "evse_id", "plan", "starts_at", "ends_at", "reason", "announced_at", "cancelled_at")
    return Maintenance(**{name: getattr(row, name) for name in names})


@strawberry.type
class IrveQuery:
    @strawberry.field(description="Declared charge points, in the order of station and EVSE.")
    async def charge_points(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        site: strawberry.ID | None = None,
        station_id: strawberry.ID | None = None,
    ) -> Connection[ChargePoint]:
        return await charge_points(info, view.points(site, station_id), first, after)

    @strawberry.field(description="Every EVSE that is declared, or that its station speaks of, with what is missing.")
    async def irve_gaps(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        site: strawberry.ID | None = None,
        station_id: strawberry.ID | None = None,
    ) -> Connection[ChargePoint]:
        return await charge_points(info, view.known_evses(site, station_id), first, after)

    @strawberry.field(description="Planned maintenance, in the order of station, EVSE and announcement.")
    async def maintenances(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
    ) -> Connection[Maintenance]:
        return await listed(info, "point", point.maintenances(station_id), point.PLAN, maintenance, first, after)


@strawberry.input(description="A socket or a cable.")
class PointOutletInput:
    socket: SocketType = said("Its kind.")
    evse_id: int | None = said("On which EVSE of OCPP; that of the point when absent.", default=None)
    connector_id: int | None = said("Which connector; the EVSE as a whole when absent.", default=None)
    tethered: bool | None = said("A cable is attached.", default=None)


@strawberry.input(description="Say what the public is told of a charge point: what is not said is forgotten.")
class DescribeChargePointInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE of it; in OCPP 1.6 the connector.", default=1)
    site: strawberry.ID | None = said("Where it is; where its station is registered when absent.", default=None)
    evse_uid: str | None = said("id_pdc_itinerance: FRXXXE… or FR*XXX*E…, or Non concerné.", default=None)
    local_id: str | None = said("id_pdc_local.", default=None)
    power_kw: Decimal | None = said("puissance_nominale, kW.", default=None)
    outlets: list[PointOutletInput] = said("Its sockets and cables.", default_factory=list)
    free: bool | None = said("gratuit.", default=None)
    pay_per_use: bool | None = said("paiement_acte: without a contract.", default=None)
    pay_by_card: bool | None = said("paiement_cb.", default=None)
    pay_otherwise: bool | None = said("paiement_autre.", default=None)
    pricing: str | None = said("tarification; the label of its tariff when absent.", default=None)
    bookable: bool | None = said("reservation.", default=None)
    accessibility: PointAccessibility | None = said("accessibilite_pmr.", default=None)
    size_limit: str | None = said("restriction_gabarit; “aucune” where there is none.", default=None)
    remarks: str | None = said("observations.", default=None)


@strawberry.input(description="Publish a charge point no longer.")
class WithdrawChargePointInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE of it.", default=1)
    reason: str | None = said("Why.", default=None)


@strawberry.input(description="Announce work on a charge point, before it begins.")
class PlanMaintenanceInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE of it.", default=1)
    starts_at: DateTime = said("From when; not in the past.")
    ends_at: DateTime = said("Until when.")
    reason: str = said("Why.")


@strawberry.input(description="Call announced work off, or say that it is over.")
class CancelMaintenanceInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE of it.", default=1)
    plan: int = said("The number of the work.")


@strawberry.input(description="Declare sites and charge points from a file in the form of schema-irve (static).")
class ImportIrveInput:
    csv: str = said("The file, with the columns station_id, evse_id and site besides (docs/open-data.md).")
    partial: bool = said("Take the good lines even if others are wrong; else one fault stops all.", default=False)
    dry_run: bool = said("Only look what is wrong.", default=False)


@strawberry.type(description="What is wrong in a line.")
class ImportFault:
    line: int = strawberry.field(description="Its number, from 1 with the header.")
    reason: str = strawberry.field(description="All that is wrong with it.")


@strawberry.type(description="What came of a file.")
class ImportedIrve:
    lines: int = strawberry.field(description="Lines, without the header.")
    sites: int = strawberry.field(description="Sites that are not as they were.")
    points: int = strawberry.field(description="Charge points that are not as they were.")
    faults: list[ImportFault] = strawberry.field(description="What is wrong.")
    recorded: bool = strawberry.field(description="False: nothing was recorded.")


@strawberry.type(description="A charge point as it was just declared.")
class DescribedChargePoint:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int = strawberry.field(description="The EVSE of it.")
    equipment: PointEquipment | None = strawberry.field(description="What was declared, as we write it.")


def described(made: Point) -> DescribedChargePoint:
    station_id, evse_id = made.place
    own = None if made.equipment is None else equipment(made.equipment)
    return DescribedChargePoint(station_id=strawberry.ID(station_id), evse_id=evse_id, equipment=own)


def work_of(made: Point, plan: int, reason: str, cancelled_at: datetime | None = None) -> Maintenance:
    known, (station_id, evse_id) = made.plans[plan], made.place
    times: dict[str, Any] = {name: getattr(known, name) for name in ("starts_at", "ends_at", "announced_at")}
    return Maintenance(
        station_id=strawberry.ID(station_id), evse_id=evse_id, plan=plan, reason=reason,
        cancelled_at=None if cancelled_at is None else DateTime(cancelled_at), **times,
    )  # fmt: skip


def stated(input: DescribeChargePointInput) -> Equipment:
    read: dict[str, Callable[[Any], Any]] = {
        "outlets": lambda outlets: tuple(outlet(each) for each in outlets),
        "accessibility": lambda word: word.value if word else None,
    }
    own = {name: getattr(input, name) for name in Equipment.__struct_fields__}
    return Equipment(**{name: read.get(name, lambda value: value)(value) for name, value in own.items()})


def outlet(input: PointOutletInput) -> Outlet:
    own = {name: getattr(input, name) for name in Outlet.__struct_fields__}
    return Outlet(**own | {"socket": input.socket.value})


@strawberry.type
class IrveMutation:
    @strawberry.mutation(description="Say what the public is told of a charge point.")
    async def describe_charge_point(
        self, info: strawberry.Info, input: DescribeChargePointInput
    ) -> DescribedChargePoint:
        who = asker(info)
        made = await who.parts.declarations.describe(input.station_id, input.evse_id, stated(input), who.name)
        return described(made)

    @strawberry.mutation(description="Publish a charge point no longer; describing it again brings it back.")
    async def withdraw_charge_point(
        self, info: strawberry.Info, input: WithdrawChargePointInput
    ) -> DescribedChargePoint:
        who = asker(info)
        return described(await who.parts.declarations.withdraw(input.station_id, input.evse_id, input.reason, who.name))

    @strawberry.mutation(description="Announce work on a charge point: it does not count against its availability.")
    async def plan_maintenance(self, info: strawberry.Info, input: PlanMaintenanceInput) -> Maintenance:
        who = asker(info)
        span = (input.starts_at, input.ends_at)
        made = await who.parts.declarations.plan(input.station_id, input.evse_id, *span, input.reason, who.name)
        return work_of(made, made.version, input.reason)

    @strawberry.mutation(description="Call announced work off, or say that it is over.")
    async def cancel_maintenance(self, info: strawberry.Info, input: CancelMaintenanceInput) -> Maintenance:
        who = asker(info)
        made = await who.parts.declarations.cancel(input.station_id, input.evse_id, input.plan, who.name)
        plan = made.plans[input.plan]
        return work_of(made, input.plan, plan.reason, plan.ends_at)

    @strawberry.mutation(description="Declare sites and charge points from a file, all in one go.")
    async def import_irve(self, info: strawberry.Info, input: ImportIrveInput) -> ImportedIrve:
        who = asker(info)
        found = await who.parts.declarations.take(input.csv.encode(), input.partial, who.name, input.dry_run)
        faults = [ImportFault(line=number, reason=reason) for number, reason in found.faults]
        return ImportedIrve(**found._asdict() | {"faults": faults})
