"""Who may ask what: one policy, and no field without a rule."""

from __future__ import annotations

import pytest
from graphql import GraphQLObjectType
from starlette.routing import Route

from api.access import EVERYWHERE, GRANTS, POLICY, Doorman, Right, given
from api.graphql.schema import schema
from api.settings import Settings
from api.web import routes

TOKEN = "a-long-enough-token"
ROOTS = [schema._schema.query_type, schema._schema.mutation_type, schema._schema.subscription_type]


def test_every_field_and_route_has_a_rule_and_every_rule_a_field_or_route() -> None:
    fields = {f"{root.name}.{name}" for root in ROOTS if isinstance(root, GraphQLObjectType) for name in root.fields}
    assert fields | {route.name for route in routes() if isinstance(route, Route)} == set(POLICY)


def test_every_type_field_and_argument_is_described() -> None:
    for kind in schema._schema.type_map.values():
        if kind.name.startswith("__") or not isinstance(kind, GraphQLObjectType):
            continue
        for name, field in kind.fields.items():
            assert field.description, f"{kind.name}.{name}"


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        ("viewer", {"open", "anybody", "own", "read", "overview"}),
        ("operator", {"open", "anybody", "own", "read", "overview", "command", "register", "common"}),
        ("auditor", {"open", "anybody", "own", "read", "overview", "audit"}),
        ("driver", {"open", "anybody", "own"}),
        ("admin", set(GRANTS)),
    ],
)
def test_a_role_may_do_exactly_this(role: str, rights: set[Right]) -> None:
    principal = given(f"anna:{role}:{TOKEN}")[TOKEN]
    assert {right for right in GRANTS if principal.may(right)} == rights


def test_a_token_is_recognised_and_another_is_not() -> None:
    doorman = Doorman(Settings(admin_token="secret", tokens=f"anna:viewer:{TOKEN}"))
    assert doorman.recognise({"authorization": "Bearer secret"}, {}) is not None
    anna = doorman.recognise({"authorization": f"bearer {TOKEN}"}, {})
    assert anna is not None
    assert anna.name == "anna"
    for header in ("Bearer other", "Basic secret", "secret", "Bearer ", "Bearer \udcff"):
        assert doorman.recognise({"authorization": header}, {}) is None


def test_a_session_ends_when_it_is_dismissed() -> None:
    doorman = Doorman(Settings(admin_token="secret"))
    principal = doorman.bearer("Bearer secret")
    assert principal is not None
    cookies = {Doorman.COOKIE: doorman.admit(principal)}
    assert doorman.recognise({}, cookies) == principal
    doorman.dismiss(cookies[Doorman.COOKIE])
    assert doorman.recognise({}, cookies) is None


def test_a_token_of_some_sites_has_no_rights_over_what_is_of_none() -> None:
    anna = given(f"anna:admin@lyon+brest:{TOKEN}")[TOKEN]
    assert anna.sites == {"lyon", "brest"}
    assert {right for right in GRANTS if anna.may(right)} == set(GRANTS) - EVERYWHERE


@pytest.mark.parametrize("tokens", ["anna", "anna:king:" + TOKEN, "anna:viewer:short"])
def test_a_token_list_that_cannot_be_read_is_refused(tokens: str) -> None:
    with pytest.raises(ValueError, match="BORNIER_TOKENS"):
        given(tokens)
