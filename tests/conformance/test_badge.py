"""Badges: authorization, its cache, local lists (OCPP 1.6 TC_007, TC_023, TC_042, TC_043, TC_061; OCPP 2.0.1 blocks
C and D)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.client import Answer, Station
from tests.end_to_end.server import Server

AT = "2026-11-23T10:00:00Z"
COMMAND = "query ($id: ID!) { command(id: $id) { status error answer } }"
FINAL = {"ACCEPTED", "REJECTED", "FAILED", "TIMED_OUT", "EXPIRED"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As the others, and it knows which group is the master pass."""
    place = tmp_path_factory.mktemp("conformance") / "bornier.db"
    settings = {"BORNIER_UNKNOWN_BADGES": "reject", "BORNIER_MASTER_PASS_GROUP": "MASTER"}
    with Server(f"sqlite:///{place}", **settings) as running:
        yield running


async def register(server: Server, badge: str, **terms: str) -> str:
    more = "".join(f", {name}: {value}" for name, value in terms.items())
    await server.ask(f'mutation {{ registerBadge(input: {{badge: "{badge}"{more}}}) {{ badge }} }}')
    return badge


async def change(server: Server, mutation: str, badge: str) -> None:
    await server.ask(f'mutation {{ {mutation}(input: {{badge: "{badge}", reason: "test"}}) {{ badge }} }}')


async def order(server: Server, mutation: str) -> dict[str, Any]:
    """Ask, and wait for the end."""
    (asked,) = (await server.ask(f"mutation {{ {mutation} {{ id }} }}")).values()
    data = await server.until(COMMAND, lambda d: d["command"] and d["command"]["status"] in FINAL, id=asked["id"])
    command: dict[str, Any] = data["command"]
    return command


async def spoil(server: Server, badge: str, how: str) -> str:
    """A badge in the state a test case wants it in."""
    if how == "unknown":
        return badge
    if how == "expired":
        return await register(server, badge, expiresAt='"2020-01-01T00:00:00Z"')
    await register(server, badge)
    if how == "blocked":
        await change(server, "blockBadge", badge)
    return badge


# OCPP 1.6.


@pytest.mark.octt("1.6", "TC_007_CSMS")
async def test_a_charge_starts_with_a_cached_badge(server: Server) -> None:
    """The station does not ask first; the answer to StartTransaction tells what we think of the badge."""
    await register(server, "TC007", group='"G7"')
    async with Station(server.ocpp, "TC007") as station:
        await station.boot()
        preparing = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}
        assert await station.call("StatusNotification", preparing) == {}
        start = {"connectorId": 1, "idTag": "tc007", "meterStart": 0, "timestamp": AT}
        answer = await station.call("StartTransaction", start)
        assert answer["idTagInfo"] == {"status": "Accepted", "parentIdTag": "G7"}
        assert answer["transactionId"] > 0
        assert await station.call("StatusNotification", preparing | {"status": "Charging"}) == {}


@pytest.mark.parametrize(("how", "status"), [
    pytest.param("unknown", "Invalid", marks=pytest.mark.octt("1.6", "TC_023_1_CSMS")),
    pytest.param("expired", "Expired", marks=pytest.mark.octt("1.6", "TC_023_2_CSMS")),
    pytest.param("blocked", "Blocked", marks=pytest.mark.octt("1.6", "TC_023_3_CSMS")),
])  # fmt: skip
async def test_a_badge_that_may_not_charge_is_told_why(server: Server, how: str, status: str) -> None:
    badge = await spoil(server, f"TC023-{how}", how)
    async with Station(server.ocpp, f"TC023-{how}") as station:
        await station.boot()
        assert (await station.call("Authorize", {"idTag": badge}))["idTagInfo"]["status"] == status


