"""The role api: GraphQL and REST over the parts of this process; other roles answer probes and show figures."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace

import uvicorn
from starlette.types import ASGIApp

from adapters.oidc.issuer import Issuer
from adapters.storage.bucket import Bucket
from api.bootstrap.advenir import exporter_of
from api.bootstrap.bill import bills_of, invoices_over, start_payers
from api.bootstrap.export import PREPARE, exports_of
from api.bootstrap.gateway import Lobby, reader
from api.bootstrap.irve import READ as READ_IRVE
from api.bootstrap.process import clock, shown
from api.bootstrap.spine import Spine
from api.bootstrap.tariff import READ, WRITE
from api.bootstrap.tls import Served
from api.bootstrap.uptime import uptimes_of
from api.bootstrap.webhook import webhooks_of
from api.context import Parts, Vitals
from application.access import Accesses
from application.advenir import Funding
from application.badge import Badges
from application.driver import Drivers
from application.file import Files
from application.irve import Declarations
from application.locallist import Lists
from application.qualicharge import Desk as Outgoing
from application.registry import Registry
from application.reservation import Desk
from application.signature import MeterKeys
from application.tariff import Tariffs
from application.token import Tokens
from application.transaction import Clerk
from application.transfer import Transfers


async def start_api(spine: Spine, vitals: Vitals, lists: Lists, badges: Badges, lobby: Lobby | None) -> None:
    """Answer people and programs."""
    from api.web import app

    settings, journal, history = spine.settings, spine.journal, spine.history
    gateway = lobby.gateway if lobby else None
    files = Files(Bucket(settings.files_place), journal, history, clock, settings.file_bytes)
    transfers = Transfers(spine.jobs, files, spine.orders)
    accesses = start_accesses(spine)
    bills = bills_of(spine)
    parts = Parts(
        engine=spine.read_side,
        history=history,
        orders=spine.orders,
        registry=Registry(journal, history, spine.vault, clock, gateway, badges),
        desk=Desk(journal, history, clock),
        webhooks=webhooks_of(spine),
        lists=lists,
        settings=settings,
        journal=journal,
        signer=spine.signer,
        files=files,
        transfers=transfers,
        passwords=spine.passwords,
        certificates=spine.certificates,
        authority=spine.authority,
        clerk=Clerk(gateway or reader(spine), clock),
        prepare=PREPARE,
        exports=exports_of(spine),
        tokens=await start_tokens(spine),
        accesses=accesses,
        issuer=Issuer(settings.oidc_issuer, settings.oidc_audience) if settings.oidc_issuer else None,
        drivers=Drivers(journal, spine.custody, clock, badges),
        tariffs=Tariffs(journal, history, spine.prices.book, READ, WRITE, clock),
        prices=spine.prices,
        qualicharge=Outgoing(journal, history, clock),
        meter_keys=MeterKeys(journal, history, clock),
        funding=Funding(journal, history, clock),
        advenir=exporter_of(settings, journal, history, spine.read_side),
        declarations=Declarations(journal, history, READ_IRVE, clock),
        uptimes=uptimes_of(spine),
        bills=bills,
        invoices=invoices_over(settings, bills),
        payers=await start_payers(spine, bills),
    )
    made = app(parts, replace(vitals, accesses=accesses))
    spine.process.go(made.state.graphql.watch(), "tokens of followers")
    await start_web(spine, made)
    public = settings.public_url
    transfers.public_url = str(spine.process.http) if public == "auto" else public.rstrip("/")


async def start_probes(spine: Spine, vitals: Vitals) -> None:
    """Tell how this process is doing."""
    from api.web import probes

    await start_web(spine, probes(vitals))


async def start_tokens(spine: Spine) -> Tokens:
    """Know all tokens from now on."""
    tokens = Tokens(spine.journal, spine.history, clock)
    await asyncio.to_thread(tokens.load)
    spine.process.go(tokens.follow(), "tokens")
    return tokens


def start_accesses(spine: Spine) -> Accesses:
    """Keep what is refused."""
    accesses = Accesses(spine.journal, spine.history, clock)
    spine.process.go(accesses.keep(), "refused accesses")
    return accesses


class Web(uvicorn.Server):
    """uvicorn without its own signal handling: the process decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def start_web(spine: Spine, app: ASGIApp) -> None:
    """Answer HTTP."""
    from api.patience import protocols

    process, settings = spine.process, spine.settings
    served = await asyncio.to_thread(Served, settings.http_tls_pairs) if settings.http_tls_pairs else None
    listening = bound(settings.host, settings.http_port)
    http, ws = protocols(listening, settings.unread_s)
    config = uvicorn.Config(
        app,
        http=http,
        log_config=None,
        access_log=False,
        ws=ws,
        lifespan="off",
        timeout_graceful_shutdown=2,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        server_header=False,
    )
    config.load()
    config.ssl = served.context if served else None
    web = Web(config)
    process.go(web.serve(sockets=[listening]), "web")

    async def stop() -> None:
        web.should_exit = True
        await asyncio.wait([task for task in process.tasks if task.get_name() == "web"], timeout=5)

    spine.stack.push_async_callback(stop)
    process.http = f"{'https' if served else 'http'}://{shown(settings.host)}:{listening.getsockname()[1]}"


def bound(host: str, port: int) -> socket.socket:
    """Raises OSError in words of the settings."""
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError as error:
        advice = "choose another BORNIER_HTTP_PORT (every process has one, for its probes and metrics)"
        raise OSError(f"cannot listen for HTTP on {host}:{port}: {error.strerror}; {advice}") from error
