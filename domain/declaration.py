"""A declaration: what the public is told of a site or a charge point, field by field, and what may stand there.

Every rule takes a value and returns how we write it; it raises Refusal with what is wrong, for whoever filled it in.
Sources: schema-irve 2.3 (etalab), the id scheme of AFIREV, and the checks of QualiCharge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from domain.event import Refusal

Rule = Callable[[Any], Any]

LONGEST = 255
NOT_ROAMING = "Non concerné"
FORMULA = ("=", "+", "-", "@")
POOL = re.compile(r"FR[A-Z0-9]{3}P[A-Z0-9]{1,29}")
EVSE = re.compile(r"FR[A-Z0-9]{3}E[A-Z0-9]{1,29}")
INSEE = re.compile(r"([013-9]\d|2[AB1-9])\d{3}", re.ASCII)
HOURS = re.compile(r".*?((\d{1,2}:\d{2})-(\d{1,2}:\d{2})|24/7)", re.ASCII)
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}")
PHONE = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
PDL = re.compile(r"[A-Za-z0-9]{1,64}")
LEAST_KW, MOST_KW = Decimal("1.3"), Decimal(4000)


def text(value: str) -> str:
    """One line that no spreadsheet takes for a formula: the file is published as it is."""
    said = value.strip()
    if not 1 <= len(said) <= LONGEST or not said.isprintable():
        raise Refusal(f"must be one line of 1 to {LONGEST} printable characters")
    if said.startswith(FORMULA):
        raise Refusal("must not begin with = + - or @: a spreadsheet would take it for a formula")
    return said


def longer(value: str) -> str:
    """At least two characters, as QualiCharge wants it."""
    if len(said := text(value)) < 2:
        raise Refusal("must have 2 characters or more; write “aucune” where there is none")
    return said


def email(value: str) -> str:
    if not EMAIL.fullmatch(said := value.strip()) or ".." in said or said.startswith(".") or ".@" in said:
        raise Refusal(f"{value[:80]!r} is no e-mail address")
    return said


def phone(value: str) -> str:
    """`01 11 11 11 11`, `+33 1…` and `111111111`, whose zero a spreadsheet ate, → `+33111111111`."""
    digits = re.sub(r"[\s.()-]", "", value)
    if re.fullmatch(r"0?[1-9]\d{8}", digits, re.ASCII):
        digits = f"+33{digits[-9:]}"
    if not PHONE.fullmatch(digits) or (digits.startswith("+33") and len(digits) != 12):
        raise Refusal(f"{value[:40]!r} is no telephone number: write it like +33 1 23 45 67 89")
    return digits


def siren(value: str) -> str:
    """Nine digits with the check sum of Luhn, such as 130025265."""
    digits = re.sub(r"\s", "", value)
    if not re.fullmatch(r"\d{9}", digits, re.ASCII):
        raise Refusal("a SIREN has nine digits")
    if digits == "000000000" or not luhn(digits):
        raise Refusal(f"{digits} is no SIREN: its check sum is wrong")
    return digits


def luhn(digits: str) -> bool:
    """Every second digit from the right is doubled; all digits of the results add up to a multiple of ten."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(sum(divmod(number, 10)) for number in doubled) % 10 == 0


def insee(value: str) -> str:
    """The code of a commune, which is not its postal code: 69383, 2A004."""
    if not INSEE.fullmatch(code := value.strip().upper()):
        raise Refusal(f"{value[:20]!r} is no INSEE code of a commune, such as 69383 or 2A004")
    return code


def pool_id(value: str) -> str:
    return afirev(value, POOL, "FR, three characters, P, then 1 to 29 letters or digits, such as FRA68P68021001")


def evse_id(value: str) -> str:
    return afirev(value, EVSE, "FR, three characters, E, then 1 to 29 letters or digits, such as FRA68E680210015")


def afirev(value: str, pattern: re.Pattern[str], form: str) -> str:
    """An id of AFIREV in the form without separators; `FR*A68*E1` is read, too."""
    if value.strip().casefold() == NOT_ROAMING.casefold():
        return NOT_ROAMING
    plain = re.sub(r"[*\s-]", "", value).upper()
    if not pattern.fullmatch(plain):
        raise Refusal(f"{value[:40]!r} is no id of AFIREV: {form}; or {NOT_ROAMING}")
    return plain


def hours(value: str) -> str:
    if not HOURS.fullmatch(said := text(value)):
        raise Refusal("must be 24/7, or end like Mo-Fr 08:00-12:00,Sa 09:00-18:00")
    return said


def delivery_point(value: str) -> str:
    """14 digits at ENEDIS; other networks have other numbers."""
    if not PDL.fullmatch(said := re.sub(r"\s", "", value)):
        raise Refusal("the number of a delivery point has 1 to 64 letters or digits (14 digits at ENEDIS)")
    return said


def power(value: Decimal) -> Decimal:
    if not (value.is_finite() and LEAST_KW <= value < MOST_KW):
        raise Refusal(f"must be kilowatts, from {LEAST_KW} to less than {MOST_KW}")
    return value.normalize() if value != value.to_integral() else value.quantize(Decimal(1))


def longitude(value: Decimal) -> Decimal:
    return degrees(value, 180)


def latitude(value: Decimal) -> Decimal:
    return degrees(value, 90)


def degrees(value: Decimal, most: int) -> Decimal:
    """To seven decimals, which is a centimetre."""
    if not (value.is_finite() and abs(value) <= most):
        raise Refusal(f"must be degrees between -{most} and {most}, with a decimal point")
    return value.quantize(Decimal("0.0000001")).normalize() + Decimal(0)


def past(value: date, today: date) -> date:
    if value > today:
        raise Refusal("must not be in the future")
    return value


def checked(said: Mapping[str, Any], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """All that was said, as we write it. Raises Refusal with everything that is wrong, not only the first."""
    written, wrong = dict(said), []
    for name, rule in rules.items():
        if said.get(name) is not None:
            try:
                written[name] = rule(said[name])
            except Refusal as refusal:
                wrong.append(f"{name}: {refusal}")
    if wrong:
        raise Refusal("; ".join(wrong))
    return written


def unsaid(said: Any, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Fields without a value, each with the name of its column."""
    for name, column in names.items():
        if said is None or getattr(said, name) is None:
            yield name, column
