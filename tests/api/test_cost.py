"""What is too large is refused before anybody looks at it, and looking at it costs little."""

from __future__ import annotations

import time
from typing import Any

import pytest
from graphql import parse

from api.access import Principal
from api.graphql.context import Asker
from api.graphql.cost import DEAREST, measured
from api.graphql.schema import schema
from api.settings import Settings
from tests.desk import only

NESTED = """query %s { stations(first: %s) { edges { node { transactions(first: %s) { edges { node {
  readings(first: %s) { totalCount } } } } } } } }"""


def refused(query: str, **variables: Any) -> str:
    _, found = measured(parse(query), variables)
    assert found is not None
    return found


async def answer(query: str, role: str = "viewer", **variables: Any) -> Any:
    who = Asker(only(settings=Settings()), Principal("vera", frozenset({role})) if role else None)
    return await schema.execute(query, variables, {"asker": who})


def nested(names: str, spread: str, last: str, count: int) -> str:
    """Fragments that each spread the next one twice: 2^count spreads in a few kilobytes."""
    links = [f"fragment F{n} on {names} {{ {spread % {'next': f'F{n + 1}'}} }}" for n in range(count)]
    return " ".join(["{ ...F0 }", *links, f"fragment F{count} on {names} {{ {last} }}"])


def test_pages_within_pages_are_multiplied() -> None:
    assert measured(parse(NESTED % ("", 50, 10, 50)), {})[1] is None
    assert f"{DEAREST:,} rows" in refused(NESTED % ("", 500, 50, 50))


@pytest.mark.parametrize("variables", [{}, {"n": 500}])
def test_the_default_of_a_variable_counts_like_a_number_that_is_sent(variables: dict[str, int]) -> None:
    assert "rows" in refused(NESTED % ("($n: Int = 500)", "$n", "$n", "$n"), **variables)


@pytest.mark.parametrize("first", ["-2000000000", "0", "9" * 5_000])
def test_a_page_of_impossible_size_makes_nothing_else_cheaper(first: str) -> None:
    assert "rows" in refused(
        f"{{ a: stations(first: {first}) {{ edges {{ node {{ id }} }} }} }} " + NESTED % ("q", 500, 500, 500)
    )


def test_too_many_levels_and_too_many_aliases_are_refused() -> None:
    assert "levels" in refused("{ a " * 14 + "}" * 14)
    assert "levels" in refused("{ a " * 190 + "}" * 190)
    assert "aliases" in refused("{ " + " ".join(f"a{n}: me {{ name }}" for n in range(31)) + " }")


@pytest.mark.parametrize("spread", ["...%(next)s ...%(next)s", "...%(next)s ... on Query { ...%(next)s }"])
async def test_fragments_within_fragments_cost_no_time(spread: str) -> None:
    begin = time.perf_counter()
    result = await answer(nested("Query", spread, "me { name }", 100))
    assert time.perf_counter() - begin < 5
    assert result.data == {"me": {"name": "vera"}} or result.errors[0].extensions["code"] == "BAD_USER_INPUT"


async def test_a_fragment_that_spreads_itself_is_refused() -> None:
    result = await answer("{ ...F } fragment F on Query { me { name } ...F }")
    assert result.errors[0].extensions["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("query", ["{ me { name } }" + " me" * 5_000, "{ a" * 1_500, "{ a(b: " + "[" * 1_500])
async def test_a_document_without_end_is_bad_input(query: str) -> None:
    result = await answer(query)
    assert result.errors[0].extensions["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "query",
    [
        "{ me { name } events { totalCount } }",
        "{ ...F } fragment F on Query { ... on Query { events { totalCount } } }",
        "subscription { events { position } }",
        'mutation { blockBadge(input: {badge: "B", reason: "x"}) { badge } }',
    ],
)
async def test_what_a_role_may_not_ask_is_refused_before_anything_is_read(query: str) -> None:
    result = await answer(query)
    assert (result.data, result.errors[0].extensions["code"]) == (None, "FORBIDDEN")
    result = await answer(query, "")
    assert (result.data, result.errors[0].extensions["code"]) == (None, "UNAUTHENTICATED")


@pytest.mark.parametrize("text", ["\0", "x" * 10_001, "\ud83d"])
async def test_texts_that_no_database_keeps_are_refused_wherever_they_stand(text: str) -> None:
    query = "query ($s: String) { stations(search: $s) { totalCount } }"
    assert (await answer(query, s=text)).errors[0].extensions["code"] == "BAD_USER_INPUT"
    nul = '{ station(id: "S") { transactions(after: "\\u0000") { totalCount } } }'
    assert (await answer(nul)).errors[0].extensions["code"] == "BAD_USER_INPUT"
