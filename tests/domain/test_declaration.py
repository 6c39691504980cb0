"""What may stand in a declaration."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import declaration as rule
from domain.declaration import Rule
from domain.event import Refusal

GOOD = [
    (rule.siren, "130 025 265", "130025265"),
    (rule.pool_id, "fr*a68*p68021*001", "FRA68P68021001"),
    (rule.evse_id, "FR-A68-E680210015", "FRA68E680210015"),
    (rule.evse_id, "non concerné", "Non concerné"),
    (rule.insee, "2a004", "2A004"),
    (rule.insee, "97105", "97105"),
    (rule.phone, "01 11 11 11 11", "+33111111111"),
    (rule.phone, "+33 (1) 11.11.11.11", "+33111111111"),
    (rule.phone, "111111111", "+33111111111"),
    (rule.phone, "+262 262 11 22 33", "+262262112233"),
    (rule.email, "contact@societe-x.example.com", "contact@societe-x.example.com"),
    (rule.hours, "24/7", "24/7"),
    (rule.hours, "Mo-Fr 08:00-12:00,Mo-Fr 14:00-18:00", "Mo-Fr 08:00-12:00,Mo-Fr 14:00-18:00"),
    (rule.delivery_point, "1234 5678 9123 45", "12345678912345"),
    (rule.power, Decimal("22.0"), Decimal(22)),
    (rule.power, Decimal("7.4"), Decimal("7.4")),
    (rule.longitude, Decimal("4.85945678912"), Decimal("4.8594568")),
    (rule.text, "  Café « l'Été », 12 ", "Café « l'Été », 12"),
]
BAD = [
    (rule.siren, "130025266"), (rule.siren, "000000000"), (rule.siren, "13002526"), (rule.siren, "١٣٠٠٢٥٢٦٥"),
    (rule.pool_id, "FRA68E68021001"), (rule.pool_id, "ESZUNP395912"), (rule.evse_id, "FRA68E"),
    (rule.evse_id, "FRA68E" + "1" * 30), (rule.evse_id, "FRA68É1"), (rule.insee, "69"), (rule.insee, "20004"),
    (rule.insee, "00000x"), (rule.phone, "1234"), (rule.phone, "+33 1 11"), (rule.email, "a@b"),
    (rule.email, "a b@c.fr"),
    (rule.email, "a..b@c.fr"), (rule.hours, "always"), (rule.delivery_point, "12;34"), (rule.power, Decimal("22000")),
    (rule.power, Decimal("NaN")), (rule.power, Decimal("1.2")), (rule.latitude, Decimal("91")),
    (rule.latitude, Decimal("Infinity")), (rule.text, ""), (rule.text, "a\nb"), (rule.text, "=1+1"),
    (rule.text, "@SUM"),
    (rule.text, "x" * 256), (rule.longer, "x"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "said", "written"), GOOD)
def test_what_may_stand_there_is_written_in_one_form(check: Rule, said: object, written: object) -> None:
    assert check(said) == written
    assert check(check(said)) == written


@pytest.mark.parametrize(("check", "said"), BAD)
def test_what_may_not_stand_there_is_refused(check: Rule, said: object) -> None:
    with pytest.raises(Refusal):
        check(said)


@given(st.integers(1, 99_999_999))
def test_of_ten_check_digits_one_makes_a_siren(number: int) -> None:
    assert [rule.luhn(f"{number:08}{digit}") for digit in range(10)].count(True) == 1


def test_everything_that_is_wrong_is_told_at_once() -> None:
    rules: dict[str, Rule] = {"siren": rule.siren, "insee": rule.insee, "brand": rule.text}
    with pytest.raises(Refusal, match=r"siren: .*; insee: "):
        rule.checked({"siren": "1", "insee": "x", "brand": "fine"}, rules)
