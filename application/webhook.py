"""Webhooks: operators say who outside is told of which events, and see to what did not arrive."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec

from application.amend import amend
from application.history import History
from application.journal import Journal
from application.ports import Caller, Reply, SharedSecrets
from domain.catalog import CATALOG
from domain.event import Operator, Refusal
from domain.webhook import Webhook, stream

SECRET_BYTES = 32
LONGEST_GRACE = timedelta(days=30)
TOPICS = (*CATALOG.events, *CATALOG.upcasts)


class Webhooks:
    """Every method returns once the change is durable, and raises Refusal when a rule says no."""

    def __init__(
        self,
        journal: Journal,
        history: History,
        keyring: SharedSecrets,
        caller: Caller,
        private: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self.journal = journal
        self.history = history
        self.keyring = keyring
        self.caller = caller
        self.private = private
        self.clock = clock

    async def register(
        self,
        url: str,
        topics: list[str],
        operator: str,
        station_id: str | None = None,
        description: str | None = None,
        begin: int | None = None,
    ) -> tuple[str, str]:
        """Returns the id of the webhook and its secret, which nobody can read again. The secret is in no event."""
        webhook_id, secret = uuid4().hex, generate()
        hook = Webhook(stream(webhook_id))
        who, now = Operator(name=operator), self.clock()
        hook.register(url, topics, TOPICS, self.private, who, now, station_id, description, begin)
        await self.keyring.keep(webhook_id, secret, now, None)
        await self.journal.record(hook.collect_events())
        return webhook_id, secret

    async def rotate(self, webhook_id: str, grace: timedelta, operator: str) -> str:
        """A new secret; what is sent carries the signatures of both until the grace is over."""
        if not timedelta(0) <= grace <= LONGEST_GRACE:
            raise Refusal("the old secret may stay valid for 0 seconds to 30 days")
        secret, now = generate(), self.clock()
        await self.change(webhook_id, lambda w: w.rotate(now + grace, Operator(name=operator), now))
        await self.keyring.keep(webhook_id, secret, now, now + grace)
        return secret

    async def pause(self, webhook_id: str, reason: str | None, operator: str) -> None:
        await self.change(webhook_id, lambda w: w.pause(reason, Operator(name=operator), self.clock()))

    async def resume(self, webhook_id: str, operator: str) -> None:
        await self.change(webhook_id, lambda w: w.resume(Operator(name=operator), self.clock()))

    async def remove(self, webhook_id: str, operator: str) -> None:
        await self.change(webhook_id, lambda w: w.remove(Operator(name=operator), self.clock()))
        await self.keyring.forget(webhook_id)

    async def redeliver(self, webhook_id: str, position: int | None, operator: str) -> None:
        """Send one dead letter once more, or all of them."""
        await self.change(webhook_id, lambda w: w.redeliver(position, Operator(name=operator), self.clock()))

    async def replay(self, webhook_id: str, begin: int, operator: str) -> None:
        """Send everything after a position once more; what the webhook has not been told yet comes in any case."""
        await self.change(webhook_id, lambda w: w.replay_from(begin, Operator(name=operator), self.clock()))

    async def test(self, webhook_id: str, operator: str) -> Reply:
        """Send a test event now, and tell what came back."""
        known = await self.change(webhook_id, lambda w: w.exists())
        now = self.clock()
        keys = await self.keyring.valid(webhook_id, now)
        if not keys:
            raise Refusal("the secret of this webhook cannot be opened here: all processes need the same BORNIER_KEYS")
        number = f"{webhook_id}_test-{secrets.token_hex(6)}"
        reply = await self.caller.send(known.url, keys, number, trial(webhook_id, number, now))
        cause = Operator(name=operator)
        await self.change(webhook_id, lambda w: w.test(reply.status, reply.reason, cause, self.clock()))
        return reply

    async def change(self, webhook_id: str, decide: Callable[[Webhook], None]) -> Webhook:
        return await amend(self.journal, self.history, lambda: Webhook(stream(webhook_id)), decide)


def generate() -> str:
    """A secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def trial(webhook_id: str, number: str, now: datetime) -> bytes:
    """A CloudEvent that is not in the history."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": number,
            "source": "/bornier",
            "type": "webhook.tested.v1",
            "subject": stream(webhook_id),
            "time": now,
            "datacontenttype": "application/json",
            "data": {"test": True},
        }
    )
