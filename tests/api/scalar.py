"""How schemathesis makes values of our scalars."""

from __future__ import annotations

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

schemathesis.graphql.scalar("Position", st.integers(min_value=0, max_value=2**31 - 1).map(nodes.Int))
schemathesis.graphql.scalar("JSON", st.text(max_size=20).map(nodes.String))
schemathesis.graphql.scalar("Decimal", st.decimals(0, 10_000, places=2).map(str).map(nodes.String))
