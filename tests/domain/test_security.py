"""Security: a profile is raised by use, and lowered by nobody but an operator."""

from __future__ import annotations

from domain.security import Security
from tests.scenario import NOW, SOMEBODY, Step, given, refused


def station() -> Security:
    return Security("security/CP1")


def require(profile: int) -> Step[Security]:
    return lambda s: s.require(profile, "because", SOMEBODY, NOW)


def reach(profile: int) -> Step[Security]:
    return lambda s: s.reach(profile, SOMEBODY, NOW)


def offer(credential_id: str) -> Step[Security]:
    return lambda s: s.offer(credential_id, SOMEBODY, NOW)


def test_nobody_decided_so_the_default_counts() -> None:
    assert [station().least(default) for default in (0, 1, 2)] == [0, 1, 2]


def test_a_profile_once_reached_is_the_least() -> None:
    scenario = given(station(), reach(2)).when(reach(1))
    scenario.then_nothing()
    assert scenario.aggregate.least(0) == 2


def test_an_operator_allows_less_than_the_default_and_less_than_was_reached() -> None:
    scenario = given(station(), reach(3)).when(require(0)).then(Security.ProfileRequired).showing(reason="because")
    assert scenario.aggregate.least(1) == 0


def test_there_are_four_profiles() -> None:
    refused(station(), require(4), "0, 1, 2 or 3")


def test_a_password_is_adopted_once_and_ends_every_other_offer() -> None:
    scenario = given(station(), offer("a"), offer("b")).when(lambda s: s.adopt("b", SOMEBODY, NOW))
    scenario.then(Security.PasswordAdopted).when(lambda s: s.decline("a", "late", SOMEBODY, NOW)).then_nothing()


def test_a_declined_password_is_not_adopted() -> None:
    declined = given(station(), offer("a")).when(lambda s: s.decline("a", "Rejected", SOMEBODY, NOW))
    declined.then(Security.PasswordDeclined).when(lambda s: s.adopt("a", SOMEBODY, NOW)).then_nothing()


def test_a_certificate_may_bear_the_id_and_the_given_name() -> None:
    named = given(station()).when(lambda s: s.name("SN1", SOMEBODY, NOW)).then(Security.CertificateNamed)
    assert named.aggregate.names() == {"CP1", "SN1"}
    named.when(lambda s: s.name("SN1", SOMEBODY, NOW)).then_nothing()
