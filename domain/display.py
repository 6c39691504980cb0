"""A display (affichage): messages on the screen of a station."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event


def stream(station_id: str) -> str:
    return f"display/{station_id}"


class Text(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is shown, in one language."""

    content: str
    format: str
    language: str | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message: when it is shown, and how important it is."""

    message_id: int
    priority: str
    text: Text
    translations: tuple[Text, ...] = ()
    state: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    station_transaction_id: str | None = None
    display: str | None = None
    evse_id: int | None = None


class Display(Aggregate):
    """The screen of one station."""

    class MessageShown(Event, tag="display.message_shown.v1"):
        """The station took a message for its screen, in the place of the one with the same id (SetDisplayMessage)."""

        message: Notice

    class MessageRemoved(Event, tag="display.message_removed.v1"):
        """The station removed a message, or has none of that id (ClearDisplayMessage)."""

        message_id: int

    class ReportOrdered(Event, tag="display.report_ordered.v1"):
        """We asked which messages there are, and the station said whether it will tell: Unknown means there is none."""

        request_id: int
        subject: str
        status: str
        everything: bool = False

    class MessagesReported(Event, tag="display.messages_reported.v1"):
        """Some of the messages there are (NotifyDisplayMessages); parts have no numbers, so we count them.

        The last part of a list of everything says since when: a message the station has not told since then is gone.
        """

        request_id: int
        seq_no: int
        messages: tuple[Notice, ...] = ()
        to_be_continued: bool = False
        everything_since: datetime | None = None

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.parts: Counter[int] = Counter()
        self.listings: dict[int, datetime] = {}

    def report(
        self, request_id: int, messages: tuple[Notice, ...], to_be_continued: bool, cause: AnyCause, now: datetime
    ) -> None:
        self.record(
            Display.MessagesReported,
            cause,
            now,
            request_id=request_id,
            seq_no=self.parts[request_id],
            messages=messages,
            to_be_continued=to_be_continued,
            everything_since=None if to_be_continued else self.listings.get(request_id),
        )

    def apply(self, event: Event) -> None:
        match event:
            case Display.ReportOrdered() if event.everything:
                self.listings[event.request_id] = event.recorded_at
            case Display.MessagesReported():
                self.parts[event.request_id] += 1
