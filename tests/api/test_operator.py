"""What the operator of the demo asks is understood."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse, validate

from api.operator import ACTS, written
from tests.end_to_end.server import ROOT

SCHEMA = build_schema((ROOT / "docs" / "schema.graphql").read_text("utf-8"))


@pytest.mark.parametrize("act", ACTS, ids=[act.partition("(")[0] for act in ACTS])
def test_every_act_is_a_mutation_of_the_schema(act: str) -> None:
    assert validate(SCHEMA, parse(written(act, "SIM0001"))) == []
