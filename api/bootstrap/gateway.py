"""The role gateway: lets stations in, and follows what must be done about them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from eventsourcing.persistence import InterfaceError, OperationalError
from sqlalchemy import Engine

from adapters.contract.contract import Backend
from adapters.ocpp.front import Front
from adapters.ocpp.tls import Certificates as Served
from api.bootstrap.burial import bury, keep_burying
from api.bootstrap.process import Running, clock, shown
from api.bootstrap.spine import Spine, start_badges
from api.settings import Settings, paths
from application.admission import Admissions
from application.badge import Badges
from application.command import Dispatcher
from application.gateway import Gateway
from application.job import Follower, Jobs
from application.locallist import Lists, Synchroniser
from application.number import Numbers
from application.outcome import Outcomes
from application.profile import Offers
from application.reservation import Book, Keeper
from application.session import Rules
from application.snapshot import Album
from application.tally import Teller
from application.transaction import Clerk, Silence
from projections import badge, checkpoint, transaction

log = logging.getLogger("bornier")

NUMBERS_EVERY_S = 1.0


@dataclass(frozen=True)
class Lobby:
    """Where stations come in."""

    gateway: Gateway
    badges: Badges
    front: Front
    dispatcher: Dispatcher


async def start_gateway(spine: Spine) -> Lobby:
    """Let stations in."""
    process, settings, journal, history = spine.process, spine.settings, spine.journal, spine.history
    name = f"{platform.node() or 'gateway'}-{secrets.token_hex(3)}"
    badges = await start_badges(process, history)
    badges.charges.restore(*await asyncio.to_thread(charging, spine.read_side))
    numbers = Numbers(journal, history, name)
    dispatcher = Dispatcher(journal, history, clock)
    dispatcher.told = spine.observer.told
    keeper = Keeper(journal, history, Book(), clock)
    outcomes = Outcomes(journal, history, timedelta(seconds=settings.start_timeout_s), clock)
    for known in (badges.charges, dispatcher, keeper, outcomes):
        await asyncio.to_thread(known.load)
    await numbers.reserve(clock())
    gateway = Gateway(name, rules(spine, badges, numbers, keeper.book), history, spine.vault, clock)
    gateway.settled, dispatcher.held = dispatcher.deliver, gateway.sessions.get
    await bury(gateway, spine.read_side, spine.here)
    front = await open_front(spine, gateway)
    process.go(badges.charges.follow(), "charges")
    process.go(dispatcher.follow(), "commands")
    process.go(dispatcher.expire(), "deadlines")
    process.go(outcomes.follow(), "outcomes")
    process.go(outcomes.expire(), "fruitless starts")
    process.go(keeper.follow(), "reservations")
    process.go(keeper.expire(), "reservation expiry")
    process.go(keep_numbers(numbers), "numbers")
    process.go(Album(history, gateway.sessions).watch(), "snapshots")
    process.go(keep_burying(gateway, spine.read_side, spine.here), "gone gateways")
    process.go(Offers(spine.orders, history, gateway.sessions.get, clock).follow(), "offers of schedules")
    follow_silence(spine, gateway)
    if settings.cost_interval_s:
        teller = Teller(spine.orders, spine.prices, gateway.sessions, settings.cost_interval_s)
        process.go(teller.keep(), "running costs")
    await follow_jobs(process, spine.jobs)
    await start_security(spine, front)
    return Lobby(gateway, badges, front, dispatcher)


def rules(spine: Spine, badges: Badges, numbers: Numbers, book: Book) -> Rules:
    """What sessions of stations go by."""
    settings = spine.settings
    return Rules(
        spine.journal, badges, numbers, settings.unknown_stations, settings.heartbeat_s, book,
        organisation=settings.organisation,
        contracts=Backend(settings.contracts, settings.contracts_token) if settings.contracts else None,
        prices=spine.prices,
    )  # fmt: skip


async def open_front(spine: Spine, gateway: Gateway) -> Front:
    """Listen for stations."""
    process, settings = spine.process, spine.settings
    admissions = Admissions(
        spine.journal, spine.history, spine.vault, settings.least_profile, settings.failures_per_minute, clock
    )
    front = Front(gateway, admissions, clock, settings.call_timeout_s, settings.ping_s, settings.max_frame_bytes,
                  settings.strict, settings.unread_s)  # fmt: skip
    if spine.pulse.telemetry is not None:
        from adapters.ocpp.span import traced

        front.kind = traced(spine.pulse.telemetry.tracer)
    port = await front.listen(settings.host, settings.ocpp_port)
    spine.stack.push_async_callback(front.stop)
    process.ocpp = f"ws://{shown(settings.host)}:{port}/ocpp"
    front.addresses.append(process.ocpp)
    process.go(admissions.keep(), "admissions")
    process.go(front.watch(), "pings")
    return front


def follow_silence(spine: Spine, gateway: Gateway) -> None:
    """Close transactions nobody speaks of any more, if somebody wishes so."""
    if limit := timedelta(hours=spine.settings.close_silent_h):
        silence = Silence(Clerk(gateway, clock), silent(spine.read_side), limit)
        spine.process.go(silence.watch(), "silent transactions")


def silent(read_side: Engine) -> Callable[[datetime], list[tuple[str, str]]]:
    """Which open transactions have told nothing since then?"""

    def since(moment: datetime) -> list[tuple[str, str]]:
        with read_side.connect() as connection:
            return transaction.silent(connection, moment)

    return since


async def follow_jobs(process: Running, jobs: Jobs) -> None:
    """Tell jobs what stations say of them, and end those that nobody speaks of any more."""
    follower = Follower(jobs)
    await asyncio.to_thread(follower.load)
    process.go(follower.follow(), "jobs")
    process.go(follower.expire(), "job deadlines")


async def start_security(spine: Spine, front: Front) -> None:
    """Listen with TLS if there is a certificate; follow passwords and certificates."""
    process, settings, certificates = spine.process, spine.settings, spine.certificates
    if settings.tls_pairs:
        roots = next(iter(paths(settings.ocpp_tls_roots)), None)
        served = await asyncio.to_thread(Served, settings.tls_pairs, roots, spine.authority.root)
        port = front.listen_encrypted(settings.host, settings.ocpp_tls_port, served)
        front.addresses.append(f"wss://{shown(settings.host)}:{port}/ocpp")
        log.info("stations connect with TLS at %s", front.addresses[-1])
    certificates.held = front.gateway.sessions.get
    await asyncio.to_thread(certificates.load)
    process.go(certificates.follow(), "certificates")
    process.go(certificates.watch(), "renewals")
    process.go(spine.passwords.follow(), "passwords")


async def follow_lists(process: Running, lists: Lists, gateway: Gateway) -> None:
    """Bring the local lists of stations in step."""
    settings = process.settings
    automatic, clear = settings.local_lists == "automatic", settings.clear_caches == "automatic"
    synchroniser = Synchroniser(lists, gateway.sessions, automatic, clear)
    await asyncio.to_thread(synchroniser.load)
    process.go(synchroniser.follow(), "local lists")
    process.go(synchroniser.tend(), "local lists in step")


async def keep_numbers(numbers: Numbers) -> None:
    """Always have transaction numbers at hand."""
    while True:
        await asyncio.sleep(NUMBERS_EVERY_S)
        if numbers.low:
            with contextlib.suppress(OperationalError, InterfaceError):  # the database is away: the next round tries
                await numbers.reserve(clock())


def charging(read_side: Engine) -> tuple[list[badge.Charge], int]:
    """The charges that were open at a position of the history."""
    with read_side.connect() as connection:
        position = checkpoint.position(connection, badge.PROJECTION.name)
        return badge.open_charges(connection), position


def reader(spine: Spine) -> Gateway:
    """A gateway that lets nobody in: for a process that must read what a station told, and settle it."""
    settings, history = spine.settings, spine.history
    badges, numbers = Badges(history, settings.unknown_badges), Numbers(spine.journal, history, "api")
    return Gateway("api", Rules(spine.journal, badges, numbers, settings.unknown_stations, settings.heartbeat_s),
                   history, spine.vault, clock)  # fmt: skip


def lists_of(spine: Spine, badges: Badges) -> Lists:
    """The local lists of stations, for whoever changes them."""
    settings: Settings = spine.settings
    return Lists(spine.journal, spine.history, badges, clock, settings.command_deadline_s, settings.local_list_items,
                 spine.jobs)  # fmt: skip
