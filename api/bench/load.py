"""The load: many stations in one process, writing frames by hand so that the server is what is measured.

Run as `python -m api.bench.load`, with a `Plan` as JSON on stdin. It writes one JSON object a line to stdout:
`{"mark": "begin"}`, `{"mark": "end"}` around the measured window, then the `Outcome`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from collections import deque
from collections.abc import Sequence

import msgspec
import uvloop

from api.bench.client import Client
from api.bench.frame import TEXT, frame
from api.bench.script import SCRIPTS, Script

CONNECTING_AT_ONCE = 100
TICK_S = 0.001


class Plan(msgspec.Struct, kw_only=True):
    """What the load shall do."""

    url: str
    script: str
    stations: int
    protocol: str = "ocpp1.6"
    seconds: float = 1.0
    rate: float | None = None
    """Calls per second of all stations together, at fixed times (open loop). None: one call at a time each, at once."""
    calls: int | None = None
    """Stop after so many calls instead of after `seconds`."""
    first: int = 0
    """Number of the first station."""
    warm: int = 0
    """Stations that connect before the window begins while the others do so within it (to weigh a connection)."""
    patience_s: float = 60.0
    """How long to wait for answers that are still missing at the end, and for everybody to connect and boot."""

    @property
    def longest_s(self) -> float:
        """After this long something is wrong."""
        return 3 * self.patience_s + self.seconds + self.stations / 20


class Outcome(msgspec.Struct, kw_only=True):
    """What happened. `sent` and `answered` count every call, `window` those answered while it was measured."""

    sent: int
    answered: int
    refused: int
    refusal: str
    window: int
    window_s: float
    all_answered_s: float
    cpu_share: float
    p50_ms: float
    p99_ms: float
    lost_connections: int


class Load:
    """Everything the stations share."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.sent = self.answered = self.refused = self.lost = 0
        self.refusal = ""
        self.running = False
        self.latencies = array("d")
        self.stations = [Station(self, plan.first + index) for index in range(plan.stations)]
        self.last_answer = 0.0

    async def run(self) -> Outcome:
        plan = self.plan
        if plan.warm:
            await self.connect(self.stations[: plan.warm])
            await asyncio.sleep(1.0)
        else:
            await self.connect(self.stations)
        mark("begin")
        began, began_cpu = time.perf_counter(), time.process_time()
        if plan.warm:
            await self.connect(self.stations[plan.warm :])
            await asyncio.sleep(2.0)
        elif plan.rate:
            await self.pace(plan.rate, plan.seconds)
        else:
            await self.saturate()
        window_s, cpu_s, window = time.perf_counter() - began, time.process_time() - began_cpu, len(self.latencies)
        mark("end")
        self.running = False
        await self.settle()
        return Outcome(
            sent=self.sent,
            answered=self.answered,
            refused=self.refused,
            refusal=self.refusal,
            window=window,
            window_s=window_s,
            all_answered_s=max(self.last_answer - began, 0.0),
            cpu_share=cpu_s / window_s,
            p50_ms=quantile(self.latencies, 0.50) * 1000,
            p99_ms=quantile(self.latencies, 0.99) * 1000,
            lost_connections=self.lost,
        )

    async def connect(self, stations: list[Station]) -> None:
        """Open the connections, boot, and say what the script wants said before the window."""
        gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def one(station: Station) -> None:
            async with gate:
                await station.open()

        async with asyncio.timeout(self.plan.patience_s + len(stations) / 50):
            await asyncio.gather(*(one(station) for station in stations))

    async def saturate(self) -> None:
        """Closed loop: every station always has one call outstanding."""
        self.running = True
        deadline = time.perf_counter() + self.plan.seconds
        for station in self.stations:
            station.proceed(time.perf_counter())
        while self.running and time.perf_counter() < deadline:
            if self.plan.calls is not None and self.answered >= self.plan.calls:
                return
            if self.plan.script == "start" and not any(station.waits for station in self.stations):
                return
            await asyncio.sleep(0.005)

    async def pace(self, rate: float, seconds: float) -> None:
        """Open loop: calls fall due at fixed times, and their latency counts from then, sent or not."""
        self.running = True
        began = time.perf_counter()
        due, total, count = 0, int(rate * seconds), len(self.stations)
        while due < total:
            now = time.perf_counter()
            while due < total and (at := began + due / rate) <= now:
                self.stations[due % count].fall_due(at)
                due += 1
            await asyncio.sleep(TICK_S)
        await self.wait()

    async def settle(self) -> None:
        """Take the answers that are still missing, then hang up."""
        await self.wait()
        for station in self.stations:
            station.close()
        await asyncio.sleep(0.05)

    async def wait(self) -> None:
        """Until nobody waits for an answer any more; no longer than patience lasts."""
        deadline = time.perf_counter() + self.plan.patience_s
        while any(station.waits for station in self.stations) and time.perf_counter() < deadline:
            await asyncio.sleep(0.005)


