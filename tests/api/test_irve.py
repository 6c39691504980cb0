"""The files of IRVE over a real history, held to the official schemas by the official validator."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, cast

import jsonschema_rs
import msgspec
import pytest
from frictionless import Resource, Schema, system
from sqlalchemy import Connection

from api.irve import write_dynamic, write_points, write_static
from application.price import Pricebook
from domain.catalog import Recorded
from domain.event import Event, Operator
from domain.irve import DYNAMIC, STATIC
from domain.point import Point
from domain.site import Details, Site
from projections.catalog import PROJECTIONS
from projections.engine import engine
from projections.runner import Runner
from tests.history import BEGIN, EQUIPMENT, HEARD, PREMISES, Notebook, Talk, busy_day, status16
from tests.projections.test_projection import Book

GOLDEN = Path(__file__).parents[1] / "golden" / "irve"
BY = Operator(name="anna")
NOW = HEARD + timedelta(minutes=5)


def book(rows: list[Recorded]) -> Pricebook:
    """All tariffs of a history."""
    made = Pricebook(cast(Any, SimpleNamespace(read=Book(rows).read)), "Europe/Paris")
    made.load()
    return made


def written(ready: str, events: list[Event], write: Callable[[Connection, Pricebook, BinaryIO], int]) -> bytes:
    """What is written once a history has been read."""
    notebook = Notebook()
    notebook.events = events
    here, sink = engine(ready), io.BytesIO()
    try:
        runner = Runner(here, Book(notebook.rows()), [PROJECTIONS[name] for name in ("station", "site", "point")], 1000)
        while runner.step():
            pass
        with here.connect() as connection:
            assert write(connection, book(notebook.rows()), sink) == len(sink.getvalue().splitlines()) - 1
    finally:
        here.dispose()
    return sink.getvalue()


def static(ready: str, events: list[Event]) -> list[dict[str, str]]:
    file = written(ready, events, lambda c, book, sink: write_static(c, book, NOW, sink))
    return valid(file, "statique", STATIC)


def dynamic(ready: str, events: list[Event], now: datetime = NOW) -> list[dict[str, str]]:
    file = written(ready, events, lambda c, _, sink: write_dynamic(c, now, timedelta(minutes=10), sink))
    return valid(file, "dynamique", DYNAMIC)


def valid(file: bytes, kind: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows, if the official schema has nothing against them."""
    with system.use_context(trusted=True):
        schema = Schema.from_descriptor(str(GOLDEN / f"schema-{kind}.json"))
        report = Resource(data=file, format="csv", encoding="utf-8", schema=schema).validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "type", "message"])
    reader = csv.DictReader(io.StringIO(file.decode(), newline=""))
    assert tuple(reader.fieldnames or ()) == columns
    return list(reader)


def test_the_validator_refuses_what_the_schema_does() -> None:
    example = (GOLDEN / "exemple-valide-dynamique.csv").read_bytes()
    valid(example, "dynamique", DYNAMIC)
    with pytest.raises(AssertionError, match="constraint-error"):
        valid(example.replace(b"en_service", b"cassee"), "dynamique", DYNAMIC)


def test_the_busy_history_has_one_publishable_point(ready: str) -> None:
    (row,) = static(ready, busy_day().events)
    assert (row["id_pdc_itinerance"], row["nom_station"]) == ("FRA68E690011", "Lyon")
    assert (row["adresse_station"], row["coordonneesXY"]) == ("1 rue Lyon", "[4.85,45.76]")
    assert (row["nbre_pdc"], row["prise_type_2"], row["prise_type_chademo"]) == ("1", "true", "false")
    assert (row["tarification"], row["date_maj"]) == ("0,54 € par kWh", "2026-11-23")
    assert (row["telephone_operateur"], row["cable_t2_attache"]) == ("+33111111111", "true")


def test_what_it_does_now_is_in_the_dynamic_file(ready: str) -> None:
    (row,) = dynamic(ready, busy_day().events)
    assert (row["id_pdc_itinerance"], row["etat_pdc"], row["occupation_pdc"]) == ("FRA68E690011", "en_service", "libre")
    assert row["etat_prise_type_2"] == row["etat_prise_type_ef"] == "fonctionnel"
    assert row["etat_prise_type_chademo"] == ""
    assert datetime.fromisoformat(row["horodatage"]).tzinfo is not None


HOSTILE = 'Café « l\'Été », 12 "bis"; 100 % — Ünïcødé 🚗 <script>'


