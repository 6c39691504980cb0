"""A simulated station: it boots, waits for cars, charges them, obeys, goes offline now and then, and comes back."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from websockets.exceptions import WebSocketException

from adapters.simulator import v16, v201
from adapters.simulator.battery import Battery
from adapters.simulator.link import Link, LinkDown, Payload, Refused
from adapters.simulator.pause import rest
from adapters.simulator.vocabulary import Charge, Reading, Said, Words

MODELS = (
    ("AC 7", 7_400.0, 1),
    ("AC 11", 11_000.0, 3),
    ("AC 22", 22_000.0, 3),
    ("DC 50", 50_000.0, 0),
    ("DC 150", 150_000.0, 0),
)
VOLTAGE_V = 230.0


class Station:
    """One EVSE with one connector. The register is a lifetime odometer and grows by power times time, nothing else.

    `speed` makes the batteries smaller, so that a charge ends in minutes; no figure is ever untrue.
    """

    def __init__(
        self,
        url: str,
        identity: str,
        version: str,
        seed: int = 1,
        speed: float = 60.0,
        password: str | None = None,
        meter_s: float = 5.0,
        pause_s: float = 10.0,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.words, self.obey = versions()[version]
        self.identity, self.version, self.speed = identity, version, speed
        self.meter_s, self.pause_s, self.tell = meter_s, pause_s, tell
        self.random = random.Random(f"{seed}/{identity}")
        self.model, self.rated_w, self.phases = self.random.choice(MODELS)
        self.register_wh = float(self.random.randrange(1_000_000, 90_000_000))
        self.link = Link(url, identity, self.words.protocol, password, self.hear)
        self.settings = {
            "HeartbeatInterval": "300",
            "MeterValueSampleInterval": str(meter_s),
            "WebSocketPingInterval": "0",
        }
        self.operative = True
        self.charge: Charge | None = None
        self.battery: Battery | None = None
        self.reason: str | None = None
        self.wanted: tuple[str, int | None] | None = None
        self.nudge = asyncio.Event()
        self.reboot: str | None = None
        self.unsent: deque[tuple[Said, Charge]] = deque()
        self.accepted = False
        self.heartbeat_s = 300.0
        self.charges, self.energy_wh = 0, 0.0

    async def live(self, stop: asyncio.Event) -> None:
        """Connect, work, and connect again for as long as nobody stops it."""
        wait_s = 0.5
        while not stop.is_set():
            try:
                await self.connect()
                wait_s = 0.5
                await self.work(stop)
            except (LinkDown, Refused, OSError, WebSocketException, TimeoutError) as error:
                self.tell(f"{self.identity} lost its connection ({error or type(error).__name__})")
            await self.link.close()
            if self.reboot is not None:
                self.tell(f"{self.identity} restarts")
            if not stop.is_set():
                await rest(stop, wait_s * self.random.uniform(0.5, 1.5))
                wait_s = min(wait_s * 2, 30.0)

    async def connect(self) -> None:
        """Open the WebSocket and boot until accepted; what could not be sent before is sent now, in order."""
        await self.link.open()
        self.reboot = None
        while not await self.boot():
            await asyncio.sleep(min(self.heartbeat_s, 30.0))
        await self.send_status()
        await self.replay()

    async def boot(self) -> bool:
        answer = await self.say(self.words.boot("Bornier", self.model, f"SN-{self.identity}"))
        self.heartbeat_s = float(answer.get("interval") or 300)
        self.accepted = answer["status"] == "Accepted"
        return self.accepted

    async def work(self, stop: asyncio.Event) -> None:
        heartbeats = asyncio.create_task(self.beat())
        try:
            while not stop.is_set() and self.link.up and self.reboot is None:
                if self.charge is None:
                    await self.wait_for_car(stop)
                else:
                    await self.go_on(stop)
        finally:
            heartbeats.cancel()
            await asyncio.gather(heartbeats, return_exceptions=True)
        if stop.is_set() and self.charge is not None and self.link.up:
            await self.end("PowerLoss")

    async def beat(self) -> None:
        while True:
            await asyncio.sleep(self.heartbeat_s)
            await self.say(self.words.heartbeat())

    async def wait_for_car(self, stop: asyncio.Event) -> None:
        """A driver comes, or the CSMS starts one."""
        self.nudge.clear()
        await rest(stop, self.random.uniform(0.2, 2.0) * self.pause_s, self.nudge)
        if stop.is_set() or not self.operative or self.reboot:
            return
        badge, remote_start_id = self.wanted or (f"{self.random.randrange(16**6):06X}", None)
        remote, self.wanted = self.wanted is not None, None
        await self.start(badge, remote_start_id, authorize=not remote)

    async def go_on(self, stop: asyncio.Event) -> None:
        """Charge for one meter interval; now and then the network fails meanwhile."""
        self.nudge.clear()
        began = asyncio.get_running_loop().time()
        offered_w = self.take_power()
        await rest(stop, self.meter_s, self.nudge)
        self.take_energy(offered_w, asyncio.get_running_loop().time() - began)
        if self.reason is not None:
            await self.end(self.reason)
        elif self.battery is not None and self.battery.soc_percent >= self.leave_at:
            await self.end("EVDisconnected")
        elif self.random.random() < 0.005:
            await self.lose_network(stop)
        else:
            await self.meter()

    async def lose_network(self, stop: asyncio.Event) -> None:
        """Offline for a while; the charge goes on and is told later, with its own times."""
        self.tell(f"{self.identity} is offline")
        await self.link.close()
        assert self.charge is not None
        self.charge.offline = True
        for _ in range(self.random.randint(1, 3)):
            began = asyncio.get_running_loop().time()
            offered_w = self.take_power()
            await rest(stop, self.meter_s)
            self.take_energy(offered_w, asyncio.get_running_loop().time() - began)
            self.queue(self.words.metered(self.charge, self.read()))
        self.charge.offline = False
        raise LinkDown("offline for a while")

    async def start(self, badge: str, remote_start_id: int | None = None, authorize: bool = True) -> bool:
        """A car is plugged in and a badge shown; False if the CSMS does not want it."""
        if authorize and not self.words.welcome(await self.say(self.words.authorize(badge))):
            self.tell(f"{self.identity} badge {badge} is not welcome")
            return False
        soc = self.random.uniform(10, 60)
        self.leave_at = self.random.uniform(80, 100)
        self.battery = Battery(self.random.uniform(40_000, 90_000) / self.speed, soc, self.rated_w)
        self.reason = None
        self.charge = Charge(badge, now(), str(uuid4()), remote_start_id)
        await self.send_status("occupied")
        self.queue(self.words.started(self.charge, self.read()))
        await self.replay()
        await self.send_status("charging")
        self.charges += 1
        self.tell(f"{self.identity} ({self.version}) starts charging {badge} at {self.rated_w / 1000:g} kW")
        return True

    async def meter(self) -> None:
        assert self.charge is not None
        self.queue(self.words.metered(self.charge, self.read()))
        await self.replay()

    async def end(self, reason: str) -> None:
        """The charge is over."""
        assert self.charge is not None
        self.queue(self.words.ended(self.charge, self.read(), reason))
        charge, self.charge, self.reason = self.charge, None, None
        await self.replay()
        self.tell(f"{self.identity} stops charging {charge.badge} ({reason})")
        self.battery = None
        if self.reboot is None:
            await self.send_status("available")

    def take_power(self) -> float:
        return self.battery.power_w(self.rated_w) if self.battery else 0.0

    def take_energy(self, power_w: float, seconds: float) -> None:
        energy_wh = power_w * seconds / 3600
        self.register_wh += energy_wh
        self.energy_wh += energy_wh
        if self.battery is not None:
            self.battery.charge(energy_wh)

    def read(self) -> Reading:
        power_w = self.take_power()
        current_a = power_w / (VOLTAGE_V * self.phases) if self.phases else power_w / 400
        soc = self.battery.soc_percent if self.battery else None
        return Reading(now(), self.register_wh, power_w, current_a, VOLTAGE_V if self.phases else 400.0, soc)

    async def say(self, said: Said) -> Payload:
        return await self.link.call(said.action, said.payload)

    async def send_status(self, state: str | None = None) -> None:
        default = "charging" if self.charge else "available" if self.operative else "unavailable"
        await self.say(self.words.status(state or default, now()))

    def queue(self, messages: list[Said]) -> None:
        assert self.charge is not None
        self.unsent.extend((said, self.charge) for said in messages)

    async def replay(self) -> None:
        """Send what belongs to transactions, oldest first; what fails to go out stays in line."""
        while self.unsent:
            said, charge = self.unsent[0]
            answer = await self.say(numbered(said, charge))
            self.unsent.popleft()
            if said.action == "StartTransaction":
                charge.known_id = answer["transactionId"]
            if said.action in ("StartTransaction", "TransactionEvent") and not self.words.welcome(answer):
                self.stop("DeAuthorized")

    def hear(self, action: str, payload: Payload) -> Payload:
        return self.obey(self, action, payload)

    def wish(self, badge: str, remote_start_id: int | None) -> bool:
        """The CSMS wants a charge to begin."""
        if self.charge is not None or self.wanted is not None or not self.operative:
            return False
        self.wanted = (badge, remote_start_id)
        self.nudge.set()
        return True

    def stop(self, reason: str) -> bool:
        """Somebody wants the charge to end."""
        if self.charge is None:
            return False
        self.reason = reason
        self.nudge.set()
        return True

    def restart(self, reason: str) -> None:
        """End what runs, hang up, boot again."""
        self.reboot = reason
        self.stop(reason)
        self.nudge.set()

    def serve(self, operative: bool) -> str:
        """In or out of service; a running charge may end first."""
        self.operative = operative
        if self.charge is not None:
            return "Scheduled"
        self.link.after = self.send_status
        return "Accepted"

    def trigger(self, message: str) -> str:
        """Send a message now."""
        sends: dict[str, Callable[[], Any]] = {
            "BootNotification": self.boot,
            "Heartbeat": lambda: self.say(self.words.heartbeat()),
            "StatusNotification": self.send_status,
        }
        if self.charge is not None:
            sends |= {"MeterValues": self.meter, "TransactionEvent": self.meter}
        if message not in sends:
            return "NotImplemented" if message not in ("MeterValues", "TransactionEvent") else "Rejected"
        self.link.after = sends[message]
        return "Accepted"


def numbered(said: Said, charge: Charge) -> Said:
    """OCPP 1.6: the CSMS made the number, possibly after we wrote the message."""
    if said.payload.get("transactionId") != charge.local_id:
        return said
    return Said(said.action, said.payload | {"transactionId": charge.known_id if charge.known_id is not None else -1})


def now() -> datetime:
    return datetime.now(UTC)


def versions() -> dict[str, tuple[Words, Callable[[Station, str, Payload], Payload]]]:
    """Words and obedience of each OCPP version."""
    return {
        "1.6": (v16.Words16(), v16.obey),
        "2.0.1": (v201.Words201(), v201.obey),
        "2.1": (v201.Words21(), v201.obey),
    }
