"""Certificates: those we signed, those a station holds, and who was not let in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from domain.catalog import CATALOG
from projections import admission, certificate
from projections.engine import engine
from projections.page import cursor
from projections.projection import fold
from tests.history import HEARD, busy_day

HISTORY = [(row.position, CATALOG.decode(row.topic, row.state)) for row in busy_day().rows()]


@pytest.fixture
def read_side(ready: str) -> Iterator[Connection]:
    made = engine(ready)
    with made.begin() as connection:
        for projection in (certificate.PROJECTION, admission.PROJECTION):
            fold(projection, HISTORY).write(connection, projection.tables)
        yield connection
    made.dispose()


def test_certificates_are_listed_by_their_end(read_side: Connection) -> None:
    first = certificate.certificates(read_side, 2, station_id="NEW")
    assert [row.status for row in first.rows] == ["SIGNED", "DELIVERED"]
    assert first.more
    after = cursor(first.rows[-1].not_after, first.rows[-1].serial_number)
    rest = certificate.certificates(read_side, 5, after, "NEW")
    assert [(row.status, row.reason) for row in rest.rows] == [
        ("DECLINED", "Rejected"), ("DELIVERED", None), ("REVOKED", "stolen"),
    ]  # fmt: skip
    assert rest.rows[1].renewal_due_at == HEARD
    assert certificate.count(read_side) == 5


def test_those_that_end_soon_are_those_in_use(read_side: Connection) -> None:
    ending = certificate.certificates(read_side, 5, until=HEARD + timedelta(days=4))
    assert [row.serial_number for row in ending.rows] == ["1f", "3f"]
    assert certificate.taken_back(read_side) == [("4f", HEARD)]


def test_a_station_holds_what_it_listed_last_and_did_not_delete(read_side: Connection) -> None:
    held = certificate.trusted(read_side, "NEW")
    assert [(row.use, row.serial_number) for row in held] == [("CSMSRootCertificate", "1"), ("V2GRootCertificate", "2")]


def test_attempts_are_found_by_station_and_by_host(read_side: Connection) -> None:
    newest, oldest = admission.attempts(read_side, 5).rows
    assert (newest.station_id, newest.host, newest.unrecorded, newest.offered) == (None, None, 7, [])
    assert (oldest.station_id, oldest.host, oldest.address) == ("OLD", "10.0.0.7", "10.0.0.7:4711")
    assert admission.attempts(read_side, 5, station_id="OLD").rows == [oldest]
    assert admission.attempts(read_side, 5, host="10.0.0.7").rows == [oldest]
    assert admission.count(read_side, host="10.0.0.8") == 0
