"""What was told is listed by fate, and rules over several items are found in it."""

from __future__ import annotations

from datetime import timedelta

from domain.catalog import CATALOG
from projections import qualicharge
from projections.engine import engine
from projections.projection import fold
from tests.history import BEGIN, HEARD, busy_day


def test_items_are_listed_by_fate_and_overlaps_are_found(ready: str) -> None:
    history = [(row.position, CATALOG.decode(row.topic, row.state)) for row in busy_day().rows()]
    made = engine(ready)
    with made.begin() as connection:
        fold(qualicharge.PROJECTION, history).write(connection, qualicharge.PROJECTION.tables)
        rows = connection.execute(qualicharge.items(20, None)).all()
        assert {row.transaction_id: row.fate for row in rows} == {
            "accepted": "ACCEPTED", "confirmed": "CONFIRMED", "refused": "REFUSED", "uncertain": "UNCERTAIN",
            "superseded": "SUPERSEDED", "withheld": "WITHHELD", "returned": "PREPARED", "retried": "PREPARED",
        }  # fmt: skip
        page = connection.execute(qualicharge.items(3, rows[2].prepared_position)).all()
        assert [row.id for row in page] == [row.id for row in rows[3:6]]
        (refused,) = connection.execute(qualicharge.items(9, None, fate="REFUSED")).all()
        assert (refused.status, refused.reason, refused.rules) == (404, "unknown point", None)
        assert qualicharge.counts(connection, kind="SESSION") == 8
        found = qualicharge.findings(connection, BEGIN - timedelta(days=1), HEARD)
        assert {finding.rule for finding in found} == {"10", "22"}
        assert len(qualicharge.findings(connection, BEGIN - timedelta(days=1), HEARD, most=2)) == 2
        assert qualicharge.findings(connection, BEGIN - timedelta(days=1), HEARD, "FRXYZE9") == []
    made.dispose()
