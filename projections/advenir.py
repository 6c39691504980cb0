"""Advenir: which points it funds, what it was told of which charge, what it answered, and what was withheld and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    Select,
    Table,
    Text,
    and_,
    exists,
    func,
    or_,
    select,
    tuple_,
)  # fmt: skip

from domain.advenir import FAR_APART, Advenir
from domain.submission import RETRIES_S, Submission
from projections.change import Changes
from projections.page import Page, key, page
from projections.projection import Projection
from projections.table import METADATA, UtcTime
from projections.transaction import TRANSACTION

POINT = Table(
    "advenir_point",
    METADATA,
    Column("station_id", Text, primary_key=True),
    Column("evse_id", Integer, primary_key=True),
    Column("identifier", Text),
    Column("since", UtcTime),
    Column("rated_power_w", Float),
    Column("registered_at", UtcTime),
    Column("removed_at", UtcTime),
    Column("position", BigInteger),
)
SUBMISSION = Table(
    "advenir_submission",
    METADATA,
    Column("transaction_id", Text, primary_key=True),
    Column("station_id", Text),
    Column("evse_id", Integer),
    Column("identifier", Text),
    Column("state", Text),
    Column("mode", Text),
    Column("start_at", UtcTime),
    Column("stop_at", UtcTime),
    Column("energy_wh", BigInteger),
    Column("points", Integer),
    Column("repetitions", Integer),
    Column("sha256", Text),
    Column("first_position", BigInteger),
    Column("last_position", BigInteger),
    Column("made_position", BigInteger),
    Column("content_position", BigInteger),
    Column("defects_position", BigInteger),
    Column("made_at", UtcTime),
    Column("batch", Text),
    Column("attempt", Integer),
    Column("submitted_at", UtcTime),
    Column("answered_at", UtcTime),
    Column("status", Integer),
    Column("code", Text),
    Column("reason", Text),
    Column("answer", Text),
    Column("position", BigInteger),
    Index("advenir_submission_by_place", "made_position"),
    Index("advenir_submission_by_state", "state", "made_position"),
    Index("advenir_submission_by_station", "station_id", "made_position"),
    Index("advenir_submission_by_pair", "identifier", "start_at", "stop_at"),
)
DEFECT = Table(
    "advenir_defect",
    METADATA,
    Column("position", BigInteger, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("transaction_id", Text),
    Column("station_id", Text),
    Column("evse_id", Integer),
    Column("identifier", Text),
    Column("rule", Text),
    Column("what", Text),
    Column("values", JSON),
    Column("mended", Boolean),
    Column("found_at", UtcTime),
    Index("advenir_defect_by_transaction", "transaction_id", "position"),
)
UNDER_WAY = ("PREPARED", "SUBMITTED", "FAILED")
UNKNOWN: dict[str, None] = dict.fromkeys(("batch", "attempt", "submitted_at", "answered_at", "status", "code", "reason",
                                          "answer"))  # fmt: skip


def point_registered(changes: Changes, event: Advenir.PointRegistered, position: int) -> None:
    changes.put(
        "advenir_point", (event.station_id, event.evse_id), identifier=event.identifier, since=event.since,
        rated_power_w=event.rated_power_w, registered_at=event.recorded_at, removed_at=None, position=position,
    )  # fmt: skip


def point_removed(changes: Changes, event: Advenir.PointRemoved, position: int) -> None:
    changes.put(
        "advenir_point", (event.station_id, event.evse_id), removed_at=event.recorded_at, position=position
    )  # fmt: skip


def prepared(changes: Changes, event: Submission.Prepared, position: int) -> None:
    names = ("mode", "energy_wh", "points", "repetitions", "sha256")
    told = {name: getattr(event, name) for name in names}
    made(
        changes, event, position, state="PREPARED", start_at=datetime.fromtimestamp(event.start, UTC),
        stop_at=datetime.fromtimestamp(event.stop, UTC), content_position=position, defects_position=None, **told,
    )  # fmt: skip


def withheld(changes: Changes, event: Submission.Withheld, position: int) -> None:
    made(changes, event, position, state="WITHHELD", defects_position=position)
    names = ("transaction_id", "station_id", "evse_id", "identifier")
    about = {name: getattr(event, name) for name in names}
    for item, defect in enumerate(event.defects):
        changes.add(
            "advenir_defect", (position, item), rule=defect.rule, what=defect.what, values=defect.values,
            mended=defect.mended, found_at=event.recorded_at, **about,
        )  # fmt: skip


def made(changes: Changes, event: Submission.Prepared | Submission.Withheld, position: int, **told: Any) -> None:
    names = ("station_id", "evse_id", "identifier", "first_position", "last_position")
    about = {name: getattr(event, name) for name in names}
    put(changes, event, position, made_at=event.recorded_at, **about, **told, **UNKNOWN)
    changes.first("advenir_submission", (event.transaction_id,), "made_position", position)


def submitted(changes: Changes, event: Submission.Submitted, position: int) -> None:
    put(
        changes, event, position, state="SUBMITTED", batch=event.batch, attempt=event.attempt,
        submitted_at=event.recorded_at,
    )  # fmt: skip


def accepted(changes: Changes, event: Submission.Accepted, position: int) -> None:
    answered(changes, event, position, state="ACCEPTED", code=event.code, answer=event.answer, reason=None, status=200)


def refused(changes: Changes, event: Submission.Refused, position: int) -> None:
    answered(
        changes, event, position, state="REFUSED", code=event.code, answer=event.answer, reason=event.reason, status=200
    )  # fmt: skip


def failed(changes: Changes, event: Submission.Failed, position: int) -> None:
    answered(
        changes, event, position, state="FAILED", code=event.code, answer=None, reason=event.reason,
        status=event.status,
    )  # fmt: skip


def reopened(changes: Changes, event: Submission.Reopened, position: int) -> None:
    put(changes, event, position, state="REOPENED", reason=event.reason)


def abandoned(changes: Changes, event: Submission.Abandoned, position: int) -> None:
    put(changes, event, position, state="ABANDONED", reason=event.reason)


def answered(changes: Changes, event: Any, position: int, **values: Any) -> None:
    put(changes, event, position, answered_at=event.recorded_at, **values)


def put(changes: Changes, event: Any, position: int, **values: Any) -> None:
    transaction_id = event.originator_id.removeprefix("submission/")
    changes.put("advenir_submission", (transaction_id,), position=position, **values)


PROJECTION = Projection(
    name="advenir",
    tables={"advenir_point": POINT, "advenir_submission": SUBMISSION, "advenir_defect": DEFECT},
    handlers={
        Advenir.PointRegistered: point_registered,
        Advenir.PointRemoved: point_removed,
        Submission.Prepared: prepared,
        Submission.Withheld: withheld,
        Submission.Submitted: submitted,
        Submission.Accepted: accepted,
        Submission.Refused: refused,
        Submission.Failed: failed,
        Submission.Reopened: reopened,
        Submission.Abandoned: abandoned,
    },
)


def funded() -> Select[Any]:
    """Charges that are over at points that are funded, the oldest first."""
    names = ("id", "station_id", "evse_id", "started_at")
    here = and_(
        POINT.c.station_id == TRANSACTION.c.station_id, POINT.c.evse_id == TRANSACTION.c.evse_id,
        POINT.c.removed_at.is_(None), TRANSACTION.c.started_at >= POINT.c.since,
    )  # fmt: skip
    return (
        select(*(TRANSACTION.c[name] for name in names), POINT.c.identifier, POINT.c.rated_power_w)
        .select_from(TRANSACTION.join(POINT, here))
        .where(TRANSACTION.c.ended_at.is_not(None))
    )


def within(since: datetime | None, until: datetime | None, settled: datetime, station_id: str | None) -> list[Any]:
    """Charges that began in the time, and were over by then."""
    wanted: list[Any] = [TRANSACTION.c.ended_at <= settled]
    if since is not None:
        wanted.append(TRANSACTION.c.started_at >= since)
    if until is not None:
        wanted.append(TRANSACTION.c.started_at < until)
    if station_id is not None:
        wanted.append(TRANSACTION.c.station_id == station_id)
    return wanted


def unmade() -> Any:
    """Nothing was made of it, or something is to be made anew."""
    mine = SUBMISSION.c.transaction_id == TRANSACTION.c.id
    news = and_(SUBMISSION.c.state == "WITHHELD", SUBMISSION.c.last_position < TRANSACTION.c.position)
    sparse = and_(SUBMISSION.c.state == "REFUSED", SUBMISSION.c.code == FAR_APART, SUBMISSION.c.mode == "operation")
    done = ~or_(news, sparse, SUBMISSION.c.state == "REOPENED")
    return ~exists(select(SUBMISSION.c.transaction_id).where(mine, done))


def charges(connection: Connection, wanted: list[Any], first: int, after: str | None) -> Page:
    """A page of charges at funded points."""
    place = (TRANSACTION.c.started_at, TRANSACTION.c.id)
    query = funded().where(*wanted).order_by(*place).limit(first + 1)
    if after is not None:
        query = query.where(tuple_(*place) > tuple_(*key(after, tuple[datetime, str])))
    return page(list(connection.execute(query)), first)


def charge(connection: Connection, transaction_id: str) -> Row[Any] | None:
    return connection.execute(funded().where(TRANSACTION.c.id == transaction_id)).first()


def waiting(connection: Connection, first: int, after: int, now: datetime) -> list[Row[Any]]:
    """What is to be sent by now, the oldest first."""
    names = (SUBMISSION.c.transaction_id, SUBMISSION.c.made_position)
    due = (SUBMISSION.c.state.in_(UNDER_WAY), SUBMISSION.c.made_position > after, rested(now))
    query = select(*names).where(*due)
    return list(connection.execute(query.order_by(SUBMISSION.c.made_position).limit(first)))


def rested(now: datetime) -> Any:
    """What failed rests first, the longer the oftener it was tried."""
    last = len(RETRIES_S)
    tried = SUBMISSION.c.attempt
    over = (
        and_(tried >= number if number == last else tried == number, SUBMISSION.c.answered_at <= now - rest)
        for number, rest in enumerate((timedelta(seconds=each) for each in RETRIES_S), 1)
    )
    return or_(SUBMISSION.c.state != "FAILED", *over)


def twin(connection: Connection, identifier: str, start: int, stop: int, transaction_id: str) -> str | None:
    """Another charge of the point that was told with the same start and stop."""
    query = select(SUBMISSION.c.transaction_id).where(
        SUBMISSION.c.identifier == identifier,
        SUBMISSION.c.start_at == datetime.fromtimestamp(start, UTC),
        SUBMISSION.c.stop_at == datetime.fromtimestamp(stop, UTC),
        SUBMISSION.c.transaction_id != transaction_id,
        SUBMISSION.c.state.not_in(("WITHHELD", "ABANDONED")),
    )
    found = connection.execute(query.limit(1)).scalar()
    return str(found) if found is not None else None


def funded_at(connection: Connection) -> int:
    return int(connection.execute(select(func.max(POINT.c.position))).scalar() or 0)


def submission(connection: Connection, transaction_id: str) -> Row[Any] | None:
    return connection.execute(select(SUBMISSION).where(SUBMISSION.c.transaction_id == transaction_id)).first()


def submissions(
    state: str | None, station_id: str | None, since: datetime | None, until: datetime | None
) -> Select[Any]:
    """Submissions; of a time: the charge began in it, or, where that was never told, it was made in it."""
    began = func.coalesce(SUBMISSION.c.start_at, SUBMISSION.c.made_at)
    query = select(SUBMISSION)
    if state is not None:
        query = query.where(SUBMISSION.c.state == state)
    if station_id is not None:
        query = query.where(SUBMISSION.c.station_id == station_id)
    if since is not None:
        query = query.where(began >= since)
    return query.where(began < until) if until is not None else query


def newest_made(connection: Connection, query: Select[Any], first: int, after: str | None) -> Page:
    """Submissions, what was made last first."""
    if after is not None:
        query = query.where(SUBMISSION.c.made_position < key(after, tuple[int])[0])
    return page(list(connection.execute(query.order_by(SUBMISSION.c.made_position.desc()).limit(first + 1))), first)


def defects(
    station_id: str | None = None, transaction_id: str | None = None, rule: str | None = None, open_: bool | None = None
) -> Select[Any]:
    """Defects; open: their charge is withheld because of them now."""
    query = select(DEFECT)
    for column, value in ((DEFECT.c.station_id, station_id), (DEFECT.c.transaction_id, transaction_id),
                          (DEFECT.c.rule, rule)):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    if open_ is None:
        return query
    mine = (SUBMISSION.c.transaction_id == DEFECT.c.transaction_id, SUBMISSION.c.defects_position == DEFECT.c.position)
    now = exists(select(SUBMISSION.c.transaction_id).where(*mine, SUBMISSION.c.state == "WITHHELD"))
    return query.where(now if open_ else ~now)


def newest_found(connection: Connection, query: Select[Any], first: int, after: str | None) -> Page:
    """Defects, what was found last first; those of one charge in their order."""
    if after is not None:
        position, item = key(after, tuple[int, int])
        same = and_(DEFECT.c.position == position, DEFECT.c.item > item)
        query = query.where(or_(DEFECT.c.position < position, same))
    query = query.order_by(DEFECT.c.position.desc(), DEFECT.c.item).limit(first + 1)
    return page(list(connection.execute(query)), first)
