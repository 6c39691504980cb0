"""What the operator of the demo asks is understood."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse, validate

from api.operator import ACTS, PRICES, written
from tests.end_to_end.server import ROOT

SCHEMA = build_schema((ROOT / "docs" / "schema.graphql").read_text("utf-8"))


@pytest.mark.parametrize("act", [*PRICES, *ACTS], ids=lambda act: act.partition("(")[0])
def test_every_act_is_a_mutation_of_the_schema(act: str) -> None:
    assert validate(SCHEMA, parse(written(act, "SIM0001"))) == []
