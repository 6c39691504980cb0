"""A recorded conversation played again: the station's part of a trace, word for word, against any CSMS.

The form of a trace is that of `bornier events --as-ocpp`. What the CSMS answers now is held against what was answered
then; what it asks is answered as it was answered then.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from adapters.simulator.link import PATIENCE_S, address, authorization
from adapters.simulator.pause import rest

CALL, RESULT, ERROR = 2, 3, 4
NOBODY = "-1"


class Line(NamedTuple):
    """One line of a trace."""

    t: float
    cp: str
    v: str
    dir: str
    frame: Any

    @property
    def kind(self) -> int:
        """The OCPP-J message type; 0 for what is no message."""
        whole = isinstance(self.frame, list) and len(self.frame) >= 3 and self.dir in ("in", "out")
        return self.frame[0] if whole and isinstance(self.frame[0], int) else 0

    @property
    def id(self) -> Any:
        """The message id, if there is one to answer to."""
        whole = isinstance(self.frame, list) and len(self.frame) >= 2 and self.dir in ("in", "out")
        return self.frame[1] if whole and isinstance(self.frame[1], str | int) else NOBODY


@dataclass
class Outcome:
    """What a replay found."""

    stations: int
    sent: int = 0
    answers: int = 0
    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        found = len(self.differences)
        return (
            f"{self.stations} station{'s' * (self.stations != 1)} sent {self.sent} messages and got {self.answers} "
            f"answers; {found or 'no'} difference{'s' * (found != 1)}"
        )


def read(text: Iterable[str]) -> list[Line]:
    """The lines of a trace in the order of time. Raises ValueError that names the line which is none."""
    lines = []
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
            lines.append(Line(float(said["t"]), str(said["cp"]), str(said["v"]), said["dir"], said["frame"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"line {number} is not a line of a trace: {error!r}") from None
    if not lines:
        raise ValueError("there is nothing in the trace")
    return sorted(lines, key=lambda line: line.t)


async def play(
    url: str,
    lines: Sequence[Line],
    speed: float,
    password: str | None,
    stop: asyncio.Event,
    tell: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Every station of a trace, side by side, with the times between their messages divided by `speed`."""
    stations = dict.fromkeys(line.cp for line in lines)
    outcome = Outcome(len(stations))
    begin = Clock(lines[0].t, speed, stop)
    parts = [Part(url, [line for line in lines if line.cp == cp], begin, password, outcome, tell) for cp in stations]
    await asyncio.gather(*(part.play() for part in parts))
    return outcome


class Clock:
    """When a recorded moment comes again."""

    def __init__(self, first: float, speed: float, stop: asyncio.Event) -> None:
        self.first, self.speed, self.stop = first, speed, stop
        self.began = asyncio.get_running_loop().time()

    async def wait(self, t: float) -> None:
        late = asyncio.get_running_loop().time() - self.began
        await rest(self.stop, max(0.0, (t - self.first) / self.speed - late))


