"""What is exported is what was sealed, and somebody with the public key alone finds every line that is not."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from api import cli
from api.audit import read
from api.extract import harmless, lines, proof, sealed
from api.search import Question, Search
from domain.audit import RANGE, leaf
from projections import mention, trace
from projections.audit import Notary
from projections.runner import Runner
from tests.projections.test_audit import EVENTS, Log, log

__all__ = ["log"]
VERIFIER = Path(__file__).parent.parent.parent / "docs/verify_export.py"
SPEC = importlib.util.spec_from_file_location("verify_export", VERIFIER)
assert SPEC is not None
assert SPEC.loader is not None
OUTSIDE: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(OUTSIDE)
FIRST, LAST = 1000, 2 * RANGE - 7
STATION = Question(station="B")


class Export:
    """An export with its proof in files, and somebody outside who looks at them."""

    def __init__(self, log: Log, folder: Path, question: Question, form: str, first: int, last: int) -> None:
        search = Search(log.history, log.engine, question)
        self.key, self.file, self.proof = folder / "key.pem", folder / f"export.{form}", folder / "proof.jsonl"
        self.key.write_text(log.signer.pem)
        self.lines = list(lines(search, first, last, form, stored=True))
        self.parts = [json.loads(part) for part in proof(search, first, last)]

    def verdict(self) -> str:
        """What the verifier says."""
        self.file.write_bytes("".join(self.lines).encode())
        self.proof.write_text("".join(json.dumps(part) + "\n" for part in self.parts))
        try:
            with self.proof.open() as proof:
                told = OUTSIDE.check(load_pem_public_key(self.key.read_bytes()), OUTSIDE.read(self.file), proof)
        except Exception as error:
            return f"NOT PROVEN: {error or type(error).__name__}"
        return str(told)


@pytest.fixture
def export(log: Log, tmp_path: Path) -> Callable[..., Export]:
    runner = Runner(log.engine, log.history, [mention.PROJECTION, trace.PROJECTION])
    while runner.step():
        pass

    def made(question: Question = Question(), form: str = "jsonl", first: int = FIRST, last: int = LAST) -> Export:  # noqa: B008
        return Export(log, tmp_path, question, form, first, last)

    return made


WHOLE = f"positions {FIRST} to {LAST}: proven and complete"
SELECTION = "every line is proven; it is a selection, which cannot show what else there is"


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_is_proven_and_a_range_complete(export: Callable[..., Export], form: str) -> None:
    whole = export(form=form)
    assert (len(whole.lines) - (form == "csv"), whole.verdict()) == (LAST - FIRST + 1, WHOLE)
    some = export(STATION, form)
    assert 0 < len(some.lines) < len(whole.lines)
    assert some.verdict() == SELECTION
    assert export(first=1, last=2 * RANGE).verdict() == f"positions 1 to {2 * RANGE}: proven and complete"
    assert export(first=1030, last=1030).verdict() == "positions 1030 to 1030: proven and complete"


def changed(export: Export) -> None:
    export.lines[40] = export.lines[40].replace("heartbeat", "Heartbeat")


def changed_data(export: Export) -> None:
    export.lines[40] = export.lines[40].replace('"rule":"test"', '"rule":"tesT"').replace('""test""', '""tesT""')


def told_otherwise(export: Export) -> None:
    """What only the line says, and the event does not."""
    line = export.lines[40].replace(",timer,", ",ocpp,")
    export.lines[40] = line.replace('{"position"', '{ "position"')


def removed(export: Export) -> None:
    del export.lines[40]


def removed_first(export: Export) -> None:
    del export.lines[1]


def removed_last(export: Export) -> None:
    del export.lines[-1]


def inserted(export: Export) -> None:
    export.lines.insert(40, export.lines[40])


def appended(export: Export) -> None:
    export.lines.append(export.lines[-1])


def swapped(export: Export) -> None:
    export.lines[40], export.lines[41] = export.lines[41], export.lines[40]


def unsigned(export: Export) -> None:
    export.parts[1]["signature"] = "00" * 64


TAMPERING = [
    changed, changed_data, told_otherwise, removed, removed_first, removed_last, inserted, appended, swapped, unsigned,
]  # fmt: skip


def test_whoever_touches_an_export_is_found(export: Callable[..., Export]) -> None:
    for question in (Question(), STATION):
        for form in ("jsonl", "csv"):
            made = export(question, form)
            for tamper in TAMPERING:
                lines, parts = list(made.lines), json.loads(json.dumps(made.parts))
                tamper(made)
                assert made.verdict().startswith("NOT PROVEN"), (question, form, tamper)
                made.lines, made.parts = lines, parts


def hidden(tree: Any, target: str, leaf: str) -> Any:
    """The proof with a line taken out of it, as somebody who knows the format would."""
    places = iter(range(10**9))

    def walk(part: Any) -> Any:
        if isinstance(part, list):
            return [walk(half) for half in part]
        if part is None:
            return leaf if next(places) == {"first": 0, "second": 1}[target] else None
        return part

    return walk(tree)


def test_nobody_hides_a_line_by_changing_its_proof_too(export: Callable[..., Export], log: Log) -> None:
    for number, target in enumerate(("first", "second")):
        made = export()
        event = log.history.at([FIRST + number])[0]
        del made.lines[number]
        made.parts[1]["tree"] = hidden(made.parts[1]["tree"], target, leaf(event).hex())
        assert made.verdict() == "NOT PROVEN: an event of the range is left out"
    made = export()
    del made.parts[1]
    assert made.verdict() == "NOT PROVEN: a seal is left out"


def test_a_range_that_lacks_positions_is_complete_without_them(export: Callable[..., Export], log: Log) -> None:
    log.alter("DELETE FROM seal")
    log.alter("DELETE FROM stored_events WHERE position BETWEEN 990 AND 1100")
    notary = Notary(log.engine, log.history, log.signer)
    while notary.step():
        pass
    made = export()
    assert made.verdict() == WHOLE
    nothing = export(first=1000, last=1010)
    assert (nothing.lines, nothing.verdict()) == ([], "positions 1000 to 1010: proven and complete")


def test_what_is_not_sealed_is_not_proven(export: Callable[..., Export], log: Log) -> None:
    assert sealed(Search(log.history, log.engine, Question())) == 2 * RANGE
    assert export(last=EVENTS).verdict().startswith("NOT PROVEN")


def test_a_spreadsheet_computes_nothing_of_an_export(export: Callable[..., Export]) -> None:
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"):
        assert harmless(text) == f"'{text}"
    assert harmless("station/=1+1") == "station/=1+1"
    rows = list(csv.DictReader(io.StringIO("".join(export(STATION, "csv").lines), newline="")))
    assert [json.loads(row["data"])["recorded_at"] for row in rows] == [row["recorded_at"] for row in rows]
    assert {(row["stream"], row["cause"], row["occurred_at"]) for row in rows} == {("station/B", "timer", "")}


def test_the_verifier_is_short_enough_to_be_read() -> None:
    assert len(VERIFIER.read_text().splitlines()) <= 120


def test_the_command_line_says_what_cannot_go_together(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no cause 'magic': ocpp, connection, command"):
        cli.events(cause="magic")
    with pytest.raises(ValueError, match="there is no format 'xml': jsonl or csv"):
        cli.events(form="xml")
    with pytest.raises(ValueError, match="'noon' is no time"):
        cli.events(since="noon")
    with pytest.raises(ValueError, match="--follow goes with"):
        cli.events(follow=True, badge="B")
    with pytest.raises(ValueError, match="--as-ocpp needs --station"):
        cli.events(as_ocpp=True)
    with pytest.raises(ValueError, match="there is no history at"):
        cli.events(database=f"sqlite:///{tmp_path}/none.db", badge="B")
    (tmp_path / "seal.json").write_text("[]")
    with pytest.raises(ValueError, match="holds no seal"):
        read(tmp_path / "seal.json")
