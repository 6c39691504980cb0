"""Who may ask what: one policy, and no field without a rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import GraphQLObjectType
from starlette.routing import Route

from api.access import EVERYWHERE, GRANTS, POLICY, Right
from api.doorman import Doorman, Stranger, given
from api.graphql.schema import schema
from api.settings import Settings
from api.web import routes

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
TOKEN = "a-long-enough-token"
ROOTS = [schema._schema.query_type, schema._schema.mutation_type, schema._schema.subscription_type]


def test_every_field_and_route_has_a_rule_and_every_rule_a_field_or_route() -> None:
    fields = {f"{root.name}.{name}" for root in ROOTS if isinstance(root, GraphQLObjectType) for name in root.fields}
    assert fields | {route.name for route in routes() if isinstance(route, Route)} == set(POLICY)


def test_the_page_about_roles_says_what_they_may() -> None:
    row = r"^\| (\w+) \|.*" + r"\| (\w+) " * 5 + r"\|$"
    (_, *roles), *rows = re.findall(row, PAGE.read_text("utf-8"), re.MULTILINE)
    said = {right: {role for role, word in zip(roles, words, strict=True) if word == "yes"} for right, *words in rows}
    assert said == {right: set(granted) for right, granted in GRANTS.items()}


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


async def test_a_token_is_recognised_and_another_is_not() -> None:
    doorman = Doorman(Settings(admin_token="secret", tokens=f"anna:viewer:{TOKEN}"))
    assert (await doorman.recognise({"authorization": "Bearer secret"}, {})).roles == {"admin"}
    assert (await doorman.recognise({"authorization": f"bearer {TOKEN}"}, {})).name == "anna"
    for header in ("Bearer other", "Basic secret", "secret", "Bearer ", "Bearer \udcff"):
        with pytest.raises(Stranger):
            await doorman.recognise({"authorization": header}, {})


async def test_a_session_ends_when_it_is_dismissed() -> None:
    doorman = Doorman(Settings(admin_token="secret"))
    principal = await doorman.bearer("Bearer secret")
    cookies = {Doorman.COOKIE: doorman.admit(principal)}
    assert await doorman.recognise({}, cookies) == principal
    doorman.dismiss(cookies[Doorman.COOKIE])
    with pytest.raises(Stranger):
        await doorman.recognise({}, cookies)


def test_a_token_of_some_sites_has_no_rights_over_what_is_of_none() -> None:
    anna = given(f"anna:admin@lyon+brest:{TOKEN}")[TOKEN]
    assert anna.sites == {"lyon", "brest"}
    assert {right for right in GRANTS if anna.may(right)} == set(GRANTS) - EVERYWHERE


@pytest.mark.parametrize("tokens", ["anna", "anna:king:" + TOKEN, "anna:viewer:short"])
def test_a_token_list_that_cannot_be_read_is_refused(tokens: str) -> None:
    with pytest.raises(ValueError, match="BORNIER_TOKENS"):
        given(tokens)
