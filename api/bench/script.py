"""What a station of the load says: real OCPP calls, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

BOOT16 = b'"BootNotification",{"chargePointVendor":"Bornier","chargePointModel":"Bench"}'
BOOT201 = b'"BootNotification",{"reason":"PowerUp","chargingStation":{"vendorName":"Bornier","model":"Bench"}}'
HEARTBEAT = b'"Heartbeat",{}'
METER_START_WH = 12_345_678
METER = (
    b'"MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%b","sampledValue":['
    b'{"value":"%d","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"},'
    b'{"value":"7360.00","measurand":"Power.Active.Import","unit":"W"},'
    b'{"value":"10.7","measurand":"Current.Import","phase":"L1","unit":"A"},'
    b'{"value":"10.6","measurand":"Current.Import","phase":"L2","unit":"A"},'
    b'{"value":"10.7","measurand":"Current.Import","phase":"L3","unit":"A"},'
    b'{"value":"229.8","measurand":"Voltage","phase":"L1","unit":"V"},'
    b'{"value":"230.4","measurand":"Voltage","phase":"L2","unit":"V"},'
    b'{"value":"230.1","measurand":"Voltage","phase":"L3","unit":"V"},'
    b'{"value":"57.0","measurand":"SoC","unit":"Percent"}]}]}'
)
"""Nine samples; with a transaction id of six digits the whole call has 771 bytes."""
METERS = ("meter",) * 6
CYCLE = ("Preparing", "start", "Charging", *METERS, "beat", *METERS, "beat", "Finishing", "stop", "Available")
"""20 calls of the mixed profile: 12 MeterValues, 4 StatusNotification, 2 Heartbeat, 1 Start, 1 Stop."""


class Clock:
    """Now, as stations write it; written once a millisecond."""

    def __init__(self) -> None:
        self.at_ms = 0
        self.text = b""

    def __call__(self) -> bytes:
        at_ms = int(time.time() * 1000)
        if at_ms != self.at_ms:
            self.at_ms = at_ms
            moment = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
            self.text = moment.replace("+00:00", "Z").encode()
        return self.text


stamp = Clock()


class Script:
    """The calls of one station. `number` is the transaction id the server gave."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.number = 0
        self.register_wh = METER_START_WH

    def boot(self) -> list[Callable[[], bytes]]:
        """What is said before the measurement begins."""
        return [lambda: BOOT16]

    def next(self) -> bytes | None:
        """The next call: action and payload as JSON, or None when there is nothing left to say."""
        raise NotImplementedError

    def start(self) -> bytes:
        self.register_wh += 1
        text = b'"StartTransaction",{"connectorId":1,"idTag":"B%05d","meterStart":%d,"timestamp":"%b"}'
        return text % (self.index, self.register_wh, stamp())

    def stop(self) -> bytes:
        text = b'"StopTransaction",{"transactionId":%d,"meterStop":%d,"timestamp":"%b","reason":"Local"}'
        return text % (self.number, self.register_wh, stamp())

    def meter(self) -> bytes:
        self.register_wh += 1
        return METER % (self.number, stamp(), self.register_wh)

    def status(self, status: str) -> bytes:
        text = b'"StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"%b","timestamp":"%b"}'
        return text % (status.encode(), stamp())


class Idle(Script):
    """Boots and falls silent."""

    def next(self) -> None:
        return None


class Meter(Script):
    """Reads the meter of one open transaction for ever: nine samples a message."""

    def boot(self) -> list[Callable[[], bytes]]:
        return [*super().boot(), self.start]

    def next(self) -> bytes:
        return self.meter()


class Mixed(Script):
    """Lives the cycle of a charging station; every station begins at another place of it."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.at = index % len(CYCLE)

    def boot(self) -> list[Callable[[], bytes]]:
        charging = CYCLE.index("start") < self.at <= CYCLE.index("stop")
        return [*super().boot(), *([self.start] if charging else [])]

    def next(self) -> bytes:
        step = CYCLE[self.at]
        self.at = (self.at + 1) % len(CYCLE)
        match step:
            case "start":
                return self.start()
            case "stop":
                return self.stop()
            case "meter":
                return self.meter()
            case "beat":
                return HEARTBEAT
            case status:
                return self.status(status)


class Start(Script):
    """OCPP 2.0.1: everybody plugs in at once and starts to charge."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.left = [self.charging, self.started, self.occupied]

    def boot(self) -> list[Callable[[], bytes]]:
        return [lambda: BOOT201]

    def next(self) -> bytes | None:
        return self.left.pop()() if self.left else None

    def occupied(self) -> bytes:
        text = b'"StatusNotification",{"timestamp":"%b","connectorStatus":"Occupied","evseId":1,"connectorId":1}'
        return text % stamp()

    def started(self) -> bytes:
        text = (
            b'"TransactionEvent",{"eventType":"Started","timestamp":"%b","triggerReason":"Authorized","seqNo":0,'
            b'"transactionInfo":{"transactionId":"bench-%d","chargingState":"EVConnected"},'
            b'"idToken":{"idToken":"B%05d","type":"ISO14443"},"evse":{"id":1,"connectorId":1},'
            b'"meterValue":[{"timestamp":"%b","sampledValue":[{"value":%d,"context":"Transaction.Begin"}]}]}'
        )
        return text % (stamp(), self.index, self.index, stamp(), self.register_wh)

    def charging(self) -> bytes:
        text = (
            b'"TransactionEvent",{"eventType":"Updated","timestamp":"%b","triggerReason":"ChargingStateChanged","seqNo":1,'
            b'"transactionInfo":{"transactionId":"bench-%d","chargingState":"Charging"},"evse":{"id":1,"connectorId":1}}'
        )
        return text % (stamp(), self.index)


SCRIPTS: dict[str, type[Script]] = {"idle": Idle, "meter": Meter, "mixed": Mixed, "start": Start}