def park(count: int, **said: Any) -> list[Event]:
    """A site with some points, under names that a careless writer breaks on."""
    site = Site("site/s")
    site.register(Details(name=HOSTILE, address=HOSTILE, city="Lyon", operator=HOSTILE), BY, BEGIN)
    site.declare(msgspec.structs.replace(PREMISES, owner=HOSTILE, brand=HOSTILE), BY, BEGIN)
    events: list[Event] = list(site.collect_events())
    own = msgspec.structs.replace(EQUIPMENT, site="s", size_limit=HOSTILE, pricing=HOSTILE, remarks=HOSTILE)
    for number in range(1, count + 1):
        point = Point(f"point/CP{number:04}/1")
        point.describe(msgspec.structs.replace(own, **{"evse_uid": f"FRA68E{number}"} | said), BY, BEGIN)
        events += point.collect_events()
    return events


def test_hostile_texts_arrive_as_they_were_declared(ready: str) -> None:
    for row in static(ready, park(2)):
        for column in ("nom_station", "nom_operateur", "nom_amenageur", "restriction_gabarit", "observations"):
            assert row[column] == HOSTILE


def test_more_points_than_a_page_are_all_there_once(ready: str) -> None:
    rows = static(ready, park(501))
    assert len({row["id_pdc_itinerance"] for row in rows}) == len(rows) == 501
    assert {row["nbre_pdc"] for row in rows} == {"501"}


def test_two_points_with_one_id_are_not_published(ready: str) -> None:
    twin = Point("point/TWIN/1")
    twin.describe(msgspec.structs.replace(EQUIPMENT, site="s", evse_uid="FRA68E2"), BY, BEGIN)
    rows = static(ready, [*park(3), *twin.collect_events()])
    assert [row["id_pdc_itinerance"] for row in rows] == ["FRA68E1", "FRA68E3"]


def test_a_point_without_roaming_is_in_the_static_file_only(ready: str) -> None:
    events = park(2, evse_uid="Non concerné")
    assert [row["id_pdc_itinerance"] for row in static(ready, events)] == ["Non concerné"] * 2
    assert dynamic(ready, events) == []


def test_a_station_nobody_has_heard_of_is_unknown(ready: str) -> None:
    for row in dynamic(ready, park(2)):
        assert (row["etat_pdc"], row["occupation_pdc"], row["etat_prise_type_2"]) == ("inconnu",) * 3


@pytest.mark.parametrize(("minutes", "health"), [(5, "en_service"), (30, "inconnu")])
def test_a_lost_station_is_unknown_after_a_while(ready: str, minutes: int, health: str) -> None:
    notebook = Notebook()
    talk = Talk(notebook, "CP0001")
    talk.boot()
    talk.say("StatusNotification", status16("Charging", 1))
    talk.hang_up()
    (row,) = dynamic(ready, [*park(1), *notebook.events], talk.now + timedelta(minutes=minutes))
    assert row["etat_pdc"] == health
    assert (row["occupation_pdc"] == "occupe") is (health == "en_service")


@pytest.mark.parametrize("name", ["opened_on", "owner_siren", "operator_phone", "delivery_point", "insee"])
def test_what_the_schema_does_not_require_may_be_empty(ready: str, name: str) -> None:
    site = Site("site/lyon")
    site.register(Details(name="Lyon", address="1 rue"), BY, BEGIN)
    site.declare(msgspec.structs.replace(PREMISES, **{name: None}), BY, BEGIN)
    point = Point("point/CP1/1")
    point.describe(msgspec.structs.replace(EQUIPMENT, power_kw=Decimal("7.4")), BY, BEGIN)
    (row,) = static(ready, [*site.collect_events(), *point.collect_events()])
    assert row["puissance_nominale"] == "7.4"


def test_the_json_document_has_the_ad_hoc_price_in_the_order_of_the_regulation(ready: str) -> None:
    notebook = Notebook()
    notebook.events = busy_day().events
    here, sink = engine(ready), io.BytesIO()
    runner = Runner(here, Book(notebook.rows()), [PROJECTIONS[name] for name in ("station", "site", "point")], 1000)
    while runner.step():
        pass
    with here.connect() as connection:
        assert write_points(connection, book(notebook.rows()), NOW, timedelta(minutes=10), sink) == 1
    here.dispose()
    document = json.loads(sink.getvalue())
    schema = json.loads((GOLDEN.parents[2] / "docs/open-data.schema.json").read_text("utf-8"))
    jsonschema_rs.validate(schema, document)
    (point,) = document["charge_points"]
    assert point["dynamic"]["etat_pdc"] == "en_service"
    assert point["static"]["id_pdc_itinerance"] == "FRA68E690011"
    assert point["ad_hoc_price"]["prices"] == [{"per": "kWh", "amount": "0.54"}]
    assert point["ad_hoc_price"]["label"] == {"fr": "0,54 € par kWh", "en": "€0.54 per kWh"}
