"""Advenir: what is made of charges, and who sends it."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Engine

from adapters.advenir import file
from adapters.advenir.client import Client
from adapters.advenir.ledger import Ledger
from api.bootstrap.process import clock
from api.bootstrap.spine import Spine
from api.settings import Settings
from application.advenir import Exporter
from application.history import History
from application.journal import Journal
from application.submission import Submissions, Terms

SEAT = "advenir exporter"
"""Not "advenir": that is the seat of the projector of this read model."""
READ = file.read


def start_advenir(spine: Spine) -> None:
    """Of several processes one makes and sends."""
    client = client_of(spine.settings)
    exporter = exporter_of(spine.settings, spine.journal, spine.history, spine.read_side, client)
    exporter.may = partial(spine.here.holds, SEAT)
    if client is not None:
        spine.stack.push_async_callback(client.close)
    spine.process.go(exporter.watch(), "advenir")


def exporter_of(
    settings: Settings, journal: Journal, history: History, read_side: Engine, client: Client | None = None
) -> Exporter:
    """Without a client it makes and checks only."""
    return Exporter(Submissions(journal, history, Ledger(read_side), terms(settings), clock), client)


def terms(settings: Settings) -> Terms:
    return Terms(
        settings.advenir_mode, settings.advenir_index, settings.advenir_least_wh, settings.advenir_least_s,
        settings.advenir_delay_s, settings.advenir_batch,
    )  # fmt: skip


def client_of(settings: Settings) -> Client | None:
    if not settings.advenir_url:
        return None
    return Client(
        settings.advenir_url, settings.advenir_verb, settings.advenir_user_id, settings.advenir_login,
        settings.advenir_password, settings.advenir_timeout_s,
    )  # fmt: skip
