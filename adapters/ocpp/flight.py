"""What we ask of a station: one command is in flight, the others wait their turn (OCPP-J: one CALL each way)."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from adapters.ocpp import frame, schema, wire
from adapters.ocpp.dialect import HIDDEN, Said, Secret, joined, read
from adapters.ocpp.frame import Error, Result
from adapters.ocpp.repair import NO_RULES, Unheard
from adapters.ocpp.secret import redacted, scrubbed
from application.command import Errand
from application.log import about
from application.session import NotLoaded
from domain.command import Command
from domain.event import Refusal

if TYPE_CHECKING:
    from adapters.ocpp.connection import StationConnection

log = logging.getLogger("bornier.ocpp")


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


class Flights:
    """The commands of one connection, from their turn to the station's answer."""

    __slots__ = ("connection", "flight", "orders", "whispering")

    def __init__(self, connection: StationConnection) -> None:
        self.connection = connection
        self.orders: deque[Errand] = deque()
        self.flight: Flight | None = None
        self.whispering: asyncio.Task[None] | None = None

    def take(self, errand: Errand) -> None:
        """Send a command in its turn; the same command is taken once."""
        if errand not in self.orders and (self.flight is None or self.flight.errand is not errand):
            self.orders.append(errand)
            self.next()

    def next(self) -> None:
        while self.orders and self.flight is None and not self.connection.busy:
            errand = self.orders.popleft()
            if not errand.due and errand.command.status == "requested":
                self.send(errand)

    def send(self, errand: Errand) -> None:
        """Say a command in this station's version, or refuse it with a reason."""
        session, dialect = self.connection.session, self.connection.dialect
        assert session is not None
        action = errand.command.action
        say = dialect.say.get(action)
        session.begin(errand.cause, self.connection.front.clock())
        try:
            if say is None:
                raise Refusal(dialect.cannot.get(action, f"OCPP {dialect.version} has no {action}"))
            said = say(session, errand.command.parameters)
            for payload in () if said.unchecked else (said.payload, *said.rest):
                violation = schema.violation(dialect.version, said.action, "request", payload)
                if violation is not None:
                    raise Refusal(violation.message)
        except NotLoaded as missing:
            self.orders.appendleft(errand)
            self.connection.aside(self.connection.load(missing))
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
        flight.errand.send(self.connection.connection_id, flight.message_id, flight.action, payload, put)

    def put(self, text: bytes) -> None:
        """The command is recorded as sent: put it on the wire and wait for the answer."""
        if self.flight is None or not self.connection.open:
            return
        self.flight.timer = self.connection.front.loop.call_later(self.connection.front.call_timeout_s, self.time_out)
        self.connection.transport.write(wire.pack(text))

    def whisper(self, text: bytes, secret: Secret) -> None:
        """The same with a password in it, which only the wire may know: the record hides it."""
        assert self.flight is not None
        self.whispering = self.connection.front.loop.create_task(self.fill(self.flight, text, secret))

    async def fill(self, flight: Flight, text: bytes, secret: Secret) -> None:
        try:
            password = await self.connection.front.gateway.credentials.reveal(secret.credential_id)
        except Exception as error:
            with self.about(self.flight):
                log.error("a password could not be read: %s", type(error).__name__)
            password = None
        if self.flight is not flight:
            return
        if password is None:
            self.land(Command.Failed, "the new password cannot be read here: are the keys the same everywhere?")
        else:
            self.put(text.replace(orjson.dumps(HIDDEN), orjson.dumps(secret.spell(password))))

    def crash(self) -> None:
        """The connection is gone: what is in flight never comes back."""
        if self.flight is not None:
            self.land(Command.Failed, "the connection broke before the station answered")

    def time_out(self) -> None:
        self.land(Command.TimedOut, f"the station did not answer within {self.connection.front.call_timeout_s:g} s")

    def land(self, kind: Any, reason: str, **facts: Any) -> None:
        """The command in flight ends without a good answer."""
        flight = self.take_flight()
        flight.errand.close(kind, reason, **facts)
        self.next()

    def take_flight(self) -> Flight:
        flight = self.flight
        assert flight is not None
        if flight.timer is not None:
            flight.timer.cancel()
        self.flight = None
        return flight

    def on_result(self, result: Result, text: bytes) -> None:
        if self.flight is None or result.id != self.flight.message_id:
            self.connection.refuse(
                text, None, self.connection.code("ProtocolError"), "an answer to no question of ours"
            )
            return
        try:
            payload, rules = self.understood(self.flight, result.payload)
        except Unheard as fault:
            self.connection.refuse(text, None, fault.code, str(fault))
            self.land(Command.Failed, f"the station's answer is not valid: {fault}")
            return
        answer = redacted(payload)
        try:
            self.heed(self.flight, answer, rules)
        except NotLoaded as missing:
            self.connection.aside(self.connection.load(missing, text))
            return
        except Exception:
            with self.about(self.flight):
                log.exception("the answer to %s could not be handled", self.flight.action)
            self.connection.aside(self.spoil(text))
            return
        self.go_on(answer, scrubbed(text.decode(errors="backslashreplace")) if rules else None)

    def understood(self, flight: Flight, answer: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """An answer as it is meant; to a message by hand it may be anything. Raises Unheard."""
        if flight.unchecked:
            return answer, NO_RULES
        violation = schema.violation(self.connection.dialect.version, flight.action, "response", answer)
        if violation is None:
            return answer, NO_RULES
        return self.connection.mend(flight.action, "response", answer, violation)

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
        self.next()

    def heed(self, flight: Flight, answer: dict[str, Any], rules: tuple[str, ...]) -> None:
        """Record what an answer tells us beyond the fate of the command, such as the value of a variable."""
        session, heed = self.connection.session, self.connection.dialect.heed.get(flight.errand.command.action)
        if session is None or (heed is None and not rules):
            return
        session.begin(flight.errand.cause, self.connection.front.clock())
        if heed is not None:
            heed(session, flight.errand.command.parameters, flight.payload, answer)
        for rule in rules:
            session.notice(rule)
        session.commit(lambda error: None)

    async def spoil(self, text: bytes) -> None:
        """Our own fault with an answer: keep it, and let the command fail."""
        await self.connection.recover(text, None)
        if self.flight is not None:
            self.land(Command.Failed, "Bornier could not handle the station's answer; it is kept")

    def on_error(self, error: Error, text: bytes) -> None:
        if self.flight is None or error.id != self.flight.message_id:
            self.unasked(text, "an error to no question of ours")
            return
        words = ": ".join(filter(None, (error.code, error.description)))
        raw = scrubbed(text.decode(errors="backslashreplace"))
        self.land(Command.Failed, f"the station answered with an error: {words}", raw=raw)

    def about(self, flight: Flight | None) -> AbstractContextManager[None]:
        """What a line of the log is about."""
        return about(
            station_id=self.connection.session.station_id if self.connection.session else None,
            connection_id=self.connection.connection_id,
            command_id=flight.errand.command_id if flight else None,
        )

    def unasked(self, text: bytes, reason: str) -> None:
        self.connection.refuse(text, None, self.connection.code("ProtocolError"), reason)
