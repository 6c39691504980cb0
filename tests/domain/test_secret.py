"""Which keys and variables are passwords, however they are written."""

from __future__ import annotations

import pytest

from domain.event import Refusal
from domain.secret import refuse, secret


@pytest.mark.parametrize("name", ["AuthorizationKey", "authorizationkey", "BasicAuthPassword", "VPNPASSWORD"])
def test_a_password_is_a_secret_in_any_case_of_letters(name: str) -> None:
    assert secret(name)
    with pytest.raises(Refusal):
        refuse("HeartbeatInterval", name)


def test_what_is_no_password_may_travel() -> None:
    refuse("HeartbeatInterval", "AuthorizeRemoteTxRequests")


def test_the_station_password_has_a_command_of_its_own() -> None:
    with pytest.raises(Refusal, match="use setPassword"):
        refuse("BasicAuthPassword")
