"""The connection of one station: bytes, message ids, one question at a time each way. No meaning."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import msgspec
import orjson
from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from adapters.ocpp import frame, schema, wire
from adapters.ocpp.dialect import HIDDEN, Dialect, Said, Secret, joined, read
from adapters.ocpp.frame import Call, Error, Malformed, Result, ResultError, Send
from adapters.ocpp.repair import repair
from adapters.ocpp.schema import Kind
from adapters.ocpp.secret import redacted, scrubbed
from application.command import Errand
from application.session import NotAsked, NotLoaded, Session
from domain.command import Command
from domain.event import Connection, Message, Refusal
from domain.station import Station

if TYPE_CHECKING:
    from adapters.ocpp.front import Front

log = logging.getLogger("bornier.ocpp")

BACKLOG = 100
NO_RULES: tuple[str, ...] = ()
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


class Unheard(Exception):
    """Why a message cannot be heard: the error code of OCPP, and words."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Flight:
    """The one command the station has not answered yet: one call, or several one after the other."""

    __slots__ = ("action", "answers", "errand", "message_id", "payload", "rest", "secret", "timer", "unchecked")

    def __init__(self, errand: Errand, said: Said) -> None:
        self.errand = errand
        self.message_id = errand.command_id
        self.action, self.payload = said.action, said.payload
        self.rest, self.secret = deque(said.rest), said.secret
        self.unchecked = said.unchecked
        self.answers: list[dict[str, Any]] = []
        self.timer: asyncio.TimerHandle | None = None

    @property
    def split(self) -> bool:
        """It takes more than one call."""
        return bool(self.rest or self.answers)

    def turn(self) -> None:
        """The next call."""
        self.message_id, self.payload = str(uuid4()), self.rest.popleft()


