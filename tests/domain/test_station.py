"""Who may work, who is connected, and which transaction a station means."""

from __future__ import annotations

from datetime import datetime

from domain.event import Connection
from domain.station import CLOSED_REMEMBERED, Station
from tests.scenario import NOW, SOMEBODY, Step, given, refused

HERE = Connection(connection_id="c1", gateway="g1")
THERE = Connection(connection_id="c2", gateway="g1")


def blank() -> Station:
    return Station("station/CP1")


def register(station: Station) -> None:
    station.register("depot", SOMEBODY, NOW)


def connect(cause: Connection) -> Step[Station]:
    return lambda station: station.connect(cause, "1.6", NOW)


def opened(number: int, evse_id: int = 1) -> Step[Station]:
    facts = {"transaction_id": f"t{number}", "station_transaction_id": str(number), "evse_id": evse_id}
    return lambda station: station.record(Station.TransactionOpened, SOMEBODY, NOW, **facts)


def closed(number: int) -> Step[Station]:
    return lambda station: station.record(Station.TransactionClosed, SOMEBODY, NOW, transaction_id=f"t{number}")


def test_a_registered_station_is_accepted_whatever_the_policy() -> None:
    assert given(blank(), register).aggregate.admission("reject") == "Accepted"


def test_an_unknown_station_is_treated_by_the_policy() -> None:
    assert [blank().admission("accept"), blank().admission("pending"), blank().admission("reject")] == [
        "Accepted", "Pending", "Rejected",
    ]  # fmt: skip


def test_a_station_is_registered_once() -> None:
    refused(given(blank(), register).aggregate, register, "already registered")


def test_a_newer_connection_ends_the_older_one() -> None:
    scenario = given(blank(), connect(HERE)).when(connect(THERE))
    scenario.then(Station.Disconnected, Station.Connected).showing(connection_id="c2")


def test_a_station_that_is_not_connected_cannot_disconnect() -> None:
    given(blank()).when(lambda s: s.disconnect("gone", SOMEBODY, NOW)).then_nothing()


def test_the_open_transaction_of_an_evse_is_found_until_it_closes() -> None:
    station = given(blank(), opened(1), opened(2, evse_id=2)).aggregate
    found = station.open_on(2)
    assert found is not None
    assert found.transaction_id == "t2"
    closed(2)(station)
    assert station.open_on(2) is None
    known = station.find("2")
    assert known is not None
    assert not known.open


def test_only_the_latest_closed_transactions_are_remembered() -> None:
    station = blank()
    for number in range(CLOSED_REMEMBERED + 5):
        opened(number)(station)
        closed(number)(station)
    assert len(station.transactions) == CLOSED_REMEMBERED
    assert station.find("0") is None
    assert station.find(str(CLOSED_REMEMBERED + 4)) is not None


def test_a_number_used_again_means_the_newer_transaction() -> None:
    station = given(blank(), opened(1), closed(1)).aggregate
    station.record(
        Station.TransactionOpened, SOMEBODY, NOW, transaction_id="new", station_transaction_id="1", evse_id=1
    )
    known = station.find("1")
    assert known is not None
    assert known.transaction_id == "new"


def test_times_are_aware() -> None:
    station = given(blank()).when(register).events[0]
    assert isinstance(station.recorded_at, datetime)
    assert station.recorded_at.tzinfo is not None


def named(number: str, name: str) -> Step[Station]:
    return lambda s: s.name(s.transactions[number], name, SOMEBODY, NOW)


def orphaned(number: str = "77") -> Step[Station]:
    return lambda s: s.record(
        Station.TransactionOrphaned, SOMEBODY, NOW, station_transaction_id=number, occurred_at=NOW
    )


def test_a_transaction_is_found_by_an_id_of_the_stations_own() -> None:
    station = given(blank(), opened(7), named("7", "1234")).aggregate
    assert station.find("1234") == station.find("7") is not None


def test_zero_and_minus_one_are_no_ids() -> None:
    for word in ("0", "-1"):
        given(blank(), opened(7)).when(named("7", word)).then_nothing()


def test_evse_0_charges_nobody() -> None:
    assert given(blank(), opened(7, 0)).aggregate.open_on(0) is None


def test_an_orphan_is_bound_once() -> None:
    station = given(blank(), orphaned()).aggregate
    bind = lambda s: s.bind(1, "t7", SOMEBODY, NOW)  # noqa: E731
    given(station).when(bind).then(Station.OrphanBound)
    refused(station, bind, "bound already")


def test_of_very_many_orphans_the_latest_can_be_bound() -> None:
    station = given(blank(), *[orphaned(str(n)) for n in range(600)]).aggregate
    assert len(station.orphans) == 500
    assert 600 in station.orphans


def test_a_quirk_is_told_once() -> None:
    notice = lambda s: s.notice("unknown field", SOMEBODY, NOW)  # noqa: E731
    given(blank(), notice).when(notice).then_nothing()


def test_the_only_connector_is_known_while_it_is_the_only_one() -> None:
    def status(connector: int) -> Step[Station]:
        facts = {"evse_id": connector, "connector_id": connector, "status": "AVAILABLE", "occurred_at": NOW}
        return lambda s: s.record(Station.StatusReported, SOMEBODY, NOW, **facts)

    assert given(blank(), status(0)).aggregate.lone_connector is None
    assert given(blank(), status(0), status(1)).aggregate.lone_connector == 1
    assert given(blank(), status(1), status(2)).aggregate.lone_connector is None
