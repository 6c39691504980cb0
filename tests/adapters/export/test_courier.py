"""Exports from read models to where they are wanted."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adapters.export.courier import Courier
from adapters.export.exporter import prepare
from application.ports import DeliveryFailed, StorageFailed
from domain.event import Refusal
from domain.export import Export, Span
from projections.catalog import PROJECTIONS
from projections.dataset import DATASETS, Window
from projections.engine import engine
from projections.runner import Runner
from tests.history import BEGIN
from tests.projections.test_projection import Book
from tests.scenario import SOMEBODY

FEED = Book()


class Shelf:
    """A drop in memory."""

    def __init__(self, full: bool = False) -> None:
        self.files: dict[str, bytes] = {}
        self.full = full

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        content = b"".join([chunk async for chunk in chunks])
        if self.full:
            raise StorageFailed("no space left on device")
        self.files[key] = content


@pytest.fixture
def here(ready: str) -> Iterator[Engine]:
    made = engine(ready)
    runner = Runner(made, FEED, list(PROJECTIONS.values()))
    while runner.step():
        pass
    yield made
    made.dispose()


def table(here: Engine, dataset: str, window: Window = Window()) -> list[dict[str, str]]:  # noqa: B008
    sink, progress = io.BytesIO(), []
    with here.connect() as connection:
        writing = prepare(dataset, "csv", window, {})
        rows = writing.write(connection, sink, lambda done, total: progress.append((done, total)))
    found = list(csv.DictReader(io.StringIO(sink.getvalue().decode(), newline="")))
    assert rows == len(found)
    assert progress[-1:] == ([(rows, rows)] if rows else [])
    return found


def test_the_classic_transaction_table(here: Engine) -> None:
    found = table(here, "transactions")
    assert list(found[0])[:10] == [
        "started_at", "ended_at", "transaction_id", "soc_start_percent", "soc_end_percent", "stop_reason",
        "energy_kwh", "station_id", "badge", "power_w",
    ]  # fmt: skip
    assert ("OLD", "1", "B1") in {(row["station_id"], row["energy_kwh"], row["badge"]) for row in found}
    assert {row["station_id"] for row in table(here, "transactions", Window(station_id="OLD"))} == {"OLD"}
    late = BEGIN + timedelta(minutes=9)
    assert len(table(here, "transactions", Window(since=late))) < len(table(here, "transactions"))
    assert table(here, "transactions", Window(until=BEGIN - timedelta(days=30))) == []


def test_readings_belong_to_transactions(here: Engine) -> None:
    ids = {row["transaction_id"] for row in table(here, "transactions")}
    found = table(here, "readings")
    assert found
    assert {row["transaction_id"] for row in found} <= ids
    assert {"1.5", "1.25"} <= {row["energy_register_kwh"] for row in found}


def test_alarms_of_every_kind_are_one_table(here: Engine) -> None:
    found = table(here, "alarms")
    assert {row["kind"] for row in found} == {"CONNECTOR", "DEVICE", "SECURITY", "GRID", "METER"}
    assert [row["occurred_at"] for row in found] == sorted(row["occurred_at"] for row in found)


def test_stations_are_what_is_now(here: Engine) -> None:
    assert {"OLD", "NEW"} <= {row["station_id"] for row in table(here, "stations")}
    with pytest.raises(ValueError, match="no time"):
        table(here, "stations", Window(since=BEGIN))
    with pytest.raises(ValueError, match="no badge"):
        table(here, "stations", Window(badge="B1"))


@pytest.mark.parametrize("dataset", DATASETS)
async def test_an_export_of_a_site_shows_no_other(here: Engine, dataset: str) -> None:
    shelf = Shelf()
    await Courier(here, lambda place: shelf).deliver(wish(dataset, "nowhere"), DAY, FEED.head())
    (content,) = shelf.files.values()
    assert len(content.splitlines()) == 1


def wish(dataset: str = "transactions", site: str | None = None) -> Export.Scheduled:
    export = Export("export/1")
    export.schedule(dataset, "csv", "DAY", "03:00", "UTC", "in", {}, site, SOMEBODY, BEGIN)
    assert export.wish is not None
    return export.wish


DAY = Span(datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC))


async def test_the_file_of_a_day_arrives_and_its_receipt_is_true(here: Engine) -> None:
    shelf = Shelf()
    parcel = await Courier(here, lambda place: shelf).deliver(wish(), DAY, FEED.head())
    content = shelf.files["transactions-20261123T0000Z-20261124T0000Z.csv"]
    assert (parcel.size_bytes, parcel.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert parcel.rows == len(content.splitlines()) - 1 > 3
    stations = await Courier(here, lambda place: shelf).deliver(wish("stations"), DAY, FEED.head())
    assert stations.rows > 1


async def test_what_does_not_arrive_is_said_and_leaves_nothing(
    here: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(DeliveryFailed, match="no space left"):
        await Courier(here, lambda place: Shelf(full=True)).deliver(wish(), DAY, FEED.head())
    assert [name for name in os.listdir(tmp_path) if name.startswith("bornier-export")] == []


async def test_a_read_model_that_is_behind_delivers_nothing(here: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.export.courier.PATIENCE_S", 0.4)
    with pytest.raises(DeliveryFailed, match="behind"):
        await Courier(here, lambda place: Shelf()).deliver(wish(), DAY, FEED.head() + 1)


def test_a_wish_that_could_never_be_is_refused(here: Engine) -> None:
    courier = Courier(here, lambda place: Shelf())
    for wrong in (("bills?", "csv", {}), ("transactions", "pdf", {}), ("transactions", "csv", {"decimal": "x"})):
        with pytest.raises(Refusal):
            courier.check(*wrong)
