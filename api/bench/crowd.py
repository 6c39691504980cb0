"""The crowd: a whole fleet of stations in one process, each living its own life, coming back when it loses its line.

Run as `python -m api.bench.crowd`. It reads JSON lines from stdin, the `Plan` first and then one `Wish` after another,
and answers each with one JSON line.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from array import array
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Coroutine, Sequence
from random import Random
from typing import Any, Literal

import msgspec
import uvloop

from api.bench.client import Client
from api.bench.frame import frame
from api.bench.life import Payload, life
from api.bench.load import quantile

BACK_OFF_S = (0.5, 1.0, 2.0, 4.0)
SAMPLE_S = 0.02
ENCODE = msgspec.json.Encoder().encode


class Plan(msgspec.Struct, kw_only=True):
    """Who there is."""

    url: str
    stations: int
    tempo: float = 1.0
    """How much faster than in the real world time passes."""
    password: str | None = None
    spread_s: float = 2.0
    """Within this time after a loss every station tries to come back for the first time."""
    patience_s: float = 60.0
    """An answer that has not come by then does not come."""


class Wish(msgspec.Struct, kw_only=True):
    """What shall happen: `arrive` connects everybody over so many seconds, `live` lets time pass, `expect` is answered
    at once and `back` when everybody has come back since, `cut` drops every line, `end` hangs up and gives account."""

    do: Literal["arrive", "live", "expect", "back", "cut", "end"]
    seconds: float = 0.0


class Spell(msgspec.Struct, kw_only=True):
    """How long answers took, in milliseconds."""

    action: str
    calls: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


class Report(msgspec.Struct, kw_only=True):
    """What happened since the last report."""

    seconds: float
    cpu_share: float
    connected: int
    lost: int
    unanswered: int
    refusals: dict[str, int]
    denials: dict[str, int]
    spells: list[Spell]
    first_answer_s: float | None
    """When the first answer came."""
    longest_silence_s: float
    """The longest time in which nobody at all was answered."""
    back_s: list[float]
    """When half, 99 % and all of the stations had come back and booted."""

    @property
    def all(self) -> Spell:
        return self.spells[-1]


class Account(msgspec.Struct, kw_only=True):
    """Everything that was ever said: how many calls each station made, and which of them have no answer."""

    said: list[int]
    unanswered: list[str]


class Crowd:
    """Everything the stations share."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.stations = [Station(self, index) for index in range(plan.stations)]
        self.began, self.began_cpu = time.perf_counter(), time.process_time()
        self.latencies: dict[str, array[float]] = defaultdict(lambda: array("d"))
        self.lost = self.unanswered = 0
        self.refusals: Counter[str] = Counter()
        self.denials: Counter[str] = Counter()
        self.first_answer: float | None = None
        self.last_answer = self.began
        self.silence_s = 0.0
        self.arrivals: list[float] = []

    async def fulfil(self, wish: Wish) -> Report | Account:
        match wish.do:
            case "arrive":
                for station in self.stations:
                    station.start(wish.seconds)
                await self.everybody()
            case "live":
                await asyncio.sleep(wish.seconds)
            case "expect":
                self.expect()
            case "cut":
                self.expect()
                for station in self.stations:
                    station.cut()
                await self.everybody()
            case "back":
                await self.everybody()
            case "end":
                return await self.end()
        return self.report()

    def expect(self) -> None:
        """From now on count who comes back."""
        self.report()
        for station in self.stations:
            station.here = False

    async def everybody(self) -> None:
        """Until all have come and booted; what is missing after a long time is seen in the report."""
        deadline = time.perf_counter() + 3 * self.plan.patience_s + self.plan.stations / 20
        while not all(station.here for station in self.stations) and time.perf_counter() < deadline:
            await asyncio.sleep(SAMPLE_S)

    def arrived(self) -> None:
        self.arrivals.append(time.perf_counter() - self.began)

    def answered(self, action: str, due_at: float) -> None:
        now = time.perf_counter()
        self.latencies[action].append(now - due_at)
        self.silence_s = max(self.silence_s, now - self.last_answer)
        self.last_answer = now
        if self.first_answer is None:
            self.first_answer = now

    def report(self) -> Report:
        """What happened since the last one; then begin anew."""
        now, cpu = time.perf_counter(), time.process_time()
        everything = array("d", (value for values in self.latencies.values() for value in values))
        spells = [spell(action, values) for action, values in sorted(self.latencies.items())]
        report = Report(
            seconds=now - self.began,
            cpu_share=(cpu - self.began_cpu) / max(now - self.began, 1e-9),
            connected=sum(station.here for station in self.stations),
            lost=self.lost,
            unanswered=self.unanswered,
            refusals=dict(self.refusals),
            denials=dict(self.denials),
            spells=[*spells, spell("all", everything)],
            first_answer_s=None if self.first_answer is None else self.first_answer - self.began,
            longest_silence_s=max(self.silence_s, now - self.last_answer),
            back_s=[quantile(self.arrivals, share) for share in (0.5, 0.99, 1.0)],
        )
        self.began, self.began_cpu = now, cpu
        self.lost = self.unanswered = 0
        self.latencies.clear()
        self.refusals.clear()
        self.denials.clear()
        self.arrivals.clear()
        self.silence_s, self.first_answer, self.last_answer = 0.0, None, now
        return report

    async def end(self) -> Account:
        """Take the answers that are still missing, hang up, and say what was said."""
        await asyncio.gather(*(station.stop() for station in self.stations))
        await asyncio.sleep(0.1)
        return Account(
            said=[station.count for station in self.stations],
            unanswered=[name for station in self.stations for name in station.unanswered],
        )


