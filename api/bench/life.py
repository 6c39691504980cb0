"""The life of a station of the fleet: what it says and when, in its version of OCPP, at the pace of real stations."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar, Protocol

from api.bench.script import stamp

HEARTBEAT_S = 300
METER_S = 60
CHARGING = 0.3
"""Share of the stations that charge at any time."""
SESSION_S = (10 * 60, 50 * 60)
IDLE_S = tuple(length * (1 - CHARGING) / CHARGING for length in SESSION_S)
POWER_W = 7_360
MEASURANDS = (
    ("Power.Active.Import", None, POWER_W), ("Current.Import", "L1", 10.7), ("Current.Import", "L2", 10.6),
    ("Current.Import", "L3", 10.7), ("Voltage", "L1", 229.8), ("Voltage", "L2", 230.4), ("Voltage", "L3", 230.1),
    ("SoC", None, 57.0),
)  # fmt: skip

Payload = dict[str, Any]


class Line(Protocol):
    """How a life reaches the server, and how its time passes."""

    async def say(self, action: str, payload: Payload) -> Payload:
        """Call and wait for the answer, however often the connection breaks meanwhile."""

    async def rest(self, seconds: float) -> None:
        """Let time pass."""


class Life:
    """One station with one EVSE. Everything random comes from its number, so that two runs are alike."""

    version: ClassVar[str]

    def __init__(self, index: int) -> None:
        self.random = Random(index)
        self.index = index
        self.badge = f"F{index % 1000:05d}"
        self.register_wh = 1_000_000 + index
        self.charges = self.random.random() < CHARGING
        self.sessions = 0

    async def beat(self, line: Line) -> None:
        """Heartbeats, for ever."""
        await line.rest(self.random.uniform(0, HEARTBEAT_S))
        while True:
            await line.say("Heartbeat", {})
            await line.rest(HEARTBEAT_S)

    async def work(self, line: Line) -> None:
        """Sessions and pauses, for ever; it enters somewhere in the middle of one or the other."""
        if self.charges:
            await line.rest(self.random.uniform(0, METER_S))
            await self.session(line, self.random.random() * self.random.uniform(*SESSION_S))
        else:
            await line.rest(self.random.random() * self.random.uniform(*IDLE_S))
        while True:
            await self.session(line, self.random.uniform(*SESSION_S))
            await line.rest(self.random.uniform(*IDLE_S))

    async def session(self, line: Line, length_s: float) -> None:
        """A vehicle plugs in, charges for so long, and leaves."""
        self.sessions += 1
        await self.begin(line)
        for _ in range(max(int(length_s / METER_S), 1)):
            await line.rest(METER_S)
            self.register_wh += POWER_W * METER_S // 3600
            await self.meter(line)
        await self.end(line)

    async def arrive(self, line: Line) -> None:
        """What is said first on a new connection."""
        raise NotImplementedError

    async def begin(self, line: Line) -> None:
        raise NotImplementedError

    async def meter(self, line: Line) -> None:
        raise NotImplementedError

    async def end(self, line: Line) -> None:
        raise NotImplementedError

    def samples(self, context: str = "Sample.Periodic") -> list[Payload]:
        raise NotImplementedError

    def reading(self, context: str = "Sample.Periodic") -> list[Payload]:
        return [{"timestamp": stamp().decode(), "sampledValue": self.samples(context)}]


class Life16(Life):
    """OCPP 1.6."""

    version = "1.6"
    number = 0
    status = "Available"

    async def arrive(self, line: Line) -> None:
        await line.say("BootNotification", {"chargePointVendor": "Bornier", "chargePointModel": "Fleet"})
        await self.report(line, self.status)

    async def begin(self, line: Line) -> None:
        await self.report(line, "Preparing")
        await line.say("Authorize", {"idTag": self.badge})
        start = {"connectorId": 1, "idTag": self.badge, "meterStart": self.register_wh, "timestamp": stamp().decode()}
        self.number = (await line.say("StartTransaction", start)).get("transactionId", 0)
        await self.report(line, "Charging")

    async def meter(self, line: Line) -> None:
        await line.say("MeterValues", {"connectorId": 1, "transactionId": self.number, "meterValue": self.reading()})

    async def end(self, line: Line) -> None:
        await self.report(line, "Finishing")
        stop = {"transactionId": self.number, "meterStop": self.register_wh, "timestamp": stamp().decode()}
        await line.say("StopTransaction", stop | {"idTag": self.badge, "reason": "EVDisconnected"})
        await self.report(line, "Available")

    async def report(self, line: Line, status: str) -> None:
        self.status = status
        told = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": stamp().decode()}
        await line.say("StatusNotification", told)

    def samples(self, context: str = "Sample.Periodic") -> list[Payload]:
        register = {"value": str(self.register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        return [register | {"context": context}] + [
            {"value": str(value), "measurand": measurand} | ({"phase": phase} if phase else {})
            for measurand, phase, value in MEASURANDS
        ]


class Life201(Life):
    """OCPP 2.0.1."""

    version = "2.0.1"
    status = "Available"
    seq_no = 0

    async def arrive(self, line: Line) -> None:
        station = {"vendorName": "Bornier", "model": "Fleet"}
        await line.say("BootNotification", {"reason": "PowerUp", "chargingStation": station})
        await self.report(line, self.status)

    async def begin(self, line: Line) -> None:
        await self.report(line, "Occupied")
        await line.say("Authorize", {"idToken": {"idToken": self.badge, "type": "ISO14443"}})
        self.seq_no = 0
        token = {"idToken": {"idToken": self.badge, "type": "ISO14443"}}
        await self.tell(line, "Started", "Authorized", "EVConnected", "Transaction.Begin", **token)
        await self.tell(line, "Updated", "ChargingStateChanged", "Charging")

    async def meter(self, line: Line) -> None:
        await self.tell(line, "Updated", "MeterValuePeriodic", "Charging", "Sample.Periodic")

    async def end(self, line: Line) -> None:
        await self.tell(line, "Ended", "EVDeparted", "Idle", "Transaction.End")
        await self.report(line, "Available")

    async def report(self, line: Line, status: str) -> None:
        self.status = status
        told = {"timestamp": stamp().decode(), "connectorStatus": status, "evseId": 1, "connectorId": 1}
        await line.say("StatusNotification", told)

    async def tell(
        self, line: Line, kind: str, trigger: str, state: str, context: str | None = None, **more: Any
    ) -> None:
        told: Payload = {
            "eventType": kind,
            "timestamp": stamp().decode(),
            "triggerReason": trigger,
            "seqNo": self.seq_no,
            "transactionInfo": {"transactionId": f"F{self.index:05d}-{self.sessions}", "chargingState": state},
            "evse": {"id": 1, "connectorId": 1},
        }
        self.seq_no += 1
        if kind == "Ended":
            told["transactionInfo"]["stoppedReason"] = "EVDisconnected"
        if context is not None:
            told["meterValue"] = self.reading(context)
        await line.say("TransactionEvent", told | more)

    def samples(self, context: str = "Sample.Periodic") -> list[Payload]:
        return [{"value": self.register_wh, "context": context}] + [
            {"value": value, "measurand": measurand} | ({"phase": phase} if phase else {})
            for measurand, phase, value in MEASURANDS
        ]


class Life21(Life201):
    """OCPP 2.1."""

    version = "2.1"


FLEET: Sequence[type[Life]] = (Life16,) * 6 + (Life201,) * 3 + (Life21,)
"""Of ten stations six speak 1.6, three 2.0.1, one 2.1."""


def life(index: int) -> Life:
    return FLEET[index % len(FLEET)](index)
