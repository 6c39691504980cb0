"""The client against a server made from the saved OpenAPI, over a real socket."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema_rs
import pytest

from adapters.qualicharge.client import Client
from domain.qualicharge import Draft, Kind
from tests.registrar import GOLDEN, PASSWORD, USER, Registrar, serving

NOW = datetime.now(UTC) - timedelta(seconds=30)


@pytest.fixture
def registrar() -> Iterator[Registrar]:
    with serving(Registrar()) as running:
        yield running


@pytest.fixture
async def client(registrar: Registrar) -> AsyncIterator[Client]:
    made = Client(registrar.url, USER, PASSWORD, "Bornes du Rhone", 60_000, 5.0)
    yield made
    await made.close()


def draft(kind: Kind, payload: dict[str, Any]) -> Draft:
    return Draft(kind=kind, point=payload["id_pdc_itinerance"], station_id="CP", evse_id=1, payload=payload, position=1)


def session(point: str, minutes: int = 60, **more: Any) -> Draft:
    start = NOW - timedelta(minutes=minutes)
    payload = {"id_pdc_itinerance": point, "start": start.isoformat(), "end": NOW.isoformat(), "energy": 7.5}
    return draft("SESSION", payload | more)


def record(point: str, **more: Any) -> Draft:
    return draft("STATIC", RECORD | {"id_pdc_itinerance": point} | more)


RECORD: dict[str, Any] = {
    "nom_amenageur": "Ville", "siren_amenageur": "130025265", "contact_amenageur": "a@example.org",
    "nom_operateur": "Bornes", "contact_operateur": "o@example.org", "telephone_operateur": "+33123456789",
    "nom_enseigne": "Bornes", "id_station_itinerance": "FRXYZP1", "nom_station": "Gare",
    "implantation_station": "Voirie", "adresse_station": "1 rue de la Gare 69003 Lyon", "code_insee_commune": "69383",
    "coordonneesXY": "[4.85,45.76]", "nbre_pdc": 2, "puissance_nominale": 22.0, "prise_type_ef": False,
    "prise_type_2": True, "prise_type_combo_ccs": False, "prise_type_chademo": False, "prise_type_autre": False,
    "paiement_acte": True, "condition_acces": "Accès libre", "reservation": False, "horaires": "24/7",
    "accessibilite_pmr": "Non accessible", "restriction_gabarit": "aucune", "station_deux_roues": False,
    "raccordement": "Indirect", "num_pdl": None, "date_maj": "2026-01-01",
}  # fmt: skip


async def test_a_whole_batch_is_taken_and_ids_come_back_in_order(registrar: Registrar, client: Client) -> None:
    assert [t.fate for t in await client.send("STATIC", [record("FRXYZE1"), record("FRXYZE2")])] == ["ACCEPTED"] * 2
    told = await client.send("SESSION", [session("FRXYZE1", 30), session("FRXYZE2", 20), session("FRXYZE1", 10)])
    assert [registrar.sessions[str(t.reference)]["id_pdc_itinerance"] for t in told] == [
        "FRXYZE1",
        "FRXYZE2",
        "FRXYZE1",
    ]
    assert registrar.packed == 1
    assert registrar.agents == {"Bornes du Rhone"}
    assert [name for name, _ in registrar.calls].count("token") == 1
    assert await client.stored(str(told[0].reference)) is False
    assert await client.stored(str(told[0].reference)) is True


async def test_one_unknown_point_does_not_refuse_the_others(registrar: Registrar, client: Client) -> None:
    await client.send("STATIC", [record("FRXYZE1")])
    drafts = [session("FRXYZE9" if number == 4 else "FRXYZE1", 10 + number) for number in range(8)]
    drafts[6] = session("FRXYZE1", energy=5000)
    told = await client.send("SESSION", drafts)
    assert [t.fate for t in told] == [*["ACCEPTED"] * 4, "REFUSED", "ACCEPTED", "REFUSED", "ACCEPTED"]
    assert (told[4].status, told[4].reason) == (404, "Point of charge does not exist")
    assert (told[6].status, told[6].reason.split(":")[0]) == (422, "0.energy")
    assert len(registrar.sessions) == 6
    assert len({t.reference for t in told if t.reference}) == 6


async def test_a_batch_that_is_too_long_for_the_server_is_halved(registrar: Registrar, client: Client) -> None:
    await client.send("STATIC", [record("FRXYZE1")])
    registrar.limit = 3
    told = await client.send("SESSION", [session("FRXYZE1", 10 + number) for number in range(10)])
    assert {t.fate for t in told} == {"ACCEPTED"}
    assert len(registrar.sessions) == 10


async def test_points_that_contradict_each_other_are_told_one_by_one(registrar: Registrar, client: Client) -> None:
    told = await client.send("STATIC", [record("FRXYZE1"), record("FRXYZE2", nom_station="Autre")])
    assert [t.fate for t in told] == ["ACCEPTED", "ACCEPTED"]
    assert ("/statique/bulk", 400) in registrar.calls


async def test_a_token_that_ended_is_replaced(registrar: Registrar, client: Client) -> None:
    await client.send("STATIC", [record("FRXYZE1")])
    registrar.tokens.clear()
    client.free_at.clear()
    assert [t.fate for t in await client.send("SESSION", [session("FRXYZE1")])] == ["ACCEPTED"]


@pytest.mark.parametrize(
    ("status", "fate"), [(500, "UNCERTAIN"), (503, "UNCERTAIN"), (429, "RETURNED"), (403, "REFUSED"), (409, "REFUSED")]
)
async def test_what_other_answers_mean(registrar: Registrar, client: Client, status: int, fate: str) -> None:
    registrar.trouble["/dynamique/session/bulk"] = [status]
    (told,) = await client.send("SESSION", [session("FRXYZE1")])
    assert told.fate == fate


async def test_wrong_credentials_send_nothing_and_say_so(registrar: Registrar) -> None:
    client = Client(registrar.url, USER, "wrong", "x", 60_000, 5.0)
    (told,) = await client.send("SESSION", [session("FRXYZE1")])
    await client.close()
    assert (told.fate, "credentials are refused" in told.reason, "wrong" in told.reason) == ("RETURNED", True, False)


async def test_nobody_there_means_surely_not_arrived() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}", USER, PASSWORD, "x", 60_000, 2.0)
    (told,) = await client.send("SESSION", [session("FRXYZE1")])
    await client.close()
    assert told.fate == "RETURNED"


def test_the_records_of_these_tests_fit_the_schemas() -> None:
    for name, each in (("Statique", record("FRXYZE1")), ("SessionCreate", session("FRXYZE1"))):
        schema = json.loads((GOLDEN / f"{name}.schema.json").read_text("utf-8"))
        jsonschema_rs.validator_for(schema).validate(each.payload)
