"""A desk: the real connection and session of one station, on a journal in memory; frames in, answers out, no socket."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Self, cast
from uuid import uuid4

from websockets.protocol import OPEN

from adapters.ocpp.connection import StationConnection
from adapters.ocpp.version import DIALECTS
from api.context import Parts
from application.badge import Badges
from application.gateway import Gateway
from application.history import History
from application.journal import Journal
from application.number import Numbers
from application.ports import Credentials
from application.session import Rules, Session
from domain.badge import Unknown
from domain.catalog import CATALOG, Recorded
from domain.event import Connection, Event, Message
from domain.station import Station
from domain.transaction import Transaction
from tests.history import HEARD, Notebook

Frame = list[Any]


class Book(Notebook):
    """A notebook that can be read again, as the history is."""

    def stream(self, stream: str) -> list[Recorded]:
        return self.rows_of(stream)

    def latest_of(self, stream: str) -> list[Recorded]:
        return self.rows_of(stream)[-1:]

    def heeded(self, stream: str, after: int, limit: int, unheeded: bool) -> list[Recorded]:
        return [row for row in self.rows_of(stream) if row.version > after][:limit]

    def pruned(self, stream: str) -> bool:
        return False

    @property
    def recorder(self) -> Any:
        """No snapshots are kept in a notebook."""
        return SimpleNamespace(fetch=lambda statement, parameters: [])

    def rows_of(self, stream: str) -> list[Recorded]:
        mine = Notebook()
        mine.events = [event for event in self.events if event.originator_id == stream]
        return mine.rows()


class Desk:
    """One station; `await` what it says. `hang_up` and `connect` forget everything that is not in the history."""

    def __init__(self, version: str = "1.6", unknown_badges: Unknown = "accept", strict: bool = False) -> None:
        self.book = Book()
        self.version = version
        self.now = HEARD
        self.count = 0
        self.written: list[bytes] = []
        self.last: dict[str, Any] = {}
        journal = cast(Journal, self.book)
        badges = Badges(cast(History, self.book), unknown_badges)
        numbers = Numbers(journal, cast(History, self.book), "g1")
        numbers.free.extend(range(1, 2_000))
        rules = Rules(journal, badges, numbers, "accept", 300)
        self.gateway = Gateway("g1", rules, cast(History, self.book), cast(Credentials, None), lambda: self.now)
        self.front: Any = SimpleNamespace(
            loop=asyncio.get_running_loop(), clock=lambda: self.now, gateway=self.gateway, max_frame_bytes=2**20,
            call_timeout_s=5, messages=0, count=lambda *key: None, strict=strict, connections=set(),
        )  # fmt: skip
        self.connection: StationConnection

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hang_up()

    async def connect(self) -> None:
        connection = StationConnection(self.front)
        connection.transport = cast(asyncio.Transport, Wire(self.written))
        connection.protocol.state = OPEN
        connection.dialect = DIALECTS[f"ocpp{self.version}"]
        connection.cause = Connection(connection_id=uuid4().hex, gateway="g1")
        connection.session = await self.gateway.open("CP1", connection.cause, self.version, connection)
        self.connection = connection

    def hang_up(self) -> None:
        if self.connection.session is not None:
            self.gateway.close(self.connection.session, self.connection, "gone", self.connection.cause, None)

    async def reconnect(self) -> None:
        """As after a restart of ours: nothing is known but what was recorded."""
        self.hang_up()
        await self.connect()

    async def hear(self, text: str | bytes) -> Frame | None:
        """One text of the station, and what it is answered."""
        self.written.clear()
        self.connection.hear(text.encode() if isinstance(text, str) else text)
        while self.connection.busy:
            await asyncio.sleep(0)
        return json.loads(unpacked(self.written[-1])) if self.written else None

    async def frame(self, action: str, payload: dict[str, Any], message_id: str | int | None = None) -> Frame:
        """The whole answer to a call, a second later."""
        self.now += timedelta(seconds=1)
        self.count += 1
        answer = await self.hear(json.dumps([2, message_id or f"m{self.count}", action, payload]))
        assert answer is not None
        return answer

    async def say(self, action: str, payload: dict[str, Any], message_id: str | int | None = None) -> dict[str, Any]:
        """The payload of a good answer."""
        kind, _, said = await self.frame(action, payload, message_id)
        assert kind == 3, said
        self.last = said
        return self.last

    # What is in the history now.

    def events(self, *kinds: type[Event]) -> list[Any]:
        return [event for event in self.book.events if not kinds or isinstance(event, kinds)]

    def transactions(self) -> list[Transaction]:
        """Every transaction, as its stream tells it, in the order in which we heard of them."""
        streams = dict.fromkeys(e.originator_id for e in self.book.events if e.originator_id.startswith("transaction/"))
        return [
            Transaction(stream).replay(CATALOG.decode(row.topic, row.state) for row in self.book.stream(stream))
            for stream in streams
        ]

    def said(self) -> list[tuple[str, bytes]]:
        """Every message that is in the history: its action and its payload, word for word."""
        causes = [event.cause for event in self.book.events if isinstance(event.cause, Message)]
        return [(cause.action, bytes(cause.payload)) for cause in causes]

    def quirks(self) -> list[str]:
        return [event.rule for event in self.events(Station.QuirkNoticed)]

    @property
    def session(self) -> Session:
        assert self.connection.session is not None
        return self.connection.session


class Wire:
    """A transport that keeps what is written."""

    def __init__(self, written: list[bytes]) -> None:
        self.written = written
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    abort = close


def unpacked(data: bytes) -> bytes:
    """The text of a frame that a server sends: not masked."""
    short = data[1] & 0x7F
    start = 2 + {126: 2, 127: 8}.get(short, 0)
    return data[start:]


def only(**known: Any) -> Parts:
    """Parts of the API of which only some are there."""
    there: Any = {part.name: known.get(part.name) for part in fields(Parts)}
    return Parts(**there)