class StationConnection(asyncio.Protocol):
    """From the TCP connection to its end. Reads are never awaited; what needs the store is done beside, in order."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.connection_id = uuid4().hex
        self.protocol = ServerProtocol(max_size=front.max_frame_bytes)
        self.buffer = b""
        self.fragments: list[bytes] = []
        self.transport: asyncio.Transport
        self.session: Session | None = None
        self.dialect: Dialect
        self.cause: Connection
        self.backlog: deque[bytes] = deque()
        self.garbage = 0
        self.busy = False
        self.heard_at = front.loop.time()
        self.orders: deque[Errand] = deque()
        self.flight: Flight | None = None
        self.lost: str | None = None
        self.close_code: int | None = None
        self.task: asyncio.Task[None] | None = None
        self.whispering: asyncio.Task[None] | None = None

    # The socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.front.connections.add(self)

    def data_received(self, data: bytes) -> None:
        self.heard_at = self.front.loop.time()
        if self.protocol.state is not OPEN or not self.front.ready(self):
            self.feed(data)
            return
        self.buffer = self.buffer + data if self.buffer else data
        self.read_frames()

    def read_frames(self) -> None:
        """Take whole frames out of the buffer; a frame that is too long is refused by its header."""
        buffer, at = self.buffer, 0
        while (size := wire.length(buffer, at)) is not None:
            if size > self.front.max_frame_bytes + 14:
                self.buffer = b""
                self.feed(buffer[at : at + 14])
                return
            if len(buffer) - at < size:
                break
            whole = buffer[at : at + size] if at or size < len(buffer) else buffer
            at += size
            text = None if self.fragments else wire.text(whole)
            if text is None:
                self.feed(whole)
            else:
                self.hear(text)
        self.buffer = buffer[at:] if at else buffer

    def feed(self, data: bytes) -> None:
        """Everything that is not a plain text frame: handshake, fragments, pings, closing."""
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                self.task = self.front.loop.create_task(self.shake(event))
            elif isinstance(event, Frame):
                self.on_frame(event)
        self.flush()

    def on_frame(self, piece: Frame) -> None:
        if piece.opcode in (Opcode.TEXT, Opcode.CONT, Opcode.BINARY):
            self.fragments.append(bytes(piece.data))
            if sum(map(len, self.fragments)) > self.front.max_frame_bytes:
                self.protocol.fail(1009, "message too big")
            elif piece.fin:
                whole, self.fragments = b"".join(self.fragments), []
                self.hear(whole)
        elif piece.opcode is Opcode.CLOSE and self.protocol.close_rcvd is not None:
            code = int(self.protocol.close_rcvd.code)
            self.close_code = self.close_code or code
            self.lost = self.lost or f"the station closed with code {code}"

    def flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.close()

    def eof_received(self) -> None:
        self.protocol.receive_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self.front.connections.discard(self)
        reason = self.lost or (f"the network broke: {exc}" if exc else "the station hung up without closing")
        if self.task is not None:
            self.task.cancel()
        if self.flight is not None:
            self.land(Command.Failed, "the connection broke before the station answered")
        if self.session is not None:
            self.front.gateway.close(self.session, self, reason, self.cause, self.close_code)

    def close(self, reason: str, code: int = 1000) -> None:
        """Hang up; safe to call at any time."""
        self.lost = self.lost or reason
        if self.protocol.state is OPEN:
            self.close_code = self.close_code or code
            self.protocol.send_close(code, reason[:120])
            self.flush()
        self.front.loop.call_later(1, self.transport.abort)

    def ping(self) -> None:
        if self.protocol.state is OPEN:
            self.protocol.send_ping(b"")
            self.flush()

    # The handshake.

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
        if self.protocol.state is OPEN and self.session is None:
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
            self.on_result(heard, text)
        elif isinstance(heard, Error):
            self.on_error(heard, text)
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
        elif self.protocol.state is OPEN:
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

    # What takes longer than a moment; meanwhile the station's messages wait in line.

    def aside(self, work: Any) -> None:
        self.busy = True
        self.task = self.front.loop.create_task(self.then_go_on(work))

    async def then_go_on(self, work: Any) -> None:
        try:
            await work
        except Exception:
            log.exception("could not go on with a station")
            self.close("internal fault", 1011)
        finally:
            self.busy = False
        while self.backlog and not self.busy:
            self.hear(self.backlog.popleft())
        if self.protocol.state is OPEN:
            self.next_order()

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

    # What we ask of the station.

    def order(self, errand: Errand) -> None:
        """Send a command in its turn. Before the handshake is answered nothing is taken: it is delivered then."""
        if self.session is None or self.protocol.state is not OPEN:
            return
        if errand not in self.orders and (self.flight is None or self.flight.errand is not errand):
            self.orders.append(errand)
            self.next_order()

    def next_order(self) -> None:
        while self.orders and self.flight is None and not self.busy:
            errand = self.orders.popleft()
            if not errand.due and errand.command.status == "requested":
                self.send(errand)

    def send(self, errand: Errand) -> None:
        """Say a command in this station's version, or refuse it with a reason."""
        assert self.session is not None
        action = errand.command.action
        say = self.dialect.say.get(action)
        self.session.begin(errand.cause, self.front.clock())
        try:
            if say is None:
                raise Refusal(self.dialect.cannot.get(action, f"OCPP {self.dialect.version} has no {action}"))
            said = say(self.session, errand.command.parameters)
            for payload in () if said.unchecked else (said.payload, *said.rest):
                violation = schema.violation(self.dialect.version, said.action, "request", payload)
                if violation is not None:
                    raise Refusal(violation.message)
        except NotLoaded as missing:
            self.orders.appendleft(errand)
            self.aside(self.load(missing))
            return
        except Refusal as refusal:
            errand.close(Command.Refused, str(refusal))
            return
        except (KeyError, TypeError, ValueError) as missing:
            errand.close(Command.Refused, f"the parameters do not fit {action}: {missing!r}")
            return
        self.flight = Flight(errand, said)
        self.take_off(self.flight)

    def take_off(self, flight: Flight) -> None:
        """Record the call of a flight as sent, then put it on the wire."""
        text = frame.call(flight.message_id, flight.action, flight.payload)
        payload = orjson.dumps(flight.payload)
        put = partial(self.put, text) if flight.secret is None else partial(self.whisper, text, flight.secret)
        flight.errand.send(self.connection_id, flight.message_id, flight.action, payload, put)

    def put(self, text: bytes) -> None:
        """The command is recorded as sent: put it on the wire and wait for the answer."""
        if self.flight is None or self.protocol.state is not OPEN:
            return
        self.flight.timer = self.front.loop.call_later(self.front.call_timeout_s, self.time_out)
        self.transport.write(wire.pack(text))

    def whisper(self, text: bytes, secret: Secret) -> None:
        """The same with a password in it, which only the wire may know: the record hides it."""
        assert self.flight is not None
        self.whispering = self.front.loop.create_task(self.fill(self.flight, text, secret))

    async def fill(self, flight: Flight, text: bytes, secret: Secret) -> None:
        try:
            password = await self.front.gateway.credentials.reveal(secret.credential_id)
        except Exception as error:
            log.error("a password could not be read: %s", type(error).__name__)
            password = None
        if self.flight is not flight:
            return
        if password is None:
            self.land(Command.Failed, "the new password cannot be read here: are the keys the same everywhere?")
        else:
            self.put(text.replace(orjson.dumps(HIDDEN), orjson.dumps(secret.spell(password))))

    def time_out(self) -> None:
        self.land(Command.TimedOut, f"the station did not answer within {self.front.call_timeout_s:g} s")

    def land(self, kind: Any, reason: str, **facts: Any) -> None:
        """The command in flight ends without a good answer."""
        flight = self.take_flight()
        flight.errand.close(kind, reason, **facts)
        self.next_order()

    def take_flight(self) -> Flight:
        flight = self.flight
        assert flight is not None
        if flight.timer is not None:
            flight.timer.cancel()
        self.flight = None
        return flight

    def on_result(self, result: Result, text: bytes) -> None:
        if self.flight is None or result.id != self.flight.message_id:
            self.refuse(text, None, self.code("ProtocolError"), "an answer to no question of ours")
            return
        try:
            payload, rules = self.understood(self.flight, result.payload)
        except Unheard as fault:
            self.refuse(text, None, fault.code, str(fault))
            self.land(Command.Failed, f"the station's answer is not valid: {fault}")
            return
        answer = redacted(payload)
        try:
            self.heed(self.flight, answer, rules)
        except NotLoaded as missing:
            self.aside(self.load(missing, text))
            return
        except Exception:
            log.exception("the answer to %s could not be handled", self.flight.action)
            self.aside(self.spoil(text))
            return
        self.go_on(answer, scrubbed(text.decode(errors="backslashreplace")) if rules else None)

    def understood(self, flight: Flight, answer: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """An answer as it is meant; to a message by hand it may be anything. Raises Unheard."""
        if flight.unchecked:
            return answer, NO_RULES
        violation = schema.violation(self.dialect.version, flight.action, "response", answer)
        return (answer, NO_RULES) if violation is None else self.mend(flight.action, "response", answer, violation)

    def go_on(self, answer: dict[str, Any], raw: str | None) -> None:
        """A good answer: make the next call of the command, or end it with all its answers as one."""
        flight = self.take_flight()
        if flight.split:
            flight.errand.answer_part(flight.message_id, orjson.dumps(answer), raw)
        flight.answers.append(answer)
        if flight.rest:
            flight.turn()
            self.flight = flight
            self.take_off(flight)
            return
        whole = joined(flight.answers) if len(flight.answers) > 1 else answer
        verdict = read(whole)
        flight.errand.answer(verdict.accepted, orjson.dumps(whole), verdict.reason, None if flight.answers[1:] else raw)
        self.next_order()

    def heed(self, flight: Flight, answer: dict[str, Any], rules: tuple[str, ...]) -> None:
        """Record what an answer tells us beyond the fate of the command, such as the value of a variable."""
        session, heed = self.session, self.dialect.heed.get(flight.errand.command.action)
        if session is None or (heed is None and not rules):
            return
        session.begin(flight.errand.cause, self.front.clock())
        if heed is not None:
            heed(session, flight.errand.command.parameters, flight.payload, answer)
        for rule in rules:
            session.notice(rule)
        session.commit(lambda error: None)

    async def spoil(self, text: bytes) -> None:
        """Our own fault with an answer: keep it, and let the command fail."""
        await self.recover(text, None)
        if self.flight is not None:
            self.land(Command.Failed, "Bornier could not handle the station's answer; it is kept")

    def on_error(self, error: Error, text: bytes) -> None:
        if self.flight is None or error.id != self.flight.message_id:
            self.refuse(text, None, self.code("ProtocolError"), "an error to no question of ours")
            return
        words = ": ".join(filter(None, (error.code, error.description)))
        raw = scrubbed(text.decode(errors="backslashreplace"))
        self.land(Command.Failed, f"the station answered with an error: {words}", raw=raw)
