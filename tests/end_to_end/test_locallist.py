"""Local lists over a real socket: sent in parts, in step with the badges, and what stations answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.client import Answer, Station
from tests.end_to_end.server import Server

VERSIONS = ["1.6", "2.0.1", "2.1"]
STATE = """query ($id: ID!) { localLists(stationId: $id) { totalCount edges { node {
    version status error automatic entries left commandId jobId position } } } }"""
JOB = "query ($id: ID!) { job(id: $id) { kind status percent error requestedBy steps { status percent } } }"
COMMAND = "query ($id: ID!) { command(id: $id) { status error answer } }"
FINAL = {"ACCEPTED", "REJECTED", "FAILED", "TIMED_OUT", "EXPIRED"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("locallist") / "bornier.db"
    with Server(f"sqlite:///{path}", BORNIER_UNKNOWN_BADGES="reject", BORNIER_CLEAR_CACHES="automatic") as running:
        yield running


class Listing:
    """The list inside a station, as the specification wants it kept (D01.FR.15 to D01.FR.19)."""

    def __init__(self, charger: Station) -> None:
        self.charger = charger
        self.version, self.badges = 0, dict[str, Any]()
        self.sizes: list[int] = []
        self.names = ("listVersion", "idTag") if charger.version == "1.6" else ("versionNumber", "idToken")
        charger.commands |= {"SendLocalList": self.take, "GetLocalListVersion": self.tell}

    def take(self, message: Answer) -> Answer:
        version, key = self.names
        entries = message.get("localAuthorizationList", [])
        if message["updateType"] == "Differential" and message[version] <= self.version:
            return {"status": "VersionMismatch"}
        if message["updateType"] == "Full":
            self.badges.clear()
        for entry in entries:
            badge = entry[key] if key == "idTag" else entry[key]["idToken"]
            self.badges.pop(badge, None)
            if info := entry.get(f"{key}Info"):
                self.badges[badge] = info["status"]
        self.version = message[version]
        self.sizes.append(len(entries))
        return {"status": "Accepted"}

    def tell(self, message: Answer) -> Answer:
        return {self.names[0]: self.version}


async def register(server: Server, *badges: str, **terms: str) -> None:
    more = "".join(f", {name}: {value}" for name, value in terms.items())
    lines = ", ".join(f'{{badge: "{badge}"{more}}}' for badge in badges)
    data = await server.ask(f"mutation {{ importBadges(input: {{badges: [{lines}]}}) {{ registered }} }}")
    assert data["importBadges"]["registered"] == len(badges)


async def sync(server: Server, station_id: str, *more: str) -> dict[str, Any]:
    """Synchronise, and wait for the end."""
    wish = ", ".join([f'stationId: "{station_id}"', *more])
    data = await server.ask(f"mutation {{ syncLocalList(input: {{{wish}}}) {{ status position }} }}")
    assert data["syncLocalList"]["status"] == "REQUESTED"
    return await state(server, station_id, "SYNCHRONISED", "ABANDONED", after=data["syncLocalList"]["position"])


async def state(server: Server, station_id: str, *wanted: str, after: int = 0) -> dict[str, Any]:
    def found(data: dict[str, Any]) -> bool:
        nodes = [edge["node"] for edge in data["localLists"]["edges"]]
        return any(node["status"] in wanted and node["position"] > after for node in nodes)

    data = await server.until(STATE, found, id=station_id)
    node: dict[str, Any] = data["localLists"]["edges"][0]["node"]
    return node


async def order(server: Server, mutation: str) -> dict[str, Any]:
    (asked,) = (await server.ask(f"mutation {{ {mutation} {{ id }} }}")).values()
    data = await server.until(COMMAND, lambda d: d["command"] and d["command"]["status"] in FINAL, id=asked["id"])
    command: dict[str, Any] = data["command"]
    return command


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_list_is_brought_in_step_in_parts_and_later_by_its_difference(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"L{version}", version) as charger:
        await charger.boot()
        inside, here = Listing(charger), f'["{charger.station_id}"]'
        names = [f"{version}-{number}" for number in range(5)]
        await register(server, *names, stations=here, group='"family"')
        await register(server, "elsewhere", stations='["OTHER"]')
        await server.ask('mutation ($b: String!) { blockBadge(input: {badge: $b, reason: "x"}) { badge } }', b=names[1])
        done = await sync(server, charger.station_id, "maxItems: 2")
        assert (done["status"], done["error"], done["version"], done["entries"]) == ("SYNCHRONISED", None, 3, 5)
        assert inside.badges == dict.fromkeys(names, "Accepted") | {names[1]: "Blocked"}
        assert inside.sizes == [2, 2, 1]
        job = (await server.until(JOB, lambda d: d["job"]["status"] == "SYNCHRONISED", id=done["jobId"]))["job"]
        assert (job["kind"], job["error"], job["requestedBy"]) == ("LOCAL_LIST", None, "admin")
        assert [step["percent"] for step in job["steps"] if step["percent"] is not None] == [0, 40, 80]
        reason = 'reason: "x"'
        await server.ask(f'mutation {{ removeBadge(input: {{badge: "{names[0]}", {reason}}}) {{ badge }} }}')
        await server.ask(f'mutation {{ unblockBadge(input: {{badge: "{names[1]}", {reason}}}) {{ badge }} }}')
        done = await sync(server, charger.station_id)
        assert (done["version"], inside.sizes[3:]) == (4, [2])
        assert inside.badges == dict.fromkeys(names[1:], "Accepted")
        nothing = await sync(server, charger.station_id)
        assert (nothing["status"], len(inside.sizes)) == ("SYNCHRONISED", 4)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_version_mismatch_is_followed_by_a_full_list(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"M{version}", version) as charger:
        await charger.boot()
        inside = Listing(charger)
        await register(server, f"m{version}", stations=f'["{charger.station_id}"]')
        await sync(server, charger.station_id)
        inside.version, inside.badges = 40, {"other": "Accepted"}
        await register(server, f"n{version}", stations=f'["{charger.station_id}"]')
        done = await sync(server, charger.station_id)
        assert done["status"] == "SYNCHRONISED"
        assert {f"m{version}", f"n{version}"} == inside.badges.keys()


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_reported_version_is_heeded(server: Server, version: str) -> None:
    async with Station(server.ocpp, f"G{version}", version) as charger:
        await charger.boot()
        inside = Listing(charger)
        inside.version = 17
        command = await order(server, f'getLocalListVersion(input: {{stationId: "{charger.station_id}"}})')
        assert command["status"] == "ACCEPTED"
        data = await server.until(STATE, lambda d: d["localLists"]["edges"], id=charger.station_id)
        assert data["localLists"]["edges"][0]["node"]["version"] == 17
        assert data["localLists"]["totalCount"] == 1
        assert (await sync(server, charger.station_id))["version"] == 18


@pytest.mark.parametrize(("version", "answer"), [
    ("1.6", {"status": "NotSupported"}), ("1.6", {"status": "Failed"}), ("2.0.1", {"status": "Failed"}),
    ("2.0.1", {"error": "NotImplemented"}),
])  # fmt: skip
async def test_a_station_that_takes_no_list_is_shown_with_the_reason(
    server: Server, version: str, answer: Answer
) -> None:
    (word,) = answer.values()
    async with Station(server.ocpp, f"N{version}{word}", version) as charger:
        await charger.boot()
        charger.commands["SendLocalList"] = answer
        done = await sync(server, charger.station_id)
        assert done["status"] == "ABANDONED"
        assert word in done["error"]
        job = (await server.until(JOB, lambda d: d["job"]["status"] == "FAILED", id=done["jobId"]))["job"]
        assert word in job["error"]


async def test_a_list_the_station_cannot_hold_is_not_begun(server: Server) -> None:
    async with Station(server.ocpp, "SMALL") as charger:
        await charger.boot()
        keys = ("LocalAuthListMaxLength", "1"), ("SendLocalListMaxLength", "1")
        charger.commands["GetConfiguration"] = {
            "configurationKey": [{"key": key, "readonly": True, "value": value} for key, value in keys]
        }
        await order(server, 'getConfiguration(input: {stationId: "SMALL"})')
        await register(server, "small1", "small2", stations='["SMALL"]')
        done = await sync(server, "SMALL")
        assert (done["status"], "holds 1" in done["error"]) == ("ABANDONED", True)
        inside = Listing(charger)
        done = await sync(server, "SMALL", "maxEntries: 9")
        assert (done["status"], inside.sizes) == ("SYNCHRONISED", [1, 1])


async def test_the_limits_a_station_of_2_0_1_has_reported_are_kept(server: Server) -> None:
    async with Station(server.ocpp, "LIMITED", "2.0.1") as charger:
        await charger.boot()
        inside = Listing(charger)
        variable = {"component": {"name": "LocalAuthListCtrlr"}, "variable": {"name": "ItemsPerMessage"}}
        charger.commands["GetVariables"] = {
            "getVariableResult": [variable | {"attributeStatus": "Accepted", "attributeValue": "2"}]
        }
        wish = '[{component: "LocalAuthListCtrlr", variable: "ItemsPerMessage"}]'
        await order(server, f'getVariables(input: {{stationId: "LIMITED", variables: {wish}}})')
        await register(server, "l1", "l2", "l3", stations='["LIMITED"]')
        await sync(server, "LIMITED")
        assert max(inside.sizes) == 2


async def test_a_kept_list_follows_the_badges_by_itself_and_blocked_ones_leave_the_caches(server: Server) -> None:
    async with Station(server.ocpp, "KEPT", "2.0.1") as charger:
        await charger.boot()
        inside = Listing(charger)
        data = await server.ask('mutation { keepLocalList(input: {stationId: "KEPT"}) { automatic version } }')
        assert data["keepLocalList"]["automatic"] is True
        await state(server, "KEPT", "SYNCHRONISED")
        await register(server, "kept1", stations='["KEPT"]')
        await server.until("{ me { name } }", lambda _: inside.badges.get("kept1") == "Accepted")
        await server.ask('mutation { blockBadge(input: {badge: "KEPT1", reason: "lost"}) { blocked } }')
        await server.until("{ me { name } }", lambda _: inside.badges.get("kept1") == "Blocked")
        assert "ClearCache" in [message[2] for message in charger.heard]
        off = "mutation { keepLocalList(input: {stationId: %s, automatic: false}) { automatic } }"
        assert (await server.ask(off % '"KEPT"'))["keepLocalList"]["automatic"] is False


async def test_a_message_for_an_absent_station_ends_with_its_deadline(server: Server) -> None:
    async with Station(server.ocpp, "ABSENT") as charger:
        await charger.boot()
    done = await sync(server, "ABSENT", "deadlineSeconds: 1")
    assert (done["status"], "not connected" in done["error"]) == ("ABANDONED", True)


@pytest.mark.parametrize(("wish", "reason"), [
    ('stationId: "NOBODY"', "no station"),
    ('stationId: "V1", full: true, remove: ["x"]', "nothing to remove"),
    ('stationId: "V1", badges: ["X"], remove: ["x"]', "at once"),
    ('stationId: "V1", version: 0', "1 or more"),
    ('stationId: "V1", deadlineSeconds: 0', "deadline"),
])  # fmt: skip
async def test_what_makes_no_sense_is_refused_at_once(server: Server, wish: str, reason: str) -> None:
    import httpx

    async with Station(server.ocpp, "V1") as charger:
        await charger.boot()
    query = f"mutation {{ sendLocalList(input: {{{wish}}}) {{ id }} }}"
    async with httpx.AsyncClient(timeout=30) as client:
        headers = {"Authorization": f"Bearer {server.settings['BORNIER_ADMIN_TOKEN']}"}
        answer = (await client.post(f"{server.http}/graphql", json={"query": query}, headers=headers)).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert reason in answer["errors"][0]["message"]
