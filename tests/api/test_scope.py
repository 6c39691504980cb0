"""Rights end where a site ends: of a history of two sites, whoever belongs to one sees and touches that one only."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from sqlalchemy import delete

from api.access import EVERYWHERE, POLICY, Principal
from api.graphql.context import Asker, Reads
from api.graphql.schema import schema
from api.graphql.scope import SUBJECTS
from api.settings import Settings
from application.history import History
from application.price import Pricebook, Prices
from domain.catalog import Recorded
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.runner import Runner
from projections.scope import Unseen
from projections.station import STATION
from tests.desk import only
from tests.history import HEARD, busy_day
from tests.projections.test_projection import Book

FOREIGN = "bb-"
"""What the ids of the other site begin with."""
CORE = schema._schema
ORGANISATION = ("badge/", "number/", "admission/", "file/image", "file/gone", "tariff/", "assignment/",
                "payer/", "sponsorship/", "seller/", "allowance/", "benefit/", "series/", "invoice/")  # fmt: skip
"""Streams that are of no site."""
ANNA = Principal("anna", frozenset({"operator", "auditor"}), frozenset({"lyon"}))
BOSS = Principal("boss", frozenset({"operator", "auditor"}))
DRIVER = Principal("dora", frozenset({"driver"}), badges=frozenset({"b1"}))
TALKATIVE = {"NEW", "EXTRA"}
COMMON = {"badge", "badges", "badgeChecks", "connectionAttempts"}
"""Queries that tell whoever sees all sites about what is of none, too."""
QUOTED = '{tariffId: "T1", energyWh: "1000", at: "2026-11-23T12:00:00Z"}'
NOT_WALKED = {"position", "cursor", "endCursor", "events", "causes", "effects"}
"""Fields that tell of places in the history, or need the right to read all of it (tests/api/test_cause.py)."""
NOT_READ = {"me", "sealKey"}
"""Queries that say nothing of what happened."""


class Tape(Book):
    """The history as the API uses it."""

    def stream(self, stream: str) -> list[Recorded]:
        return [row for row in self.rows if row.stream == stream]

    async def follow(
        self, after: int, topics: Sequence[str] = (), stream: str | None = None, until: int | None = None
    ) -> AsyncIterator[list[Recorded]]:
        """What there is, and then no more."""
        yield [row for row in self.read(after, 10_000, topics) if stream in (None, row.stream)]


def lyon() -> list[Recorded]:
    rows = [row for row in busy_day().rows() if row.topic != "station.registered.v1"]
    stations = sorted({row.stream.partition("/")[2] for row in rows if row.stream.startswith("station/")})
    stations += ["ARRANGED", *sorted({row.stream.partition("/")[2] for row in rows if row.stream.startswith("loc")})]
    return [*rows, *(registered(len(rows) + n, station, "lyon") for n, station in enumerate(stations, 1))]


def registered(position: int, station_id: str, site: str) -> Recorded:
    state = {"topic": "station.registered.v1", "originator_id": f"station/{station_id}", "originator_version": 9_999,
             "recorded_at": HEARD, "cause": {"by": "operator", "name": "anna"}, "site": site}  # fmt: skip
    return Recorded(position, f"station/{station_id}", 9_999, "station.registered.v1", msgspec.json.encode(state))


def brest(rows: list[Recorded]) -> list[Recorded]:
    """The same once more, with the ids of another site."""
    own = [row for row in rows if not row.stream.startswith(ORGANISATION)]
    keys = {row.stream.partition("/")[2] for row in own}
    made = []
    for position, row in enumerate(own, len(rows) + 1):
        noun, _, key = row.stream.partition("/")
        state = moved(json.loads(row.state), keys)
        state["originator_id"] = stream = f"{noun}/{moved_key(noun, key)}"
        made.append(Recorded(position, stream, row.version, row.topic, json.dumps(state).encode()))
    return made


def moved(value: Any, keys: set[str], name: str = "") -> Any:
    if isinstance(value, dict):
        return {part: moved(each, keys, part) for part, each in value.items()}
    if isinstance(value, list):
        return [moved(each, keys, name) for each in value]
    if name == "reservation_id":
        return 1_000 + value if value is not None else None
    if name == "site":
        return "brest"
    return f"{FOREIGN}{value}" if isinstance(value, str) and value in keys and name.endswith("_id") else value


def moved_key(noun: str, key: str) -> str:
    return str(1_000 + int(key)) if noun == "reservation" else f"{FOREIGN}{key}"


class Here:
    """A database with one site, then with two."""

    def __init__(self, database: str) -> None:
        self.engine = engine(database)
        self.tape = Tape(lyon())
        self.book = Pricebook(cast(History, self.tape), "Europe/Paris")
        prices = Prices(cast(History, self.tape), self.book)
        self.parts = only(engine=self.engine, history=self.tape, settings=Settings(), prices=prices)

    def show(self, more: Sequence[Recorded] = ()) -> None:
        self.tape.rows += more
        runner = Runner(self.engine, self.tape, list(PROJECTIONS.values()))
        while runner.step():
            pass
        self.book.load()

    async def follow(self, query: str, principal: Principal) -> list[Any]:
        """What a subscription tells, or the words of its error."""
        stream = await schema.subscribe(query, {}, {"asker": Asker(self.parts, principal)})
        return [result.errors[0].message if result.errors else result.data async for result in cast(Any, stream)]

    async def ask(self, query: str, principal: Principal) -> dict[str, Any]:
        result = await schema.execute(query, {}, {"asker": Asker(self.parts, principal)})
        return {"data": result.data, "errors": [error.message for error in result.errors or ()]}


@pytest.fixture
def here(ready: str) -> Iterator[Here]:
    made = Here(ready)
    made.show()
    yield made
    made.engine.dispose()


ON_SQLITE = pytest.mark.parametrize("ready", ["sqlite"], indirect=True)


def selection(kind: Any, depth: int = 0) -> str:
    """Everything that can be asked of a type, some levels deep."""
    kind = get_named_type(kind)
    if is_leaf_type(kind):
        return ""
    if isinstance(kind, GraphQLUnionType):
        return "{ __typename }"
    parts = ["__typename"]
    for name, field in kind.fields.items():
        needs = any(is_required_argument(argument) for argument in field.args.values())
        leaf = is_leaf_type(get_named_type(field.type))
        if not needs and (leaf or depth < 5) and name not in NOT_WALKED:
            parts.append(f"{name} {selection(field.type, depth + 1)}")
    return f"{{ {' '.join(parts)} }}"


def queries(**known: str) -> Iterator[tuple[str, str]]:
    """Every query, with its name; `known`: argument → value, used wherever a query has it."""
    assert CORE.query_type is not None
    for name, field in CORE.query_type.fields.items():
        arguments = [f"{arg}: {known[arg]}" for arg in field.args if arg in known]
        missing = [arg for arg, kind in field.args.items() if is_required_argument(kind) and arg not in known]
        if name not in NOT_READ and not missing:
            if "first" in field.args:
                arguments.append("first: 30")
            given = f"({', '.join(arguments)})" if arguments else ""
            yield name, f"{{ {name}{given} {selection(field.type)} }}"


def forbidden(name: str) -> bool:
    return POLICY[f"Query.{name}"] in EVERYWHERE


def asked(rows: Sequence[Recorded]) -> Iterator[tuple[str, str]]:
    """Every query about everything that these rows are about."""
    yield from queries()
    for row in rows:
        noun, _, key = row.stream.partition("/")
        if row.topic == "station.registered.v1" and key.removeprefix(FOREIGN) in TALKATIVE:
            yield from queries(
                stationId=json.dumps(key), transactionId='"none"', requestId="1", evseId="1", position="1",
                tariffId='"T1"', input=QUOTED,
            )  # fmt: skip
    for noun, key in sorted({(row.stream.partition("/")[0], row.stream.partition("/")[2]) for row in rows}):
        for known in ({}, {"asOf": '"2027-01-01T00:00:00Z"'}):
            yield from ((name, query) for name, query in queries(id=json.dumps(key), **known) if name == noun)


async def test_over_two_sites_one_of_them_is_told_what_it_would_be_told_alone(here: Here) -> None:
    own = list(here.tape.rows)
    alone = {query: await here.ask(query, BOSS) for name, query in asked(own) if not forbidden(name)}
    assert CORE.query_type is not None
    assert {name for name, _ in asked(own)} == set(CORE.query_type.fields) - NOT_READ
    here.show(brest(own))
    assert [query for query in alone if FOREIGN in str(await here.ask(query, BOSS))]
    for name, query in asked(own):
        answer = await here.ask(query, ANNA)
        assert FOREIGN not in str(answer)
        if forbidden(name):
            assert answer["errors"][0].startswith("anna may not use Query."), query
        elif name in COMMON:
            assert not answer["errors"], query
        else:
            assert answer == alone[query], query


@ON_SQLITE
async def test_the_other_site_might_as_well_not_exist(here: Here) -> None:
    other = brest(list(here.tape.rows))
    here.show(other)
    for name, query in asked(other):
        if not forbidden(name) and FOREIGN in query:
            answer, none = await here.ask(query, ANNA), await here.ask(query.replace(FOREIGN, "zz-"), ANNA)
            assert FOREIGN not in str(answer["data"]), query
            assert str(answer).replace(FOREIGN, "zz-") == str(none), query


@ON_SQLITE
async def test_whoever_follows_hears_of_their_own_site_only(here: Here) -> None:
    own = list(here.tape.rows)
    here.show(brest(own))
    assert CORE.subscription_type is not None
    for name, field in CORE.subscription_type.fields.items():
        query = f"subscription {{ {name}(after: 0) {selection(field.type, 3)} }}"
        heard = await here.follow(query, ANNA)
        if POLICY[f"Subscription.{name}"] in EVERYWHERE:
            assert heard == [f"anna may not use Subscription.{name}"]
        else:
            assert heard
            assert FOREIGN not in str(heard)
            assert FOREIGN in str(await here.follow(query, BOSS))


def wishes(known: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Every mutation with one id in every place where one can be: (its name, what the id names, the mutation)."""
    assert CORE.mutation_type is not None
    for name, field in CORE.mutation_type.fields.items():
        found = False
        for argument, kind in field.args.items():
            for path, subject in places(kind.type, argument):
                found = True
                value: Any = json.dumps(known.get(subject, subject))
                for part in reversed(path[1:]):
                    value = f"{{{part}: {value}}}"
                yield name, subject, f"mutation {{ {name}({path[0]}: {value}) {{ __typename }} }}"
        if not found:
            yield name, "", f"mutation {{ {name} {{ __typename }} }}"


