"""The connection of one station: its messages, heard and answered in order. No meaning."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request

from adapters.ocpp import frame, schema, wire
from adapters.ocpp.dialect import Dialect
from adapters.ocpp.flight import Flights
from adapters.ocpp.frame import Call, Error, Malformed, Result, ResultError, Send
from adapters.ocpp.repair import NO_RULES, Unheard, repair
from adapters.ocpp.schema import Kind
from adapters.ocpp.secret import scrubbed
from adapters.ocpp.socket import Socket
from application.command import Errand
from application.log import about, from_now_on
from application.session import NotAsked, NotLoaded, Session
from domain.event import Connection, Message, Refusal
from domain.station import Station

if TYPE_CHECKING:
    from adapters.ocpp.front import Front

log = logging.getLogger("bornier.ocpp")

BACKLOG = 100
GARBAGE = 50
"""After so many texts in a row that are no OCPP message at all the connection is closed; never for one."""
NUL = b"\\u0000"
LONGEST = 2**31
REGISTERS = ("meterStart", "meterStop")


def fits(payload: dict[str, Any]) -> bool:
    """OCPP integers have 32 bits (2.0.1 part 2, 2.1 primitive types); a register in Wh may well be longer."""
    for name, value in payload.items():
        if type(value) is int and not -LONGEST <= value < LONGEST and name not in REGISTERS:
            return False
        if type(value) is dict and not fits(value):
            return False
    return True


class StationConnection(Socket):
    """From the handshake to the end. What needs the store is done beside; meanwhile messages wait in line."""

    def __init__(self, front: Front) -> None:
        super().__init__(front)
        self.connection_id = uuid4().hex
        self.session: Session | None = None
        self.dialect: Dialect
        self.cause: Connection
        self.backlog: deque[bytes] = deque()
        self.garbage = 0
        self.busy = False
        self.flights = Flights(self)
        self.task: asyncio.Task[None] | None = None

    @property
    def version(self) -> str | None:
        """Which OCPP it speaks; None before the station is in."""
        return self.dialect.version if self.session is not None else None

    # The beginning and the end.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.front.connections.add(self)

    def knock(self, request: Request) -> None:
        self.task = self.front.loop.create_task(self.shake(request))

    def connection_lost(self, exc: Exception | None) -> None:
        self.front.connections.discard(self)
        reason = self.lost or (f"the network broke: {exc}" if exc else "the station hung up without closing")
        if self.task is not None:
            self.task.cancel()
        self.flights.crash()
        if self.session is not None:
            self.front.gateway.close(self.session, self, reason, self.cause, self.close_code)

    async def shake(self, request: Request) -> None:
        """Answer the handshake once it is known who asks and whether they may."""
        try:
            response = await self.front.admit(self, request)
        except InvalidHandshake as error:
            response = self.protocol.reject(400, f"{error}\n")
        except Exception:
            log.exception("the handshake failed")
            response = self.protocol.reject(503, "the store does not answer, try again\n")
        self.task = None
        self.protocol.send_response(response)
        self.flush()
        if self.open and self.session is None:
            self.close("no common sub-protocol", 1002)
        elif self.session is not None:
            self.front.settled(self)

    # What the station says.

    def hear(self, text: bytes) -> None:
        if self.busy:
            self.backlog.append(text)
            if len(self.backlog) > BACKLOG:
                self.close("too many messages without waiting for an answer", 1008)
            return
        if self.session is None or self.session.writer.fenced:
            return
        self.front.messages += 1
        heard = frame.parse(text)
        if isinstance(heard, Call):
            self.on_call(heard, text)
        elif isinstance(heard, Result):
            self.flights.on_result(heard, text)
        elif isinstance(heard, Error):
            self.flights.on_error(heard, text)
        elif isinstance(heard, Send) and self.dialect.version == "2.1":
            self.on_send(heard, text)
        elif isinstance(heard, ResultError) and self.dialect.version == "2.1":
            self.on_result_error(heard)
        elif isinstance(heard, Malformed):
            self.on_malformed(heard, text)
        else:
            self.on_malformed(Malformed("OCPP 2.1 has this message type", heard.id, "MessageTypeNotSupported"), text)

    def on_call(self, call: Call, text: bytes) -> None:
        session, message = self.session, self.message(call)
        assert session is not None
        known = session.answered(message)
        if known is not None:
            session.commit(partial(self.release, frame.result(call.id, known)))
            return
        self.garbage = 0
        answer = self.take(session, message, call, text)
        if answer is not None:
            message.answer = msgspec.Raw(answer)
            session.remember(message)
            self.front.count(self.dialect.version, call.action, "answered")
            session.commit(partial(self.release, frame.result(call.id, answer)))

    def take(self, session: Session, message: Message, said: Call | Send, text: bytes) -> bytes | None:
        """Understand and decide: the answer. None when it is refused, or must be heard again a little later."""
        call = said if isinstance(said, Call) else None
        try:
            payload, rules = self.understand(said)
        except Unheard as fault:
            self.refuse(text, call, fault.code, str(fault))
            return None
        session.begin(message, self.front.clock())
        try:
            answer = self.decide(session, said.action, payload)
        except NotLoaded as missing:
            self.aside(self.load(missing, text))
            return None
        except NotAsked as inquiry:
            self.aside(self.ask(inquiry, text))
            return None
        except Refusal as refusal:
            self.refuse(text, call, "InternalError", str(refusal))
            return None
        except Exception:
            with about(station_id=session.station_id, connection_id=self.connection_id):
                log.exception("station %s: %s could not be handled", session.station_id, said.action)
            self.aside(self.recover(text, call))
            return None
        for rule in rules:
            session.notice(rule)
        return answer

    def message(self, call: Call | Send) -> Message:
        return Message(
            version=self.dialect.version,
            action=call.action,
            message_id=call.id,
            connection_id=self.connection_id,
            payload=msgspec.Raw(call.raw_payload),
        )

    def understand(self, call: Call | Send) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The payload as it is meant, and the lenient rules that tell so. Raises Unheard."""
        dialect, action = self.dialect, call.action
        if action not in dialect.hear and action not in dialect.kept:
            if schema.known(dialect.version, action):
                raise Unheard("NotSupported", f"{action} is not for a charging-station management system")
            raise Unheard("NotImplemented", f"OCPP {dialect.version} has no {action}")
        if dialect.version == "2.1" and isinstance(call, Call) and schema.answerless("2.1", action):
            raise Unheard("NotSupported", f"{action} is a SEND, not a CALL")
        payload, rules = call.payload, NO_RULES
        violation = schema.violation(dialect.version, action, "request", payload)
        if violation is not None:
            payload, rules = self.mend(action, "request", payload, violation)
        if NUL in call.raw_payload or not fits(payload):
            raise Unheard(self.code("PropertyConstraintViolation"), "a text with NUL, or an integer past 32 bits")
        assert self.session is not None
        if not dialect.admits_pending and action not in ("BootNotification", "NotifyReport"):
            station = self.session.station
            if (station.boot or station.admission(self.session.rules.unknown_stations)) != "Accepted":
                raise Unheard("SecurityError", "boot first: this station is not accepted (B02.FR.09, B03.FR.07)")
        return payload, rules

    def mend(
        self, action: str, kind: Kind, payload: dict[str, Any], violation: schema.Violation
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What a payload means that is not valid, where that is plain. Raises Unheard."""
        assert self.session is not None
        if self.front.strict or self.session.station.strict:
            raise Unheard(violation.code, violation.message)
        repaired = repair(self.dialect.version, action, kind, payload, self.session.connector_of)
        if repaired is None:
            raise Unheard(violation.code, violation.message)
        return repaired

    def decide(self, session: Session, action: str, payload: dict[str, Any]) -> bytes:
        hear = self.dialect.hear.get(action)
        if hear is not None:
            return hear(session, payload)
        session.tell(Station.MessageReceived)
        return self.dialect.kept[action]

    def release(self, answer: bytes, error: Exception | None) -> None:
        """The journal's word: durable, so answer; or never, so hang up and let the station ask again."""
        if error is not None:
            self.close("the history has moved on without this connection", 1012)
        elif self.open:
            self.transport.write(wire.pack(answer))

    def refuse(self, text: bytes, call: Call | None, code: str, reason: str) -> None:
        """Keep what we cannot accept, then say why; without an id to answer there is only the record."""
        session = self.session
        assert session is not None
        action = call.action if call else ""
        message_id = call.id if call else ""
        cause = Message(
            version=self.dialect.version, action=action, message_id=message_id, connection_id=self.connection_id
        )
        session.begin(cause, self.front.clock())
        raw = scrubbed(text.decode(errors="backslashreplace"))
        session.tell(Station.MessageRefused, raw=raw, code=code, reason=reason, unanswered=call is None)
        self.front.count(self.dialect.version, action if call and code != "NotImplemented" else "unknown", code)
        if call is None:
            session.commit(lambda error: None)
        else:
            session.commit(partial(self.release, frame.error(call.id, code, reason[:255])))

    def on_malformed(self, bad: Malformed, text: bytes) -> None:
        """OCPP 1.6 stays silent where it cannot even read an id; later versions answer with id -1."""
        code = self.code(bad.code)
        message_id: str | int | None = bad.id if bad.id is not None else "-1"
        if self.dialect.version == "1.6" and (bad.id is None or bad.code == "MessageTypeNotSupported"):
            message_id = None
        call = None if message_id is None else Call(message_id, "", {}, b"null")
        self.refuse(text, call, code, bad.reason)
        self.garbage += 1
        if self.garbage >= GARBAGE:
            self.close(f"{GARBAGE} texts in a row that are no OCPP message", 1008)

    def on_send(self, said: Send, text: bytes) -> None:
        """OCPP 2.1 SEND: heard, never answered."""
        session = self.session
        assert session is not None
        if not schema.answerless("2.1", said.action):
            self.refuse(text, None, self.code("FormatViolation"), f"{said.action} is not valid as a SEND")
            return
        if self.take(session, self.message(said), said, text) is not None:
            self.front.count(self.dialect.version, said.action, "heard")
            session.commit(lambda error: None)

    def on_result_error(self, error: ResultError) -> None:
        """OCPP 2.1 CALLRESULTERROR: the station could not use an answer of ours."""
        assert self.session is not None
        self.session.begin(self.cause, self.front.clock())
        self.session.tell(
            Station.AnswerRefused,
            message_id=str(error.id),
            code=error.code,
            description=error.description,
            details=error.details,
        )
        self.session.commit(lambda error: None)

    def code(self, code: str) -> str:
        return frame.code(self.dialect.version, code)

    def order(self, errand: Errand) -> None:
        """Ask the station something. Before the handshake is answered nothing is taken: it is delivered then."""
        if self.session is not None and self.open:
            self.flights.take(errand)

    # What takes longer than a moment; meanwhile the station's messages wait in line.

    def aside(self, work: Any) -> None:
        self.busy = True
        self.task = self.front.loop.create_task(self.then_go_on(work))

    async def then_go_on(self, work: Any) -> None:
        from_now_on(station_id=self.session.station_id if self.session else None, connection_id=self.connection_id)
        try:
            await work
        except Exception:
            log.exception("could not go on with a station")
            self.close("internal fault", 1011)
        finally:
            self.busy = False
        while self.backlog and not self.busy:
            self.hear(self.backlog.popleft())
        if self.open:
            self.flights.next()

    async def load(self, missing: NotLoaded, text: bytes | None = None) -> None:
        """Read one more stream of this station; then go on with the text or the command that needs it."""
        assert self.session is not None
        await self.front.gateway.load(self.session, missing.kind, missing.stream)
        if text is not None:
            self.backlog.appendleft(text)

    async def ask(self, inquiry: NotAsked, text: bytes) -> None:
        """Ask outside what this message needs to know, then hear the same text again."""
        assert self.session is not None
        await self.session.ask(inquiry)
        self.backlog.appendleft(text)

    async def recover(self, text: bytes, call: Call | None) -> None:
        """Our own fault: forget what was half decided, keep the message, and say InternalError."""
        assert self.session is not None
        self.session.discard()
        await self.front.gateway.reload(self.session)
        self.refuse(text, call, "InternalError", "Bornier could not handle this message; it is kept")