class Station(Client):
    """One station: one line, one call outstanding, and a life. It comes back whenever it loses the line."""

    def __init__(self, crowd: Crowd, index: int) -> None:
        super().__init__(f"F{index:05d}")
        self.crowd = crowd
        self.life = life(index)
        self.random = Random(index)
        self.count = 0
        self.unanswered: list[str] = []
        self.here = self.stopping = self.open = self.linked = False
        self.turn = asyncio.Lock()
        self.settled = asyncio.Event()
        self.attempt = 0
        self.frame = b""
        self.id = ""
        self.answer: asyncio.Future[Payload] | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.entering: asyncio.Task[None] | None = None

    def start(self, spread_s: float) -> None:
        self.entering = self.go(self.enter(self.random.uniform(0, spread_s)))
        self.tasks = [self.go(self.life.beat(self)), self.go(self.life.work(self))]

    def go(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(fail_loudly)
        return task

    # What its life needs.

    async def rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.crowd.plan.tempo)

    async def say(self, action: str, payload: Payload) -> Payload:
        """In its turn: latency counts from now, turn or not."""
        due_at = time.perf_counter()
        async with self.turn:
            while not self.settled.is_set():  # it may be lost again before we get our turn
                await self.settled.wait()
            return await self.ask(action, payload, due_at)

    async def ask(self, action: str, payload: Payload, due_at: float) -> Payload:
        """Say it, and after a broken line say the same again; a server that stays silent is given up in the end."""
        self.count += 1
        self.id = f"{self.name}-{self.count}"
        self.frame = frame(b'[2,"%b","%b",%b]' % (self.id.encode(), action.encode(), ENCODE(payload)))
        self.answer = asyncio.get_running_loop().create_future()
        if self.open:
            self.transport.write(self.frame)
        try:
            async with asyncio.timeout(self.crowd.plan.patience_s):
                answer = await self.answer
        except TimeoutError:
            self.crowd.unanswered += 1
            self.unanswered.append(self.id)
            return {}
        except asyncio.CancelledError:
            self.unanswered.append(self.id)
            raise
        finally:
            self.answer, self.frame = None, b""
        self.crowd.answered(action, due_at)
        return answer

    # The line.

    async def enter(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self.linked = True
        password = self.crowd.plan.password
        proof = None if password is None else f"Basic {b64encode(f'{self.name}:{password}'.encode()).decode()}"
        try:
            await self.connect(self.crowd.plan.url, f"ocpp{self.life.version}", proof)
        except OSError as error:
            self.gone(type(error).__name__)

    def opened(self) -> None:
        self.open = True
        self.entering = self.go(self.arrive())

    async def arrive(self) -> None:
        """Boot; a call that was on its way when the line broke goes first again, under its old id."""
        pending = self.answer
        if pending is not None:
            self.transport.write(self.frame)
            await asyncio.wait([pending])
        await self.life.arrive(Arrival(self))
        self.attempt = 0
        if not self.here:
            self.here = True
            self.crowd.arrived()
        self.settled.set()

    def hear(self, text: bytes) -> None:
        message = msgspec.json.decode(text)
        if message[0] == 2:
            self.transport.write(frame(ENCODE([4, message[1], "NotImplemented", "", {}])))
        elif self.answer is not None and message[1] == self.id and not self.answer.done():
            if message[0] == 4:
                self.crowd.refusals[message[2]] += 1
            self.answer.set_result(message[2] if message[0] == 3 else {})

    def gone(self, reason: str) -> None:
        """Come back a little later, later and later while nobody lets it in."""
        if not self.linked:
            return
        if self.open:
            self.crowd.lost += 1
        else:
            self.crowd.denials[reason] += 1
        self.linked = self.open = self.here = False
        self.settled.clear()
        if self.entering is not None:
            self.entering.cancel()
        self.cut()
        if not self.stopping:
            self.entering = self.go(self.enter(self.random.uniform(0, self.pause_s())))

    def pause_s(self) -> float:
        """The longest it waits before it tries again."""
        longest = BACK_OFF_S[min(self.attempt, len(BACK_OFF_S) - 1)]
        self.attempt += 1
        return max(longest, self.crowd.plan.spread_s) / self.crowd.plan.tempo

    def cut(self) -> None:
        """The cable is pulled: the server hears nothing of it but a reset."""
        if hasattr(self, "transport"):
            self.transport.abort()

    async def stop(self) -> None:
        """Take the answer that is still missing, then hang up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.crowd.plan.patience_s):
                await self.turn.acquire()
        self.stopping = True
        for task in (*self.tasks, self.entering):
            if task is not None:
                task.cancel()
        if self.open:
            self.hang_up()


class Arrival:
    """The line while the station arrives: nothing else may be said before."""

    def __init__(self, station: Station) -> None:
        self.station = station

    async def say(self, action: str, payload: Payload) -> Payload:
        return await self.station.ask(action, payload, time.perf_counter())

    async def rest(self, seconds: float) -> None:
        await self.station.rest(seconds)


def fail_loudly(task: asyncio.Task[None]) -> None:
    """A fault of the load must not look like one of the server."""
    if not task.cancelled() and (error := task.exception()) is not None:
        asyncio.get_running_loop().call_exception_handler({"message": "a station failed", "exception": error})
        raise SystemExit(2)


def spell(action: str, latencies: Sequence[float]) -> Spell:
    found = [quantile(latencies, share) * 1000 for share in (0.5, 0.99, 0.999, 1.0)]
    return Spell(
        action=action, calls=len(latencies), p50_ms=found[0], p99_ms=found[1], p999_ms=found[2], max_ms=found[3]
    )


async def serve() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    crowd = Crowd(msgspec.json.decode(await lines.readline(), type=Plan))
    while line := await lines.readline():
        print(msgspec.json.encode(await crowd.fulfil(msgspec.json.decode(line, type=Wish))).decode(), flush=True)


def main() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve())


if __name__ == "__main__":
    main()
