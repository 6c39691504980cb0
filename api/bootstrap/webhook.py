"""The role relay, second part: tells webhooks of events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from cryptography.fernet import Fernet

from adapters.authority.key import Keys
from adapters.webhook.deliverer import Deliverer
from adapters.webhook.secret import Keyring
from adapters.webhook.sender import Sender
from api.bootstrap.process import clock
from api.bootstrap.spine import Spine
from api.settings import Settings
from application.ports import Reply
from application.webhook import Webhooks

SEAT = "webhook deliverer"
"""Not "webhook": that is the seat of the projector of this read model."""


def start_webhooks(spine: Spine) -> None:
    """Of several processes one delivers."""
    settings = spine.settings
    hooks = webhooks_of(spine)
    deliverer = Deliverer(
        spine.read_side, spine.history, keyring(spine), partial(sender, settings), hooks.change,
        settings.webhook_patience(), clock, partial(spine.here.holds, SEAT),
    )  # fmt: skip
    deliverer.start()
    spine.stack.push_async_callback(asyncio.to_thread, deliverer.stop)


def webhooks_of(spine: Spine) -> Webhooks:
    """Webhooks, for whoever changes them."""
    settings = spine.settings
    return Webhooks(spine.journal, spine.history, keyring(spine), Once(settings), settings.webhook_private, clock)


class Once:
    """Sends one request, from whichever event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def send(self, url: str, secrets: Sequence[str], number: str, body: bytes) -> Reply:
        one = sender(self.settings)
        try:
            return await one.send(url, secrets, number, body)
        finally:
            await one.close()


def sender(settings: Settings) -> Sender:
    return Sender(settings.webhook_private, settings.webhook_timeout_s)


def keyring(spine: Spine) -> Keyring:
    keys = Keys(spine.settings.keys_folder)
    return Keyring(spine.read_side, partial(keys.once, "seal.key", Fernet.generate_key))
