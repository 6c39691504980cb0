"""What if: the same charges under another tariff, and not one byte of the database is another."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from api.cli import cli
from api.replay import Question, question_of
from domain.event import Refusal
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.runner import Runner
from tests.application.test_price import ANNA, MONDAY, House, Rows, messages2, told_in_16
from tests.history import Notebook, Talk

typer = pytest.importorskip("typer.testing")
TARIFF = {
    "id": "NEW",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.5, "step_size": 1}]}],
}


class Feed(Rows):
    def head(self) -> int:
        return len(self.rows)

    def wait(self, beyond: int, timeout: float) -> bool:
        return False


@pytest.fixture(scope="module")
def database(ready_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two charges of 10 kWh at 0.25 each, and one that still runs."""
    path = tmp_path_factory.mktemp("replay") / "bornier.db"
    shutil.copyfile(ready_sqlite, path)
    house, notebook = House(), Notebook()
    house.publish("T", MONDAY)
    house.assign("T", MONDAY)
    house.group("B", "fleet", MONDAY)
    notebook.events += house.events
    first, second, third = (Talk(notebook, name, "2.0.1" if name == "CP2" else "1.6") for name in ("CP1", "CP2", "CP3"))
    first.session.station.register("lyon", ANNA, MONDAY)
    told_in_16(first)
    for message in messages2()[:2]:
        second.say("TransactionEvent", message)
    told_in_16(third)
    notebook.save(f"sqlite:///{path}")
    here = engine(f"sqlite:///{path}")
    runner = Runner(here, Feed(notebook.events), list(PROJECTIONS.values()))
    while runner.step():
        pass
    here.dispose()
    return f"sqlite:///{path}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "new.json"
    path.write_text(json.dumps(TARIFF))
    return path


def said(*arguments: str) -> str:
    result = typer.CliRunner().invoke(cli, ["replay", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_every_customer_pays_the_difference(database: str, file: Path) -> None:
    found = json.loads(said("--tariff", str(file), "--database", database, "--json", "--by", "station"))
    assert [(row["customer"], row["difference_incl_vat"]) for row in found["rows"]] == [
        ("CP1", "2.50"),
        ("CP3", "2.50"),
    ]
    total = found["total"]
    assert (total["charges"], total["energy_kwh"], total["before_incl_vat"], total["after_incl_vat"]) == (
        2, "20", "5.00", "10.00",
    )  # fmt: skip
    assert found["still_open"] == 1


@pytest.mark.parametrize(
    ("by", "customers"),
    [("group", {"fleet"}), ("badge", {"B"}), ("site", {"lyon", "(no site)"}), ("station", {"CP1", "CP3"})],
)
def test_a_customer_is_who_one_says(database: str, file: Path, by: str, customers: set[str]) -> None:
    text = said("--tariff", str(file), "--database", database, "--csv", "--by", by)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row[by] for row in rows} == customers | {"total"}
    assert rows[-1]["difference_incl_vat"] == "5.00"


def test_only_the_time_and_the_tariff_that_are_meant(database: str, file: Path) -> None:
    begin = ["--tariff", str(file), "--database", database, "--json"]
    late = json.loads(said(*begin, "--from", "2026-03-03"))
    assert late["rows"] == []
    assert json.loads(said(*begin, "--to", "2026-03-03", "--instead-of", "T"))["total"]["charges"] == 2
    assert json.loads(said(*begin, "--instead-of", "OTHER"))["total"]["charges"] == 0


def test_nothing_is_written(database: str, file: Path) -> None:
    path = Path(database.removeprefix("sqlite:///"))
    before = digest(path)
    said("--tariff", str(file), "--database", database)
    assert digest(path) == before


def digest(path: Path) -> list[tuple[str, str]]:
    """Of the database and whatever lies beside it with bytes in it."""
    beside = [each for each in sorted(path.parent.glob(f"{path.name}*")) if each.is_file() and each.stat().st_size]
    return [(each.name, hashlib.sha256(each.read_bytes()).hexdigest()) for each in beside]


def test_people_get_a_table(database: str, file: Path) -> None:
    text = said("--tariff", str(file), "--database", database)
    assert "fleet" in text
    assert "+5.00" in text
    assert "1 charges are not over" in text


@pytest.mark.parametrize(
    ("by", "since", "reason"),
    [("moon", None, "--by must be"), ("badge", datetime(2027, 1, 1, tzinfo=UTC), "--from must be before --to")],
)
def test_what_cannot_be_meant_is_refused(by: str, since: datetime | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        question_of(json.dumps(TARIFF).encode(), since, MONDAY, by, None)


def test_a_file_that_is_no_tariff_is_refused() -> None:
    with pytest.raises(Refusal, match="no OCPI tariff"):
        question_of(b"{}", None, None, "badge", None)
    found = question_of(json.dumps(TARIFF).encode(), None, None, "badge", None)
    assert isinstance(found, Question)
    assert found.terms.elements[0].components[0].price == Decimal("0.5")
