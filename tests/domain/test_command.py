"""The life of a command: one end, with a reason."""

from __future__ import annotations

import msgspec
import pytest

from domain.command import Command
from tests.scenario import NOW, SOMEBODY, Step, given

RAW = msgspec.Raw(b"{}")


def blank() -> Command:
    return Command("command/1")


def request(command: Command) -> None:
    command.request("CP1", "reset", {"kind": "SOFT"}, "anna", NOW, SOMEBODY, NOW)


def send(command: Command) -> None:
    command.send("c1", "m1", "Reset", RAW, SOMEBODY, NOW)


def answer(accepted: bool) -> Step[Command]:
    return lambda command: command.answer(accepted, RAW, None, SOMEBODY, NOW)


def close(kind: type[Command.Expired] | type[Command.Failed]) -> Step[Command]:
    return lambda command: command.close(kind, "why", SOMEBODY, NOW)


def test_a_command_is_asked_sent_and_answered() -> None:
    scenario = given(blank(), request, send).when(answer(True)).then(Command.Answered)
    assert scenario.aggregate.final


def test_a_command_is_sent_once() -> None:
    given(blank(), request, send).when(send).then_nothing()


@pytest.mark.parametrize("late", [answer(True), send, close(Command.Failed)])
def test_a_command_that_expired_stays_expired(late: Step[Command]) -> None:
    given(blank(), request, close(Command.Expired)).when(late).then_nothing()


def test_a_command_that_was_answered_cannot_fail_any_more() -> None:
    given(blank(), request, send, answer(False)).when(close(Command.Failed)).then_nothing()


def fulfil(command: Command) -> None:
    command.fulfil("t1", SOMEBODY, NOW)


def give_up(command: Command) -> None:
    command.give_up("too late", SOMEBODY, NOW)


def test_an_accepted_command_leads_to_something_once() -> None:
    given(blank(), request, send, answer(True)).when(fulfil).then(Command.Fulfilled).showing(transaction_id="t1")
    given(blank(), request, send, answer(True), fulfil).when(fulfil).then_nothing()
    given(blank(), request, send, answer(True), fulfil).when(give_up).then_nothing()


def test_what_was_given_up_may_still_come_about() -> None:
    given(blank(), request, send, answer(True), give_up).when(give_up).then_nothing()
    given(blank(), request, send, answer(True), give_up).when(fulfil).then(Command.Fulfilled)
