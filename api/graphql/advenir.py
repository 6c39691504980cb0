"""Advenir: funded points, what was told of which charge, what was answered, and what is withheld and why."""

from __future__ import annotations

import asyncio
import json
from enum import Enum
from typing import Annotated, Any

import strawberry
from sqlalchemy import select

from api.funding import lines_of
from api.graphql.command import said
from api.graphql.context import asker
from api.graphql.page import Connection, bounded, connection, listed
from api.graphql.scalar import DateTime, Json, Position
from application.advenir import AT_ONCE
from application.ports import Wanted
from domain.advenir import MEANING
from domain.catalog import CATALOG
from domain.event import Refusal
from projections import advenir as view
from projections import audit, page
from projections.page import cursor


@strawberry.enum(description="What has become of a charge that Advenir is told.")
class AdvenirState(Enum):
    PREPARED = strawberry.enum_value("PREPARED", description="Checked; it waits to be sent.")
    WITHHELD = strawberry.enum_value("WITHHELD", description="Something is wrong with it, so it is not sent.")
    SUBMITTED = strawberry.enum_value("SUBMITTED", description="It is on its way.")
    ACCEPTED = strawberry.enum_value("ACCEPTED", description="Advenir has it.")
    REFUSED = strawberry.enum_value("REFUSED", description="Advenir does not want it as it is.")
    FAILED = strawberry.enum_value("FAILED", description="It may not have arrived; it is sent again, the same.")
    REOPENED = strawberry.enum_value("REOPENED", description="Somebody wants it made and tried again.")
    ABANDONED = strawberry.enum_value("ABANDONED", description="Somebody decided that it is not told.")


@strawberry.enum(description="What is told of a charge.")
class AdvenirMode(Enum):
    OPERATION = strawberry.enum_value("operation", description="Its start and its stop.")
    CURVE = strawberry.enum_value("curve", description="Every point of its load curve.")


@strawberry.type(description="An EVSE that Advenir funds.")
class AdvenirPoint:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE.")
    identifier: str = said("Under which Advenir knows it.")
    since: DateTime = said("Charges that began then or later are told.")
    rated_power_w: float | None = said("What it can give at most; null: energies are not held against it.")
    registered_at: DateTime = said("When it was registered, the last time.")
    removed_at: DateTime | None = said("When it was removed; null while its charges are told.")


@strawberry.type(description="What is wrong with a charge.")
class AdvenirDefect:
    transaction_id: strawberry.ID = said("The charge.")
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE.")
    identifier: str = said("Under which Advenir knows the EVSE.")
    rule: str = said("The rule it breaks; see docs/advenir.md.")
    what: str = said("What is wrong.")
    values: Json = said("The values that show it.")
    mended: bool = said("It is put right by itself and would not keep the charge from being sent.")
    found_at: DateTime = said("When it was found.")
    position: Position = said("The event that tells it.")


@strawberry.type(description="What Advenir is told of one charge, and what it answered.")
class AdvenirSubmission:
    transaction_id: strawberry.ID = said("The charge.")
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE.")
    identifier: str = said("Under which Advenir knows the EVSE.")
    state: AdvenirState = said("What has become of it.")
    mode: AdvenirMode | None = said("What is told; null while nothing may be told.")
    start_at: DateTime | None = said("The start that is told.")
    stop_at: DateTime | None = said("The stop that is told.")
    energy_wh: Position | None = said("The energy that is told.")
    points: int | None = said("How many indexes are told.")
    repetitions: int | None = said("How many exact repetitions of points were left out.")
    sha256: str | None = said("SHA-256 of `content` as it is sent, in hexadecimal.")
    first_position: Position = said("The first event of the transaction that it was made from.")
    last_position: Position = said("The last one.")
    made_at: DateTime = said("When it was made, the last time.")
    batch: str | None = said("The request it went with, the last time.")
    attempt: int | None = said("How often it was sent.")
    submitted_at: DateTime | None = said("When it was sent, the last time.")
    answered_at: DateTime | None = said("When that was answered, or failed.")
    status: int | None = said("The HTTP status of the answer.")
    code: str | None = said("The code of Advenir; 202: it had it already.")
    reason: str | None = said("Why it was refused, failed, reopened or abandoned.")
    answer: str | None = said("The answer as it came.")
    position: Position = said("Its last event.")
    content_position: strawberry.Private[int | None]
    defects_position: strawberry.Private[int | None]

    @strawberry.field(description="What the code of Advenir means.")
    def meaning(self) -> str | None:
        return MEANING.get(self.code) if self.code else None

    @strawberry.field(description="Exactly what is sent of this charge.")
    async def content(self, info: strawberry.Info) -> Json | None:
        if self.content_position is None:
            return None
        history, place = asker(info).parts.history, self.content_position
        (row,) = await asyncio.to_thread(history.at, [place])
        return json.loads(CATALOG.decode(row.topic, row.state).content)  # type: ignore[attr-defined,no-any-return]

    @strawberry.field(description="Why it is withheld; of a meter gone mad, the first hundred reasons.")
    async def defects(self, info: strawberry.Info) -> list[AdvenirDefect]:
        place = self.defects_position
        if self.state is not AdvenirState.WITHHELD or place is None:
            return []
        query = view.defects(transaction_id=self.transaction_id).where(view.DEFECT.c.position == place)
        rows = await asker(info).reads.run(lambda c: c.execute(query.order_by(view.DEFECT.c.item)).fetchall())
        return [defect(row) for row in rows]

    @strawberry.field(description="All events it was made from are sealed, so that `proofs` has all of them.")
    async def sealed(self, info: strawberry.Info) -> bool:
        return await asker(info).reads.run(audit.sealed_up_to) >= max(self.last_position, self.position)

    @strawberry.field(description="The path of its proofs: of the events it was made from, and of its own.")
    def proofs(self) -> str:
        return f"/api/advenir/{self.transaction_id}/proofs"


