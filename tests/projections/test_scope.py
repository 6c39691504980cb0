"""What a scope shows of a table."""

from __future__ import annotations

from projections.scope import of_badges
from projections.transaction import TRANSACTION


def test_what_has_been_forgotten_is_nobodys() -> None:
    """A token of a driver whose badge was forgotten must not show what other forgotten people did."""
    shown = of_badges(TRANSACTION, ["B1", "forgotten"]).compile(compile_kwargs={"literal_binds": True})
    assert "'B1'" in str(shown)
    assert "FORGOTTEN" not in str(shown)
