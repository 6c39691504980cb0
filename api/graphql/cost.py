"""What a query costs at most: its depth, its aliases, and the rows it asks for, level by level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from api.graphql.page import LARGEST

DEEPEST, ALIASES, DEAREST = 12, 30, 250_000
UNSAID = 50
PAGED = {
    "stations", "transactions", "readings", "commands", "events", "variables", "monitors", "deviceEvents", "reports",
    "displayMessages", "eventStreams", "samples", "jobs", "steps", "files", "reservations",
    "causes", "effects",
}  # fmt: skip


class Size(NamedTuple):
    """`rows` are those that pages, multiplied through, may hold."""

    rows: int = 0
    depth: int = 0
    aliases: int = 0


def measured(document: DocumentNode, variables: Mapping[str, Any]) -> tuple[int, str | None]:
    """How many rows a document may read, and why it is too large to be looked at, in words; None when it is not."""
    try:
        sizes = [
            Measure(document, operation, variables).selection(operation.selection_set)
            for operation in document.definitions
            if isinstance(operation, OperationDefinitionNode)
        ]
    except RecursionError:
        return 0, f"this is nested deeper than {DEEPEST} levels"
    rows = sum(size.rows for size in sizes)
    if max((size.depth for size in sizes), default=0) > DEEPEST:
        return rows, f"this is nested deeper than {DEEPEST} levels"
    if sum(size.aliases for size in sizes) > ALIASES:
        return rows, f"this uses more than {ALIASES} aliases"
    if rows > DEAREST:
        return rows, f"this could read more than {DEAREST:,} rows: ask for smaller pages"
    return rows, None


class Measure:
    """Walks one operation. Every fragment is measured once, however often it is spread: nesting fragments in
    fragments must not cost more to measure than to send."""

    def __init__(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> None:
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.known: dict[str, Size] = {}
        self.variables = defaults(operation) | dict(variables)

    def selection(self, selections: SelectionSetNode | None) -> Size:
        sizes = [self.node(node) for node in (selections.selections if selections else ())]
        return Size(
            sum(size.rows for size in sizes),
            max((size.depth for size in sizes), default=0),
            sum(size.aliases for size in sizes),
        )

    def node(self, node: SelectionNode) -> Size:
        if isinstance(node, FieldNode):
            return self.field(node)
        if isinstance(node, FragmentSpreadNode):
            return self.fragment(node.name.value)
        return self.selection(getattr(node, "selection_set", None))

    def field(self, node: FieldNode) -> Size:
        inner, name = self.selection(node.selection_set), node.name.value
        rows = self.page(node) if name in PAGED else 0
        deeper = node.selection_set is not None and not name.startswith("__")
        return Size(
            rows + max(rows, 1) * inner.rows,
            inner.depth + deeper if not name.startswith("__") else 0,
            inner.aliases + (node.alias is not None),
        )

    def fragment(self, name: str) -> Size:
        """A fragment that spreads itself counts as nothing: validation refuses it."""
        if name not in self.known:
            self.known[name] = Size()
            fragment = self.fragments.get(name)
            self.known[name] = self.selection(fragment.selection_set) if fragment else Size()
        return self.known[name]

    def page(self, node: FieldNode) -> int:
        """The size of the page a field asks for; what is out of bounds is refused later and counts as the largest."""
        first = next((a.value for a in node.arguments or () if a.name.value in ("first", "last")), None)
        value = number(first) if isinstance(first, IntValueNode) else None
        if isinstance(first, VariableNode):
            value = self.variables.get(first.name.value)
        if not isinstance(value, int):
            return UNSAID
        return value if 1 <= value <= LARGEST else LARGEST


def defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    """The whole numbers that variables are when nobody sends them."""
    return {
        definition.variable.name.value: number(definition.default_value)
        for definition in operation.variable_definitions or ()
        if isinstance(definition.default_value, IntValueNode)
    }


def number(node: IntValueNode) -> int:
    """Numbers of so many digits that reading them takes long count as out of bounds."""
    return int(node.value) if len(node.value) < 12 else LARGEST + 1