HIDDEN = ("state", "mode", "made_position")
NAMES = tuple(name for name in view.SUBMISSION.c.keys() if name not in HIDDEN)  # noqa: SIM118


def submission(row: Any) -> AdvenirSubmission:
    mode = AdvenirMode(row.mode) if row.mode is not None else None
    return AdvenirSubmission(
        state=AdvenirState(row.state), mode=mode, **{name: getattr(row, name) for name in NAMES}
    )  # fmt: skip


def defect(row: Any) -> AdvenirDefect:
    hidden = ("item",)
    return AdvenirDefect(**{name: getattr(row, name) for name in view.DEFECT.c.keys() if name not in hidden})  # noqa: SIM118


def point(row: Any) -> AdvenirPoint:
    return AdvenirPoint(**{name: getattr(row, name) for name in view.POINT.c.keys() if name != "position"})  # noqa: SIM118


@strawberry.type
class AdvenirQuery:
    @strawberry.field(description="EVSEs that Advenir funds, or has funded.")
    async def advenir_points(
        self, info: strawberry.Info, first: int | None = 50, after: str | None = None
    ) -> Connection[AdvenirPoint]:
        return await listed(info, "advenir", select(view.POINT), view.POINT, point, first, after)

    @strawberry.field(description="What Advenir is told of one charge; null while nothing was made of it.")
    async def advenir_submission(
        self, info: strawberry.Info, transaction_id: strawberry.ID
    ) -> AdvenirSubmission | None:
        row = await asker(info).reads.run(lambda c: view.submission(c, transaction_id))
        return submission(row) if row is not None else None

    @strawberry.field(description="What Advenir is told, the newest first; `from` and `to`: when charges began.")
    async def advenir_submissions(
        self,
        info: strawberry.Info,
        state: AdvenirState | None = None,
        station_id: strawberry.ID | None = None,
        from_: Annotated[DateTime | None, strawberry.argument(name="from")] = None,
        to: DateTime | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[AdvenirSubmission]:
        query = view.submissions(state.name if state else None, station_id, from_, to)
        reads, limit = asker(info).reads, bounded(first)
        position = await reads.position("advenir")
        found = await reads.run(lambda c: view.newest_made(c, query, limit, after))
        nodes = [(cursor(row.made_position), submission(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: page.count(c, query)))

    @strawberry.field(description="What is wrong with charges; `open`: they are withheld because of it now.")
    async def advenir_defects(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID | None = None,
        transaction_id: strawberry.ID | None = None,
        rule: str | None = None,
        open: bool | None = True,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[AdvenirDefect]:
        query = view.defects(station_id, transaction_id, rule, open)
        reads, limit = asker(info).reads, bounded(first)
        position = await reads.position("advenir")
        found = await reads.run(lambda c: view.newest_found(c, query, limit, after))
        nodes = [(cursor(row.position, row.item), defect(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: page.count(c, query)))


@strawberry.input(description="Say which identifier Advenir knows an EVSE by; registering again replaces it.")
class RegisterAdvenirPointInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE; with OCPP 1.6, the connector.")
    identifier: str = said("An EVSE id (FR*XYZ*E…) or the id of the charge box, as registered with Advenir.")
    since: DateTime = said("Charges that began then or later are told.")
    rated_power_w: float | None = said("Energies above what it can give are withheld.", default=None)


@strawberry.input(description="Register many points.")
class ImportAdvenirPointsInput:
    csv: str = said("Columns station, evse, identifier, since and perhaps rated_power_w; commas or semicolons.")


@strawberry.type(description="A line of the file that was not taken.")
class RefusedAdvenirPoint:
    line: int = said("Its number; the header is line 1.")
    reason: str = said("Why.")


@strawberry.type(description="What became of a file of points.")
class ImportedAdvenirPoints:
    registered: int = said("Lines that were taken.")
    refused: list[RefusedAdvenirPoint] = said("Lines that were not.")


@strawberry.input(description="Tell the charges of this EVSE no more.")
class RemoveAdvenirPointInput:
    station_id: strawberry.ID = said("The station.")
    evse_id: int = said("The EVSE.")


@strawberry.input(description="Make submissions now, without waiting for late readings.")
class SubmitAdvenirInput:
    from_: DateTime = strawberry.field(name="from", description="Charges that began then or later.")
    to: DateTime = said("Charges that began before.")
    station_id: strawberry.ID | None = said("Only of this station.", default=None)


@strawberry.type(description="What became of the charges of a time.")
class SubmittedAdvenir:
    prepared: int = said("Checked, and sent within seconds.")
    withheld: int = said("Something is wrong with them: see `advenirDefects`.")
    more: bool = said("There were too many for once; ask again.")


@strawberry.input(description="About one charge that Advenir is told.")
class AdvenirSubmissionInput:
    transaction_id: strawberry.ID = said("The charge.")
    reason: str = said("Why, for whoever reads it later.")


@strawberry.type
class AdvenirMutation:
    @strawberry.mutation(description="Say which identifier Advenir knows an EVSE by, and from when on it is told.")
    async def register_advenir_point(self, info: strawberry.Info, input: RegisterAdvenirPointInput) -> AdvenirPoint:
        who = asker(info)
        made = await who.parts.funding.register(
            input.station_id, input.evse_id, input.identifier, input.since, input.rated_power_w, who.name
        )
        return point(await who.reads.retold(view.PROJECTION, view.POINT, made.id))

    @strawberry.mutation(description="Register many points; those that are refused do not hinder the others.")
    async def import_advenir_points(
        self, info: strawberry.Info, input: ImportAdvenirPointsInput
    ) -> ImportedAdvenirPoints:
        who = asker(info)
        try:
            lines, wrong = lines_of(input.csv)
        except ValueError as error:
            raise Refusal(str(error)) from None
        refused = sorted([*wrong, *await who.parts.funding.register_all(lines, who.name)])
        found = [RefusedAdvenirPoint(line=number, reason=reason) for number, reason in refused]
        return ImportedAdvenirPoints(registered=len(lines) + len(wrong) - len(found), refused=found)

    @strawberry.mutation(description="Tell the charges of an EVSE no more; what was told stays told.")
    async def remove_advenir_point(self, info: strawberry.Info, input: RemoveAdvenirPointInput) -> AdvenirPoint:
        who = asker(info)
        made = await who.parts.funding.remove(input.station_id, input.evse_id, who.name)
        return point(await who.reads.retold(view.PROJECTION, view.POINT, made.id))

    @strawberry.mutation(description="Make submissions of charges that are over, now.")
    async def submit_advenir(self, info: strawberry.Info, input: SubmitAdvenirInput) -> SubmittedAdvenir:
        who = asker(info)
        exporter = who.parts.advenir
        head = await who.reads.head()
        for needed in ("transaction", "advenir"):
            await who.reads.caught_up(needed, head)
        wanted = Wanted(input.from_, input.to, exporter.clock(), input.station_id)
        found = await exporter.prepare(wanted, who.name, AT_ONCE)
        return SubmittedAdvenir(prepared=found.prepared, withheld=found.withheld, more=found.total >= AT_ONCE)

    @strawberry.mutation(description="Make a submission anew from what is known now, check it and send it.")
    async def retry_advenir_submission(self, info: strawberry.Info, input: AdvenirSubmissionInput) -> AdvenirSubmission:
        who = asker(info)
        made = await who.parts.advenir.submissions.retry(input.transaction_id, input.reason, who.name)
        return submission(await who.reads.retold(view.PROJECTION, view.SUBMISSION, made.id))

    @strawberry.mutation(description="Never tell Advenir of a charge.")
    async def abandon_advenir_submission(
        self, info: strawberry.Info, input: AdvenirSubmissionInput
    ) -> AdvenirSubmission:
        who = asker(info)
        made = await who.parts.advenir.submissions.abandon(input.transaction_id, input.reason, who.name)
        return submission(await who.reads.retold(view.PROJECTION, view.SUBMISSION, made.id))
