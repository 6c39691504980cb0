"""The composition root: the only place where real parts are plugged together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import uvicorn
from cryptography.fernet import Fernet
from eventsourcing.persistence import InterfaceError, OperationalError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from adapters.authority.authority import Authority
from adapters.authority.key import Keys
from adapters.contract.contract import Backend
from adapters.credential.vault import Vault
from adapters.kafka.relay import Relay
from adapters.ocpp.front import Front
from adapters.ocpp.tls import Certificates as Served
from adapters.signer.command import CommandSigner
from adapters.signer.file import FileSigner
from adapters.storage.bucket import Bucket
from api.context import Parts
from api.settings import Role, Settings, paths
from application.admission import Admissions
from application.badge import Badges
from application.certificate import Certificates
from application.command import Dispatcher, Orders
from application.credential import Passwords
from application.file import Files
from application.gateway import Gateway
from application.history import History
from application.job import Follower, Jobs
from application.journal import Journal
from application.listener import listen
from application.locallist import Lists, Synchroniser
from application.number import Numbers
from application.outcome import Outcomes
from application.profile import Offers
from application.registry import Registry
from application.reservation import Book, Desk, Keeper
from application.seat import Seats, seats
from application.session import Rules
from application.store import Store
from application.transaction import Clerk, Silence
from application.transfer import Transfers
from migrations.migrate import current, is_current, upgrade
from projections import badge, checkpoint, station, transaction
from projections.audit import Notary, Signer
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.runner import Runner

log = logging.getLogger("bornier")

EVERYTHING: frozenset[Role] = frozenset({"gateway", "projector", "api", "relay"})
THREADS = 64
"""Whoever waits for a database that is away must not keep others from answering."""
NUMBERS_EVERY_S = 1.0
BURY_EVERY_S = 3.0


def clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class Running:
    """A process at work, and where it listens."""

    settings: Settings
    ocpp: str | None = None
    http: str | None = None
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def ready_line(self) -> str:
        """The one line on stdout that says where to connect."""
        places = [f"ocpp={self.ocpp}" if self.ocpp else "", f"http={self.http}" if self.http else ""]
        return " ".join(["bornier ready", *filter(None, places)])

    def go(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something for as long as the process lives; if it ends by a fault, the process ends too."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(self.ended)
        self.tasks.append(task)

    def ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.critical("%s failed", task.get_name(), exc_info=task.exception())
            self.failed.set()

    async def cancel(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def prepare(settings: Settings) -> None:
    """Make the schema; an existing PostgreSQL schema of another version is left to `bornier migrate`."""
    if settings.database.startswith("sqlite:///") or current(settings.database) is None:
        upgrade(settings.database)
    elif not is_current(settings.database):
        raise ValueError("the database schema is of another version: run `bornier migrate` first")


@asynccontextmanager
async def running(settings: Settings, roles: frozenset[Role] = EVERYTHING) -> AsyncIterator[Running]:
    """The CSMS, or some of its roles, from start to clean stop."""
    if settings.database.startswith("sqlite:///") and not roles >= EVERYTHING:
        raise ValueError("roles can only be split on PostgreSQL: SQLite is one process")
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "bornier"))
    await asyncio.to_thread(prepare, settings)
    async with AsyncExitStack() as stack:
        process = Running(settings)
        read_side = engine(settings.database)
        stack.callback(read_side.dispose)
        store = await asyncio.to_thread(Store, settings.database)
        stack.callback(store.close)
        history = History(store.recorder)
        journal = Journal(store.recorder, store.mapper, history.advance)
        journal.start()
        stack.push_async_callback(journal.stop)
        stack.push_async_callback(process.cancel)
        if settings.database.startswith("postgresql://"):
            process.go(listen(settings.database, history.head, history.advance), "listener")
        keys = Keys(settings.keys_folder)
        vault = Vault(read_side, partial(keys.once, "seal.key", Fernet.generate_key))
        authority = Authority(keys, settings.organisation, timedelta(days=settings.certificate_days))
        orders = Orders(journal, settings.command_deadline_s, exists(history), clock)
        passwords = Passwords(journal, history, vault, orders, clock)
        renewal = timedelta(days=settings.certificate_renewal_days)
        certificates = Certificates(journal, history, orders, authority, renewal, clock)
        gateway = badges = front = runner = notary = relay = None
        signer, here = signer_of(settings), seats(settings.database)
        stack.callback(here.leave)
        jobs = Jobs(journal, history, clock, settings.job_deadline_s)
        if "projector" in roles:
            runner = Runner(read_side, history, list(PROJECTIONS.values()), may=here.holds)
            notary = Notary(read_side, history, signer, may=partial(here.holds, "audit"))
            for worker in (runner, notary):
                worker.start()
                stack.push_async_callback(asyncio.to_thread, worker.stop)
        if "relay" in roles and settings.kafka:
            relay = relay_of(settings, read_side, history, partial(here.holds, "relay"))
            relay.start()
            stack.push_async_callback(asyncio.to_thread, relay.stop)
        if "gateway" in roles:
            gateway, badges, front = await start_gateway(process, journal, history, vault, read_side, here, stack)
            process.go(Offers(orders, history, gateway.sessions.get, clock).follow(), "offers of schedules")
            await follow_jobs(process, jobs)
            await start_security(process, front, passwords, certificates, authority)
        badges = badges or await start_badges(process, history)
        lists = Lists(journal, history, badges, clock, settings.command_deadline_s, settings.local_list_items, jobs)
        if gateway is not None:
            await follow_lists(process, lists, gateway)
        if "api" in roles:
            registry = Registry(journal, history, vault, clock, gateway, badges)
            desk = Desk(journal, history, clock)
            files = Files(Bucket(settings.files_place), journal, history, clock, settings.file_bytes)
            transfers = Transfers(jobs, files, orders)
            clerk = Clerk(gateway or reader(journal, history, vault, settings), clock)
            parts = Parts(
                read_side, history, orders, registry, desk, lists, settings, journal, signer, files, transfers,
                passwords, certificates, authority, clerk, runner, front, notary, relay,
            )  # fmt: skip
            process.http = await start_web(process, parts, stack)
            transfers.public_url = process.http if settings.public_url == "auto" else settings.public_url.rstrip("/")
        yield process


async def start_gateway(
    process: Running,
    journal: Journal,
    history: History,
    vault: Vault,
    read_side: Engine,
    here: Seats,
    stack: AsyncExitStack,
) -> tuple[Gateway, Badges, Front]:
    """Let stations in."""
    settings = process.settings
    name = f"{platform.node() or 'gateway'}-{secrets.token_hex(3)}"
    badges = await start_badges(process, history)
    badges.charges.restore(*await asyncio.to_thread(charging, read_side))
    numbers = Numbers(journal, history, name)
    dispatcher = Dispatcher(journal, history, clock)
    await asyncio.to_thread(badges.charges.load)
    await asyncio.to_thread(dispatcher.load)
    keeper = Keeper(journal, history, Book(), clock)
    await asyncio.to_thread(keeper.load)
    outcomes = Outcomes(journal, history, timedelta(seconds=settings.start_timeout_s), clock)
    await asyncio.to_thread(outcomes.load)
    await numbers.reserve(clock())
    rules = Rules(
        journal, badges, numbers, settings.unknown_stations, settings.heartbeat_s, keeper.book,
        organisation=settings.organisation,
        contracts=Backend(settings.contracts, settings.contracts_token) if settings.contracts else None,
    )  # fmt: skip
    gateway = Gateway(name, rules, history, vault, clock)
    gateway.settled, dispatcher.held = dispatcher.deliver, gateway.sessions.get
    await bury(gateway, read_side, here)
    admissions = Admissions(journal, history, vault, settings.least_profile, settings.failures_per_minute, clock)
    front = Front(gateway, admissions, clock, settings.call_timeout_s, settings.ping_s, settings.max_frame_bytes,
                  settings.strict)  # fmt: skip
    port = await front.listen(settings.host, settings.ocpp_port)
    stack.push_async_callback(front.stop)
    process.ocpp = f"ws://{shown(settings.host)}:{port}/ocpp"
    front.addresses.append(process.ocpp)
    process.go(admissions.keep(), "admissions")
    process.go(badges.charges.follow(), "charges")
    process.go(dispatcher.follow(), "commands")
    process.go(dispatcher.expire(), "deadlines")
    process.go(outcomes.follow(), "outcomes")
    process.go(outcomes.expire(), "fruitless starts")
    process.go(keeper.follow(), "reservations")
    process.go(keeper.expire(), "reservation expiry")
    process.go(front.watch(), "pings")
    process.go(keep_numbers(numbers), "numbers")
    process.go(keep_burying(gateway, read_side, here), "gone gateways")
    if settings.close_silent_h:
        limit = timedelta(hours=settings.close_silent_h)
        process.go(Silence(Clerk(gateway, clock), silent(read_side), limit).watch(), "silent transactions")
    return gateway, badges, front


async def start_badges(process: Running, history: History) -> Badges:
    """Know all badges from now on."""
    badges = Badges(history, process.settings.unknown_badges, process.settings.master_pass_group)
    await asyncio.to_thread(badges.load)
    process.go(badges.follow(), "badges")
    return badges


def relay_of(
    settings: Settings,
    read_side: Engine,
    history: History,
    may: Callable[[], bool] = lambda: True,
    begin: int | None = None,
) -> Relay:
    """Who carries the history to Kafka."""
    options, partitions = settings.kafka_settings(), settings.kafka_partitions
    return Relay(read_side, history, settings.kafka, options, partitions, may, begin)


def reader(journal: Journal, history: History, vault: Vault, settings: Settings) -> Gateway:
    """A gateway that lets nobody in: for a process that must read what a station told, and settle it."""
    badges, numbers = Badges(history, settings.unknown_badges), Numbers(journal, history, "api")
    return Gateway("api", Rules(journal, badges, numbers, settings.unknown_stations, settings.heartbeat_s), history,
                   vault, clock)  # fmt: skip


def silent(read_side: Engine) -> Callable[[datetime], list[tuple[str, str]]]:
    """Which open transactions have told nothing since then?"""

    def since(moment: datetime) -> list[tuple[str, str]]:
        with read_side.connect() as connection:
            return transaction.silent(connection, moment)

    return since


def signer_of(settings: Settings) -> Signer:
    """Who signs the seals over the history."""
    if settings.audit_command:
        return CommandSigner(settings.audit_command, settings.audit_key_path)
    return FileSigner(settings.audit_key_path)


async def follow_lists(process: Running, lists: Lists, gateway: Gateway) -> None:
    """Bring the local lists of stations in step."""
    settings = process.settings
    automatic, clear = settings.local_lists == "automatic", settings.clear_caches == "automatic"
    synchroniser = Synchroniser(lists, gateway.sessions, automatic, clear)
    await asyncio.to_thread(synchroniser.load)
    process.go(synchroniser.follow(), "local lists")
    process.go(synchroniser.tend(), "local lists in step")


async def follow_jobs(process: Running, jobs: Jobs) -> None:
    """Tell jobs what stations say of them, and end those that nobody speaks of any more."""
    follower = Follower(jobs)
    await asyncio.to_thread(follower.load)
    process.go(follower.follow(), "jobs")
    process.go(follower.expire(), "job deadlines")


async def start_security(
    process: Running, front: Front, passwords: Passwords, certificates: Certificates, authority: Authority
) -> None:
    """Listen with TLS if there is a certificate; follow passwords and certificates."""
    settings = process.settings
    if settings.tls_pairs:
        roots = next(iter(paths(settings.ocpp_tls_roots)), None)
        served = await asyncio.to_thread(Served, settings.tls_pairs, roots, authority.root)
        port = front.listen_encrypted(settings.host, settings.ocpp_tls_port, served)
        front.addresses.append(f"wss://{shown(settings.host)}:{port}/ocpp")
        log.info("stations connect with TLS at %s", front.addresses[-1])
    certificates.held = front.gateway.sessions.get
    await asyncio.to_thread(certificates.load)
    process.go(certificates.follow(), "certificates")
    process.go(certificates.watch(), "renewals")
    process.go(passwords.follow(), "passwords")


async def keep_numbers(numbers: Numbers) -> None:
    """Always have transaction numbers at hand."""
    while True:
        await asyncio.sleep(NUMBERS_EVERY_S)
        if numbers.low:
            with contextlib.suppress(OperationalError, InterfaceError):  # the database is away: the next round tries
                await numbers.reserve(clock())


async def keep_burying(gateway: Gateway, read_side: Engine, here: Seats) -> None:
    """Look for gateways that died, again and again."""
    while True:
        await asyncio.sleep(BURY_EVERY_S)
        with contextlib.suppress(SQLAlchemyError, OperationalError, InterfaceError):  # the next round tries again
            await bury(gateway, read_side, here)


async def bury(gateway: Gateway, read_side: Engine, here: Seats) -> None:
    """Record the disconnection of stations whose gateway could not: it is no longer in its seat."""
    if not await asyncio.to_thread(here.holds, seat(gateway.name)):
        return
    for name in await asyncio.to_thread(ask, read_side, station.gateways):
        if name != gateway.name and await asyncio.to_thread(here.empty, seat(name)):
            left = await asyncio.to_thread(ask, read_side, partial(station.connected_to, gateway=name))
            await gateway.disown(name, left)


def seat(gateway: str) -> str:
    return f"gateway {gateway}"


def ask(read_side: Engine, query: Callable[[Connection], list[str]]) -> list[str]:
    with read_side.connect() as connection:
        return query(connection)


def charging(read_side: Engine) -> tuple[list[badge.Charge], int]:
    """The charges that were open at a position of the history."""
    with read_side.connect() as connection:
        position = checkpoint.position(connection, badge.PROJECTION.name)
        return badge.open_charges(connection), position


def exists(history: History) -> Callable[[str], bool]:
    """Has the history ever heard of a station?"""
    return lambda station_id: bool(history.read(0, 1, stream=f"station/{station_id}"))


class Web(uvicorn.Server):
    """uvicorn without its own signal handling: the process decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def start_web(process: Running, parts: Parts, stack: AsyncExitStack) -> str:
    """Answer HTTP; returns the address."""
    from api.web import app

    settings = process.settings
    listening = socket.create_server((settings.host, settings.http_port), backlog=2048)
    config = uvicorn.Config(
        app(parts),
        log_config=None,
        access_log=False,
        ws="websockets-sansio",
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    web = Web(config)
    process.go(web.serve(sockets=[listening]), "web")

    async def stop() -> None:
        web.should_exit = True
        await asyncio.wait([task for task in process.tasks if task.get_name() == "web"], timeout=5)

    stack.push_async_callback(stop)
    return f"http://{shown(settings.host)}:{listening.getsockname()[1]}"


def shown(host: str) -> str:
    """A host as it is written in an address."""
    return f"[{host}]" if ":" in host else host