@pytest.mark.parametrize(("version", "shown"), [
    pytest.param(-1, -1, marks=pytest.mark.octt("1.6", "TC_042_1_CSMS")),
    pytest.param(0, 0, marks=pytest.mark.octt("1.6", "TC_042_2_CSMS")),
])  # fmt: skip
async def test_the_version_of_a_list_that_is_not_there_is_understood(server: Server, version: int, shown: int) -> None:
    async with Station(server.ocpp, f"TC042{version}") as station:
        await station.boot()
        station.commands["GetLocalListVersion"] = {"listVersion": version}
        command = await order(server, f'getLocalListVersion(input: {{stationId: "{station.station_id}"}})')
        assert command["status"] == "ACCEPTED"
        assert station.heard[-1][2:] == ["GetLocalListVersion", {}]
        assert await believed(server, station, shown) == shown


async def believed(server: Server, station: Station, wanted: int) -> int:
    query = f'{{ localLists(stationId: "{station.station_id}") {{ edges {{ node {{ version }} }} }} }}'

    def told(data: dict[str, Any]) -> bool:
        return [edge["node"]["version"] for edge in data["localLists"]["edges"]] == [wanted]

    data = await server.until(query, told)
    return int(data["localLists"]["edges"][0]["node"]["version"])


@pytest.mark.parametrize("status", [
    pytest.param("NotSupported", marks=pytest.mark.octt("1.6", "TC_043_1_CSMS")),
    pytest.param("Failed", marks=pytest.mark.octt("1.6", "TC_043_3_CSMS")),
])  # fmt: skip
async def test_a_refused_list_is_shown_with_its_status(server: Server, status: str) -> None:
    badge = await register(server, f"TC043{status}")
    async with Station(server.ocpp, f"TC043{status}") as station:
        await station.boot()
        station.commands |= {"GetLocalListVersion": {"listVersion": 0}, "SendLocalList": {"status": status}}
        await order(server, f'getLocalListVersion(input: {{stationId: "{station.station_id}"}})')
        command = await order(server, send(station, f'full: true, badges: ["{badge}"]'))
        assert (command["status"], command["error"]) == ("REJECTED", status)


def send(station: Station, more: str) -> str:
    return f'sendLocalList(input: {{stationId: "{station.station_id}", {more}}})'


@pytest.mark.octt("1.6", "TC_043_4_CSMS")
async def test_a_full_list_replaces_the_list_of_an_old_station(server: Server) -> None:
    await register(server, "TC0434", group='"G"', expiresAt='"2099-01-01T00:00:00Z"')
    async with Station(server.ocpp, "TC0434") as station:
        await station.boot()
        command = await order(server, send(station, 'full: true, badges: ["TC0434"]'))
        assert command["status"] == "ACCEPTED"
        message = station.heard[-1][3]
        assert message["updateType"] == "Full"
        assert message["listVersion"] > 0
        (entry,) = message["localAuthorizationList"]
        assert entry["idTag"] == "TC0434"
        assert entry["idTagInfo"] == {
            "status": "Accepted", "parentIdTag": "G", "expiryDate": entry["idTagInfo"]["expiryDate"],
        }  # fmt: skip
        assert entry["idTagInfo"]["expiryDate"].startswith("2099-01-01T00:00:00")


@pytest.mark.octt("1.6", "TC_043_5_CSMS")
async def test_a_change_has_a_newer_version_than_the_list(server: Server) -> None:
    badge = await register(server, "TC0435")
    async with Station(server.ocpp, "TC0435") as station:
        await station.boot()
        station.commands["GetLocalListVersion"] = {"listVersion": 7}
        await order(server, 'getLocalListVersion(input: {stationId: "TC0435"})')
        await believed(server, station, 7)
        command = await order(server, send(station, f'badges: ["{badge}"], remove: ["gone"]'))
        assert command["status"] == "ACCEPTED"
        message = station.heard[-1][3]
        assert (message["updateType"], message["listVersion"]) == ("Differential", 8)
        assert {"idTag": "gone"} in message["localAuthorizationList"]


