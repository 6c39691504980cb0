"""A simulated station keeps its local list as told, and asks it before it asks anybody."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.simulator.link import LinkDown
from tests.adapters.simulator.desk import Desk, at_desk

VERSIONS = ["1.6", "2.0.1", "2.1"]


async def send(desk: Desk, update: str, number: int, **badges: str | None) -> Any:
    """SendLocalList; a badge without a status is to be removed."""
    rows: list[dict[str, Any]] = []
    for badge, status in badges.items():
        info = {} if status is None else {"status": status}
        if desk.version == "1.6":
            rows.append({"idTag": badge} | ({"idTagInfo": info} if info else {}))
        else:
            token = {"idToken": {"idToken": badge, "type": "ISO14443"}}
            rows.append(token | ({"idTokenInfo": info} if info else {}))
    name = "listVersion" if desk.version == "1.6" else "versionNumber"
    payload: dict[str, Any] = {name: number, "updateType": update}
    answer = await desk.ask("SendLocalList", payload | ({"localAuthorizationList": rows} if rows else {}))
    return answer["status"]


async def listed(desk: Desk) -> Any:
    (version,) = (await desk.ask("GetLocalListVersion")).values()
    return version


@pytest.mark.parametrize("version", VERSIONS)
async def test_full_and_differential_lists_keep_their_versions(version: str) -> None:
    async with at_desk(version) as (desk, station):
        assert await listed(desk) == 0
        assert await send(desk, "Full", 4, A="Accepted", B="Blocked") == "Accepted"
        assert await send(desk, "Differential", 4, C="Accepted") == "VersionMismatch"
        assert await send(desk, "Differential", 5, B=None, C="Accepted") == "Accepted"
        assert (await listed(desk), sorted(station.badges.list)) == (5, ["A", "C"])
        many = {f"X{number}": "Accepted" for number in range(101)}
        assert await send(desk, "Full", 6, **many) == "Failed"
        assert await send(desk, "Full", 7) == "Accepted"
        assert (await listed(desk), station.badges.list) == (7, {})


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_listed_badge_starts_without_a_question_and_even_offline(version: str) -> None:
    async with at_desk(version) as (desk, station):
        await send(desk, "Full", 1, A="Accepted")
        assert await station.start("A")
        assert desk.said("Authorize") == []
        await station.end("Local")
        await station.link.close()
        station.charge = None
        assert (await station.badges.ask("A")).status == "Accepted"
        with pytest.raises(LinkDown):
            await station.badges.ask("STRANGER")


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_cache_remembers_an_answer_until_it_is_cleared(version: str) -> None:
    async with at_desk(version) as (desk, station):
        for _ in range(2):
            assert (await station.badges.ask("A")).status == "Accepted"
        assert len(desk.said("Authorize")) == 1
        assert await desk.ask("ClearCache") == {"status": "Accepted"}
        await station.badges.ask("A")
        assert len(desk.said("Authorize")) == 2
        station.device.show("AuthCacheCtrlr", "Enabled", "false")
        assert await desk.ask("ClearCache") == {"status": "Rejected"}


async def test_a_list_that_is_switched_off_is_not_kept() -> None:
    async with at_desk("1.6") as (desk, _):
        await desk.ask("ChangeConfiguration", {"key": "LocalAuthListEnabled", "value": "false"})
        assert await send(desk, "Full", 1, A="Accepted") == "NotSupported"
        assert await listed(desk) == -1
