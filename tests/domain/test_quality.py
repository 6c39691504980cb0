"""Each rule of the administration, broken once and kept once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.quality import (
    Limits,
    park_findings,
    point_findings,
    session_broken,
    static_broken,
    status_broken,
)
from tests.adapters.qualicharge.test_client import RECORD

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GOOD = RECORD | {"id_pdc_itinerance": "FRXYZE1", "nbre_pdc": 1}


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat()


def status(use: str = "libre", health: str = "en_service", **span: float) -> dict[str, Any]:
    at = ago(**(span or {"minutes": 1}))
    return {"id_pdc_itinerance": "FRXYZE1", "etat_pdc": health, "occupation_pdc": use, "horodatage": at}


def session(start: str, end: str, energy: float = 5.0) -> dict[str, Any]:
    return {"id_pdc_itinerance": "FRXYZE1", "start": start, "end": end, "energy": energy}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("1", {"puissance_nominale": 4000.0}),
        ("39", {"puissance_nominale": 1.3}),
        ("6", {"nom_operateur": ""}),
        ("6", {"telephone_operateur": "+3312345678"}),
        ("7", {"contact_amenageur": None}),
        ("20", {"raccordement": "Direct", "num_pdl": None}),
        ("34", {"raccordement": "Direct", "num_pdl": "1234"}),
        ("23", {"id_station_itinerance": "FRXYZE1"}),
        ("24", {"id_pdc_itinerance": "FR*XYZ*E1"}),
        ("55", {"siren_amenageur": "130025266"}),
        ("55", {"siren_amenageur": "000000000"}),
        ("0", {"id_station_itinerance": "FRABCP1"}),
        ("0", {"raccordement": None}),
        ("0", {"restriction_gabarit": "x"}),
        ("0", {"nbre_pdc": 0}),
        ("0", {"date_maj": "2026-11-25"}),
    ],
)
def test_a_field_of_a_point_that_breaks_a_rule(rule: str, said: dict[str, Any]) -> None:
    assert list(static_broken(GOOD, date(2026, 11, 24))) == []
    assert rule in [number for number, _ in static_broken(GOOD | said, date(2026, 11, 24))]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("37", status("occupe", "hors_service")),
        ("37", status("occupe", "inconnu")),
        ("43", status(minutes=5)),
        ("0", status(hours=25)),
        ("0", status(minutes=-1)),
    ],
)
def test_a_status_that_breaks_a_rule(rule: str, said: dict[str, Any]) -> None:
    assert list(status_broken(status(), NOW, Limits())) == []
    assert [number for number, _ in status_broken(said, NOW, Limits())] == [rule]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("11", session(ago(hours=2), ago(hours=1), 1000)),
        ("14", session(ago(hours=1), ago(hours=2))),
        ("15", session(ago(days=8), ago(hours=1))),
        ("40", session(ago(hours=1), ago(hours=1), 1.1)),
        ("42", session(ago(days=15), ago(days=14))),
        ("0", session(ago(hours=1), ago(hours=-1))),
        ("0", session(ago(days=400), ago(days=399))),
        ("24", session(ago(hours=2), ago(hours=1)) | {"id_pdc_itinerance": "FR*X"}),
    ],
)
def test_a_session_that_breaks_a_rule(rule: str, said: dict[str, Any]) -> None:
    assert list(session_broken(session(ago(hours=2), ago(hours=1)), NOW, Limits())) == []
    assert [number for number, _ in session_broken(said, NOW, Limits())] == [rule]


def other(number: int, **said: Any) -> dict[str, Any]:
    return GOOD | {"id_pdc_itinerance": f"FRXYZE{number}"} | said


@pytest.mark.parametrize(
    ("rule", "records"),
    [
        ("2", [other(1, code_insee_commune="20001")]),
        ("3", [other(1, coordonneesXY="[2.0,10.0]")]),
        ("30", [other(number, nbre_pdc=50) for number in range(50)]),
        ("47", [other(1, nbre_pdc=2)]),
        ("46", [other(1), other(2, id_station_itinerance="FRXYZP2")]),
        ("48", [other(1), other(2, nom_operateur="Autre")]),
        ("54", [other(1), other(2, nom_amenageur="Autre")]),
        ("0", [other(1, nbre_pdc=2), other(2, nbre_pdc=2, horaires="08:00-12:00")]),
    ],
)
def test_points_that_break_a_rule_together(rule: str, records: list[dict[str, Any]]) -> None:
    assert list(park_findings([GOOD], {"FRXYZE1": NOW}, NOW)) == []
    assert rule in [finding.rule for finding in park_findings(records, {}, NOW)]


def test_a_point_of_which_nobody_spoke_for_a_month() -> None:
    (found,) = park_findings([GOOD], {"FRXYZE1": NOW - timedelta(days=31)}, NOW)
    assert (found.rule, found.point) == ("51", "FRXYZE1")


CALM = [status("occupe", hours=2), status("libre", hours=1)]
CHARGE = session(ago(hours=2), ago(hours=1))
RAPID = GOOD | {"prise_type_combo_ccs": True, "raccordement": "Direct", "num_pdl": "12345678901234"}


@pytest.mark.parametrize(
    ("rule", "statuses", "sessions"),
    [
        ("44", [CALM[0], *CALM], [CHARGE]),
        ("53", [status("libre", minutes=1 + number / 60) for number in range(1440)], []),
        ("13", [], [session(ago(minutes=minute), ago(minutes=minute), 0) for minute in range(60)]),
        ("17", CALM, [CHARGE, CHARGE]),
        ("10", CALM, [CHARGE, session(ago(hours=1.5), ago(hours=1))]),
        ("38", CALM, [session(ago(hours=2), ago(hours=1), 30)]),
        ("22", CALM[:1], [CHARGE]),
        ("21", [*CALM, status("occupe", minutes=30)], [CHARGE]),
        ("49", [CALM[0], *[status("libre", minutes=60 - n / 10) for n in range(31)]], [CHARGE]),
    ],
)
def test_statuses_and_sessions_that_break_a_rule_together(
    rule: str, statuses: list[dict[str, Any]], sessions: list[dict[str, Any]]
) -> None:
    assert list(point_findings("FRXYZE1", RAPID, CALM, [CHARGE])) == []
    assert rule in [finding.rule for finding in point_findings("FRXYZE1", RAPID, statuses, sessions)]
