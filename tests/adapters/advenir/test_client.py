"""The client, over a real socket: what is understood, and what is no answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.advenir.client import Client
from tests.regulator import DROP, LOGIN, PASSWORD, USER_ID, Regulator

BODY = json.dumps({USER_ID: {"P1": {"t1": {"StartTransaction": 1, "StopTransaction": 2, "StartValue": 0,
                                           "StopValue": 3}}}}).encode()  # fmt: skip


@pytest.fixture(scope="module")
def running() -> Any:
    with Regulator() as made:
        yield made


@pytest.fixture
def regulator(running: Regulator) -> Regulator:
    running.mood = running.after = lambda request: None
    running.verb, running.delay_s = "POST", 0.0
    running.requests.clear()
    running.recorded.clear()
    return running


@pytest.fixture
async def client(regulator: Regulator) -> AsyncIterator[Client]:
    made = Client(regulator.url, "POST", USER_ID, LOGIN, PASSWORD, timeout_s=0.5)
    yield made
    await made.close()


async def test_an_answer_is_understood_and_the_second_time_it_is_known_already(
    client: Client, regulator: Regulator
) -> None:
    told = await client.send(BODY)
    assert (told.status, told.statut, told.details, told.reason) == (200, "OK", {}, None)
    assert (await client.send(BODY)).details == {"202": [1, 2]}
    assert [request.body for request in regulator.requests] == [BODY, BODY]


async def test_the_verb_is_a_setting(regulator: Regulator) -> None:
    regulator.verb = "PUT"
    client = Client(regulator.url, "PUT", USER_ID, LOGIN, PASSWORD)
    assert (await client.send(BODY)).statut == "OK"
    await client.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((500, b"oops"), "HTTP 500"),
        ((401, b""), "HTTP 401: see BORNIER_ADVENIR_LOGIN and BORNIER_ADVENIR_PASSWORD"),
        ((302, b""), "HTTP 302: the address has moved, see BORNIER_ADVENIR_URL"),
        ((200, b"<html>"), "the answer is no JSON"),
        ((200, b"[" * 100_000), "the answer is no JSON"),
        ((200, {"statut": "?"}), "the answer says neither OK nor ECHEC"),
        ((200, b"\xff\0"), "the answer is no JSON"),
        ((DROP, b""), "no answer"),
    ],
)
async def test_what_is_no_answer_is_a_reason(client: Client, regulator: Regulator, answer: Any, reason: str) -> None:
    regulator.mood = lambda request: answer
    told = await client.send(BODY)
    assert told.reason is not None
    assert told.reason.startswith(reason)
    assert "\0" not in told.answer


async def test_a_slow_server_is_no_answer(client: Client, regulator: Regulator) -> None:
    regulator.delay_s = 0.8
    assert (await client.send(BODY)).reason == "no answer: ReadTimeout"


async def test_nobody_there_is_no_answer() -> None:
    client = Client("http://127.0.0.1:9/put", "POST", USER_ID, LOGIN, PASSWORD)
    assert str((await client.send(BODY)).reason).startswith("no answer")
    await client.close()


async def test_a_password_that_comes_back_is_not_kept(client: Client, regulator: Regulator) -> None:
    regulator.mood = lambda request: (403, f"{LOGIN} may not, not even with {PASSWORD}".encode())
    told = await client.send(BODY)
    assert told.answer == "*** may not, not even with ***"


async def test_strange_details_are_read_as_far_as_they_go(client: Client, regulator: Regulator) -> None:
    regulator.mood = lambda request: (200, {"statut": "OK", "details": {"202": [1, 2], "x": {"y": 1}}})
    assert (await client.send(BODY)).details == {"202": [1, 2], "x": None}
