"""A site says what its stations share."""

from __future__ import annotations

import pytest

from domain.site import Details, Site, stream, zone
from tests.scenario import NOW, SOMEBODY, given, refused

LYON = Details(name="Lyon", country="FR", time_zone="Europe/Paris")


def test_a_site_is_registered() -> None:
    given(Site(stream("lyon"))).when(lambda s: s.register(LYON, SOMEBODY, NOW)).then(Site.Registered).showing(
        site_id="lyon", details=LYON
    )


def test_the_same_again_is_no_news() -> None:
    step = given(Site(stream("lyon")), lambda s: s.register(LYON, SOMEBODY, NOW))
    step.when(lambda s: s.register(LYON, SOMEBODY, NOW)).then_nothing()


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe/"])
def test_a_zone_nobody_knows_is_refused(name: str) -> None:
    refused(Site(stream("lyon")), lambda s: s.register(Details(time_zone=name), SOMEBODY, NOW), "no time zone")


def test_a_country_is_two_capitals() -> None:
    refused(Site(stream("lyon")), lambda s: s.register(Details(country="France"), SOMEBODY, NOW), "two capitals")


def test_a_zone_is_known_by_its_name() -> None:
    assert str(zone("Europe/Paris")) == "Europe/Paris"
