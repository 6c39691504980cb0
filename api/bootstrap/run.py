"""The composition root: a process with its roles, from start to clean stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager

from api.bootstrap.gateway import follow_lists, lists_of, start_gateway
from api.bootstrap.process import Running, clock
from api.bootstrap.projector import start_projector
from api.bootstrap.relay import start_relay
from api.bootstrap.spine import start_badges, start_spine
from api.bootstrap.web import start_api, start_probes
from api.bootstrap.webhook import start_webhooks
from api.context import Vitals
from api.settings import Role, Settings
from application.driver import Custodian
from migrations.migrate import current, is_current, upgrade

EVERYTHING: frozenset[Role] = frozenset({"gateway", "projector", "api", "relay"})
THREADS = 64
"""Whoever waits for a database that is away must not keep others from answering."""


@asynccontextmanager
async def running(settings: Settings, roles: frozenset[Role] = EVERYTHING) -> AsyncIterator[Running]:
    """The CSMS, or some of its roles, from start to clean stop."""
    if settings.database.startswith("sqlite:///") and not roles >= EVERYTHING:
        raise ValueError("roles can only be split on PostgreSQL: SQLite is one process")
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "bornier"))
    await asyncio.to_thread(prepare, settings)
    async with AsyncExitStack() as stack:
        process = Running(settings)
        spine = await start_spine(process, stack)
        runner, notary = start_projector(spine) if "projector" in roles else (None, None)
        if "relay" in roles:
            start_relay(spine)
            start_webhooks(spine)
        lobby = await start_gateway(spine) if "gateway" in roles else None
        badges = lobby.badges if lobby else await start_badges(process, spine.history)
        process.go(Custodian(spine.custody, badges, clock).follow(), "custody of keys")
        lists = lists_of(spine, badges)
        if lobby is not None:
            await follow_lists(process, lists, lobby.gateway)
        vitals = Vitals(
            settings=settings,
            engine=spine.read_side,
            history=spine.history,
            journal=spine.journal,
            here=spine.here,
            observer=spine.observer,
            pulse=spine.pulse,
            roles=roles,
            runner=runner,
            notary=notary,
            front=lobby.front if lobby else None,
            dispatcher=lobby.dispatcher if lobby else None,
        )
        if "api" in roles:
            await start_api(spine, vitals, lists, badges, lobby)
        else:
            await start_probes(spine, vitals)
        yield process


def prepare(settings: Settings) -> None:
    """Make the schema; an existing PostgreSQL schema of another version is left to `bornier migrate`."""
    if settings.database.startswith("sqlite:///") or current(settings.database) is None:
        upgrade(settings.database)
    elif not is_current(settings.database):
        raise ValueError("the database schema is of another version: run `bornier migrate` first")
