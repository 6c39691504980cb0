"""A warehouse by hand: filled up to now, or only described."""

from __future__ import annotations

from collections.abc import Callable

from api.bootstrap.privacy import opened
from api.settings import Settings
from migrations.migrate import upgrade
from projections.engine import engine
from projections.warehouse import Warehouse, script


def fill(settings: Settings, advance: Callable[[int, int], None]) -> int:
    """Returns the position it reflects. Raises ValueError when a read model stands still."""
    upgrade(settings.database)
    with opened(settings) as here:
        warehouse = Warehouse(engine(settings.warehouse), here.history)
        try:
            head, reached = here.history.head(), 0
            while reached < head and warehouse.step():
                reached = min(progress.position for progress in warehouse.progress.values())
                advance(reached, head)
            stuck = [progress.error for progress in warehouse.progress.values() if progress.error]
            if stuck:
                raise ValueError(f"the warehouse stands still: {stuck[0]}")
            return max(reached, min(progress.position for progress in warehouse.progress.values()))
        finally:
            warehouse.engine.dispose()


def print_script(settings: Settings) -> None:
    """The DDL, one statement after the other."""
    made = engine(settings.warehouse)
    for statement in script(made.dialect):
        print(f"{statement};\n")
    made.dispose()
