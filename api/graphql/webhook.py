"""Webhooks: programs outside that are told of events over HTTP, and what did not arrive."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import said
from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Position
from domain.webhook import stream
from projections import delivery
from projections import webhook as view
from projections.page import cursor

DAY_S = 86_400


@strawberry.enum(description="Whether a webhook is told of events.")
class WebhookState(Enum):
    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    REMOVED = "removed"


@strawberry.type(description="One attempt to deliver.")
class WebhookAttempt:
    position: Position = strawberry.field(description="The event.")
    topic: str = strawberry.field(description="Its topic.")
    at: DateTime = strawberry.field(description="When it was sent.")
    duration_ms: int = strawberry.field(description="How long the answer took, ms.")
    status: int | None = strawberry.field(description="The HTTP status of the answer; null without one.")
    reason: str | None = strawberry.field(description="Why it did not arrive; null if it did.")


ATTEMPT_NAMES = ("position", "topic", "at", "duration_ms", "status", "reason")


@strawberry.type(description="An address outside that is told of events (Standard Webhooks).")
class Webhook:
    id: strawberry.ID = strawberry.field(description="Its id.")
    url: str = strawberry.field(description="Where events are sent.")
    topics: list[str] = strawberry.field(description="Which ones: exact topics, noun.* or *.")
    station_id: strawberry.ID | None = strawberry.field(description="Only events about this station.")
    description: str | None = strawberry.field(description="What it is for.")
    state: WebhookState = strawberry.field(description="Whether it is told of events.")
    state_reason: str | None = strawberry.field(description="Why it is paused or disabled.")
    registered_at: DateTime = strawberry.field(description="When it was registered.")
    registered_by: str | None = strawberry.field(description="Who did so.")
    secret_rotated_at: DateTime | None = strawberry.field(description="When its secret was replaced, the last time.")
    old_secret_until: DateTime | None = strawberry.field(description="Until when the old secret signs, too.")
    tested_at: DateTime | None = strawberry.field(description="When somebody last let a test event be sent.")

    @strawberry.field(description="How delivery goes; null before the first look.")
    async def delivery(self, info: strawberry.Info) -> WebhookDelivery | None:
        who = asker(info)
        head = await asyncio.to_thread(who.parts.history.head)
        return await who.reads.run(lambda c: progress(c, self.id, head))

    @strawberry.field(description="What was tried lately, the latest first; some hundred attempts are remembered.")
    async def attempts(
        self, info: strawberry.Info, first: int | None = 20, after: str | None = None
    ) -> Connection[WebhookAttempt]:
        reads, limit = asker(info).reads, bounded(first)
        position = await reads.position("webhook")
        found = await reads.run(lambda c: delivery.attempts(c, self.id, limit, after))
        nodes = [(cursor(row.number), attempt(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: delivery.count_attempts(c, self.id)))


@strawberry.type(description="How delivery to a webhook goes.")
class WebhookDelivery:
    position: Position = strawberry.field(
        description="Everything up to here was delivered, waits or does not concern it."
    )
    waiting: int = strawberry.field(description="How many events up to there wait for another attempt.")
    lag_events: int = strawberry.field(description="How many positions the history is ahead of that.")
    delivered: float = strawberry.field(description="How many events arrived.")
    refused: float = strawberry.field(description="How many attempts failed.")
    dead_letters: int = strawberry.field(description="How many events could not be delivered.")
    delivered_at: DateTime | None = strawberry.field(description="When an event last arrived.")
    failing_since: DateTime | None = strawberry.field(description="Since when nothing arrives; null while all is well.")
    rests_until: DateTime | None = strawberry.field(description="When the target is tried again.")
    reason: str | None = strawberry.field(description="Why the last attempt failed.")


DELIVERY_NAMES = ("delivered_at", "failing_since", "rests_until", "reason")


def progress(connection: Any, webhook_id: str, head: int) -> WebhookDelivery | None:
    known = delivery.cursors(connection, [webhook_id]).get(webhook_id)
    if known is None:
        return None
    return WebhookDelivery(
        position=Position(known.position),
        waiting=delivery.queues(connection, [webhook_id]).get(webhook_id, 0),
        lag_events=max(head - known.position, 0),
        delivered=float(known.delivered),
        refused=float(known.refused),
        dead_letters=view.count_dead_letters(connection, webhook_id),
        **{name: getattr(known, name) for name in DELIVERY_NAMES},
    )


@strawberry.type(description="An event that could not be delivered.")
class DeadLetter:
    webhook_id: strawberry.ID = strawberry.field(description="To whom.")
    position: Position = strawberry.field(description="Which event.")
    stream: strawberry.ID = strawberry.field(description="Its stream.")
    topic: str = strawberry.field(description="Its topic.")
    attempts: int = strawberry.field(description="How often the target refused it.")
    first_tried_at: DateTime = strawberry.field(description="When it was first sent.")
    dead_at: DateTime = strawberry.field(description="When we gave up.")
    reason: str = strawberry.field(description="Why, in words.")
    status: int | None = strawberry.field(description="The HTTP status of the last answer; null without one.")
    answer: str | None = strawberry.field(description="How the last answer began.")
    asked_at: DateTime | None = strawberry.field(
        description="When somebody asked to send it again; null if nobody did."
    )


LETTER_NAMES = (
    "webhook_id", "position", "stream", "topic", "attempts", "first_tried_at", "dead_at", "reason", "status", "answer",
    "asked_at",
)  # fmt: skip
NAMES = (
    "id", "url", "topics", "station_id", "description", "state_reason", "registered_at", "registered_by",
    "secret_rotated_at", "old_secret_until", "tested_at",
)  # fmt: skip


def webhook(row: Any) -> Webhook:
    return Webhook(state=WebhookState(row.state), **{name: getattr(row, name) for name in NAMES})


def attempt(row: Any) -> WebhookAttempt:
    return WebhookAttempt(**{name: getattr(row, name) for name in ATTEMPT_NAMES})


def letter(row: Any) -> DeadLetter:
    return DeadLetter(**{name: getattr(row, name) for name in LETTER_NAMES})


async def told(who: Asker, webhook_id: str) -> Webhook:
    """A webhook as the history tells it: whoever changed it sees the change at once."""
    return webhook(await who.reads.retold(view.PROJECTION, view.WEBHOOK, stream(webhook_id)))


@strawberry.type
class WebhookQuery:
    @strawberry.field(description="One webhook, removed or not.")
    async def webhook(self, info: strawberry.Info, id: strawberry.ID) -> Webhook | None:
        found = await asker(info).reads.run(lambda c: view.by_id(c, id))
        return webhook(found) if found is not None else None

    @strawberry.field(description="Webhooks that are not removed, the newest first.")
    async def webhooks(
        self, info: strawberry.Info, first: int | None = 50, after: str | None = None, state: WebhookState | None = None
    ) -> Connection[Webhook]:
        reads, limit, wanted = asker(info).reads, bounded(first), state.value if state else None
        position = await reads.position("webhook")
        found = await reads.run(lambda c: view.webhooks(c, limit, after, wanted))
        nodes = [(cursor(row.registered_position), webhook(row)) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(lambda c: view.count(c, wanted)))

    @strawberry.field(description="Events that could not be delivered and have not been since, by position.")
    async def dead_letters(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        webhook_id: strawberry.ID | None = None,
    ) -> Connection[DeadLetter]:
        reads, limit = asker(info).reads, bounded(first)
        position = await reads.position("webhook")
        found = await reads.run(lambda c: view.dead_letters(c, limit, after, webhook_id))
        nodes = [(cursor(row.position, row.webhook_id), letter(row)) for row in found.rows]
        return connection(
            nodes, found.more, position, lambda: reads.run(lambda c: view.count_dead_letters(c, webhook_id))
        )


@strawberry.type(description="A webhook with its new secret, which is shown this once.")
class WebhookWithSecret:
    webhook: Webhook = strawberry.field(description="The webhook.")
    secret: str = strawberry.field(description="whsec_…, to check signatures with; nobody can read it again.")


@strawberry.type(description="What became of a test event.")
class WebhookTest:
    delivered: bool = strawberry.field(description="The target took it.")
    status: int | None = strawberry.field(description="The HTTP status of its answer; null without one.")
    answer: str = strawberry.field(description="How its answer began.")
    reason: str | None = strawberry.field(description="Why it did not arrive.")
    duration_ms: int = strawberry.field(description="How long the answer took, ms.")


@strawberry.input(description="Somebody outside wants to be told of events.")
class RegisterWebhookInput:
    url: str = said("Where events are sent: https://…")
    topics: list[str] = said(
        "Which ones: exact topics (transaction.ended.v1), all of a noun (transaction.*) or all (*)."
    )
    station_id: strawberry.ID | None = said("Only events about this station.", default=None)
    description: str | None = said("What it is for.", default=None)
    begin: Position | None = said("Begin after this position of the history; from now on when null.", default=None)


@strawberry.input(description="Send nothing until somebody resumes it.")
class PauseWebhookInput:
    webhook_id: strawberry.ID = said("The webhook.")
    reason: str | None = said("Why.", default=None)


@strawberry.input(description="A webhook.")
class WebhookInput:
    webhook_id: strawberry.ID = said("The webhook.")


@strawberry.input(description="Replace the secret of a webhook.")
class RotateWebhookSecretInput:
    webhook_id: strawberry.ID = said("The webhook.")
    grace_seconds: int = said("How long the old secret signs, too, s.", default=DAY_S)


@strawberry.input(description="Send dead letters once more.")
class RedeliverInput:
    webhook_id: strawberry.ID = said("The webhook.")
    position: Position | None = said("Which one; all of this webhook when null.", default=None)


@strawberry.input(description="Send everything after a position once more.")
class ReplayWebhookInput:
    webhook_id: strawberry.ID = said("The webhook.")
    begin: Position = said("What comes after this position is sent again.", name="from")


@strawberry.type
class WebhookMutation:
    @strawberry.mutation(description="Register a webhook; its secret is in the answer, once.")
    async def register_webhook(self, info: strawberry.Info, input: RegisterWebhookInput) -> WebhookWithSecret:
        who = asker(info)
        webhook_id, secret = await who.parts.webhooks.register(
            input.url, input.topics, who.name, input.station_id, input.description, input.begin
        )
        return WebhookWithSecret(webhook=await told(who, webhook_id), secret=secret)

    @strawberry.mutation(description="Send nothing until somebody resumes it; what happens meanwhile waits.")
    async def pause_webhook(self, info: strawberry.Info, input: PauseWebhookInput) -> Webhook:
        who = asker(info)
        await who.parts.webhooks.pause(input.webhook_id, input.reason, who.name)
        return await told(who, input.webhook_id)

    @strawberry.mutation(description="Send again, beginning with what happened while it was paused or disabled.")
    async def resume_webhook(self, info: strawberry.Info, input: WebhookInput) -> Webhook:
        who = asker(info)
        await who.parts.webhooks.resume(input.webhook_id, who.name)
        return await told(who, input.webhook_id)

    @strawberry.mutation(description="A new secret; for a while what is sent carries both signatures.")
    async def rotate_webhook_secret(self, info: strawberry.Info, input: RotateWebhookSecretInput) -> WebhookWithSecret:
        who, grace = asker(info), timedelta(seconds=input.grace_seconds)
        secret = await who.parts.webhooks.rotate(input.webhook_id, grace, who.name)
        return WebhookWithSecret(webhook=await told(who, input.webhook_id), secret=secret)

    @strawberry.mutation(description="Remove a webhook; its secret is forgotten.")
    async def remove_webhook(self, info: strawberry.Info, input: WebhookInput) -> Webhook:
        who = asker(info)
        await who.parts.webhooks.remove(input.webhook_id, who.name)
        return await told(who, input.webhook_id)

    @strawberry.mutation(description="Send one dead letter of a webhook once more, or all of them.")
    async def redeliver(self, info: strawberry.Info, input: RedeliverInput) -> Webhook:
        who = asker(info)
        await who.parts.webhooks.redeliver(input.webhook_id, input.position, who.name)
        return await told(who, input.webhook_id)

    @strawberry.mutation(description="Send everything after a position once more, under the same webhook-id as before.")
    async def replay_webhook(self, info: strawberry.Info, input: ReplayWebhookInput) -> Webhook:
        who = asker(info)
        await who.parts.webhooks.replay(input.webhook_id, input.begin, who.name)
        return await told(who, input.webhook_id)

    @strawberry.mutation(description="Send a test event now, and tell what came back.")
    async def test_webhook(self, info: strawberry.Info, input: WebhookInput) -> WebhookTest:
        who = asker(info)
        reply = await who.parts.webhooks.test(input.webhook_id, who.name)
        facts = {name: getattr(reply, name) for name in ("delivered", "status", "answer", "reason", "duration_ms")}
        return WebhookTest(**facts)
