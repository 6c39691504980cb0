"""A command: what somebody asked of a station, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event


def stream(command_id: str) -> str:
    return f"command/{command_id}"


class Command(Aggregate):
    """One request to one station, from asking to its final status."""

    class Requested(Event, tag="command.requested.v1"):
        """Somebody asked a station to do something before a deadline."""

        personal = "badge"
        station_id: str
        action: str
        parameters: dict[str, Any]
        requested_by: str
        deadline: datetime

    class Sent(Event, tag="command.sent.v1"):
        """The gateway that holds the station put the request on the wire."""

        personal = "badge"
        connection_id: str
        message_id: str
        ocpp_action: str
        payload: msgspec.Raw

    class PartAnswered(Event, tag="command.part_answered.v1"):
        """The station answered one of the several calls that this command takes; the next call, or the end, follows."""

        personal = "badge"
        message_id: str
        answer: msgspec.Raw
        raw: str | None = None

    class Answered(Event, tag="command.answered.v1"):
        """The station answered; `accepted` is our reading of its status, `reason` why not. `raw`: as received, where
        that was not valid and `answer` is what it means."""

        personal = "badge"
        accepted: bool
        answer: msgspec.Raw
        reason: str | None = None
        raw: str | None = None

    class Refused(Event, tag="command.refused.v1"):
        """The request cannot be said to this station, so it was never sent."""

        reason: str

    class Failed(Event, tag="command.failed.v1"):
        """The station answered with an error (`raw`, as received), or the connection broke before it answered."""

        personal = "badge"
        reason: str
        raw: str | None = None

    class TimedOut(Event, tag="command.timed_out.v1"):
        """The station stayed connected but did not answer in time."""

        reason: str

    class Expired(Event, tag="command.expired.v1"):
        """The deadline passed before the request could be sent."""

        reason: str

    class Fulfilled(Event, tag="command.fulfilled.v1"):
        """What the station had accepted came about: a remote start led to this transaction."""

        transaction_id: str

    class GivenUp(Event, tag="command.given_up.v1"):
        """The station had accepted a remote start, and no charge began in time."""

        reason: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.status = ""
        self.fulfilled = False
        self.given_up = False

    @property
    def over(self) -> bool:
        return self.final

    @property
    def final(self) -> bool:
        """Nothing more can happen to it."""
        return self.status == "final"

    def request(
        self,
        station_id: str,
        action: str,
        parameters: dict[str, Any],
        requested_by: str,
        deadline: datetime,
        cause: AnyCause,
        now: datetime,
    ) -> None:
        """Ask."""
        self.record(
            Command.Requested,
            cause,
            now,
            station_id=station_id,
            action=action,
            parameters=parameters,
            requested_by=requested_by,
            deadline=deadline,
        )

    def send(
        self,
        connection_id: str,
        message_id: str,
        ocpp_action: str,
        payload: msgspec.Raw,
        cause: AnyCause,
        now: datetime,
    ) -> None:
        """Put on the wire: only a command that was just requested can be, or its next part."""
        if self.status in ("requested", "going on"):
            self.record(
                Command.Sent,
                cause,
                now,
                connection_id=connection_id,
                message_id=message_id,
                ocpp_action=ocpp_action,
                payload=payload,
            )

    def answer_part(
        self, message_id: str, answer: msgspec.Raw, cause: AnyCause, now: datetime, raw: str | None = None
    ) -> None:
        """The station's word on one of several calls. Record what follows in the same breath."""
        if self.status == "sent":
            self.record(Command.PartAnswered, cause, now, message_id=message_id, answer=answer, raw=raw)

    def answer(
        self,
        accepted: bool,
        answer: msgspec.Raw,
        reason: str | None,
        cause: AnyCause,
        now: datetime,
        raw: str | None = None,
    ) -> None:
        """The station's word. A command that is already final keeps its status."""
        if not self.final:
            self.record(Command.Answered, cause, now, accepted=accepted, answer=answer, reason=reason, raw=raw)

    def close(
        self,
        kind: type[Refused] | type[Failed] | type[TimedOut] | type[Expired],
        reason: str,
        cause: AnyCause,
        now: datetime,
        **facts: Any,
    ) -> None:
        """End without an answer of the station, and say why."""
        if not self.final:
            self.record(kind, cause, now, reason=reason, **facts)

    def fulfil(self, transaction_id: str, cause: AnyCause, now: datetime) -> None:
        """It led to something; even late, after somebody gave it up."""
        if not self.fulfilled:
            self.record(Command.Fulfilled, cause, now, transaction_id=transaction_id)

    def give_up(self, reason: str, cause: AnyCause, now: datetime) -> None:
        if not self.fulfilled and not self.given_up:
            self.record(Command.GivenUp, cause, now, reason=reason)

    def apply(self, event: Event) -> None:
        match event:
            case Command.Requested():
                self.status = "requested"
                self.station_id, self.action, self.parameters = event.station_id, event.action, event.parameters
                self.deadline = event.deadline
            case Command.Sent():
                self.status = "sent"
                self.connection_id = event.connection_id
            case Command.PartAnswered():
                self.status = "going on"
            case Command.Fulfilled():
                self.fulfilled = True
            case Command.GivenUp():
                self.given_up = True
            case _:
                self.status = "final"
