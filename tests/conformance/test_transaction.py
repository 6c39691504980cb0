"""Charges: OCPP 1.6 charging sessions; OCPP 2.0.1 blocks E (transactions) and J (meter values).

A test case of 2.0.1 is a list of steps, each named after the reusable state or the message of the published test case
that it follows; the tool validations are in the steps.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server

VALID, INVALID = "the valid badge", "NOBODY-KNOWS"
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
SIGNED = {
    "signedMeterData": "AAAA", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": "",
}  # fmt: skip
CHARGES = """query ($id: ID!) { transactions(stationId: $id) { edges { node {
  id stationTransactionId badge startedAt endedAt energyWh stopReason missingMessages chargingState
  readings { edges { node { context registerWh } } } } } } }"""


async def registered(server: Server, station_id: str) -> str:
    """A badge of its own for each test case: the configured valid one."""
    badge = f"OK-{station_id}"
    await server.ask("mutation ($badge: String!) { registerBadge(input: {badge: $badge}) { badge } }", badge=badge)
    return badge


async def charges(server: Server, station_id: str, wanted: Callable[[list[Any]], bool]) -> list[dict[str, Any]]:
    """The transactions of a station, the oldest first, as soon as they are as wanted."""

    def nodes(data: dict[str, Any]) -> list[Any]:
        return [edge["node"] for edge in reversed(data["transactions"]["edges"])]

    return nodes(await server.until(CHARGES, lambda data: wanted(nodes(data)), id=station_id))


# OCPP 1.6


class Plug:
    """Connector 1 of an OCPP 1.6 station, whose clock we turn."""

    def __init__(self, station: Station, badge: str) -> None:
        self.station = station
        self.badge = badge
        self.at = BEGAN
        self.number = 0

    def clock(self) -> str:
        self.at += timedelta(minutes=1)
        return self.at.isoformat()

    async def status(self, *words: str, error: str = "NoError") -> None:
        for word in words:
            payload = {"connectorId": 1, "errorCode": error, "status": word, "timestamp": self.clock()}
            assert await self.station.call("StatusNotification", payload) == {}

    async def authorize(self) -> None:
        assert (await self.station.call("Authorize", {"idTag": self.badge}))["idTagInfo"]["status"] == "Accepted"

    async def start(self, badge: str = VALID, verdict: str = "Accepted") -> None:
        shown = self.badge if badge == VALID else badge
        payload = {"connectorId": 1, "idTag": shown, "meterStart": 100, "timestamp": self.clock()}
        answer = await self.station.call("StartTransaction", payload)
        assert answer["idTagInfo"]["status"] == verdict
        self.number = answer["transactionId"]

    async def stop(self, reason: str = "Local", badge: str | None = VALID) -> None:
        payload = {"transactionId": self.number, "meterStop": 600, "timestamp": self.clock(), "reason": reason}
        answer = await self.station.call(
            "StopTransaction", payload if badge is None else payload | {"idTag": self.badge}
        )
        assert badge is None or answer["idTagInfo"]["status"] == "Accepted"


@asynccontextmanager
async def plug(server: Server, name: str) -> AsyncIterator[Plug]:
    async with Station(server.ocpp, name) as station:
        assert (await station.boot())["status"] == "Accepted"
        yield Plug(station, await registered(server, name))


async def ended16(server: Server, name: str, reason: str = "Local") -> None:
    (charge,) = await charges(server, name, lambda found: bool(found and found[0]["endedAt"]))
    assert (charge["energyWh"], charge["stopReason"]) == (500.0, reason)


@pytest.mark.octt("1.6", "TC_003_CSMS")
async def test_a_regular_session_with_the_plug_first(server: Server) -> None:
    async with plug(server, "TC003") as here:
        await here.status("Preparing")
        await here.authorize()
        await here.start()
        await here.status("Charging")
        await here.authorize()
        await here.stop()
        await here.status("Finishing", "Available")
    await ended16(server, "TC003")


@pytest.mark.octt("1.6", "TC_004_1_CSMS")
async def test_a_regular_session_with_identification_first(server: Server) -> None:
    async with plug(server, "TC0041") as here:
        await here.authorize()
        await here.status("Preparing")
        await here.start()
        await here.status("Charging")
        await here.stop()
        await here.status("Finishing", "Available")
    await ended16(server, "TC0041")


@pytest.mark.octt("1.6", "TC_004_2_CSMS")
async def test_nobody_plugs_in_after_identification(server: Server) -> None:
    async with plug(server, "TC0042") as here:
        await here.authorize()
        await here.status("Preparing", "Available")
    assert await charges(server, "TC0042", lambda found: True) == []


@pytest.mark.octt("1.6", "TC_005_1_CSMS")
async def test_the_cable_is_pulled_on_the_side_of_the_car(server: Server) -> None:
    async with plug(server, "TC0051") as here:
        await here.authorize()
        await here.status("Preparing")
        await here.start()
        await here.status("Charging", "SuspendedEV")
        await here.stop("EVDisconnected", None)
        await here.status("Finishing", "Available")
    await ended16(server, "TC0051", "EVDisconnected")


@pytest.mark.octt("1.6", "TC_024_CSMS")
async def test_the_lock_of_the_connector_fails(server: Server) -> None:
    async with plug(server, "TC024") as here:
        await here.authorize()
        await here.status("Preparing")
        await here.status("Faulted", error="ConnectorLockFailure")
    query = '{ station(id: "TC024") { connectors { status errorCode } } }'
    await server.until(
        query, lambda d: d["station"]["connectors"] == [{"status": "FAULTED", "errorCode": "ConnectorLockFailure"}]
    )
    assert await charges(server, "TC024", lambda found: True) == []


@pytest.mark.octt("1.6", "TC_032_1_CSMS")
async def test_after_a_power_failure_the_station_stops_its_transaction(server: Server) -> None:
    async with plug(server, "TC0321") as before:
        await before.start()
        await before.status("Charging")
    async with plug(server, "TC0321") as after:
        after.number, after.at = before.number, before.at
        await after.stop("PowerLoss", None)
        await after.status("Available")
    await ended16(server, "TC0321", "PowerLoss")


@pytest.mark.octt("1.6", "TC_037_1_CSMS")
async def test_a_start_while_offline_with_a_good_badge(server: Server) -> None:
    async with plug(server, "TC0371") as here:
        await here.start()
        await here.status("Charging")
        await here.stop()
    await ended16(server, "TC0371")


@pytest.mark.octt("1.6", "TC_037_3_CSMS")
async def test_a_start_while_offline_with_a_badge_nobody_knows(server: Server) -> None:
    async with plug(server, "TC0373") as here:
        await here.start(INVALID, "Invalid")
        await here.stop("DeAuthorized", None)
        await here.status("Finishing", "Available")
    await ended16(server, "TC0373", "DeAuthorized")


@pytest.mark.octt("1.6", "TC_039_CSMS")
async def test_a_whole_transaction_while_offline(server: Server) -> None:
    async with plug(server, "TC039") as before:
        await before.status("Available")
    async with Station(server.ocpp, "TC039") as station:  # comes back without a boot
        here = Plug(station, before.badge)
        await here.start()
        await here.stop()
        await here.status("Available")
    await ended16(server, "TC039")


# OCPP 2.0.1


class Bay:
    """EVSE 1 of an OCPP 2.0.1 station: one transaction after the other, and a clock that we turn."""

    ids = itertools.count(1)

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.station: Station
        self.at = BEGAN
        self.register = 1000.0
        self.next()

    def next(self) -> None:
        self.id, self.seq_no = f"{self.name}-{next(self.ids)}", itertools.count()
        self.begun = False

    async def __aenter__(self) -> Bay:
        self.station = Station(self.server.ocpp, self.name, "2.0.1")
        self.badge = await registered(self.server, self.name)
        await self.station.__aenter__()
        await self.station.boot()
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.station.__aexit__(None, None, None)

    async def reconnect(self) -> None:
        await self.__aexit__()
        self.station = Station(self.server.ocpp, self.name, "2.0.1")
        await self.station.__aenter__()

    def clock(self) -> str:
        self.at += timedelta(minutes=1)
        return self.at.isoformat()

    def metered(self, *contexts: str, signed: bool = False) -> list[dict[str, Any]]:
        found = []
        for context in contexts:
            self.register += 100
            sample = {"value": self.register, "context": context}
            sample |= {"signedMeterValue": SIGNED} if signed else {}
            found.append({"timestamp": self.clock(), "sampledValue": [sample]})
        return found

    async def event(
        self, kind: str, trigger: str, state: str | None = None, badge: str | None = None, **more: Any
    ) -> dict[str, Any]:
        info: dict[str, Any] = {"transactionId": self.id} | more.pop("info", {})
        payload: dict[str, Any] = {
            "eventType": kind,
            "timestamp": self.clock(),
            "triggerReason": trigger,
            "seqNo": more.pop("seq_no", None),
            "transactionInfo": info if state is None else info | {"chargingState": state},
        }
        if payload["seqNo"] is None:
            payload["seqNo"] = next(self.seq_no)
        if badge is not None:
            payload["idToken"] = {"idToken": self.badge if badge == VALID else badge, "type": "ISO14443"}
        answer = await self.station.call("TransactionEvent", payload | more)
        if badge == VALID:
            assert answer["idTokenInfo"]["status"] == "Accepted"
        return answer

    # The reusable states of the published test cases.

    async def authorize(self) -> None:
        token = {"idToken": self.badge, "type": "ISO14443"}
        answer = await self.station.call("Authorize", {"idToken": token})
        assert answer["idTokenInfo"]["status"] == "Accepted"

    async def occupied(self, status: str = "Occupied") -> None:
        at = self.clock()
        report = {"timestamp": at, "connectorStatus": status, "evseId": 1, "connectorId": 1}
        assert await self.station.call("StatusNotification", report) == {}
        line = {
            "eventId": 1, "timestamp": at, "trigger": "Delta", "actualValue": status,
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
            "variable": {"name": "AvailabilityState"},
        }  # fmt: skip
        notice = {"generatedAt": at, "seqNo": 0, "eventData": [line]}
        assert await self.station.call("NotifyEvent", notice) == {}

    async def tell(self, trigger: str, state: str | None = None, badge: str | None = None, **more: Any) -> None:
        """The next event of the transaction, which the first one starts, on EVSE 1."""
        kind = "Updated" if self.begun else "Started"
        self.begun = True
        await self.event(kind, trigger, state, badge, **more)

    async def connected(self, **more: Any) -> None:
        await self.occupied()
        await self.tell("CablePluggedIn", "EVConnected", evse=EVSE, **more)

    async def authorized(self) -> None:
        await self.authorize()
        await self.tell("Authorized", badge=VALID)

    async def transferring(self) -> None:
        if not self.begun:
            await self.connected()
            await self.authorized()
        await self.tell("ChargingStateChanged", "Charging", evse=EVSE)

    async def suspended(self) -> None:
        await self.transferring()
        await self.tell("ChargingStateChanged", "SuspendedEV")

    async def stop_authorized(self) -> None:
        await self.transferring()
        await self.tell("StopAuthorized", badge=VALID)

    async def connected_after(self) -> None:
        await self.stop_authorized()
        await self.tell("ChargingStateChanged", "EVConnected")

    async def disconnected(self, **more: Any) -> None:
        await self.occupied("Available")
        await self.end("EVCommunicationLost", "EVDisconnected", "Idle", **more)

    async def end(self, trigger: str, reason: str, state: str | None = None, **more: Any) -> None:
        assert await self.event("Ended", trigger, state, info={"stoppedReason": reason}, **more) == {}


EVSE = {"id": 1, "connectorId": 1}
Step = Callable[[Bay], Awaitable[None]]


async def power_path_closed(bay: Bay) -> None:
    await bay.authorize()
    await bay.occupied()
    await bay.tell("ChargingStateChanged", "SuspendedEVSE", VALID, evse=EVSE)
    await bay.tell("ChargingStateChanged", "Charging")


async def energy_transfer(bay: Bay) -> None:
    await bay.authorize()
    await bay.occupied()
    await bay.tell("ChargingStateChanged", "Charging", VALID, evse=EVSE)


async def cable_first(bay: Bay) -> None:
    await bay.connected()
    await bay.authorized()
    await bay.transferring()


async def badge_first(bay: Bay) -> None:
    await bay.authorized()
    await bay.connected()
    await bay.transferring()


async def data_signed(bay: Bay) -> None:
    await bay.authorize()
    await bay.occupied()
    await bay.tell(
        "SignedDataReceived", None, VALID, evse=EVSE, meterValue=bay.metered("Transaction.Begin", signed=True)
    )
    await bay.tell("ChargingStateChanged", "Charging")


async def car_in_the_bay(bay: Bay) -> None:
    await bay.tell("EVDetected")


async def car_not_ready(bay: Bay) -> None:
    await bay.authorized()
    await bay.connected()
    await bay.tell("ChargingStateChanged", "SuspendedEV")


async def suspended_and_resumed(bay: Bay) -> None:
    await bay.suspended()
    await bay.tell("EVCommunicationLost", "Idle")
    await bay.occupied("Available")
    await bay.tell("CablePluggedIn", "EVConnected")
    await bay.tell("ChargingStateChanged", "Charging")


STARTS: dict[str, tuple[Step, str | None]] = {
    "TC_E_01_CSMS": (power_path_closed, "CHARGING"),
    "TC_E_02_CSMS": (energy_transfer, "CHARGING"),
    "TC_E_03_CSMS": (cable_first, "CHARGING"),
    "TC_E_04_CSMS": (badge_first, "CHARGING"),
    "TC_E_09_CSMS": (Bay.connected, "EV_CONNECTED"),
    "TC_E_10_CSMS": (Bay.authorized, None),
    "TC_E_11_CSMS": (data_signed, "CHARGING"),
    "TC_E_12_CSMS": (car_in_the_bay, None),
    "TC_E_26_CSMS": (suspended_and_resumed, "CHARGING"),
    "TC_E_38_CSMS": (car_not_ready, "SUSPENDED_EV"),
}


@pytest.mark.octt(
    "2.0.1", "TC_E_01_CSMS", "TC_E_02_CSMS", "TC_E_03_CSMS", "TC_E_04_CSMS", "TC_E_09_CSMS", "TC_E_10_CSMS",
    "TC_E_11_CSMS", "TC_E_12_CSMS", "TC_E_26_CSMS", "TC_E_38_CSMS",
)  # fmt: skip
@pytest.mark.parametrize("case", STARTS)
async def test_a_transaction_begins_where_the_station_says_so(server: Server, case: str) -> None:
    steps, state = STARTS[case]
    async with Bay(server, case) as bay:
        await steps(bay)
    (charge,) = await charges(server, case, lambda found: bool(found) and found[0]["chargingState"] == state)
    assert (charge["stationTransactionId"], charge["endedAt"], charge["missingMessages"]) == (bay.id, None, 0)


ENDS: dict[str, tuple[Step, Step, str]] = {
    "TC_E_07_CSMS": (Bay.transferring, lambda b: b.end("StopAuthorized", "Local"), "Local"),
    "TC_E_08_CSMS": (Bay.stop_authorized, lambda b: b.end("ChargingStateChanged", "Local", "EVConnected"), "Local"),
    "TC_E_14_CSMS": (Bay.connected_after, Bay.disconnected, "EVDisconnected"),
    "TC_E_15_CSMS": (Bay.transferring, lambda b: b.end("StopAuthorized", "Local"), "Local"),
    "TC_E_17_CSMS": (
        Bay.suspended,
        lambda b: b.end("EVCommunicationLost", "EVDisconnected", "Idle"),
        "EVDisconnected",
    ),
    "TC_E_20_CSMS": (Bay.suspended, Bay.disconnected, "EVDisconnected"),
    "TC_E_22_CSMS": (
        Bay.transferring,
        lambda b: b.end("ChargingStateChanged", "StoppedByEV", "SuspendedEV"),
        "StoppedByEV",
    ),
    "TC_E_39_CSMS": (Bay.authorized, lambda b: b.end("EVConnectTimeout", "Timeout"), "Timeout"),
}


@pytest.mark.octt(
    "2.0.1", "TC_E_07_CSMS", "TC_E_08_CSMS", "TC_E_14_CSMS", "TC_E_15_CSMS", "TC_E_17_CSMS", "TC_E_20_CSMS",
    "TC_E_22_CSMS", "TC_E_39_CSMS",
)  # fmt: skip
@pytest.mark.parametrize("case", ENDS)
async def test_a_transaction_ends_where_the_station_says_so(server: Server, case: str) -> None:
    before, end, reason = ENDS[case]
    async with Bay(server, case) as bay:
        await before(bay)
        await end(bay)
    (charge,) = await charges(server, case, lambda found: bool(found and found[0]["endedAt"]))
    assert (charge["stopReason"], charge["missingMessages"]) == (reason, 0)


@pytest.mark.octt("2.0.1", "TC_E_16_CSMS")
async def test_a_badge_nobody_knows_ends_what_it_began(server: Server) -> None:
    async with Bay(server, "TC_E_16") as bay:
        answer = await bay.event("Started", "Authorized", badge=INVALID)
        assert answer["idTokenInfo"]["status"] in ("Invalid", "Unknown")
        await bay.end("Deauthorized", "DeAuthorized")
    (charge,) = await charges(server, "TC_E_16", lambda found: bool(found and found[0]["endedAt"]))
    assert charge["stopReason"] == "DeAuthorized"


@pytest.mark.octt("2.0.1", "TC_E_19_CSMS")
async def test_the_car_leaves_the_parking_bay(server: Server) -> None:
    async with Bay(server, "TC_E_19") as bay:
        await bay.connected_after()
        await bay.occupied("Available")
        await bay.tell("EVCommunicationLost", "Idle")
        await bay.end("EVDeparted", "Local")
    (charge,) = await charges(server, "TC_E_19", lambda found: bool(found and found[0]["endedAt"]))
    assert charge["missingMessages"] == 0


@pytest.mark.octt("2.0.1", "TC_E_21_CSMS")
async def test_an_operator_stops_the_transaction(server: Server) -> None:
    async with Bay(server, "TC_E_21") as bay:
        await bay.transferring()
        (charge,) = await charges(server, "TC_E_21", lambda found: bool(found))
        await server.ask("mutation ($id: ID!) { remoteStop(input: {transactionId: $id}) { id } }", id=charge["id"])
        (asked,) = await heard(bay, "RequestStopTransaction")
        assert asked["transactionId"] == bay.id
        await bay.end("RemoteStop", "Remote")
    (charge,) = await charges(server, "TC_E_21", lambda found: bool(found and found[0]["endedAt"]))
    assert charge["stopReason"] == "Remote"


@pytest.mark.octt("2.0.1", "TC_E_53_CSMS")
async def test_every_transaction_may_count_from_zero(server: Server) -> None:
    async with Bay(server, "TC_E_53") as bay:
        for _ in range(2):
            await bay.transferring()
            await bay.disconnected()
            bay.next()
    found = await charges(server, "TC_E_53", lambda found: len(found) == 2 and found[1]["endedAt"])
    assert [charge["missingMessages"] for charge in found] == [0, 0]


STATUS = """mutation ($station: ID, $transaction: ID) {
  getTransactionStatus(input: {stationId: $station, transactionId: $transaction}) { id } }"""


async def heard(bay: Bay, action: str) -> list[dict[str, Any]]:
    """What the station was asked so far, as soon as it was."""
    async with asyncio.timeout(10):
        while not any(message[2] == action for message in bay.station.heard):
            await asyncio.sleep(0.01)
    return [message[3] for message in bay.station.heard if message[2] == action]


async def status(bay: Bay, named: bool, **answer: bool) -> dict[str, Any]:
    """The CSMS asks for the status of a transaction, or of all; returns what the station was asked."""
    bay.station.commands["GetTransactionStatus"] = answer
    transaction = None
    if named:
        (charge,) = await charges(bay.server, bay.name, lambda found: bool(found))
        transaction = charge["id"]
    await bay.server.ask(STATUS, station=None if named else bay.name, transaction=transaction)
    return (await heard(bay, "GetTransactionStatus"))[-1]


@pytest.mark.octt("2.0.1", "TC_E_29_CSMS", "TC_E_30_CSMS", "TC_E_33_CSMS", "TC_E_34_CSMS")
@pytest.mark.parametrize(
    ("case", "named", "queued"),
    [
        ("TC_E_29_CSMS", True, True),
        ("TC_E_30_CSMS", True, False),
        ("TC_E_33_CSMS", False, True),
        ("TC_E_34_CSMS", False, False),
    ],
)
async def test_the_csms_asks_whether_messages_are_queued(server: Server, case: str, named: bool, queued: bool) -> None:
    async with Bay(server, case) as bay:
        if case != "TC_E_34_CSMS":
            await bay.transferring()
        if queued:
            await bay.reconnect()
        ongoing = {"ongoingIndicator": True} if named else {}
        asked = await status(bay, named, messagesInQueue=queued, **ongoing)
        assert asked == ({"transactionId": bay.id} if named else {})
        if queued:
            values = bay.metered("Sample.Periodic")
            assert await bay.event("Updated", "MeterValuePeriodic", offline=True, meterValue=values) == {}


@pytest.mark.octt("2.0.1", "TC_E_31_CSMS")
async def test_what_is_missing_of_an_ended_transaction_comes_later(server: Server) -> None:
    async with Bay(server, "TC_E_31") as bay:
        await bay.transferring()
        await bay.reconnect()
        await bay.occupied("Available")
        first, second, last = (next(bay.seq_no) for _ in range(3))
        await bay.end("EVCommunicationLost", "EVDisconnected", "Idle", seq_no=last, offline=True)
        await charges(server, bay.name, lambda found: bool(found) and found[0]["missingMessages"] == 2)
        asked = await status(bay, True, ongoingIndicator=False, messagesInQueue=True)
        assert asked == {"transactionId": bay.id}
        await bay.event("Updated", "StopAuthorized", seq_no=first, offline=True)
        await bay.event("Updated", "ChargingStateChanged", "EVConnected", seq_no=second, offline=True)
    (charge,) = await charges(server, bay.name, lambda found: found[0]["missingMessages"] == 0)
    assert charge["endedAt"] is not None


async def clock_aligned(bay: Bay, *evses: int) -> None:
    for evse in evses:
        payload = {"evseId": evse, "meterValue": bay.metered("Sample.Clock")}
        assert await bay.station.call("MeterValues", payload) == {}
        at = bay.clock()
        line = {
            "eventId": evse, "timestamp": at, "trigger": "Periodic", "actualValue": "1",
            "eventNotificationType": "HardWiredNotification", "component": {"name": "FiscalMetering"},
            "variable": {"name": "EnergyImportRegister"},
        }  # fmt: skip
        assert await bay.station.call("NotifyEvent", {"generatedAt": at, "seqNo": 0, "eventData": [line]}) == {}


@pytest.mark.octt("2.0.1", "TC_J_01_CSMS")
async def test_meter_values_by_the_clock_without_a_transaction(server: Server) -> None:
    async with Bay(server, "TC_J_01") as bay:
        for _ in range(3):
            await clock_aligned(bay, 0, 1, 2)
    query = '{ events(stream: "station/TC_J_01", topics: ["station.metered.v1"]) { totalCount } }'
    assert (await server.ask(query))["events"]["totalCount"] == 9
    assert await charges(server, "TC_J_01", lambda found: True) == []


async def during(bay: Bay) -> None:
    await bay.transferring()
    for _ in range(3):
        await clock_aligned(bay, 0, 2)
        await bay.tell("MeterValueClock", meterValue=bay.metered("Sample.Clock"))


async def clock_to_the_end(bay: Bay) -> None:
    await bay.transferring()
    await bay.disconnected(meterValue=bay.metered("Sample.Clock", "Sample.Clock", "Transaction.End"))


async def clock_signed(bay: Bay) -> None:
    await bay.transferring()
    await bay.disconnected(meterValue=bay.metered("Sample.Clock", "Transaction.End", signed=True))


async def begin_known(bay: Bay) -> None:
    await bay.connected(meterValue=bay.metered("Transaction.Begin"))


async def begin_unknown(bay: Bay) -> None:
    await bay.authorized()
    await bay.connected(meterValue=bay.metered("Transaction.Begin"))
    await bay.transferring()


async def periodic(bay: Bay) -> None:
    await bay.transferring()
    for _ in range(3):
        await bay.tell("MeterValuePeriodic", meterValue=bay.metered("Sample.Periodic"))


async def periodic_to_the_end(bay: Bay) -> None:
    await bay.transferring()
    await bay.disconnected(meterValue=bay.metered("Sample.Periodic", "Sample.Periodic", "Transaction.End"))


async def periodic_signed(bay: Bay) -> None:
    await bay.transferring()
    await bay.disconnected(meterValue=bay.metered("Sample.Periodic", "Transaction.End", signed=True))


METERED: dict[str, tuple[Step, list[str], float]] = {
    "TC_J_02_CSMS": (during, ["Sample.Clock"] * 3, 600.0),
    "TC_J_03_CSMS": (clock_to_the_end, ["Sample.Clock", "Sample.Clock", "Transaction.End"], 200.0),
    "TC_J_04_CSMS": (clock_signed, ["Sample.Clock", "Transaction.End"], 100.0),
    "TC_J_07_CSMS": (begin_known, ["Transaction.Begin"], 0.0),
    "TC_J_08_CSMS": (begin_unknown, ["Transaction.Begin"], 0.0),
    "TC_J_09_CSMS": (periodic, ["Sample.Periodic"] * 3, 200.0),
    "TC_J_10_CSMS": (periodic_to_the_end, ["Sample.Periodic", "Sample.Periodic", "Transaction.End"], 200.0),
    "TC_J_11_CSMS": (periodic_signed, ["Sample.Periodic", "Transaction.End"], 100.0),
}


@pytest.mark.octt(
    "2.0.1", "TC_J_02_CSMS", "TC_J_03_CSMS", "TC_J_04_CSMS", "TC_J_07_CSMS", "TC_J_08_CSMS", "TC_J_09_CSMS",
    "TC_J_10_CSMS", "TC_J_11_CSMS",
)  # fmt: skip
@pytest.mark.parametrize("case", METERED)
async def test_meter_values_of_a_transaction_are_read_and_count(server: Server, case: str) -> None:
    steps, contexts, energy_wh = METERED[case]
    async with Bay(server, case) as bay:
        await steps(bay)

    def read(found: list[Any]) -> list[str]:
        return [edge["node"]["context"] for edge in found[0]["readings"]["edges"]] if found else []

    (charge,) = await charges(server, case, lambda found: read(found) == contexts)
    assert charge["energyWh"] == energy_wh
