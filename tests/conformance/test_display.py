"""Messages on the display (OCPP 2.0.1 block O)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.test_command import order
from tests.end_to_end.test_command import start as start_charging
from tests.end_to_end.test_device import REPORTS, nodes

MESSAGES = """query ($id: ID!) { displayMessages(stationId: $id, present: true) { edges { node {
  messageId priority state content format startsAt endsAt stationTransactionId } } } }"""
TEXT = 'text: {content: "Hello", format: UTF8, language: "en"}'
BEGIN, END = "2026-11-23T10:00:00.000Z", "2026-11-23T12:00:00.000Z"
ACCEPTED = {"status": "Accepted"}


async def show(server: Server, station: Station, wish: str, status: str = "Accepted") -> dict[str, Any]:
    """SetDisplayMessage, answered so; returns what became of it."""
    station.commands["SetDisplayMessage"] = {"status": status}
    return await order(server, f'setDisplayMessage(input: {{stationId: "{station.station_id}", {TEXT}, {wish}}})')


def said(station: Station) -> dict[str, Any]:
    """The message of the last SetDisplayMessage."""
    message: dict[str, Any] = station.heard[-1][3]["message"]
    return message


async def shown(server: Server, station: Station, *ids: int) -> list[dict[str, Any]]:
    return await nodes(
        server, MESSAGES, lambda rows: [row["messageId"] for row in rows] == list(ids), id=station.station_id
    )


async def charge(server: Server, station: Station) -> str:
    """A transaction; returns Bornier's id of it. The station's is `mine`."""
    await start_charging(station)
    query = f'{{ transactions(stationId: "{station.station_id}") {{ edges {{ node {{ id }} }} }} }}'
    data = await server.until(query, lambda d: d["transactions"]["edges"])
    return str(data["transactions"]["edges"][0]["node"]["id"])


SET: dict[str, tuple[str, dict[str, Any]]] = {
    "TCO01": ("messageId: 5, priority: IN_FRONT", {"priority": "InFront"}),
    "TCO13": (f'messageId: 5, startsAt: "{BEGIN}"', {"startDateTime": BEGIN}),
    "TCO14": (f'messageId: 5, endsAt: "{END}"', {"endDateTime": END}),
    "TCO25": (
        "messageId: 5, state: CHARGING, priority: ALWAYS_FRONT",
        {"state": "Charging", "priority": "AlwaysFront"},
    ),
}


@pytest.mark.octt("2.0.1", "TC_O_01_CSMS", "TC_O_13_CSMS", "TC_O_14_CSMS", "TC_O_25_CSMS")
@pytest.mark.parametrize("case", SET)
async def test_a_message_is_set_and_shown(server: Server, case: str) -> None:
    wish, expected = SET[case]
    async with Station(server.ocpp, case, "2.0.1") as station:
        await station.boot()
        assert (await show(server, station, wish))["status"] == "ACCEPTED"
        content = {"content": "Hello", "format": "UTF8", "language": "en"}
        assert said(station) == {"id": 5, "priority": "NormalCycle", "message": content} | expected
        (row,) = await shown(server, station, 5)
        assert (row["content"], row["priority"]) == ("Hello", said(station)["priority"])


IN_TRANSACTION: dict[str, tuple[str, dict[str, Any]]] = {
    "TCO06": ("priority: IN_FRONT", {"priority": "InFront"}),
    "TCO27": (f'startsAt: "{BEGIN}"', {"startDateTime": BEGIN}),
    "TCO28": (
        f'priority: IN_FRONT, state: CHARGING, endsAt: "{END}"',
        {"priority": "InFront", "state": "Charging", "endDateTime": END},
    ),
}


@pytest.mark.octt("2.0.1", "TC_O_06_CSMS", "TC_O_27_CSMS", "TC_O_28_CSMS")
@pytest.mark.parametrize("case", IN_TRANSACTION)
async def test_a_message_for_a_transaction_names_it_as_the_station_does(server: Server, case: str) -> None:
    wish, expected = IN_TRANSACTION[case]
    async with Station(server.ocpp, case, "2.0.1") as station:
        await station.boot()
        transaction_id = await charge(server, station)
        assert (await show(server, station, f'transactionId: "{transaction_id}", {wish}'))["status"] == "ACCEPTED"
        assert said(station) | {"transactionId": "mine"} | expected == said(station)
        (row,) = await shown(server, station, said(station)["id"])
        assert row["stationTransactionId"] == "mine"


@pytest.mark.octt("2.0.1", "TC_O_10_CSMS")
async def test_a_message_for_a_transaction_that_the_station_has_forgotten_is_rejected(server: Server) -> None:
    async with Station(server.ocpp, "TCO10", "2.0.1") as station:
        await station.boot()
        transaction_id = await charge(server, station)
        command = await show(server, station, f'transactionId: "{transaction_id}"', "UnknownTransaction")
        assert said(station)["transactionId"] == "mine"
        assert (command["status"], command["error"]) == ("REJECTED", "UnknownTransaction")


@pytest.mark.octt("2.0.1", "TC_O_17_CSMS", "TC_O_18_CSMS", "TC_O_19_CSMS", "TC_O_26_CSMS")
@pytest.mark.parametrize(
    ("answer", "wish", "expected"),
    [
        ("NotSupportedPriority", "priority: ALWAYS_FRONT", {"priority": "AlwaysFront"}),
        ("NotSupportedState", "state: FAULTED", {"state": "Faulted"}),
        ("NotSupportedMessageFormat", "priority: IN_FRONT", {"priority": "InFront"}),
        ("Rejected", "priority: IN_FRONT", {"priority": "InFront"}),
    ],
)
async def test_a_message_that_a_station_does_not_take_is_rejected_and_not_shown(
    server: Server, answer: str, wish: str, expected: dict[str, Any]
) -> None:
    async with Station(server.ocpp, f"TCO17{answer}", "2.0.1") as station:
        await station.boot()
        command = await show(server, station, wish, answer)
        assert said(station) | expected == said(station)
        assert (command["status"], command["error"]) == ("REJECTED", answer)
        assert await shown(server, station) == []


@pytest.mark.octt("2.0.1", "TC_O_12_CSMS")
async def test_a_message_takes_the_place_of_the_one_with_its_id(server: Server) -> None:
    async with Station(server.ocpp, "TCO12", "2.0.1") as station:
        await station.boot()
        await show(server, station, "messageId: 9, priority: IN_FRONT")
        await show(server, station, "messageId: 9, priority: ALWAYS_FRONT")
        assert (said(station)["id"], said(station)["priority"]) == (9, "AlwaysFront")
        await nodes(server, MESSAGES, lambda rows: [r["priority"] for r in rows] == ["AlwaysFront"], id="TCO12")


GET: dict[str, tuple[str, dict[str, Any]]] = {
    "TCO02": ("", {}),
    "TCO07": (", messageIds: [9]", {"id": [9]}),
    "TCO08": (", priority: IN_FRONT", {"priority": "InFront"}),
    "TCO09": (", state: CHARGING", {"state": "Charging"}),
}


@pytest.mark.octt("2.0.1", "TC_O_02_CSMS", "TC_O_07_CSMS", "TC_O_08_CSMS", "TC_O_09_CSMS")
@pytest.mark.parametrize("case", GET)
async def test_messages_are_told_and_shown(server: Server, case: str) -> None:
    wish, expected = GET[case]
    async with Station(server.ocpp, case, "2.0.1") as station:
        await station.boot()
        await show(server, station, "messageId: 1")
        await shown(server, station, 1)
        command = await order(server, f'getDisplayMessages(input: {{stationId: "{case}"{wish}}})')
        assert command["status"] == "ACCEPTED"
        request_id = station.heard[-1][3]["requestId"]
        assert station.heard[-1][3] == {"requestId": request_id} | expected
        for number, more in ((9, True), (10, False)):
            message = {"id": number, "priority": "InFront", "message": {"content": "Hi", "format": "ASCII"}}
            told = {"requestId": request_id, "messageInfo": [message], "tbc": more}
            assert await station.call("NotifyDisplayMessages", told) == {}
        kept = () if case == "TCO02" else (1,)
        await shown(server, station, *kept, 9, 10)
        (report,) = await nodes(server, REPORTS, lambda rows: rows and rows[0]["complete"], id=case)
        assert (report["kind"], report["lineCount"]) == ("DISPLAY", 2)


@pytest.mark.octt("2.0.1", "TC_O_03_CSMS", "TC_O_11_CSMS")
@pytest.mark.parametrize(("case", "wish", "left"), [("TCO03", "", ()), ("TCO11", ", messageIds: [77]", (1,))])
async def test_no_such_message_is_an_answer_too(server: Server, case: str, wish: str, left: tuple[int, ...]) -> None:
    async with Station(server.ocpp, case, "2.0.1") as station:
        await station.boot()
        await show(server, station, "messageId: 1")
        station.commands["GetDisplayMessages"] = {"status": "Unknown"}
        command = await order(server, f'getDisplayMessages(input: {{stationId: "{case}"{wish}}})')
        assert (command["status"], command["error"]) == ("REJECTED", "Unknown")
        assert station.heard[-1][3]["requestId"] > 0
        (report,) = await nodes(server, REPORTS, lambda rows: rows, id=case)
        assert (report["status"], report["complete"]) == ("Unknown", True)
        await shown(server, station, *left)


@pytest.mark.octt("2.0.1", "TC_O_04_CSMS", "TC_O_05_CSMS")
@pytest.mark.parametrize(("answer", "fate"), [("Accepted", "ACCEPTED"), ("Unknown", "REJECTED")])
async def test_a_message_is_cleared(server: Server, answer: str, fate: str) -> None:
    async with Station(server.ocpp, f"TCO04{answer}", "2.0.1") as station:
        await station.boot()
        await show(server, station, "messageId: 3")
        await shown(server, station, 3)
        station.commands["ClearDisplayMessage"] = {"status": answer}
        command = await order(
            server, f'clearDisplayMessage(input: {{stationId: "{station.station_id}", messageId: 3}})'
        )
        assert command["status"] == fate
        assert station.heard[-1][2:] == ["ClearDisplayMessage", {"id": 3}]
        await shown(server, station)
