"""Uptime: how available charge points were, month by month, and the rules it is reckoned by."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime
from domain.uptime import Figures
from domain.yardstick import Method, Rule, rule_for
from projections import uptime as view


@strawberry.enum(description="What time counts as in which a station was not connected, and longer than tolerated.")
class Unreachable(Enum):
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="Shown apart.")
    DOWN = strawberry.enum_value("DOWN", description="As if it had not worked.")
    UP = strawberry.enum_value("UP", description="As if it had worked.")


@strawberry.enum(description="What time of planned maintenance counts as in which a point did not work.")
class MaintenanceTime(Enum):
    EXCLUDED = strawberry.enum_value("EXCLUDED", description="Left out.")
    DOWN = strawberry.enum_value("DOWN", description="As if it had not been planned.")


@strawberry.type(description="How availability is reckoned, from a month on.")
class UptimeRule:
    number: int = strawberry.field(description="0 is what holds while nobody has adopted another.")
    from_month: str = strawberry.field(description="From this month on, such as 2026-11.")
    tolerance_seconds: int = strawberry.field(description="A lost connection is nothing for so long.")
    unreachable: Unreachable = strawberry.field(description="What the time after that counts as.")
    maintenance: MaintenanceTime = strawberry.field(description="What planned maintenance counts as.")
    adopted_at: DateTime | None = strawberry.field(description="When it was adopted.")
    reason: str | None = strawberry.field(description="Why.")


def rule(known: Rule) -> UptimeRule:
    return UptimeRule(
        number=known.number,
        from_month=known.from_month,
        tolerance_seconds=known.method.tolerance_s,
        unreachable=Unreachable(known.method.unreachable),
        maintenance=MaintenanceTime(known.method.maintenance),
        adopted_at=None if known.adopted_at is None else DateTime(known.adopted_at),
        reason=known.reason,
    )


@strawberry.type(description="How available an EVSE was in a month, by one rule. Percent: up of up and down.")
class UptimeMonth:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int = strawberry.field(description="The EVSE.")
    month: str = strawberry.field(description="By the calendar of its site.")
    rule: int = strawberry.field(description="The number of the rule; -1: a rule that is not adopted.")
    up_seconds: int = strawberry.field(description="It worked.")
    down_seconds: int = strawberry.field(description="It did not.")
    excluded_seconds: int = strawberry.field(description="It did not while maintenance was planned: left out.")
    unknown_seconds: int = strawberry.field(description="Nobody knows: left out, and shown here.")
    percent: Decimal | None = strawberry.field(description="Availability; null: no time counts.")
    measured_at: DateTime | None = strawberry.field(description="When it was recorded; null: reckoned just now.")
    superseded_at: DateTime | None = strawberry.field(description="When it was reckoned by another rule.")


def recorded(row: Any) -> UptimeMonth:
    return UptimeMonth(
        station_id=row.station_id,
        evse_id=row.evse_id,
        month=row.month,
        rule=row.rule,
        percent=None if row.percent is None else Decimal(f"{row.percent:.2f}"),
        measured_at=row.measured_at,
        superseded_at=row.superseded_at,
        **seconds(row),
    )


def reckoned(station_id: str, evse_id: int, month: str, number: int, figures: Figures) -> UptimeMonth:
    return UptimeMonth(
        station_id=strawberry.ID(station_id), evse_id=evse_id, month=month, rule=number, percent=figures.percent,
        measured_at=None, superseded_at=None, **seconds(figures),
    )  # fmt: skip


def seconds(said: Any) -> dict[str, int]:
    return {f"{kind}_seconds": getattr(said, f"{kind}_s") for kind in ("up", "down", "excluded", "unknown")}


@strawberry.input(description="A way to reckon availability, adopted or only tried.")
class UptimeMethodInput:
    tolerance_seconds: int = said("A lost connection is nothing for so long.", default=600)
    unreachable: Unreachable = said("What the time after that counts as.", default=Unreachable.UNKNOWN)
    maintenance: MaintenanceTime = said("What planned maintenance counts as.", default=MaintenanceTime.EXCLUDED)


def method(input: UptimeMethodInput) -> Method:
    words: dict[str, Any] = {name: getattr(input, name).value for name in ("unreachable", "maintenance")}
    return Method(tolerance_s=input.tolerance_seconds, **words)


@strawberry.type
class UptimeQuery:
    @strawberry.field(description="Months that are over, as they were recorded: station, EVSE, month, rule.")
    async def uptime(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        site: strawberry.ID | None = None,
        station_id: strawberry.ID | None = None,
        evse_id: int | None = None,
        from_month: str | None = None,
        to_month: str | None = None,
        superseded: bool = False,
    ) -> Connection[UptimeMonth]:
        query = view.uptimes(site, station_id, evse_id, from_month, to_month, superseded)
        return await listed(info, "uptime", query, view.UPTIME, recorded, first, after)

    @strawberry.field(description="A station's months up to now, from the history; with a method: what if.")
    async def uptime_now(
        self, info: strawberry.Info, station_id: strawberry.ID, method: UptimeMethodInput | None = None
    ) -> list[UptimeMonth]:
        who = asker(info)
        if not await who.reads.visible("station", station_id):
            return []
        return await now(who.parts.uptimes, station_id, method)

    @strawberry.field(description="All rules that were adopted, the oldest first.")
    async def uptime_rules(self, info: strawberry.Info) -> list[UptimeRule]:
        return [rule(known) for known in await asker(info).parts.uptimes.rules()]


async def now(uptimes: Any, station_id: str, input: UptimeMethodInput | None) -> list[UptimeMonth]:
    rules = await uptimes.rules()
    other = None if input is None else method(input)
    found = await asyncio.to_thread(
        uptimes.reckon, station_id, lambda month: other or rule_for(rules, month).method, uptimes.clock()
    )
    return [
        reckoned(station_id, evse_id, month, -1 if other else rule_for(rules, month).number, figures)
        for (evse_id, month), figures in found.items()
    ]


@strawberry.input(description="Reckon availability in another way, from a month on, which may be past.")
class AdoptUptimeRuleInput:
    from_month: str = said("Such as 2026-11.")
    reason: str = said("Why: who asks for it, in which text.")
    method: UptimeMethodInput = said("How.", default_factory=UptimeMethodInput)


@strawberry.type
class UptimeMutation:
    @strawberry.mutation(description="Adopt a rule; months that are recorded are reckoned again, beside what was.")
    async def adopt_uptime_rule(self, info: strawberry.Info, input: AdoptUptimeRuleInput) -> UptimeRule:
        who = asker(info)
        made = await who.parts.uptimes.adopt(input.from_month, method(input.method), input.reason, who.name)
        return rule(made.rules[-1])
