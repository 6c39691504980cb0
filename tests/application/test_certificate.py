"""A certificate that ends soon is renewed by itself, once an hour at most, and only by who holds the station."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from application.certificate import Certificates
from application.command import Orders
from application.history import History
from application.journal import Journal
from application.store import Store
from domain.catalog import CATALOG
from domain.certificate import Certificate
from tests.scenario import NOW, SOMEBODY

DAY = timedelta(days=1)


class Bench:
    """A manager on a real store, with a clock that is set."""

    def __init__(self, store: Store) -> None:
        self.now = NOW
        self.history = History(store.recorder)
        self.journal = Journal(store.recorder, store.mapper, self.history.advance)
        orders = Orders(self.journal, 30, lambda station_id: True, self.clock)
        nothing = cast(Any, None)
        self.certificates = Certificates(self.journal, self.history, orders, nothing, 30 * DAY, self.clock)
        self.certificates.held = lambda station_id: cast(Any, object() if station_id == "HERE" else None)

    def clock(self) -> datetime:
        return self.now

    async def deliver(self, serial: str, station_id: str, days: int) -> None:
        certificate = Certificate(f"certificate/{serial}")
        life = {"not_before": self.now, "not_after": self.now + days * DAY}
        certificate.sign(
            SOMEBODY, self.now, station_id=station_id, kind="V2GCertificate", common_name="C", chain="P", **life
        )
        certificate.deliver(SOMEBODY, self.now)
        await self.journal.record(certificate.collect_events())

    async def asked(self) -> list[tuple[str, str]]:
        """Which stations were asked to renew what."""
        self.certificates.load()
        await self.certificates.renew()
        rows = self.history.read(0, 100, ("command.requested.v1",))
        requests = [cast(Any, CATALOG.decode(row.topic, row.state)) for row in rows]
        return [(request.station_id, request.parameters["kind"]) for request in requests]


@pytest.fixture
def bench(sqlite: str) -> Iterator[Bench]:
    store = Store(sqlite)
    yield Bench(store)
    store.close()


async def test_a_station_is_asked_when_its_certificate_ends_soon(bench: Bench) -> None:
    bench.journal.start()
    await bench.deliver("1", "HERE", 90)
    await bench.deliver("2", "AWAY", 10)
    assert await bench.asked() == []
    bench.now += 61 * DAY
    assert await bench.asked() == [("HERE", "V2GCertificate")]
    assert await bench.asked() == [("HERE", "V2GCertificate")]
    bench.now += timedelta(hours=2)
    assert len(await bench.asked()) == 2
    assert bench.certificates.known["certificate/1"].due
    await bench.deliver("3", "HERE", 90)
    bench.now += timedelta(hours=2)
    assert len(await bench.asked()) == 2
    await bench.journal.stop()
