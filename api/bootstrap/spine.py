"""The spine: what every process stands on, whatever its roles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from cryptography.fernet import Fernet
from sqlalchemy import Engine

from adapters.authority.authority import Authority
from adapters.authority.key import Keys
from adapters.credential.vault import Vault
from adapters.signer.command import CommandSigner
from adapters.signer.file import FileSigner
from api.bootstrap.privacy import keyring_of, whole
from api.bootstrap.process import Running, clock
from api.observer import Observer
from api.pulse import Pulse
from api.settings import Settings
from api.telemetry import TracingObserver, telemetry
from application.badge import Badges
from application.certificate import Certificates
from application.command import Orders
from application.credential import Passwords
from application.driver import Custody
from application.history import History
from application.job import Jobs
from application.journal import Journal
from application.listener import listen
from application.price import Pricebook, Prices
from application.privacy import Ring
from application.seat import Seats, seats
from application.store import Store
from projections.audit import Signer
from projections.engine import engine


@dataclass(frozen=True)
class Spine:
    """The history, the way into it, and what several roles need."""

    process: Running
    stack: AsyncExitStack
    read_side: Engine
    custody: Custody
    history: History
    journal: Journal
    here: Seats
    signer: Signer
    vault: Vault
    authority: Authority
    orders: Orders
    passwords: Passwords
    certificates: Certificates
    jobs: Jobs
    observer: Observer
    pulse: Pulse
    prices: Prices

    @property
    def settings(self) -> Settings:
        return self.process.settings


async def start_spine(process: Running, stack: AsyncExitStack) -> Spine:
    """Open the history and whatever asks it; what the stack is told here ends last."""
    settings = process.settings
    read_side = engine(settings.database)
    stack.callback(read_side.dispose)
    keyring = await asyncio.to_thread(keyring_of, settings, read_side)
    ring = Ring(keyring, keyring.finder)
    store = await asyncio.to_thread(Store, settings.database, ring)
    stack.callback(store.close)
    history = History(whole(settings, store), ring)
    journal = await start_journal(process, store, history, stack)
    keys = Keys(settings.keys_folder)
    vault = Vault(read_side, partial(keys.once, "seal.key", Fernet.generate_key))
    stack.callback(vault.close)
    authority = Authority(keys, settings.organisation, timedelta(days=settings.certificate_days))
    orders = Orders(journal, settings.command_deadline_s, exists(history), clock)
    traces = telemetry()
    if traces is not None:
        stack.callback(traces.stop)
    observer, pulse = TracingObserver(traces) if traces else Observer(), Pulse(traces)
    orders.told = observer.told
    process.go(pulse.watch(), "pulse")
    here = seats(settings.database)
    stack.callback(here.leave)
    return Spine(
        process=process,
        stack=stack,
        read_side=read_side,
        custody=Custody(history, ring, keyring),
        history=history,
        journal=journal,
        here=here,
        signer=signer_of(settings),
        vault=vault,
        authority=authority,
        orders=orders,
        passwords=Passwords(journal, history, vault, orders, clock),
        certificates=Certificates(
            journal, history, orders, authority, timedelta(days=settings.certificate_renewal_days), clock
        ),
        jobs=Jobs(journal, history, clock, settings.job_deadline_s),
        observer=observer,
        pulse=pulse,
        prices=await start_prices(process, history),
    )


async def start_journal(process: Running, store: Store, history: History, stack: AsyncExitStack) -> Journal:
    """Record, and hear what other processes record; everything that runs is cancelled before the journal stops."""
    journal = Journal(store.recorder, store.mapper, history.advance)
    journal.start()
    stack.push_async_callback(journal.stop)
    stack.push_async_callback(process.cancel)
    database = process.settings.database
    if database.startswith("postgresql://"):
        process.go(listen(database, history.head, history.advance), "listener")
    return journal


async def start_badges(process: Running, history: History) -> Badges:
    """Know all badges from now on."""
    badges = Badges(history, process.settings.unknown_badges, process.settings.master_pass_group)
    await asyncio.to_thread(badges.load)
    process.go(badges.follow(), "badges")
    return badges


async def start_prices(process: Running, history: History) -> Prices:
    """Know all tariffs from now on, and where they hold."""
    book = Pricebook(history, process.settings.time_zone)
    await asyncio.to_thread(book.load)
    process.go(book.follow(), "tariffs")
    return Prices(history, book)


def signer_of(settings: Settings) -> Signer:
    """Who signs the seals over the history."""
    if settings.audit_command:
        return CommandSigner(settings.audit_command, settings.audit_key_path)
    return FileSigner(settings.audit_key_path)


def exists(history: History) -> Callable[[str], bool]:
    """Has the history ever heard of a station?"""
    return lambda station_id: bool(history.latest_of(f"station/{station_id}"))
