"""Scope: what a mutation touches must be within the rights of whoever asks; what is not does not exist for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    value_from_ast_untyped,
)

from api.access import Principal
from api.graphql.context import Reads

SUBJECTS = {
    "stationId": "station",
    "stations": "station",
    "transactionId": "transaction",
    "commandId": "command",
    "jobId": "job",
    "reservationId": "reservation",
    "orphanId": "orphan",
    "file": "file",
    "serialNumber": "certificate",
    "RegisterStationInput.id": "new station",
    "site": "site",
    "sites": "site",
}
"""The name of an argument of type ID → what it names. One that is not here is nobody's whose rights are limited."""
Subject = tuple[str, str]


class Denied(GraphQLError):
    """A refusal that becomes a fact: what was asked, and the code of the error. Of another site and of nobody are the
    same to whoever asks."""

    def __init__(self, words: str, code: str, asked: str, **more: Any) -> None:
        super().__init__(words, extensions={"code": "BAD_USER_INPUT" if code == "NOT_FOUND" else code, **more})
        self.code = code
        self.asked = asked


async def within(
    operation: OperationDefinitionNode,
    fields: list[tuple[FieldNode, GraphQLField]],
    variables: Mapping[str, Any],
    principal: Principal,
    reads: Reads,
) -> None:
    """Raise as for something that does not exist, unless all that a mutation names may be seen."""
    if reads.scope is None or operation.operation is not OperationType.MUTATION:
        return
    known = defaults(operation) | dict(variables)
    for node, field in fields:
        subjects = list(named(node, field, known))
        if not any(subject != "new station" for subject, _ in subjects):
            words = f"{principal.name} may not use {node.name.value}: it is not about one site"
            raise Denied(words, "FORBIDDEN", f"Mutation.{node.name.value}")
        for subject, key in subjects:
            if not await theirs(subject, key, reads):
                words = f"there is no {subject} {key[:64]}"
                raise Denied(words, "NOT_FOUND", f"Mutation.{node.name.value}")


async def theirs(subject: str, key: str, reads: Reads) -> bool:
    assert reads.scope is not None
    match subject:
        case "new station":
            return True
        case "site":
            return key in (reads.scope.sites or ())
        case "orphan":
            return await reads.visible("station", key.partition("@")[2])
        case _:
            return await reads.visible(subject, key)


def named(node: FieldNode, field: GraphQLField, variables: Mapping[str, Any]) -> Iterator[Subject]:
    """What the arguments of a field name, however deep."""
    for given in node.arguments or ():
        argument = field.args.get(given.name.value)
        if argument is not None:
            value = value_from_ast_untyped(given.value, dict(variables))
            yield from inside(argument.type, given.name.value, given.name.value, value)


def inside(kind: GraphQLInputType, name: str, path: str, value: Any) -> Iterator[Subject]:
    if isinstance(value, list):
        for item in value:
            yield from inside(kind, name, path, item)
        return
    plain = get_named_type(kind)
    if isinstance(plain, GraphQLInputObjectType) and isinstance(value, dict):
        for part, field in plain.fields.items():
            yield from inside(field.type, part, f"{plain.name}.{part}", value.get(part))
    elif plain.name == "ID" and value is not None:
        yield SUBJECTS.get(path) or SUBJECTS.get(name) or name, str(value)


def defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    """What variables are when nobody sends them."""
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }
