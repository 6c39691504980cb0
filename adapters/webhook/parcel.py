"""A parcel: one event on its way to one webhook, and the letter it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from application.ports import Reply
from domain.catalog import Recorded

AGAIN = "again/"


class Moment(msgspec.Struct):
    """The only part of an event the letter repeats."""

    recorded_at: str


MOMENT = msgspec.json.Decoder(Moment)


@dataclass
class Parcel:
    """Those of one lane are delivered one after the other: a lane is a stream, or one event that is sent again."""

    position: int
    stream: str
    topic: str
    lane: str
    row: Recorded | None = None
    attempts: int = 0
    first_tried_at: datetime | None = None
    due_at: datetime | None = None
    reason: str | None = None
    status: int | None = None
    answer: str | None = None
    kept: bool = False
    done: bool = False
    tried: bool = False

    def note(self, reply: Reply, counts: bool) -> None:
        """It did not arrive; `counts`: because of itself, not of the state of the target."""
        self.attempts += counts
        self.reason, self.status, self.answer = reply.reason, reply.status, reply.answer or None

    def columns(self) -> dict[str, Any]:
        """As it waits in the table."""
        names = (
            "position", "lane", "stream", "topic", "attempts", "first_tried_at", "due_at", "reason", "status", "answer",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


def fresh(row: Recorded) -> Parcel:
    return Parcel(row.position, row.stream, row.topic, row.stream, row)


def letter(row: Recorded) -> bytes:
    """A CloudEvent of version 1.0 in structured JSON; its data is the event as the history tells it."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": str(row.position),
            "source": "/bornier",
            "type": row.topic,
            "subject": row.stream,
            "time": MOMENT.decode(row.state).recorded_at,
            "datacontenttype": "application/json",
            "data": msgspec.Raw(row.state),
        }
    )


def number(webhook_id: str, position: int) -> str:
    """What a receiver knows a repetition by: the same for every attempt, redelivery and replay."""
    return f"{webhook_id}_{position}"
