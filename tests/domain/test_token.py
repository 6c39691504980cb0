"""What a token may be, and how long it lets anybody in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.token import LONGEST, Token, digest, stream
from tests.scenario import NOW, SOMEBODY, Step, given, refused

LATER = NOW + timedelta(days=1)


def blank() -> Token:
    return Token(stream("1f2e"))


def issue(**wish: Any) -> Step[Token]:
    facts: dict[str, Any] = {"name": "meter", "roles": ("viewer",), "expires_at": LATER} | wish
    return lambda t: t.issue(token_hash=digest("secret"), cause=SOMEBODY, now=NOW, **facts)


def revoke(token: Token) -> None:
    token.revoke("lost", SOMEBODY, NOW)


def use(hours: float = 0) -> Step[Token]:
    return lambda t: t.use(SOMEBODY, NOW + timedelta(hours=hours))


def test_a_token_lets_in_until_it_expires() -> None:
    token = given(blank(), issue()).aggregate
    assert token.valid(NOW)
    assert not token.valid(LATER)


def test_a_revoked_token_lets_nobody_in() -> None:
    scenario = given(blank(), issue()).when(revoke).then(Token.Revoked).showing(reason="lost")
    assert not scenario.aggregate.valid(NOW)


def test_a_token_is_revoked_once() -> None:
    refused(blank(), revoke, "there is no token 1f2e")
    refused(given(blank(), issue(), revoke).aggregate, revoke, "revoked already")


def test_the_use_of_a_token_is_told_once_an_hour_and_only_while_it_is_valid() -> None:
    given(blank(), issue()).when(use()).then(Token.Used)
    given(blank(), issue(), use()).when(use(0.9)).then_nothing()
    given(blank(), issue(), use()).when(use(1)).then(Token.Used)
    given(blank(), issue(), revoke).when(use()).then_nothing()
    given(blank(), issue()).when(use(25)).then_nothing()


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"name": ""}, "has a name"),
        ({"name": "a\nb"}, "printable"),
        ({"name": "x" * 101}, "100"),
        ({"roles": ()}, "one or more of the roles"),
        ({"roles": ("king",)}, "one or more of the roles"),
        ({"roles": ("driver",)}, "names badges"),
        ({"roles": ("driver", "viewer"), "badges": ("B1",)}, "no other role"),
        ({"badges": ("B1",)}, "any other names none"),
        ({"sites": tuple(map(str, range(201)))}, "at most 200"),
        ({"expires_at": NOW}, "in the future"),
        ({"expires_at": NOW + LONGEST + timedelta(seconds=1)}, "within 5 years"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(wish: dict[str, Any], words: str) -> None:
    refused(blank(), issue(**wish), words)


def test_the_history_holds_no_secret() -> None:
    given(blank()).when(issue()).then(Token.Issued).showing(token_hash=digest("secret"))
    assert "secret" not in digest("secret")
