"""Which tariff is in force where on a station."""

from __future__ import annotations

from domain.pricelist import Pricelist
from tests.scenario import NOW, SOMEBODY, Step, given


def new() -> Pricelist:
    return Pricelist("pricelist/CP001")


def install(evse_id: int, tariff_id: str) -> Step[Pricelist]:
    return lambda each: each.install(evse_id, {"tariffId": tariff_id}, SOMEBODY, NOW)


def clear(tariff_id: str | None = None, evse_id: int | None = None) -> Step[Pricelist]:
    return lambda each: each.clear(tariff_id, evse_id, SOMEBODY, NOW)


def compare(evse_id: int, *said: tuple[int, str]) -> Step[Pricelist]:
    return lambda each: each.compare(evse_id, dict.fromkeys(said, "DRIVER"), SOMEBODY, NOW)


def entries(pricelist: Pricelist, *steps: Step[Pricelist]) -> list[tuple[int, str]]:
    return sorted(given(pricelist, *steps).aggregate.entries)


def test_a_new_default_takes_the_place_of_the_old_one() -> None:
    seen = given(new(), install(1, "day")).when(install(1, "night"))
    seen.then(Pricelist.Withdrawn, Pricelist.Installed).showing(tariff_id="night", evse_id=1)


def test_one_for_the_whole_station_takes_the_place_of_all() -> None:
    assert entries(new(), install(1, "a"), install(2, "b"), install(0, "c")) == [(0, "c")]


def test_another_content_under_the_same_id_stays_where_it_is() -> None:
    given(new(), install(1, "a")).when(install(1, "a")).then(Pricelist.Installed)


def test_defaults_are_cleared_by_id_by_evse_or_all() -> None:
    three = (install(1, "a"), install(2, "a"), install(3, "b"))
    assert entries(new(), *three, clear("a")) == [(3, "b")]
    assert entries(new(), *three, clear("a", 1)) == [(2, "a"), (3, "b")]
    assert entries(new(), *three, clear()) == []


def test_a_tariff_of_a_driver_is_not_cleared() -> None:
    assert entries(new(), compare(1, (1, "mine")), clear()) == [(1, "mine")]


def test_what_the_station_says_wins() -> None:
    seen = given(new(), install(1, "a"), install(2, "b")).when(compare(1, (1, "c")))
    seen.then(Pricelist.Withdrawn, Pricelist.Found).showing(tariff_id="c", evse_id=1)
    assert entries(new(), install(1, "a"), install(2, "b"), compare(0)) == []


def test_what_is_known_is_no_news() -> None:
    given(new(), install(1, "a")).when(compare(1, (1, "a"))).then_nothing()
