"""OCPP 2.0.1: messages on the display."""

from __future__ import annotations

from datetime import datetime

from adapters.ocpp.dialect import EMPTY, Hear, Heed, Payload, Said, Say, given, stamp
from adapters.ocpp.sample import when
from adapters.ocpp.v201.evse import evse
from application.session import Session
from domain.display import Display, Notice, Text, stream
from domain.event import Refusal


def messages(session: Session, payload: Payload) -> bytes:
    """NotifyDisplayMessages (O03, O04)."""
    session.of(Display, stream(session.station_id)).report(
        payload["requestId"],
        tuple(notice(session, line) for line in payload.get("messageInfo", ())),
        payload.get("tbc", False),
        session.cause,
        session.now,
    )
    return EMPTY


def notice(session: Session, line: Payload) -> Notice:
    display = line.get("display", {})
    return Notice(
        message_id=line["id"],
        priority=line["priority"],
        text=text(line["message"]),
        translations=tuple(text(each) for each in line.get("messageExtra", ())),
        state=line.get("state"),
        starts_at=moment(session, line.get("startDateTime")),
        ends_at=moment(session, line.get("endDateTime")),
        station_transaction_id=line.get("transactionId"),
        display=display.get("name"),
        evse_id=display.get("evse", {}).get("id"),
    )


def text(said: Payload) -> Text:
    return Text(content=said["content"], format=said["format"], language=said.get("language"))


def moment(session: Session, said: str | None) -> datetime | None:
    return when(said, session.now) if said else None


def say_set_display_message(session: Session, wish: Payload) -> Said:
    """SetDisplayMessage (O01, O02, O06); an id that the station has already means the message in its place."""
    display = given(name=wish.get("display"), evse=evse(wish))
    message = given(
        id=session.rules.numbers.take() if wish.get("message_id") is None else wish["message_id"],
        priority=wish["priority"],
        message=content(wish["text"]),
        messageExtra=[content(each) for each in wish.get("translations") or ()] or None,
        state=wish.get("state"),
        startDateTime=when_said(wish.get("starts_at")),
        endDateTime=when_said(wish.get("ends_at")),
        transactionId=transaction(session, wish.get("transaction_id")),
        display={"name": "Display"} | display if display else None,
    )
    return Said("SetDisplayMessage", {"message": message})


def content(text: Payload) -> Payload:
    return given(content=text["content"], format=text["format"], language=text.get("language"))


def when_said(text: str | None) -> str | None:
    return stamp(datetime.fromisoformat(text)) if text else None


def transaction(session: Session, transaction_id: str | None) -> str | None:
    if transaction_id is None:
        return None
    known = session.known(transaction_id)
    if known is None:
        raise Refusal("this station has no such transaction")
    return known.station_transaction_id


def say_get_display_messages(session: Session, wish: Payload) -> Said:
    """GetDisplayMessages (O03, O04)."""
    return Said(
        "GetDisplayMessages",
        given(
            requestId=session.rules.numbers.take(),
            id=wish.get("message_ids") or None,
            priority=wish.get("priority"),
            state=wish.get("state"),
        ),
    )


def say_clear_display_message(session: Session, wish: Payload) -> Said:
    """ClearDisplayMessage (O05)."""
    return Said("ClearDisplayMessage", {"id": wish["message_id"]})


def heed_set_display_message(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    if answer["status"] == "Accepted":
        session.of(Display, stream(session.station_id)).record(
            Display.MessageShown, session.cause, session.now, message=notice(session, sent["message"])
        )


def heed_get_display_messages(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """A list will come; Unknown: there is no such message (O03.FR.05, O04.FR.06)."""
    ids = [f"message {number}" for number in wish.get("message_ids") or ()]
    asked = [*ids, *(wish[name] for name in ("priority", "state") if wish.get(name))]
    session.of(Display, stream(session.station_id)).record(
        Display.ReportOrdered,
        session.cause,
        session.now,
        request_id=sent["requestId"],
        subject=", ".join(asked) or "everything",
        status=answer["status"],
        everything=not asked,
    )


def heed_clear_display_message(session: Session, wish: Payload, sent: Payload, answer: Payload) -> None:
    """Accepted: it is gone. Unknown: it was not there (O05.FR.02). Rejected: it stays."""
    if answer["status"] in ("Accepted", "Unknown"):
        session.of(Display, stream(session.station_id)).record(
            Display.MessageRemoved, session.cause, session.now, message_id=sent["id"]
        )


HEAR: dict[str, Hear] = {
    "NotifyDisplayMessages": messages,
}
SAY: dict[str, Say] = {
    "setDisplayMessage": say_set_display_message,
    "getDisplayMessages": say_get_display_messages,
    "clearDisplayMessage": say_clear_display_message,
}
HEED: dict[str, Heed] = {
    "setDisplayMessage": heed_set_display_message,
    "getDisplayMessages": heed_get_display_messages,
    "clearDisplayMessage": heed_clear_display_message,
}