class Part:
    """One station of a trace: it says its lines in their order, each after the answer to the one before."""

    def __init__(
        self,
        url: str,
        lines: list[Line],
        clock: Clock,
        password: str | None,
        outcome: Outcome,
        tell: Callable[[str], None],
    ) -> None:
        self.cp, self.lines, self.clock = lines[0].cp, lines, clock
        self.url, self.headers = address(url, self.cp), authorization(self.cp, password)
        self.outcome, self.tell = outcome, tell
        self.asked = commands(lines)
        self.replies = replies(lines, self.asked)
        self.waiting: dict[Any, asyncio.Future[list[Any]]] = {}
        self.numbers: dict[int, int] = {}
        self.socket: ClientConnection | None = None
        self.listener: asyncio.Task[None] | None = None

    async def play(self) -> None:
        try:
            for at, line in enumerate(self.lines):
                await self.clock.wait(line.t)
                if self.clock.stop.is_set():
                    break
                await self.perform(at, line)
        except (OSError, WebSocketException, TimeoutError) as error:
            self.differ(f"the connection failed: {error or type(error).__name__}")
        finally:
            await self.close(1000)
        for action, left in self.replies.items():
            if left and not self.clock.stop.is_set():
                self.outcome.notes.append(f"{self.cp}: {action} was not asked again ({len(left)} recorded)")

    async def perform(self, at: int, line: Line) -> None:
        if line.dir == "open":
            await self.open(line)
        elif line.dir == "close":
            await self.close(line.frame[0] if line.frame else 1000)
        elif line.dir == "in" and not (line.kind in (RESULT, ERROR) and line.id in self.asked):
            await self.say(line, expected(self.lines, at))

    async def open(self, line: Line) -> None:
        await self.close(1000)
        protocol = Subprotocol(line.frame[0] if line.frame else f"ocpp{line.v}")
        self.socket = await connect(
            self.url, subprotocols=[protocol], additional_headers=self.headers, compression=None, open_timeout=20
        )
        self.listener = asyncio.create_task(self.listen(self.socket))
        self.tell(f"{self.cp} ({line.v}) connects")

    async def close(self, code: int) -> None:
        """A code that only a broken connection has cannot be said: then the socket is simply cut."""
        socket, self.socket = self.socket, None
        if socket is None:
            return
        if code == 1000 or code == 1001 or 3000 <= code < 5000:
            await socket.close(code)
        else:
            socket.transport.abort()
        if self.listener is not None:
            await asyncio.gather(self.listener, return_exceptions=True)

    async def say(self, line: Line, then: list[Any] | None) -> None:
        """Send a recorded text and hold the answer against the recorded one."""
        if self.socket is None:
            await self.open(Line(line.t, line.cp, line.v, "open", None))
        assert self.socket is not None
        frame = self.renumbered(line)
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        key = line.id if then is None else then[1]
        self.waiting[key] = future
        await self.socket.send(frame if isinstance(frame, str) else json.dumps(frame, separators=(",", ":")))
        self.outcome.sent += 1
        if then is None:
            return
        what = line.frame[2] if line.kind == CALL else "a malformed text"
        try:
            async with asyncio.timeout(PATIENCE_S):
                now = await future
        except TimeoutError:
            self.differ(f"{what} {line.id} was not answered")
            return
        finally:
            self.waiting.pop(key, None)
        self.outcome.answers += 1
        if what == "StartTransaction":
            self.learn(then, now)
        for difference in differences(then, now):
            self.differ(f"{what} {line.id}: {difference}")

    def renumbered(self, line: Line) -> Any:
        """OCPP 1.6: the transaction that was 423 then has another number now."""
        known = line.kind == CALL and line.v == "1.6" and isinstance(line.frame[3], dict)
        number = line.frame[3].get("transactionId") if known else None
        if number not in self.numbers:
            return line.frame
        return [*line.frame[:3], line.frame[3] | {"transactionId": self.numbers[number]}, *line.frame[4:]]

    def learn(self, then: list[Any], now: list[Any]) -> None:
        if then[0] == now[0] == RESULT:
            self.numbers[then[2].get("transactionId")] = now[2].get("transactionId")
            now[2]["transactionId"] = then[2].get("transactionId")

    async def listen(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                await self.hear(socket, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            for future in self.waiting.values():
                if not future.done():
                    future.set_exception(ConnectionError("the CSMS hung up"))
                    future.exception()  # whether or not anybody waits for it

    async def hear(self, socket: ClientConnection, message: list[Any]) -> None:
        if message[0] != CALL:
            future = self.waiting.get(message[1])
            if future is not None and not future.done():
                future.set_result(message)
            return
        left = self.replies.get(message[2])
        if left:
            reply = left.popleft()
        else:
            reply = [ERROR, message[1], "NotSupported", "not in the trace", {}]
            self.outcome.notes.append(f"{self.cp}: {message[2]} was not asked then")
        with suppress(ConnectionClosed):
            await socket.send(json.dumps([reply[0], message[1], *reply[2:]]))

    def differ(self, words: str) -> None:
        self.outcome.differences.append(f"{self.cp}: {words}")
        self.tell(f"{self.cp}: {words}")


def commands(lines: Sequence[Line]) -> dict[Any, str]:
    """The action of every recorded command, by message id; the station's answers to them wait until they come again."""
    return {line.id: line.frame[2] for line in lines if line.dir == "out" and line.kind == CALL}


def replies(lines: Sequence[Line], asked: dict[Any, str]) -> dict[str, deque[list[Any]]]:
    """What the station answered to commands, by action, in order."""
    found: dict[str, deque[list[Any]]] = defaultdict(deque)
    for line in lines:
        if line.dir == "in" and line.kind in (RESULT, ERROR) and line.id in asked:
            found[asked[line.id]].append(line.frame)
    return found


def expected(lines: Sequence[Line], at: int) -> list[Any] | None:
    """The recorded answer to a line: the next one with its id, before the connection ends."""
    wanted = {lines[at].id, NOBODY} if lines[at].kind != CALL else {lines[at].id}
    for line in lines[at + 1 :]:
        if line.dir in ("open", "close"):
            return None
        if line.dir == "out" and line.kind in (RESULT, ERROR) and line.id in wanted:
            return list(line.frame)
        if line.dir == "in" and line.kind not in (RESULT, ERROR):
            return None
    return None


def differences(then: list[Any], now: list[Any]) -> list[str]:
    """How an answer differs from the recorded one; times always do, and the words of an error may."""
    if then[0] != now[0] or then[0] == ERROR:
        one, other = brief(then), brief(now)
        return [] if one == other else [f"{one} then, {other} now"]
    return list(compare(then[2], now[2], ""))


def brief(answer: list[Any]) -> str:
    return f"error {answer[2]}" if answer[0] == ERROR else "an answer"


def compare(then: Any, now: Any, path: str) -> Iterable[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for name in dict.fromkeys((*then, *now)):
            yield from compare(then.get(name), now.get(name), f"{path}.{name}" if path else name)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from compare(one, other, f"{path}[{number}]")
    elif then != now and not (is_time(then) and is_time(now)):
        yield f"{path or 'the payload'} was {json.dumps(then)}, is {json.dumps(now)}"


def is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value)) and "T" in value
    except ValueError:
        return False
