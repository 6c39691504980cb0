"""What the public is told of a charge point, now and for good."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from domain.irve import BUSY, Declared, Said, gaps, publishable, state, static_record
from domain.point import Equipment, Outlet
from domain.site import Details, Premises
from tests.history import EQUIPMENT, PREMISES
from tests.scenario import NOW

WHOLE = Declared(
    "CP1", 1, "lyon", Details(name="Lyon", address="1 rue", operator="Bornes"), PREMISES, EQUIPMENT, 1,
    date(2026, 11, 24),
)  # fmt: skip
TWO = Equipment(outlets=(Outlet(socket="TYPE_2", connector_id=1), Outlet(socket="COMBO_CCS", connector_id=2)))


def told(*statuses: str, whole: str = "AVAILABLE", lost_at: datetime | None = None) -> tuple[str, str]:
    said = [Said(1, number, status, NOW) for number, status in enumerate(statuses, 1)]
    found = state(TWO, 1, [Said(0, 0, whole, NOW), *said, Said(2, 1, "FAULTED", NOW)], lost_at, NOW)
    return found.health, found.use


@pytest.mark.parametrize(
    ("statuses", "health", "use"),
    [
        (("AVAILABLE",), "en_service", "libre"),
        *(((status,), "en_service", "occupe") for status in sorted(BUSY)),
        (("RESERVED",), "en_service", "reserve"),
        (("FAULTED",), "hors_service", "inconnu"),
        (("UNAVAILABLE", "FAULTED"), "hors_service", "inconnu"),
        (("AVAILABLE", "FAULTED"), "en_service", "libre"),
        (("CHARGING", "UNAVAILABLE"), "en_service", "occupe"),
        (("AVAILABLE", "RESERVED"), "en_service", "reserve"),
        ((), "inconnu", "inconnu"),
    ],
)  # fmt: skip
def test_what_connectors_do_becomes_two_words(statuses: tuple[str, ...], health: str, use: str) -> None:
    assert told(*statuses) == (health, use)


@pytest.mark.parametrize("whole", ["FAULTED", "UNAVAILABLE"])
@pytest.mark.parametrize("status", ["AVAILABLE", "CHARGING", "RESERVED"])
def test_a_station_that_is_out_of_order_has_no_point_that_works(whole: str, status: str) -> None:
    assert told(status, whole=whole) == ("hors_service", "inconnu")


@pytest.mark.parametrize("status", ["AVAILABLE", "CHARGING", "FAULTED"])
def test_nobody_knows_what_a_lost_station_does(status: str) -> None:
    assert told(status, lost_at=NOW) == ("inconnu", "inconnu")


def test_each_kind_of_socket_has_a_state_of_its_own() -> None:
    said = [Said(1, 1, "FAULTED", NOW), Said(1, 2, "AVAILABLE", NOW + timedelta(minutes=1))]
    found = state(TWO, 1, said, None, NOW)
    assert found.sockets == {"TYPE_2": "hors_service", "COMBO_CCS": "fonctionnel"}
    assert found.at == NOW + timedelta(minutes=1)
    assert set(state(TWO, 1, said, NOW, NOW).sockets.values()) == {"inconnu"}


def test_connectors_of_ocpp_16_may_share_a_point() -> None:
    own = Equipment(outlets=(Outlet(socket="TYPE_2"), Outlet(socket="EF", evse_id=2)))
    found = state(own, 1, [Said(1, 1, "AVAILABLE", NOW), Said(2, 2, "CHARGING", NOW)], None, NOW)
    assert (found.use, found.sockets["EF"]) == ("occupe", "fonctionnel")


def test_a_whole_point_has_no_gap() -> None:
    assert list(gaps(WHOLE)) == []
    assert publishable(WHOLE)


def test_every_field_that_is_not_said_is_a_gap() -> None:
    bare = WHOLE._replace(premises=None, details=None, equipment=Equipment(), site_id=None)
    missing = {gap.column for gap in gaps(bare) if gap.severity == "MISSING"}
    assert {"coordonneesXY", "nom_enseigne", "id_pdc_itinerance", "raccordement", "nom_station"} <= missing
    assert {gap.column for gap in gaps(bare) if gap.severity == "WANTED"} >= {"siren_amenageur", "nom_operateur"}
    assert not publishable(bare)


def premises(**said: object) -> Premises:
    return msgspec.structs.replace(PREMISES, **said)


@pytest.mark.parametrize(
    ("point", "severity", "words"),
    [
        (WHOLE._replace(twin="CP2, EVSE 1"), "MISSING", "also that of CP2"),
        (WHOLE._replace(premises=premises(pool_id="FRXYZP1")), "MISSING", "begin like"),
        (WHOLE._replace(premises=premises(pool_id="Non concerné")), "MISSING", "no id for roaming"),
        (WHOLE._replace(premises=premises(delivery_point=None)), "WANTED", "connection of its own"),
        (WHOLE._replace(premises=premises(delivery_point="GI123")), "DOUBTFUL", "14 digits"),
        (WHOLE._replace(premises=premises(latitude=Decimal("41.95"), longitude=Decimal("2.9"))), "DOUBTFUL", "border"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_a_gap(point: Declared, severity: str, words: str) -> None:
    (gap,) = gaps(point)
    assert (gap.severity, words in gap.reason) == (severity, True)
    assert publishable(point) is (severity != "MISSING")


def test_the_price_is_that_of_the_operator_or_that_of_the_tariff() -> None:
    assert static_record(WHOLE, "0,45 € par kWh")["tarification"] == "0,45 € par kWh"
    own = msgspec.structs.replace(EQUIPMENT, pricing="gratuit le lundi")
    assert static_record(WHOLE._replace(equipment=own), "0,45 € par kWh")["tarification"] == "gratuit le lundi"