@pytest.mark.parametrize(("version", "status", "end"), [
    pytest.param("1.6", "Accepted", "ACCEPTED", marks=pytest.mark.octt("1.6", "TC_061_CSMS")),
    pytest.param("2.0.1", "Accepted", "ACCEPTED", marks=pytest.mark.octt("2.0.1", "TC_C_37_CSMS")),
    pytest.param("2.0.1", "Rejected", "REJECTED", marks=pytest.mark.octt("2.0.1", "TC_C_38_CSMS")),
])  # fmt: skip
async def test_the_authorization_cache_is_cleared(server: Server, version: str, status: str, end: str) -> None:
    async with Station(server.ocpp, f"CACHE{version}{status}", version) as station:
        await station.boot()
        station.commands["ClearCache"] = {"status": status}
        command = await order(server, f'clearCache(input: {{stationId: "{station.station_id}"}})')
        assert command["status"] == end
        assert station.heard[-1][2:] == ["ClearCache", {}]


# OCPP 2.0.1, block C.


def token(badge: str, kind: str = "ISO14443") -> Answer:
    return {"idToken": badge, "type": kind}


async def authorize(station: Station, badge: str, kind: str = "ISO14443") -> Answer:
    info: Answer = (await station.call("Authorize", {"idToken": token(badge, kind)}))["idTokenInfo"]
    return info


class Charge:
    """A transaction on one EVSE, event after event."""

    def __init__(self, station: Station, transaction_id: str, evse_id: int = 1) -> None:
        self.station, self.transaction_id, self.evse_id = station, transaction_id, evse_id
        self.seq_no = 0

    async def tell(self, kind: str, trigger: str, badge: str | None = None, **info: str) -> Answer:
        payload: Answer = {
            "eventType": kind,
            "timestamp": AT,
            "triggerReason": trigger,
            "seqNo": self.seq_no,
            "transactionInfo": {"transactionId": self.transaction_id} | info,
            "evse": {"id": self.evse_id, "connectorId": 1},
        }
        self.seq_no += 1
        answer = await self.station.call("TransactionEvent", payload | ({"idToken": token(badge)} if badge else {}))
        info_said: Answer = answer.get("idTokenInfo", {})
        return info_said

    async def plug(self) -> None:
        """Reusable state EVConnectedPreSession, the transaction begins with the parked car."""
        at = {"timestamp": AT, "evseId": self.evse_id, "connectorId": 1}
        await self.station.call("StatusNotification", at | {"connectorStatus": "Occupied"})
        await self.tell("Started", "CablePluggedIn", chargingState="EVConnected")

    async def flow(self, badge: str) -> Answer:
        """Reusable state EnergyTransferStarted; the answer to the authorization."""
        info = await self.tell("Updated", "Authorized", badge)
        await self.tell("Updated", "ChargingStateChanged", chargingState="Charging")
        return info

    async def unplug(self) -> None:
        """Reusable states EVConnectedPostSession and EVDisconnected."""
        await self.tell("Updated", "ChargingStateChanged", chargingState="EVConnected")
        await self.tell("Ended", "EVCommunicationLost", stoppedReason="EVDisconnected")


@pytest.mark.parametrize(("how", "statuses"), [
    pytest.param("unknown", {"Invalid", "Unknown"}, marks=pytest.mark.octt("2.0.1", "TC_C_02_CSMS")),
    pytest.param("blocked", {"Blocked", "Invalid"}, marks=pytest.mark.octt("2.0.1", "TC_C_06_CSMS")),
    pytest.param("expired", {"Expired", "Invalid"}, marks=pytest.mark.octt("2.0.1", "TC_C_07_CSMS")),
])  # fmt: skip
async def test_a_token_that_may_not_charge_is_told_why(server: Server, how: str, statuses: set[str]) -> None:
    badge = await spoil(server, f"TCC02-{how}", how)
    async with Station(server.ocpp, f"TCC02-{how}", "2.0.1") as station:
        await station.boot()
        assert (await authorize(station, badge))["status"] in statuses


