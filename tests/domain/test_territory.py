"""A place is in France, near to it, or far away."""

from __future__ import annotations

import pytest

from domain.territory import situated

PLACES = {
    "Lyon": (4.8357, 45.7640), "Brest": (-4.49, 48.39), "Strasbourg": (7.75, 48.57), "Hendaye": (-1.77, 43.37),
    "Dunkerque": (2.38, 51.03), "Ajaccio": (8.74, 41.92), "Cayenne": (-52.33, 4.92), "Saint-Denis": (55.45, -20.88),
    "Fort-de-France": (-61.06, 14.61), "Pointe-à-Pitre": (-61.53, 16.24), "Mamoudzou": (45.23, -12.78),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PLACES))
def test_towns_of_france_are_in_france(name: str) -> None:
    assert situated(PLACES[name]) == "inside"


@pytest.mark.parametrize("place", [(2.9, 41.95), (7.9, 49.8), (55.2, -21.3)])
def test_at_a_border_the_shapes_are_too_coarse_to_say(place: tuple[float, float]) -> None:
    assert situated(place) == "near"


@pytest.mark.parametrize("place", [(45.76, 4.83), (-74.0, 40.7), (0.0, 0.0), (13.4, 52.5)])
def test_elsewhere_is_elsewhere(place: tuple[float, float]) -> None:
    assert situated(place) == "far"
