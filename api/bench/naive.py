"""The naive way, as a yardstick: the `ocpp` package's ChargePoint with its default validation on `websockets`, and
`@event` aggregates of the `eventsourcing` library: one `repository.get` and one `save` a message.

Run as `python -m api.bench.naive DATABASE`. It prints `naive ready ocpp=ws://HOST:PORT/ocpp` and serves until SIGTERM.
"""

# mypy: disable-error-code="import-untyped, misc, untyped-decorator"
# The `ocpp` package has no types.

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from psycopg.conninfo import conninfo_to_dict
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol


class Station(Aggregate):
    """A station, the way the library's tutorial would write it."""

    @event("Connected")
    def __init__(self, name: str) -> None:
        self.name = name
        self.status = ""

    @staticmethod
    def create_id(name: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"/station/{name}")

    @event("Booted")
    def boot(self, vendor: str, model: str) -> None:
        self.vendor, self.model = vendor, model

    @event("StatusReported")
    def report(self, connector_id: int, status: str, error_code: str, payload: dict[str, Any]) -> None:
        self.status = status

    @event("HeartbeatReceived")
    def beat(self) -> None:
        pass


class Transaction(Aggregate):
    """A transaction, the same way."""

    @event("Started")
    def __init__(self, number: int, station: str, connector_id: int, id_tag: str, meter_start: int) -> None:
        self.number = number
        self.meter_start = meter_start
        self.open = True

    @staticmethod
    def create_id(number: int) -> UUID:
        return uuid5(NAMESPACE_URL, f"/transaction/{number}")

    @event("Metered")
    def meter(self, meter_value: list[dict[str, Any]]) -> None:
        self.last = meter_value[-1]

    @event("Stopped")
    def stop(self, meter_stop: int, payload: dict[str, Any]) -> None:
        self.open = False


class Stations(Application[UUID]):
    """Get, change, save."""

    def __init__(self, database: str) -> None:
        super().__init__(environment(database))
        self.numbers = count(100_000)

    def connect(self, name: str) -> UUID:
        station_id = Station.create_id(name)
        try:
            self.repository.get(station_id)
        except AggregateNotFoundError:
            self.save(Station(name=name))
        return station_id

    def tell(self, station_id: UUID, fact: str, *args: Any) -> None:
        station: Station = self.repository.get(station_id)
        getattr(station, fact)(*args)
        self.save(station)

    def start(self, *args: Any) -> int:
        number = next(self.numbers)
        self.save(Transaction(number, *args))
        return number

    def change(self, number: int, fact: str, *args: Any) -> None:
        transaction: Transaction = self.repository.get(Transaction.create_id(number))
        getattr(transaction, fact)(*args)
        self.save(transaction)


class NaivePoint(ChargePoint):
    """One connected station."""

    def __init__(self, name: str, connection: ServerConnection, stations: Stations) -> None:
        super().__init__(name, connection)
        self.stations = stations
        self.station_id = stations.connect(name)

    @on("BootNotification")
    def boot(self, charge_point_vendor: str, charge_point_model: str, **kw: Any) -> call_result.BootNotification:
        self.stations.tell(self.station_id, "boot", charge_point_vendor, charge_point_model)
        return call_result.BootNotification(current_time=now(), interval=300, status="Accepted")

    @on("Heartbeat")
    def beat(self) -> call_result.Heartbeat:
        self.stations.tell(self.station_id, "beat")
        return call_result.Heartbeat(current_time=now())

    @on("StatusNotification")
    def status(self, connector_id: int, status: str, error_code: str, **kw: Any) -> call_result.StatusNotification:
        self.stations.tell(self.station_id, "report", connector_id, status, error_code, kw)
        return call_result.StatusNotification()

    @on("StartTransaction")
    def begin(self, connector_id: int, id_tag: str, meter_start: int, **kw: Any) -> call_result.StartTransaction:
        number = self.stations.start(self.id, connector_id, id_tag, meter_start)
        return call_result.StartTransaction(transaction_id=number, id_tag_info={"status": "Accepted"})

    @on("MeterValues")
    def meter(self, transaction_id: int, meter_value: list[dict[str, Any]], **kw: Any) -> call_result.MeterValues:
        self.stations.change(transaction_id, "meter", meter_value)
        return call_result.MeterValues()

    @on("StopTransaction")
    def end(self, transaction_id: int, meter_stop: int, **kw: Any) -> call_result.StopTransaction:
        self.stations.change(transaction_id, "stop", meter_stop, kw)
        return call_result.StopTransaction()


def now() -> str:
    return datetime.now(UTC).isoformat()


def environment(database: str) -> dict[str, str]:
    """The library's own settings for a database URL."""
    if database.startswith("sqlite:///"):
        return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": database.removeprefix("sqlite:///")}
    parts = conninfo_to_dict(database)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts.get("host") or "127.0.0.1"),
        "POSTGRES_PORT": str(parts.get("port") or 5432),
        "POSTGRES_USER": str(parts.get("user") or "postgres"),
        "POSTGRES_PASSWORD": str(parts.get("password") or "none"),
    }


async def run(database: str) -> None:
    stations = Stations(database)

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        with suppress(ConnectionClosed):
            await NaivePoint(connection.request.path.rpartition("/")[2], connection, stations).start()

    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    async with serve(talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"naive ready ocpp=ws://127.0.0.1:{port}/ocpp", flush=True)
        await stop.wait()
    stations.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
