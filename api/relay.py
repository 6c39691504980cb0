"""The relay by hand: the history to Kafka up to now, from its checkpoint or once more from any position."""

from __future__ import annotations

from collections.abc import Callable

from api.bootstrap.privacy import opened
from api.bootstrap.relay import relay_of
from api.settings import Settings
from migrations.migrate import upgrade


def carry(settings: Settings, begin: int | None, advance: Callable[[int, int], None]) -> int:
    """Returns how many events Kafka has taken. Raises ValueError when it cannot be reached."""
    upgrade(settings.database)
    with opened(settings) as here:
        relay = relay_of(settings, here.engine, here.history, begin=begin)
        try:
            head = here.history.head()
            while relay.position < head and relay.step():
                advance(relay.position, head)
            return relay.sent
        except relay.FAULTS as error:
            raise ValueError(f"Kafka does not take events: {relay.ear.explain(error)}") from error
        finally:
            relay.hang_up()
