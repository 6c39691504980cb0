"""What a query costs at most: rows asked for, level by level. Asking for everything at once is refused in advance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from strawberry.extensions import SchemaExtension

DEAREST = 250_000
UNSAID = 50
PAGED = {"stations", "transactions", "readings", "commands", "events"}


class CostLimiter(SchemaExtension):
    """Refuses an operation whose pages, multiplied through, could exceed 250,000 rows."""

    def on_execute(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        if document is not None:
            fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
            for definition in document.definitions:
                if isinstance(definition, OperationDefinitionNode):
                    price = cost(definition.selection_set, fragments, context.variables or {})
                    if price > DEAREST:
                        raise GraphQLError(
                            f"this could read {price:,} rows, more than {DEAREST:,}: ask for smaller pages",
                            extensions={"code": "BAD_USER_INPUT"},
                        )
        yield


def cost(
    selection: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
) -> int:
    """Rows a selection may read."""
    total = 0
    for node in (selection.selections or ()) if selection else ():
        if isinstance(node, FieldNode):
            rows = asked(node, variables) if node.name.value in PAGED else 1
            paged = rows if node.name.value in PAGED else 0
            total += paged + rows * cost(node.selection_set, fragments, variables)
        elif isinstance(node, FragmentSpreadNode):
            fragment = fragments.get(node.name.value)
            total += cost(fragment.selection_set, fragments, variables) if fragment else 0
        else:
            total += cost(getattr(node, "selection_set", None), fragments, variables)
    return total


def asked(node: FieldNode, variables: Mapping[str, Any]) -> int:
    """The size of the page a field asks for."""
    for argument in node.arguments or ():
        if argument.name.value == "first":
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                value = variables.get(argument.value.name.value)
                return value if isinstance(value, int) else UNSAID
    return UNSAID
