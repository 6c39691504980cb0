"""Periodic event streams of a simulated station (OCPP 2.1, N11-N15): a monitor's values, sent without an answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from adapters.simulator.vocabulary import Payload, Said, now, stamp, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station

LEAST_S = 0.05


@dataclass
class Stream:
    """One open stream: it has the number of its monitor."""

    monitor_id: int
    params: Payload
    task: asyncio.Task[None]

    @property
    def row(self) -> Payload:
        return {"id": self.monitor_id, "params": self.params, "variableMonitoringId": self.monitor_id}


class Streams:
    """The open streams of one station."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.rows: dict[int, Stream] = {}

    def opened(self, monitor_id: int, params: Payload | None) -> None:
        """A monitor is set; with stream parameters it opens one (N11)."""
        self.closed(monitor_id)
        if params is not None:
            self.rows[monitor_id] = Stream(monitor_id, params, self.station.go(partial(self.run, monitor_id)))

    def closed(self, monitor_id: int) -> None:
        stream = self.rows.pop(monitor_id, None)
        if stream is not None:
            stream.task.cancel()
            self.station.send([Said("ClosePeriodicEventStream", {"id": monitor_id})])

    async def run(self, monitor_id: int) -> None:
        """Ask to open, then send what the monitored variable says, `values` at a time."""
        stream = self.rows[monitor_id]
        answer = await self.station.say(Said("OpenPeriodicEventStream", {"constantStreamData": stream.row}))
        if answer["status"] != "Accepted":
            self.rows.pop(monitor_id, None)
            return
        began, points = now(), []
        while True:
            await asyncio.sleep(max(LEAST_S, stream.params.get("interval", 1) * self.station.pace_s))
            points.append({"t": round((now() - began).total_seconds(), 3), "v": self.value(monitor_id)})
            if len(points) >= stream.params.get("values", 1):
                body = {"id": monitor_id, "pending": 0, "basetime": stamp(began), "data": points}
                await self.station.link.tell("NotifyPeriodicEventStream", body)
                points = []

    def value(self, monitor_id: int) -> str:
        return self.station.monitors.rows[monitor_id].variable.value


def adjust(station: Station, payload: Payload) -> Payload:
    """N14: from the next value on."""
    stream = station.streams.rows.get(payload["id"])
    if stream is None:
        return status(False)
    stream.params |= payload["params"]
    return status(True)


def get_streams(station: Station, payload: Payload) -> Payload:
    rows = [stream.row for stream in station.streams.rows.values()]
    return {"constantStreamData": rows} if rows else {}


OBEY21 = {"AdjustPeriodicEventStream": adjust, "GetPeriodicEventStream": get_streams}
