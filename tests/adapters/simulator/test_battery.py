"""A battery takes what batteries take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.simulator.battery import Battery


def test_power_falls_after_eighty_percent_and_ends_when_full() -> None:
    powers = [Battery(50_000, soc, 11_000).power_w(11_000) for soc in (20, 80, 90, 99, 100)]
    assert powers[0] == powers[1] == 11_000
    assert powers[1] > powers[2] > powers[3] > powers[4] == 0


@given(st.floats(1_000, 100_000), st.floats(0, 100), st.lists(st.floats(0, 5_000), max_size=20))
def test_it_is_never_fuller_than_full_and_never_empties_by_charging(
    capacity: float, soc: float, energies: list[float]
) -> None:
    battery = Battery(capacity, soc, 11_000)
    for energy in energies:
        before = battery.soc_percent
        battery.charge(energy)
        assert before <= battery.soc_percent <= 100
