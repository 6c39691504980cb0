"""Lines of the log: whole, one each, about somebody, without secrets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import log
from api.settings import Settings
from application.log import about, from_now_on

HERE = logging.getLogger("bornier.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def said(*secrets: str, level: str = "INFO") -> io.StringIO:
    to = io.StringIO()
    log.configure(level, secrets, to)
    return to


def lines(to: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in to.getvalue().splitlines()]


def test_a_line_says_which_station_and_which_command_it_is_about() -> None:
    to = said()
    with about(station_id="CP1"):
        with about(command_id="c1", connection_id=None):
            HERE.info("sent")
        HERE.info("heard")
    HERE.info("idle")
    sent, heard, idle = lines(to)
    assert (sent["station_id"], sent["command_id"]) == ("CP1", "c1")
    assert "connection_id" not in sent
    assert (heard["station_id"], heard.get("command_id")) == ("CP1", None)
    assert "station_id" not in idle


async def test_what_a_task_is_about_stays_in_the_task() -> None:
    async def request(name: str) -> None:
        from_now_on(principal=name)
        await asyncio.sleep(0)
        HERE.info("asked")

    to = said()
    await asyncio.gather(*(asyncio.create_task(request(name)) for name in ("anna", "bert")))
    HERE.info("nobody")
    assert [line.get("principal") for line in lines(to)] == ["anna", "bert", None]


@given(text=st.text())
def test_no_text_begins_a_line_of_its_own(text: str) -> None:
    to = said()
    HERE.info("station %s", text)
    with about(station_id=text):
        HERE.info("again")
    first, second = lines(to)
    assert len(to.getvalue().splitlines()) == 2
    assert first["message"] == f"station {text}"
    assert second["station_id"] == text


@pytest.mark.parametrize(
    "odd", ["\n2026 INFO forged", "\x1b[2J", "\x9b31m", "\u2028", "\u202e", "\r", "\udc80", "\x00"]
)
def test_a_terminal_is_not_steered_by_what_a_station_says(odd: str) -> None:
    to = Terminal()
    log.configure("INFO", (), to)
    with about(station_id=odd):
        HERE.info("%s", odd)
    (line,) = to.getvalue().split("\n")[:-1]
    assert line.isprintable()


def test_secrets_are_starred_wherever_they_come_from() -> None:
    settings = Settings(
        database="postgresql://bornier:hunter2-pg@db/bornier",
        admin_token="the-admin-token",
        tokens="vera:viewer:the-token-of-vera",
        contracts_token="the-contracts-token",
        kafka_options='{"sasl_plain_password": "the-kafka-password"}',
    )
    to = said(*settings.secrets)
    for secret in ("hunter2-pg", "the-admin-token", "the-token-of-vera", "the-contracts-token", "the-kafka-password"):
        HERE.info("it was %s", secret)
    HERE.info(
        "Authorization: Bearer abcdefgh12345 and Basic Q1AxOnNlY3JldA== and password=hunter3 at postgresql://u:pw@h/d"
    )
    try:
        raise ValueError("cannot log in with the-admin-token")
    except ValueError:
        HERE.exception("failed")
    text = to.getvalue()
    for secret in (*settings.secrets, "abcdefgh12345", "Q1AxOnNlY3JldA", "hunter3", ":pw@"):
        assert secret not in text
    assert "postgresql://u:***@h/d" in text
    assert "Traceback" in text


def test_the_level_is_a_setting_and_a_wrong_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    to = said(level="ERROR")
    HERE.warning("quiet")
    assert lines(to) == []
    monkeypatch.setenv("BORNIER_LOG_LEVEL", "LOUD")
    with pytest.raises(ValueError, match="BORNIER_LOG_LEVEL"):
        Settings.load()