@pytest.mark.parametrize(("known", "statuses"), [
    pytest.param(True, {"Accepted"}, marks=pytest.mark.octt("2.0.1", "TC_C_08_CSMS")),
    pytest.param(False, {"Invalid", "Unknown"}, marks=pytest.mark.octt("2.0.1", "TC_C_20_CSMS")),
])  # fmt: skip
async def test_a_cached_token_is_checked_when_its_transaction_is_told(
    server: Server, known: bool, statuses: set[str]
) -> None:
    badge = f"TCC08-{known}"
    if known:
        await register(server, badge)
    async with Station(server.ocpp, badge, "2.0.1") as station:
        await station.boot()
        charge = Charge(station, "t")
        await charge.plug()
        assert (await charge.tell("Updated", "Authorized", badge))["status"] in statuses


async def family(server: Server, name: str) -> tuple[str, str]:
    for badge in (f"{name}-1", f"{name}-2"):
        await register(server, badge, group=f'"{name}"')
    return f"{name}-1", f"{name}-2"


def welcome(info: Answer, group: str) -> None:
    assert info["status"] == "Accepted"
    assert info["groupIdToken"]["idToken"] == group


@pytest.mark.octt("2.0.1", "TC_C_39_CSMS")
async def test_a_token_of_the_same_group_stops_a_charge(server: Server) -> None:
    first, second = await family(server, "TCC39")
    async with Station(server.ocpp, "TCC39", "2.0.1") as station:
        await station.boot()
        charge = Charge(station, "t")
        await charge.plug()
        welcome(await authorize(station, second), "TCC39")
        welcome(await charge.flow(first), "TCC39")
        welcome(await authorize(station, second), "TCC39")
        welcome(await charge.tell("Updated", "StopAuthorized", second), "TCC39")
        await charge.unplug()


@pytest.mark.octt("2.0.1", "TC_C_40_CSMS")
async def test_a_listed_token_of_the_same_group_stops_a_charge_without_asking(server: Server) -> None:
    first, second = await family(server, "TCC40")
    async with Station(server.ocpp, "TCC40", "2.0.1") as station:
        await station.boot()
        charge = Charge(station, "t")
        await charge.plug()
        welcome(await charge.flow(first), "TCC40")
        welcome(await charge.tell("Updated", "StopAuthorized", second), "TCC40")
        await charge.unplug()


@pytest.mark.octt("2.0.1", "TC_C_43_CSMS")
async def test_a_token_the_list_calls_invalid_is_asked_for_and_stops_the_charge(server: Server) -> None:
    first, second = await family(server, "TCC43")
    async with Station(server.ocpp, "TCC43", "2.0.1") as station:
        await station.boot()
        charge = Charge(station, "t")
        await charge.plug()
        welcome(await charge.flow(first), "TCC43")
        welcome(await authorize(station, second), "TCC43")
        welcome(await charge.tell("Updated", "StopAuthorized", second), "TCC43")
        await charge.unplug()


@pytest.mark.parametrize(("name", "stopped"), [
    pytest.param("TCC47", (1, 2), marks=pytest.mark.octt("2.0.1", "TC_C_47_CSMS")),
    pytest.param("TCC48", (1,), marks=pytest.mark.octt("2.0.1", "TC_C_48_CSMS")),
    pytest.param("TCC49", (1, 2), marks=pytest.mark.octt("2.0.1", "TC_C_49_CSMS")),
])  # fmt: skip
async def test_a_master_pass_stops_charges_and_starts_none(server: Server, name: str, stopped: tuple[int, ...]) -> None:
    master = await register(server, f"{name}-M", group='"MASTER"')
    async with Station(server.ocpp, name, "2.0.1") as station:
        await station.boot()
        charges = [Charge(station, f"t{evse}", evse) for evse in (1, 2)]
        for charge in charges:
            badge = await register(server, f"{name}-{charge.evse_id}")
            await charge.plug()
            assert (await charge.flow(badge))["status"] == "Accepted"
        welcome(await authorize(station, master), "MASTER")
        for charge in charges:
            if charge.evse_id in stopped:
                welcome(await charge.tell("Ended", "StopAuthorized", master, stoppedReason="MasterPass"), "MASTER")
        query = f'{{ transactions(stationId: "{name}") {{ edges {{ node {{ evseId stopReason }} }} }} }}'

        def ended(data: dict[str, Any]) -> bool:
            nodes = [edge["node"] for edge in data["transactions"]["edges"]]
            return tuple(sorted(node["evseId"] for node in nodes if node["stopReason"] == "MasterPass")) == stopped

        await server.until(query, ended)
        if len(stopped) == 2:
            start = await Charge(station, "t3").tell("Started", "Authorized", master)
            assert start["status"] == "Invalid"