def places(kind: Any, name: str, above: tuple[str, ...] = (), owner: str = "") -> Iterator[tuple[tuple[str, ...], str]]:
    plain = get_named_type(kind)
    path = (*above, name)
    if isinstance(plain, GraphQLInputObjectType) and len(path) < 6:
        for part, field in plain.fields.items():
            yield from places(field.type, part, path, plain.name)
    elif plain.name == "ID":
        yield path, SUBJECTS.get(f"{owner}.{name}") or SUBJECTS.get(name) or name


def ids(rows: Sequence[Recorded], site: str) -> dict[str, str]:
    """One of everything that a mutation can name."""
    found = {noun: key for noun, _, key in (row.stream.partition("/") for row in rows) if noun != "file"}
    station = next(row.stream.partition("/")[2] for row in rows if row.stream.endswith("OLD"))
    log = next(row.stream.partition("/")[2] for row in rows if row.stream.endswith("log"))
    return found | {"station": station, "orphan": f"7@{station}", "file": log, "site": site}


@ON_SQLITE
async def test_nothing_of_the_other_site_can_be_touched(here: Here) -> None:
    own = list(here.tape.rows)
    here.show(brest(own))
    theirs, ours = ids(brest(own), "brest"), ids(own, "lyon")
    unknown = dict.fromkeys(theirs, "404")
    refused, let_in = set(), set()
    for (name, subject, theirs_), (_, _, nobodys), (_, _, ours_) in zip(
        wishes(theirs), wishes(unknown), wishes(ours), strict=True
    ):
        if not ANNA.may_use(f"Mutation.{name}"):
            continue
        (error, *_), (same, *_) = [(await here.ask(query, ANNA))["errors"] for query in (theirs_, nobodys)]
        if subject in theirs:
            assert error == f"there is no {subject} {theirs[subject]}", theirs_
            assert same == f"there is no {subject} 404"
            mine = (await here.ask(ours_, ANNA))["errors"][0]
            assert not mine.startswith(("there is no", "anna may not")), (ours_, mine)
            let_in.add(name)
        else:
            assert "it is not about one site" in error or error == f"there is no {subject} {subject}", error
        refused.add(name)
    assert CORE.mutation_type is not None
    assert refused == {name for name in CORE.mutation_type.fields if ANNA.may_use(f"Mutation.{name}")}
    assert len(let_in) > 60


