"""Every message of every version does something, in both directions, and the page says what."""

from __future__ import annotations

import pytest

from adapters.ocpp.schema import actions
from adapters.ocpp.version import DIALECTS
from api.coverage import HEARD, KEPT, NOT_FOR_US, Row, rows, said
from api.graphql.schema import schema
from tests.adapters.ocpp.heard import everything, written

ROWS = rows()


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_every_message_with_a_schema_has_a_row(version: str) -> None:
    assert {row.message for row in ROWS if row.version == version} == actions(version)


def test_the_events_on_the_page_are_those_that_happen() -> None:
    assert HEARD.read_text("utf-8") == written(everything()), "stale: run `make docs`"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.version}-{row.direction}-{row.message}")
def test_no_row_is_without_behaviour(row: Row) -> None:
    if row.version == "2.1" and row.why_not:
        assert not row.understood, "it has a use after all: take its excuse away"
    else:
        assert row.understood


def test_every_mutation_on_the_page_exists() -> None:
    mutation = schema._schema.mutation_type
    assert mutation is not None
    assert {name for row in ROWS if row.direction == "to" for name in row.becomes} <= set(mutation.fields)


def test_every_command_sends_a_message() -> None:
    for dialect in DIALECTS.values():
        sending = {name for names in said(dialect).values() for name in names}
        assert set(dialect.say) - sending == {"sendMessage"}


def test_an_excuse_is_for_a_message_that_exists() -> None:
    assert all(message in actions(version) for version, message in NOT_FOR_US)


def test_what_is_only_kept_is_not_understood() -> None:
    assert not Row("1.6", "X", "from", (KEPT,), False, "", "").understood
