"""The observer: what is counted and logged of the life of commands. It changes nothing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from application.duration import Durations
from application.log import about
from domain.command import Command
from domain.event import Event

log = logging.getLogger("bornier.command")

ANSWER_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
CLOSED = {
    Command.Refused: "refused",
    Command.Failed: "failed",
    Command.TimedOut: "timed_out",
    Command.Expired: "expired",
}


class Observer:
    """Is told of every event of a command that this process has recorded."""

    def __init__(self) -> None:
        self.commands: Counter[tuple[str, str]] = Counter()
        self.answers = Durations(ANSWER_S)
        self.sent: dict[str, datetime] = {}

    def told(self, command: Command, events: Sequence[Event]) -> None:
        for event in events:
            status, reason = status_of(event)
            if status is None:
                continue
            self.commands[command.action, status] += 1
            self.time(event, status)
            with about(station_id=command.station_id, command_id=command.id.removeprefix("command/")):
                log.info("%s is %s%s", command.action, status.replace("_", " "), f": {reason}" if reason else "")

    def time(self, event: Event, status: str) -> None:
        """How long the station thought."""
        if status == "sent":
            self.sent.setdefault(event.originator_id, event.recorded_at)
        elif (at := self.sent.pop(event.originator_id, None)) and status in ("accepted", "rejected"):
            self.answers.add((event.recorded_at - at).total_seconds())


def status_of(event: Event) -> tuple[str | None, str | None]:
    """The status that an event leads to, and why."""
    match event:
        case Command.Requested():
            return "requested", f"by {event.requested_by}"
        case Command.Sent():
            return "sent", None
        case Command.Answered():
            return ("accepted" if event.accepted else "rejected"), event.reason
        case Command.Refused() | Command.Failed() | Command.TimedOut() | Command.Expired():
            return CLOSED[type(event)], event.reason
    return None, None