# OCPP 2.0.1, block D.


@pytest.mark.octt("2.0.1", "TC_D_01_CSMS")
async def test_a_full_list_is_sent(server: Server) -> None:
    badge = await register(server, "TCD01", group='"G"')
    async with Station(server.ocpp, "TCD01", "2.0.1") as station:
        await station.boot()
        station.commands["GetLocalListVersion"] = {"versionNumber": 1}
        await order(server, 'getLocalListVersion(input: {stationId: "TCD01"})')
        await believed(server, station, 1)
        assert (await order(server, send(station, f'full: true, badges: ["{badge}"]')))["status"] == "ACCEPTED"
        message = station.heard[-1][3]
        assert (message["updateType"], message["versionNumber"]) == ("Full", 2)
        assert message["localAuthorizationList"] == [
            {"idToken": token(badge),
             "idTokenInfo": {"status": "Accepted", "groupIdToken": {"idToken": "G", "type": "Central"}}}
        ]  # fmt: skip


@pytest.mark.octt("2.0.1", "TC_D_02_CSMS")
async def test_a_change_adds_tokens_in_a_newer_version(server: Server) -> None:
    badge = await register(server, "TCD02")
    async with Station(server.ocpp, "TCD02", "2.0.1") as station:
        await station.boot()
        station.commands["GetLocalListVersion"] = {"versionNumber": 1}
        await order(server, 'getLocalListVersion(input: {stationId: "TCD02"})')
        await believed(server, station, 1)
        assert (await order(server, send(station, f'badges: ["{badge}"]')))["status"] == "ACCEPTED"
        message = station.heard[-1][3]
        assert message["updateType"] == "Differential"
        assert message["versionNumber"] > 1
        assert message["localAuthorizationList"][0]["idTokenInfo"]["status"] == "Accepted"


@pytest.mark.octt("2.0.1", "TC_D_03_CSMS")
async def test_a_change_removes_tokens_by_naming_them_alone(server: Server) -> None:
    async with Station(server.ocpp, "TCD03", "2.0.1") as station:
        await station.boot()
        assert (await order(server, send(station, 'remove: ["TCD03-1", "TCD03-2"]')))["status"] == "ACCEPTED"
        message = station.heard[-1][3]
        assert message["updateType"] == "Differential"
        assert message["localAuthorizationList"] == [{"idToken": token(f"TCD03-{number}")} for number in (1, 2)]


@pytest.mark.octt("2.0.1", "TC_D_04_CSMS")
async def test_a_full_list_without_tokens_empties_the_list(server: Server) -> None:
    async with Station(server.ocpp, "TCD04", "2.0.1") as station:
        await station.boot()
        assert (await order(server, send(station, "full: true")))["status"] == "ACCEPTED"
        assert station.heard[-1][3] == {"versionNumber": 1, "updateType": "Full"}


@pytest.mark.parametrize("version", [
    pytest.param(5, marks=pytest.mark.octt("2.0.1", "TC_D_08_CSMS")),
    pytest.param(0, marks=pytest.mark.octt("2.0.1", "TC_D_09_CSMS")),
])  # fmt: skip
async def test_the_version_of_the_list_is_asked(server: Server, version: int) -> None:
    async with Station(server.ocpp, f"TCD08{version}", "2.0.1") as station:
        await station.boot()
        station.commands["GetLocalListVersion"] = {"versionNumber": version}
        command = await order(server, f'getLocalListVersion(input: {{stationId: "{station.station_id}"}})')
        assert command["answer"] == {"versionNumber": version}
        assert await believed(server, station, version) == version
