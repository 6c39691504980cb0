"""A simulated station: it boots, waits for cars, charges them, obeys, goes offline now and then, and comes back."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any
from uuid import uuid4

from websockets.exceptions import WebSocketException

from adapters.simulator.badge import Badges
from adapters.simulator.battery import Battery
from adapters.simulator.certificate import Certificates
from adapters.simulator.device import Device
from adapters.simulator.firmware import Firmware
from adapters.simulator.link import Link, LinkDown, Payload, Refused, settle
from adapters.simulator.log import Diary
from adapters.simulator.monitor import Monitors
from adapters.simulator.obey import TABLES
from adapters.simulator.pause import rest
from adapters.simulator.profile import Profiles
from adapters.simulator.reservation import Reservations
from adapters.simulator.stream import Streams
from adapters.simulator.v16 import Words16
from adapters.simulator.v201 import Words21, Words201
from adapters.simulator.vocabulary import Charge, Known, Reading, Said, Wish, Words, now, stamp

WORDS: dict[str, Words] = {"1.6": Words16(), "2.0.1": Words201(), "2.1": Words21()}
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
        self.words, self.obedience = WORDS[version], TABLES[version]
        self.identity, self.version, self.speed = identity, version, speed
        self.meter_s, self.pause_s, self.tell = meter_s, pause_s, tell
        self.pace_s = min(1.0, meter_s)
        self.random = random.Random(f"{seed}/{identity}")
        self.model, self.rated_w, self.phases = self.random.choice(MODELS)
        self.register_wh = float(self.random.randrange(1_000_000, 90_000_000))
        self.link = Link(url, identity, self.words.protocol, password, self.hear)
        self.operative = True
        self.charge: Charge | None = None
        self.battery: Battery | None = None
        self.reason: str | None = None
        self.wanted: Wish | None = None
        self.nudge = asyncio.Event()
        self.link.dropped = self.nudge.set
        self.reboot: str | None = None
        self.boot_reason = "PowerUp"
        self.reset_when_idle = False
        self.unsent: deque[tuple[Said, Charge]] = deque()
        self.sending = asyncio.Lock()
        self.tasks: set[asyncio.Task[None]] = set()
        self.accepted = False
        self.shown = ""
        self.heartbeat_s = 300.0
        self.charges, self.energy_wh = 0, 0.0
        self.equip()

    def equip(self) -> None:
        """What it can be asked about, each in a file of its own."""
        self.device = Device(self)
        self.monitors = Monitors(self)
        self.streams = Streams(self)
        self.profiles = Profiles(self)
        self.reservations = Reservations(self)
        self.badges = Badges(self)
        self.firmware = Firmware(self)
        self.diary = Diary(self)
        self.certificates = Certificates(self)
        self.screen: dict[int, Payload] = {}
        self.networks: dict[int, Payload] = {}
        self.tariffs: dict[int, Payload] = {}
        self.controls: dict[str, Payload] = {}

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
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def connect(self) -> None:
        """Open the WebSocket and boot until accepted; what could not be sent before is sent now, in order."""
        await self.link.open()
        self.boot_reason, self.reboot = self.reboot or self.boot_reason, None
        while not await self.boot():
            await asyncio.sleep(min(self.heartbeat_s, 30.0))
        await self.send_status()
        await self.replay()

    async def boot(self) -> bool:
        serial = f"SN-{self.identity}"
        answer = await self.say(self.words.boot("Bornier", self.model, serial, self.firmware.version, self.boot_reason))
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
        if self.wanted is None:
            await rest(stop, self.random.uniform(0.2, 2.0) * self.pause_s, self.nudge)
        called = self.nudge.is_set() and self.wanted is None
        if stop.is_set() or called or not self.operative or self.reboot or not self.link.up:
            return
        remote, self.wanted = self.wanted, None
        held = self.reservations.held
        if remote is not None:
            await self.start(remote.badge, remote.remote_start_id, False, remote.profile, remote.group)
        elif held is not None and self.random.random() < 0.8:
            await self.start(held.badge)
        else:
            await self.start(f"{self.random.randrange(16**6):06X}")

    async def go_on(self, stop: asyncio.Event) -> None:
        """Charge for one meter interval; now and then the network fails meanwhile."""
        self.nudge.clear()
        began = asyncio.get_running_loop().time()
        offered_w = self.take_power()
        if self.reason is None:
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

    async def start(
        self,
        badge: str,
        remote_start_id: int | None = None,
        authorize: bool = True,
        profile: Payload | None = None,
        group: str | None = None,
    ) -> bool:
        """A car is plugged in and a badge shown; False if the CSMS does not want it, or it is another's turn."""
        known = await self.badges.ask(badge) if authorize else Known("Accepted", group)
        if known.status != "Accepted" or not self.reservations.admits(badge, known.group):
            self.tell(f"{self.identity} badge {badge} is not welcome")
            return False
        soc = self.random.uniform(10, 60)
        self.leave_at = self.random.uniform(80, 100)
        self.battery = Battery(self.random.uniform(40_000, 90_000) / self.speed, soc, self.rated_w)
        self.reason = None
        self.charge = Charge(badge, now(), str(uuid4()), remote_start_id, offline=not self.link.up)
        self.charge.reservation_id = self.reservations.use()
        if profile is not None:
            called = {} if self.version == "1.6" else {"transactionId": self.charge.local_id}
            self.profiles.install(1, profile | called)
        self.queue(self.words.started(self.charge, self.read()))
        self.charges += 1
        self.tell(f"{self.identity} ({self.version}) starts charging {badge} at {self.rated_w / 1000:g} kW")
        if self.link.up:
            await self.send_status("occupied")
            await self.replay()
            await self.send_status()
        return True

    async def meter(self, trigger: str | None = None) -> None:
        """Tell what the meter shows, what changed with it, and what somebody wanted watched."""
        if self.charge is None:
            return
        self.queue(self.words.metered(self.charge, self.read(), trigger is not None))
        await self.replay()
        if self.words.state(self.state) != self.shown:
            await self.send_status()
        await self.watch()

    async def show_meter(self) -> None:
        await self.say(self.words.meter(self.charge, self.read()))

    async def watch(self) -> None:
        self.device.show("EVSE", "Power", f"{self.read().power_w:.1f}")
        self.monitors.check()

    async def end(self, reason: str) -> None:
        """The charge is over."""
        assert self.charge is not None
        self.queue(self.words.ended(self.charge, self.read(), reason))
        charge, self.charge, self.reason = self.charge, None, None
        self.profiles.forget_charge()
        self.screen = {number: m for number, m in self.screen.items() if m.get("transactionId") != charge.local_id}
        await self.replay()
        self.tell(f"{self.identity} stops charging {charge.badge} ({reason})")
        self.battery = None
        if self.reset_when_idle:
            self.reset_when_idle = False
            self.restart("SoftReset")
        if self.reboot is None:
            await self.send_status()
            await self.watch()

    def take_power(self) -> float:
        return self.battery.power_w(self.profiles.offered_w(now())) if self.battery else 0.0

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
        volts = VOLTAGE_V if self.phases else 400.0
        return Reading(now(), self.register_wh, power_w, current_a, volts, soc, self.profiles.offered_w(now()) == 0)

    @property
    def state(self) -> str:
        """How the connector is."""
        if self.charge is not None:
            reading = self.read()
            return "charging" if reading.power_w > 0 else "limited" if reading.limited else "full"
        if not self.operative:
            return "unavailable"
        return "reserved" if self.reservations.held is not None else "available"

    async def say(self, said: Said) -> Payload:
        self.diary.note("sent", said.action)
        return await self.link.call(said.action, said.payload)

    async def send_status(self, state: str | None = None) -> None:
        said = self.words.status(state or self.state, now())
        self.shown = self.words.state(state or self.state)
        await self.say(said)

    def then(self, work: Callable[[], Awaitable[Any]]) -> None:
        """Do something once the question at hand is answered; at once if there is none."""
        if self.link.hearing:
            self.link.after.append(work)
        else:
            self.go(work)

    def send(self, messages: Iterable[Said]) -> None:
        """Say these, one after the other, once the question at hand is answered."""

        async def talk(whole: list[Said]) -> None:
            for said in whole:
                await self.say(said)

        self.then(partial(talk, list(messages)))

    def go(self, work: Callable[[], Awaitable[Any]]) -> asyncio.Task[None]:
        """Work that lasts; it ends with the station."""
        task = asyncio.get_running_loop().create_task(settle(work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def alarm(self, kind: str) -> None:
        """Something touching security happened."""
        self.diary.note("security", kind)
        self.send([Said("SecurityEventNotification", {"type": kind, "timestamp": stamp(now())})])

    def queue(self, messages: list[Said]) -> None:
        assert self.charge is not None
        self.unsent.extend((said, self.charge) for said in messages)

    async def replay(self) -> None:
        """Send what belongs to transactions, oldest first; what fails to go out stays in line."""
        async with self.sending:
            while self.unsent:
                said, charge = self.unsent[0]
                answer = await self.say(numbered(said, charge))
                self.unsent.popleft()
                if said.action == "StartTransaction":
                    charge.known_id = answer["transactionId"]
                if said.action in ("StartTransaction", "TransactionEvent"):
                    self.badges.judge(charge, self.words.verdict(answer))

    def hear(self, action: str, payload: Payload) -> Payload:
        """Do what the CSMS asks. Raises Refused for what this station cannot do."""
        obey = self.obedience.get(action)
        if obey is None:
            raise Refused("NotImplemented")
        self.diary.note("heard", action)
        answer = obey(self, payload)
        self.tell(f"{self.identity} is asked {action}: {answer.get('status', 'done')}")
        return answer

    def wish(
        self, badge: str, remote_start_id: int | None, profile: Payload | None = None, group: str | None = None
    ) -> bool:
        """The CSMS wants a charge to begin; a profile that comes along has to be one for a charge."""
        busy = self.charge is not None or self.wanted is not None or not self.operative
        foreign = profile is not None and profile["chargingProfilePurpose"] != "TxProfile"
        if busy or foreign or not self.reservations.admits(badge, group):
            return False
        self.wanted = Wish(badge, remote_start_id, profile, group)
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
        self.then(self.send_status)
        return "Accepted"


def numbered(said: Said, charge: Charge) -> Said:
    """OCPP 1.6: the CSMS made the number, possibly after we wrote the message."""
    if said.payload.get("transactionId") != charge.local_id:
        return said
    return Said(said.action, said.payload | {"transactionId": charge.known_id if charge.known_id is not None else -1})
