"""The role api: GraphQL and REST over the parts of this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack

import uvicorn

from adapters.oidc.issuer import Issuer
from adapters.storage.bucket import Bucket
from api.bootstrap.export import PREPARE, exports_of
from api.bootstrap.gateway import Lobby, reader
from api.bootstrap.process import Running, clock, shown
from api.bootstrap.spine import Spine
from api.bootstrap.tls import Served
from api.context import Parts
from application.access import Accesses
from application.badge import Badges
from application.file import Files
from application.locallist import Lists
from application.registry import Registry
from application.reservation import Desk
from application.token import Tokens
from application.transaction import Clerk
from application.transfer import Transfers
from projections.audit import Notary
from projections.runner import Runner


async def start_api(
    spine: Spine,
    lists: Lists,
    badges: Badges,
    lobby: Lobby | None,
    runner: Runner | None,
    notary: Notary | None,
) -> None:
    """Answer people and programs."""
    settings, journal, history = spine.settings, spine.journal, spine.history
    gateway = lobby.gateway if lobby else None
    files = Files(Bucket(settings.files_place), journal, history, clock, settings.file_bytes)
    transfers = Transfers(spine.jobs, files, spine.orders)
    parts = Parts(
        engine=spine.read_side,
        history=history,
        orders=spine.orders,
        registry=Registry(journal, history, spine.vault, clock, gateway, badges),
        desk=Desk(journal, history, clock),
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
        accesses=start_accesses(spine),
        issuer=Issuer(settings.oidc_issuer, settings.oidc_audience) if settings.oidc_issuer else None,
        runner=runner,
        front=lobby.front if lobby else None,
        notary=notary,
    )
    spine.process.http = await start_web(spine.process, parts, spine.stack)
    transfers.public_url = spine.process.http if settings.public_url == "auto" else settings.public_url.rstrip("/")


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


async def start_web(process: Running, parts: Parts, stack: AsyncExitStack) -> str:
    """Answer HTTP; returns the address."""
    from api.patience import protocols
    from api.web import app

    settings = process.settings
    served = await asyncio.to_thread(Served, settings.http_tls_pairs) if settings.http_tls_pairs else None
    listening = socket.create_server((settings.host, settings.http_port), backlog=2048)
    http, ws = protocols(listening, settings.unread_s)
    made = app(parts)
    process.go(made.state.graphql.watch(), "tokens of followers")
    config = uvicorn.Config(
        made,
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

    stack.push_async_callback(stop)
    return f"{'https' if served else 'http'}://{shown(settings.host)}:{listening.getsockname()[1]}"
