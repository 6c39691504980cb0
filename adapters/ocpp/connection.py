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
from adapters.ocpp.frame import Call, Error, Malformed, Result, Send
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

    def violation(self, version: str, answer: dict[str, Any]) -> schema.Violation | None:
        """Why this cannot be an answer to it."""
        return None if self.unchecked else schema.violation(version, self.action, "response", answer)

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
        fault = self.fault(call)
        if fault is not None:
            self.refuse(text, call, *fault)
            return
        session.begin(message, self.front.clock())
        try:
            answer = self.decide(session, call)
        except NotLoaded as missing:
            self.aside(self.load(missing, text))
            return
        except NotAsked as inquiry:
            self.aside(self.ask(inquiry, text))
            return
        except Refusal as refusal:
            self.refuse(text, call, "InternalError", str(refusal))
            return
        except Exception:
            log.exception("station %s: %s could not be handled", session.station_id, call.action)
            self.aside(self.recover(text, call))
            return
        message.answer = msgspec.Raw(answer)
        session.remember(message)
        self.front.count(self.dialect.version, call.action, "answered")
        session.commit(partial(self.release, frame.result(call.id, answer)))

    def message(self, call: Call | Send) -> Message:
        return Message(
            version=self.dialect.version,
            action=call.action,
            message_id=call.id,
            connection_id=self.connection_id,
            payload=msgspec.Raw(call.raw_payload),
        )

    def fault(self, call: Call) -> tuple[str, str] | None:
        """Why a CALL cannot be heard: error code and reason."""
        dialect, action = self.dialect, call.action
        if action not in dialect.hear and action not in dialect.kept:
            if schema.known(dialect.version, action):
                return "NotSupported", f"{action} is not for a charging-station management system"
            return "NotImplemented", f"OCPP {dialect.version} has no {action}"
        violation = schema.violation(dialect.version, action, "request", call.payload)
        if violation is not None:
            return violation.code, violation.message
        if NUL in call.raw_payload or not fits(call.payload):
            return self.code("PropertyConstraintViolation"), "a text with NUL, or an integer past 32 bits"
        assert self.session is not None
        if not dialect.admits_pending and action not in ("BootNotification", "NotifyReport"):
            station = self.session.station
            if (station.boot or station.admission(self.session.rules.unknown_stations)) != "Accepted":
                return "SecurityError", "boot first: this station is not accepted (B02.FR.09, B03.FR.07)"
        return None

    def decide(self, session: Session, call: Call) -> bytes:
        hear = self.dialect.hear.get(call.action)
        if hear is not None:
            return hear(session, call.payload)
        session.tell(Station.MessageReceived)
        return self.dialect.kept[call.action]

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

    def on_send(self, said: Send, text: bytes) -> None:
        """OCPP 2.1 SEND: heard, never answered."""
        session = self.session
        assert session is not None
        if said.action != "NotifyPeriodicEventStream" or schema.violation("2.1", said.action, "request", said.payload):
            self.refuse(text, None, self.code("FormatViolation"), f"{said.action} is not valid as a SEND")
            return
        session.begin(self.message(said), self.front.clock())
        try:
            self.dialect.hear[said.action](session, said.payload)
        except NotLoaded as missing:
            self.aside(self.load(missing, text))
            return
        self.front.count(self.dialect.version, said.action, "heard")
        session.commit(lambda error: None)

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
        self.session.keep(await asyncio.to_thread(self.front.gateway.aggregate, missing.kind, missing.stream))
        if text is not None:
            self.backlog.appendleft(text)

    async def ask(self, inquiry: NotAsked, text: bytes) -> None:
        """Ask outside what this message needs to know, then hear the same text again."""
        assert self.session is not None
        await self.session.ask(inquiry)
        self.backlog.appendleft(text)

    async def recover(self, text: bytes, call: Call) -> None:
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
        violation = self.flight.violation(self.dialect.version, result.payload)
        if violation is not None:
            self.refuse(text, None, violation.code, violation.message)
            self.land(Command.Failed, f"the station's answer is not valid: {violation.message}")
            return
        answer = redacted(result.payload)
        try:
            self.heed(self.flight, answer)
        except NotLoaded as missing:
            self.aside(self.load(missing, text))
            return
        self.go_on(answer)

    def go_on(self, answer: dict[str, Any]) -> None:
        """A good answer: make the next call of the command, or end it with all its answers as one."""
        flight = self.take_flight()
        if flight.split:
            flight.errand.answer_part(flight.message_id, orjson.dumps(answer))
        flight.answers.append(answer)
        if flight.rest:
            flight.turn()
            self.flight = flight
            self.take_off(flight)
            return
        whole = joined(flight.answers) if len(flight.answers) > 1 else answer
        verdict = read(whole)
        flight.errand.answer(verdict.accepted, orjson.dumps(whole), verdict.reason)
        self.next_order()

    def heed(self, flight: Flight, answer: dict[str, Any]) -> None:
        """Record what an answer tells us beyond the fate of the command, such as the value of a variable."""
        session, heed = self.session, self.dialect.heed.get(flight.errand.command.action)
        if session is None or heed is None:
            return
        session.begin(flight.errand.cause, self.front.clock())
        heed(session, flight.errand.command.parameters, flight.payload, answer)
        session.commit(lambda error: None)

    def on_error(self, error: Error, text: bytes) -> None:
        if self.flight is None or error.id != self.flight.message_id:
            self.refuse(text, None, self.code("ProtocolError"), "an error to no question of ours")
            return
        words = ": ".join(filter(None, (error.code, error.description)))
        raw = scrubbed(text.decode(errors="backslashreplace"))
        self.land(Command.Failed, f"the station answered with an error: {words}", raw=raw)