class Station(Client):
    """One station: one connection, one call outstanding."""

    def __init__(self, load: Load, index: int) -> None:
        super().__init__(f"B{index:05d}")
        self.load = load
        self.script: Script = SCRIPTS[load.plan.script](index)
        self.boots = self.script.boot()
        self.count = 0
        self.id = b""
        self.expected = b""
        self.waits = False
        self.asked_at = 0.0
        self.due: deque[float] = deque()
        self.closing = False
        self.ready: asyncio.Future[None]

    async def open(self) -> None:
        self.ready = asyncio.get_running_loop().create_future()
        await self.connect(self.load.plan.url, self.load.plan.protocol)
        await self.ready

    def data_received(self, data: bytes) -> None:
        if not self.buffer and self.waits and data[0] == TEXT and len(data) == data[1] + 2:
            self.hear(data[2:])
        else:
            super().data_received(data)

    def opened(self) -> None:
        self.say(self.boots.pop(0)(), time.perf_counter())

    def say(self, call: bytes, due_at: float) -> None:
        self.count += 1
        self.id = b'"%b-%06d"' % (self.name.encode(), self.count)
        self.expected = b"[3," + self.id
        self.waits = True
        self.asked_at = due_at
        self.load.sent += 1
        self.transport.write(frame(b"[2,%b,%b]" % (self.id, call)))

    def hear(self, text: bytes) -> None:
        if not text.startswith(self.expected):
            self.hear_otherwise(text)
            return
        now = time.perf_counter()
        load = self.load
        load.answered += 1
        load.last_answer = now
        self.waits = False
        if b"transactionId" in text:
            self.script.number = msgspec.json.decode(text)[2]["transactionId"]
        if not self.ready.done():
            self.prepare(now)
            return
        if load.running:
            load.latencies.append(now - self.asked_at)
            self.proceed(now)

    def hear_otherwise(self, text: bytes) -> None:
        """A refusal, or a call of the server's own, which this load does not serve."""
        message = msgspec.json.decode(text)
        if message[0] == 2:
            self.transport.write(frame(msgspec.json.encode([4, message[1], "NotImplemented", "", {}])))
        elif message[0] == 4:
            self.load.refused += 1
            self.fail(text.decode())

    def prepare(self, now: float) -> None:
        if self.boots:
            self.say(self.boots.pop(0)(), now)
        else:
            self.ready.set_result(None)

    def proceed(self, now: float) -> None:
        """Say the next thing: what fell due longest ago, or in a closed loop whatever comes next."""
        if self.load.plan.rate is not None:
            if not self.due:
                return
            now = self.due.popleft()
        call = self.script.next()
        if call is not None:
            self.say(call, now)

    def fall_due(self, at: float) -> None:
        self.due.append(at)
        if not self.waits:
            self.proceed(at)

    def gone(self, reason: str) -> None:
        if not self.closing:
            self.fail(reason)

    def fail(self, reason: str) -> None:
        self.load.lost += 1
        self.load.running = False
        self.closing, self.waits = True, False
        self.load.refusal = self.load.refusal or reason
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"{self.name}: {reason}"))
        self.transport.close()

    def close(self) -> None:
        self.closing = True
        self.hang_up()


def mark(name: str) -> None:
    print(f'{{"mark":"{name}"}}', flush=True)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies; 0 if there is none."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    outcome = uvloop.run(Load(plan).run())
    print(msgspec.json.encode(outcome).decode(), flush=True)


if __name__ == "__main__":
    main()
