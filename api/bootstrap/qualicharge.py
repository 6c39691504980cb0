"""QualiCharge: told by whoever projects, where somebody said where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, Engine

from adapters.qualicharge.client import Client
from api.bootstrap.process import clock
from api.bootstrap.spine import Spine
from api.irve import tolerance
from api.settings import Settings
from application.history import History
from application.journal import Journal
from application.qualicharge import Charge, Outbox, Spot, Survey, Terms
from domain.declaration import NOT_ROAMING
from domain.irve import Cell, Declared, State, dynamic_record, evses, gaps, static_record
from domain.quality import Limits
from projections import checkpoint
from projections.irve import everything, states
from projections.qualicharge import unprepared

SEAT = "qualicharge outbox"
"""Not "qualicharge": that is the seat of the projector of this read model."""
MOST = 500
READ = ("point", "site", "station", "transaction", "qualicharge")
"""The read models that a survey reads: it knows the history as far as the last of them."""


def start_outbox(spine: Spine) -> None:
    """Of several projectors one tells."""
    if not spine.settings.qualicharge_url:
        return
    client = client_of(spine.settings)
    spine.stack.push_async_callback(client.close)
    may = partial(spine.here.holds, SEAT)
    outbox = outbox_of(spine.settings, spine.read_side, spine.journal, spine.history, client, may)
    spine.process.go(outbox.watch(), "qualicharge")


def client_of(settings: Settings) -> Client:
    return Client(
        settings.qualicharge_url, settings.qualicharge_user, settings.qualicharge_password,
        settings.qualicharge_company, settings.qualicharge_calls_per_minute, float(settings.qualicharge_timeout_s),
    )  # fmt: skip


def outbox_of(
    settings: Settings, read_side: Engine, journal: Journal, history: History, client: Client,
    may: Callable[[], bool] = lambda: True,
) -> Outbox:  # fmt: skip
    return Outbox(journal, history, surveyor(settings, read_side), client, terms_of(settings), clock, may)


def terms_of(settings: Settings) -> Terms:
    limits = Limits(
        timedelta(minutes=settings.qualicharge_status_fresh_min),
        timedelta(hours=settings.qualicharge_status_age_h),
        timedelta(days=settings.qualicharge_session_delay_days),
        timedelta(days=settings.qualicharge_session_age_days),
    )
    keep_alive = timedelta(hours=settings.qualicharge_keep_alive_h)
    return Terms(settings.qualicharge_batch, keep_alive, limits, float(settings.qualicharge_look_s))


def surveyor(settings: Settings, read_side: Engine) -> Callable[[datetime], Survey]:
    """What is there to tell; charges are those young enough to be told."""
    delay = timedelta(days=settings.qualicharge_session_delay_days)

    def survey(now: datetime) -> Survey:
        with read_side.connect() as connection:
            known = checkpoint.read(connection)
            position = min((known[name].position for name in READ if name in known), default=0)
            found = [each for page in pages(connection, now, tolerance(settings)) for each in page]
            spots = [spot(point, state) for point, state in found]
            places = {
                (point.station_id, evse): point for point, _ in found for evse in evses(point.equipment, point.evse_id)
            }
            return Survey(position, spots, list(charges(connection, now - delay, places)))

    return survey


def pages(connection: Connection, now: datetime, patience: timedelta) -> Iterator[list[tuple[Declared, State]]]:
    """Declared points that take part in roaming, each with its state."""
    for page in everything(connection):
        pairs = zip(page, states(connection, page, now, patience), strict=True)
        yield [
            (point, state) for (point, _), state in pairs if (point.equipment.evse_uid or NOT_ROAMING) != NOT_ROAMING
        ]


def spot(point: Declared, state: State) -> Spot:
    uid = str(point.equipment.evse_uid)
    said = dynamic_record(uid, state)
    told = {name: value or None for name, value in said.items() if name not in ("id_pdc_itinerance", "horodatage")}
    words = tuple(
        f"{gap.field} {gap.reason}" for gap in gaps(point) if gap.severity == "MISSING" and gap.column is None
    )
    record = {name: typed(name, value) for name, value in static_record(point).items()}
    return Spot(uid, point.station_id, point.evse_id, record, told, state.at, words)


def typed(name: str, value: Cell) -> str | bool | int | float | None:
    """The record is JSON, not a line of a file: a number is a number, and what is missing is null."""
    if name == "puissance_nominale" and value is not None:
        return float(value)
    return None if value == "" else value


def charges(connection: Connection, since: datetime, places: dict[tuple[str, int], Declared]) -> Iterator[Charge]:
    for row in unprepared(connection, since, sorted({station for station, _ in places}), MOST):
        if (point := places.get((row.station_id, row.evse_id))) is not None:
            yield Charge(
                row.id, str(point.equipment.evse_uid), row.station_id, row.evse_id, row.started_at, row.ended_at,
                max(float(row.energy_wh or 0.0), 0.0) / 1000, row.doubt,
            )  # fmt: skip
