"""The front: where stations connect. Who may come in, in which version, and whether they are still there."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import unquote

from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.typing import Subprotocol

from adapters.ocpp.connection import StationConnection
from adapters.ocpp.socket import Socket
from adapters.ocpp.tls import Certificates, Door, verified
from adapters.ocpp.version import DIALECTS
from application.admission import Admissions, Denied, Knock
from application.gateway import Gateway
from domain.event import Connection, Refusal

CHALLENGE = 'Basic realm="bornier", charset="UTF-8"'


class Front:
    """The OCPP-J listener of one gateway (OCPP-J 1.6 section 3, OCPP 2.0.1 part 4)."""

    def __init__(
        self,
        gateway: Gateway,
        admissions: Admissions,
        clock: Callable[[], datetime],
        call_timeout_s: float = 30,
        ping_s: float = 45,
        max_frame_bytes: int = 2**20,
        strict: bool = False,
        unread_s: float = 60,
    ) -> None:
        self.gateway = gateway
        self.admissions = admissions
        self.clock = clock
        self.call_timeout_s = call_timeout_s
        self.ping_s = ping_s
        self.max_frame_bytes = max_frame_bytes
        self.strict = strict
        self.unread_s = unread_s
        self.kind: Callable[[Front], StationConnection] = StationConnection
        self.loop = asyncio.get_running_loop()
        self.connections: set[StationConnection] = set()
        self.paused: set[Socket] = set()
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.messages = 0
        self.listeners: list[asyncio.Server | Door] = []
        self.addresses: list[str] = []

    async def listen(self, host: str, port: int) -> int:
        """Start listening; returns the port, which matters when 0 was asked."""
        server = await self.loop.create_server(lambda: self.kind(self), host, port, backlog=4096)
        self.listeners.append(server)
        return int(server.sockets[0].getsockname()[1])

    def listen_encrypted(self, host: str, port: int, certificates: Certificates) -> int:
        """The same with TLS, beside it."""
        door = Door(certificates, lambda: self.kind(self), self.unshaken)
        self.listeners.append(door)
        return door.open(host, port)

    def unshaken(self, address: str | None, reason: str) -> None:
        self.admissions.deny(Knock(address, encrypted=True), Denied(0, reason))

    async def stop(self) -> None:
        """Hang up on everybody, politely; what they said before is recorded."""
        for listener in self.listeners:
            listener.close()
        for connection in list(self.connections):
            connection.close("the gateway is stopping", 1001)
        for _ in range(40):
            if not self.connections:
                return
            await asyncio.sleep(0.05)
        for connection in list(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    async def watch(self) -> None:
        """Ping whoever is silent, and hang up on whoever does not answer: a dead socket looks like a quiet station."""
        while True:
            await asyncio.sleep(self.ping_s / 2)
            now = self.loop.time()
            for connection in self.connections - self.paused:
                silent = now - connection.heard_at
                if silent > 2 * self.ping_s:
                    connection.lost = f"silent for {silent:.0f} s, no answer to a ping"
                    connection.transport.abort()
                elif silent > self.ping_s:
                    connection.ping()

    def mind(self, connection: Socket) -> None:
        """Stop reading from a station while the journal is full; never drop what it says."""
        journal = self.gateway.rules.journal
        if journal.full and connection not in self.paused:
            self.paused.add(connection)
            connection.transport.pause_reading()
            journal.when_room(self.resume)

    def resume(self) -> None:
        paused, self.paused = self.paused, set()
        for connection in paused & self.connections:
            connection.heard_at = self.loop.time()  # it was we who did not listen
            self.go_on(connection)

    def go_on(self, connection: Socket) -> None:
        """Read from a station again, if the journal has room and the station reads, too."""
        free = connection not in self.paused and connection.stuck is None
        if free and connection in self.connections and not connection.transport.is_closing():
            connection.transport.resume_reading()

    @property
    def quirks(self) -> Counter[str]:
        """Lenient rule → how often it was needed."""
        return self.gateway.rules.quirks

    def count(self, version: str, action: str, outcome: str) -> None:
        self.calls[version, action, outcome] += 1

    async def admit(self, connection: StationConnection, request: Request) -> Response:
        """Who is it, may it come in, which version do we speak. Refusals are those of CONTRACT.md."""
        knock = read(connection, request)
        try:
            return await self.let_in(connection, request, knock)
        except Denied as denied:
            self.admissions.deny(knock, denied)
            response = connection.protocol.reject(denied.status, f"{denied.reason}\n")
            if denied.status == 401:
                response.headers["WWW-Authenticate"] = CHALLENGE
            if denied.retry_after_s is not None:
                response.headers["Retry-After"] = str(denied.retry_after_s)
            return response

    async def let_in(self, connection: StationConnection, request: Request, knock: Knock) -> Response:
        """Raises Denied."""
        if knock.station_id is None:
            raise Denied(404, "the address must end in /ocpp/<station id>")
        entry = await self.admissions.admit(knock)
        chosen = choose(knock.offered)
        if chosen is not None:
            connection.protocol.available_subprotocols = [Subprotocol(chosen)]
        response = connection.protocol.accept(request)
        if response.status_code != 101:
            return response
        if chosen is None:
            self.admissions.deny(knock, Denied(101, "no common sub-protocol"))
            return response
        connection.dialect = DIALECTS[chosen]
        connection.cause = Connection(
            connection_id=connection.connection_id, gateway=self.gateway.name, address=knock.address
        )
        try:
            connection.session = await self.gateway.open(
                knock.station_id, connection.cause, connection.dialect.version, connection
            )
        except Refusal as refusal:
            raise Denied(404, str(refusal)) from None
        connection.session.certificate = entry.serial_number
        await self.admissions.entered(entry, connection.cause)
        return response

    def settled(self, connection: StationConnection) -> None:
        """The handshake is answered: the station may get the commands that wait for it."""
        if connection.session is not None and connection.protocol.state is OPEN:
            self.gateway.settled(connection.session)


def read(connection: StationConnection, request: Request) -> Knock:
    """Who knocks, and what they show."""
    user, password = basic(request.headers.get("Authorization"))
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    return Knock(
        peer(connection),
        request.path,
        identity(request.path),
        tuple(name.strip() for name in offered.split(",") if name.strip()),
        user,
        password,
        connection.transport.get_extra_info("ssl_object") is not None,
        verified(connection.transport),
    )


def identity(path: str) -> str | None:
    """The last segment of the path, percent-decoded once; the query and a final slash do not matter."""
    segments = path.split("?", 1)[0].rstrip("/").split("/")
    if len(segments) < 3 or segments[1] != "ocpp":
        return None
    station_id = unquote(segments[-1], errors="replace")
    return station_id if 1 <= len(station_id) <= 255 and station_id.isprintable() else None


def choose(offered: Sequence[str]) -> str | None:
    """The best version both sides speak."""
    return next((name for name in DIALECTS if name in offered), None)


def basic(header: str | None) -> tuple[str | None, bytes | None]:
    """User and password of HTTP Basic authentication, split at the first colon; the password is bytes (OCPP 1.6)."""
    if header is None or not header.startswith("Basic "):
        return None, None
    try:
        user, _, password = base64.b64decode(header[6:], validate=True).partition(b":")
    except binascii.Error:
        return "", None
    return user.decode(errors="replace"), password


def peer(connection: StationConnection) -> str | None:
    name = connection.transport.get_extra_info("peername")
    return f"{name[0]}:{name[1]}" if name else None
