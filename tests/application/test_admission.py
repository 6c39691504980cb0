"""How often somebody may fail, and what a command may not carry."""

from __future__ import annotations

from typing import Any

import pytest

from application.admission import KNOWN, Knock, Limit
from application.secret import betrays

HERE = Knock("10.0.0.1:1", station_id="CP1")


def test_the_failure_after_the_last_allowed_waits_until_the_first_is_a_minute_old() -> None:
    limit = Limit(3)
    assert [limit.failed(HERE, now) for now in (0.0, 10.0, 20.0)] == [True] * 3
    assert limit.wait(HERE, 20.0) == 41
    assert limit.wait(HERE, 60.0) is None


def test_another_station_and_another_address_do_not_wait() -> None:
    limit = Limit(1)
    limit.failed(HERE, 0.0)
    assert limit.wait(HERE, 1.0) is not None
    assert limit.wait(HERE._replace(station_id="CP2"), 1.0) is None
    assert limit.wait(HERE._replace(address="10.0.0.2:1"), 1.0) is None


def test_whoever_tries_many_names_waits_too() -> None:
    limit = Limit(1)
    for number in range(20):
        assert limit.failed(HERE._replace(station_id=f"GUESS{number}"), 0.0)
    assert limit.wait(HERE._replace(station_id="GUESS20"), 1.0) is not None
    assert not limit.failed(HERE._replace(station_id="GUESS20"), 1.0)


def test_the_memory_of_failures_is_bounded() -> None:
    limit = Limit(1)
    for number in range(KNOWN):
        limit.failed(Knock(f"10.{number}:1", station_id="CP1"), 0.0)
    assert len(limit.failures) == KNOWN


@pytest.mark.parametrize(
    "parameters",
    [
        {"key": "AuthorizationKey", "value": "6162"},
        {"variables": [{"component": "SecurityCtrlr", "variable": "basicauthpassword", "value": "x"}]},
        {"payload": {"setVariableData": [{"variable": {"name": "BasicAuthPassword"}, "attributeValue": "x"}]}},
        {"connection_data": {"basic_auth_password": "x"}},
        {"payload": {"connectionData": {"basicAuthPassword": "x"}}},
    ],
)
def test_a_password_in_a_command_is_seen_wherever_it_is(parameters: dict[str, Any]) -> None:
    assert betrays(parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"keys": ["AuthorizationKey"]},
        {"variables": [{"component": "SecurityCtrlr", "variable": "BasicAuthPassword"}]},
        {"key": "HeartbeatInterval", "value": "60"},
    ],
)
def test_asking_for_a_key_is_no_secret(parameters: dict[str, Any]) -> None:
    assert not betrays(parameters)