@ON_SQLITE
async def test_a_driver_sees_what_its_badges_did_and_nothing_else(here: Here) -> None:
    rows = list(here.tape.rows)
    began = [row for row in rows if row.topic == "transaction.started.v1" and b'"badge":"b1"' not in row.state.lower()]
    others = {row.stream.partition("/")[2] for row in began}
    for name, query in asked(rows):
        answer = await here.ask(query, DRIVER)
        if POLICY[f"Query.{name}"] != "own":
            assert answer["errors"] == [f"dora may not use Query.{name}"], query
        else:
            assert not [each for each in (*others, "'B2'", "'B3'", "'b3'") if each in str(answer["data"])], query
    charges = await here.ask("{ transactions { totalCount edges { node { badge readings { totalCount } } } } }", DRIVER)
    nodes = [edge["node"] for edge in charges["data"]["transactions"]["edges"]]
    assert {node["badge"].upper() for node in nodes} == {"B1"}
    assert len(nodes) == charges["data"]["transactions"]["totalCount"] == 1  # b1 was refused at LATE
    assert nodes[0]["readings"]["totalCount"]
    held = await here.ask("{ reservations { edges { node { badge } } } badges { edges { node { badge } } } }", DRIVER)
    assert held["data"]["reservations"]["edges"] == [{"node": {"badge": "B1"}}]
    assert held["data"]["badges"]["edges"] == [{"node": {"badge": "b1"}}]
    nobody = Principal("nina", frozenset({"driver"}))
    assert (await here.ask("{ transactions { totalCount } }", nobody))["data"]["transactions"]["totalCount"] == 0


@ON_SQLITE
def test_a_connection_that_shows_a_part_can_only_be_read(here: Here) -> None:
    with Reads(here.parts, ANNA.scope).connect() as connection, pytest.raises(Unseen):
        connection.execute(delete(STATION))


def test_resolvers_read_the_history_of_a_stream_through_the_scope() -> None:
    """`Reads.told` asks whether they may; `history.stream` does not. Whoever searches or sends all of it needs
    rights everywhere."""
    for path in Path("api/graphql").glob("*.py"):
        source = "" if path.name in ("context.py", "event.py") else path.read_text()
        assert not re.search(r"history\.stream\b|parts\.engine", source), path
