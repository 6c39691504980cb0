"""Webhooks: which topics, which addresses, how long to wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given as every
from hypothesis import strategies

from domain.webhook import Patience, Webhook, check_topics, check_url, matches, public
from tests.scenario import NOW, SOMEBODY, given, refused

KNOWN = ("station.booted.v1", "station.connected.v1", "transaction.ended.v1", "webhook.paused.v1")
URL = "https://example.com/hook"


def register(hook: Webhook) -> None:
    hook.register(URL, ["*"], KNOWN, False, SOMEBODY, NOW)


def pause(hook: Webhook) -> None:
    hook.pause("maintenance", SOMEBODY, NOW)


def resume(hook: Webhook) -> None:
    hook.resume(SOMEBODY, NOW)


def remove(hook: Webhook) -> None:
    hook.remove(SOMEBODY, NOW)


def disable(hook: Webhook) -> None:
    hook.disable("gone", 410, SOMEBODY, NOW)


def give_up(hook: Webhook) -> None:
    hook.give_up(7, SOMEBODY, NOW, subject="s/1", kind="k", attempts=9, first_tried_at=NOW, reason="422")


def redeliver(hook: Webhook) -> None:
    hook.redeliver(None, SOMEBODY, NOW)


def arrive(hook: Webhook) -> None:
    hook.arrive(7, SOMEBODY, NOW)


def new() -> Webhook:
    return Webhook("webhook/1")


def test_a_webhook_is_paused_resumed_disabled_once_each() -> None:
    given(new(), register).when(pause).then(Webhook.Paused)
    given(new(), register, pause).when(pause).then_nothing()
    given(new(), register, pause).when(disable).then_nothing()
    given(new(), register, pause).when(resume).then(Webhook.Resumed)
    given(new(), register).when(resume).then_nothing()
    given(new(), register).when(disable).then(Webhook.Disabled)
    given(new(), register, disable).when(resume).then(Webhook.Resumed)


@pytest.mark.parametrize("step", [pause, resume, remove, redeliver])
def test_what_is_not_there_cannot_be_changed(step: object) -> None:
    refused(new(), step, "there is no webhook 1")  # type: ignore[arg-type]
    refused(given(new(), register, remove).aggregate, step, "there is no webhook 1")  # type: ignore[arg-type]


def test_a_dead_letter_is_given_up_once_asked_for_and_arrives() -> None:
    given(new(), register, give_up).when(give_up).then_nothing()
    given(new(), register, give_up).when(redeliver).then(Webhook.RedeliveryRequested).showing(positions=(7,))
    given(new(), register, give_up, redeliver).when(arrive).then(Webhook.Redelivered)
    given(new(), register, give_up, arrive).when(arrive).then_nothing()
    given(new(), register, give_up, arrive).when(redeliver).then_nothing()
    refused(given(new(), register).aggregate, lambda w: w.redeliver(8, SOMEBODY, NOW), "no dead letter of position 8")


@pytest.mark.parametrize(
    ("pattern", "topic", "fits"),
    [
        ("*", "station.booted.v1", True), ("station.*", "station.booted.v1", True),
        ("station.*", "stationary.booted.v1", False), ("station.booted.v1", "station.booted.v1", True),
        ("station.booted.v1", "station.booted.v2", False), ("*", "webhook.paused.v1", False),
        ("webhook.*", "webhook.paused.v1", False), ("station.booted*", "station.booted.v1", False),
    ],
)  # fmt: skip
def test_a_pattern_fits_a_topic(pattern: str, topic: str, fits: bool) -> None:
    assert matches(pattern, topic) is fits


@pytest.mark.parametrize("topics", [[], ["*"] * 101, ["station"], ["webhook.*"], ["station.vanished.v1"], [""]])
def test_topics_that_nothing_fits_are_refused(topics: list[str]) -> None:
    with pytest.raises(Exception, match="topic"):
        check_topics(topics, KNOWN)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com", "https"), ("https://", "https"), ("example.com/hook", "https"), ("", "https"),
        ("https://a:b@example.com", "password"), ("https://example.com/#x", "fragment"),
        ("https://example.com:x", "URL"),
        ("https://exämple.com", "ASCII"), ("https://example.com/a b", "ASCII"), ("https://[::1", "URL"),
        ("http://example.com", "BORNIER_WEBHOOK_PRIVATE"), ("https://localhost/x", "private"),
        ("https://127.0.0.1/x", "private"), ("https://[::1]/x", "private"), ("https://10.1.2.3", "private"),
        ("https://169.254.169.254/latest", "private"), ("https://[::ffff:10.0.0.1]/", "private"),
    ],
)  # fmt: skip
def test_an_address_that_should_not_be_told_is_refused(url: str, reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        check_url(url, private=False)


def test_addresses_of_our_own_network_are_allowed_where_somebody_wishes() -> None:
    for url in ("http://127.0.0.1:8080/x", "https://billing.internal/", "http://[::1]/"):
        check_url(url, private=True)
    check_url(URL, private=False)


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1:248:1893:25c8:1946", True), ("127.0.0.1", False), ("0.0.0.0", False),
        ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False), ("100.64.0.1", False),
        ("169.254.1.1", False),
        ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("fe80::1", False), ("fd00::1", False),
        ("::ffff:127.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("ff02::1", False),
        ("::", False), ("64:ff9b::5db8:d822", True),
    ],
)  # fmt: skip
def test_what_is_outside(address: str, outside: bool) -> None:
    assert public(address) is outside


@every(strategies.integers(0, 10_000), strategies.floats(0, 1), strategies.floats(0, 1e9))
def test_a_pause_is_never_longer_than_the_longest(failures: int, luck: float, wish_s: float) -> None:
    patience = Patience()
    pause_s = patience.pause_s(failures, luck, wish_s)
    assert min(3.75, patience.most_s) <= pause_s <= patience.most_s
    assert pause_s >= min(wish_s, patience.most_s)


def test_pauses_grow_from_seconds_to_hours() -> None:
    pauses = [Patience().pause_s(n, 0.5) for n in range(1, 9)]
    assert pauses == [5, 20, 80, 320, 1280, 5120, 20480, 36000]


def test_an_event_is_given_up_after_so_many_refusals_or_so_many_days() -> None:
    patience = Patience()
    assert not patience.exhausted(8, NOW, NOW + timedelta(days=2))
    assert patience.exhausted(9, NOW, NOW)
    assert patience.exhausted(0, NOW, NOW + timedelta(days=3))
    assert not patience.exhausted(0, None, NOW)
