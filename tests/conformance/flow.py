"""What happens in many test cases: an operator orders something, a station goes through a charge step by step.

The steps of `Charge` are the reusable states of OCPP 2.0.1 edition 3 part 6, section 3.18.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server

BADGE = "04A2B1C3D4"
TOKEN = {"idToken": BADGE, "type": "ISO14443"}
FINAL = {"ACCEPTED", "REJECTED", "FAILED", "TIMED_OUT", "EXPIRED"}
COMMAND = "query ($id: ID!) { command(id: $id) { status error answer parameters } }"


def now(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def order(server: Server, mutation: str, **wish: Any) -> dict[str, Any]:
    """Ask for something, and wait for the end."""
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    query = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ id }} }}"
    asked = (await server.ask(query, input=wish))[mutation]
    data = await server.until(COMMAND, lambda d: d["command"] and d["command"]["status"] in FINAL, id=asked["id"])
    command: dict[str, Any] = data["command"]
    return command


async def transaction(server: Server, station: Station) -> dict[str, Any]:
    """The latest transaction of a station, once the read model shows it."""
    query = """query ($id: ID!) { transactions(stationId: $id, first: 1) {
      edges { node { id badge evseId endedAt stopReason stationTransactionId } } } }"""
    data = await server.until(query, lambda d: d["transactions"]["edges"], id=station.station_id)
    found: dict[str, Any] = data["transactions"]["edges"][0]["node"]
    return found


async def ended(server: Server, station: Station) -> dict[str, Any]:
    query = """query ($id: ID!) { transactions(stationId: $id, first: 1) { edges { node { endedAt stopReason } } } }"""

    def over(data: dict[str, Any]) -> bool:
        edges = data["transactions"]["edges"]
        return bool(edges) and edges[0]["node"]["endedAt"] is not None

    data = await server.until(query, over, id=station.station_id)
    found: dict[str, Any] = data["transactions"]["edges"][0]["node"]
    return found


async def connector(server: Server, station: Station, status: str) -> None:
    """Wait until the first connector of a station is shown so."""
    query = "query ($id: ID!) { station(id: $id) { connectors { status } } }"
    await server.until(
        query, lambda d: d["station"] and d["station"]["connectors"][:1] == [{"status": status}], id=station.station_id
    )


async def status(station: Station, word: str, evse_id: int = 1, **more: Any) -> None:
    """StatusNotification; OCPP 1.6 connectors are EVSEs here."""
    if station.version == "1.6":
        said = {"connectorId": evse_id, "errorCode": "NoError", "status": word, "timestamp": now()} | more
    else:
        said = {"timestamp": now(), "connectorStatus": word, "evseId": evse_id, "connectorId": 1} | more
    assert await station.call("StatusNotification", said) == {}


async def restart(station: Station, word: str = "Available") -> None:
    """BootNotification after a reset, then the states."""
    reason = {} if station.version == "1.6" else {"reason": "RemoteReset"}
    about = (
        {"chargePointVendor": "V", "chargePointModel": "M"}
        if station.version == "1.6"
        else {"chargingStation": {"vendorName": "V", "model": "M"}}
    )
    assert (await station.call("BootNotification", about | reason))["status"] == "Accepted"
    await status(station, word)


class Charge:
    """A charge of OCPP 2.0.1, event by event."""

    def __init__(self, station: Station, transaction_id: str = "tx-1", remote_start_id: int | None = None) -> None:
        self.station = station
        self.info: dict[str, Any] = {"transactionId": f"{station.station_id}-{transaction_id}"}
        if remote_start_id is not None:
            self.info["remoteStartId"] = remote_start_id
        self.seq_no = 0

    async def event(self, kind: str, trigger: str, state: str | None = None, **more: Any) -> dict[str, Any]:
        info = self.info | ({"chargingState": state} if state else {}) | more.pop("info", {})
        said = {
            "eventType": kind, "timestamp": now(), "triggerReason": trigger, "seqNo": self.seq_no,
            "transactionInfo": info, "evse": {"id": 1, "connectorId": 1},
        }  # fmt: skip
        self.seq_no += 1
        return await self.station.call("TransactionEvent", said | more)

    async def plugged(self) -> None:
        """EVConnectedPreSession."""
        await status(self.station, "Occupied")
        await self.event("Started", "CablePluggedIn", "EVConnected")

    async def authorized(self) -> None:
        """Authorized, here at the station."""
        assert (await self.station.call("Authorize", {"idToken": TOKEN}))["idTokenInfo"]["status"] == "Accepted"
        answer = await self.event("Updated", "Authorized", "EVConnected", idToken=TOKEN)
        assert answer["idTokenInfo"]["status"] == "Accepted"

    async def charging(self) -> None:
        """EnergyTransferStarted."""
        await self.event("Updated", "ChargingStateChanged", "Charging")

    async def started(self) -> None:
        await self.plugged()
        await self.authorized()
        await self.charging()

    async def stopped(self) -> None:
        """StopAuthorized, EVConnectedPostSession, EVDisconnected."""
        answer = await self.event("Updated", "StopAuthorized", "EVConnected", idToken=TOKEN)
        assert answer["idTokenInfo"]["status"] == "Accepted"
        await self.event("Ended", "EVCommunicationLost", "Idle", info={"stoppedReason": "EVDisconnected"})
        await status(self.station, "Available")
