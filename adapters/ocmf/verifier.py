"""The verifier: examines Open Charge Metering Format records with pyocmf, if it is installed; other formats are shown
for what they are."""

from __future__ import annotations

import base64
import binascii
import logging
import re
import warnings
from datetime import UTC
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from domain.signature import MEANS_MISSING, Judgement, Key, SignedReading

log = logging.getLogger("bornier.signature")

HEADER = "OCMF|"
OTHERS = {"EDL": "EDL", "ALFEN": "ALFEN", "AP;": "ALFEN", "ISA_EDL_40_P": "ISA-EDL-40-P", "PTB": "PTB", "SML": "SML"}
"""How texts begin, or encodings are called, that nothing here can check."""
CONTAINED = re.compile(r"<signedData[^>]*>(.*?)</signedData>", re.DOTALL)
LONGEST = 100_000
WH = {"Wh": Decimal(1), "kWh": Decimal(1000)}
FURTHEST = Decimal(10) ** 15


class Verifier:
    """`Verifier` of the application."""

    able = find_spec("pyocmf") is not None and find_spec("cryptography") is not None

    def examine(self, text: str, encoding: str | None, key: Key | None) -> Judgement:
        record = plain(text)
        if record is None:
            return Judgement(verdict="UNCHECKED", reason=foreign(text, encoding)) if known(text, encoding) else (
                Judgement(verdict="UNREADABLE", reason="this is no OCMF record")
            )  # fmt: skip
        if not self.able:
            return Judgement(verdict="UNCHECKED", reason=MEANS_MISSING)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return judged(record, key)
        except Exception as error:  # whatever a hostile text does to a parser: it is a verdict, too
            log.info("a signed value cannot be read: %s", error)
            return Judgement(verdict="UNREADABLE", reason=brief(error))


def judged(record: str, key: Key | None) -> Judgement:
    from pyocmf import OCMF, SignatureVerificationError

    ocmf = OCMF.from_string(record)
    meter = ocmf.payload.MS or ocmf.payload.GS
    facts: dict[str, Any] = {"meter": meter, "readings": tuple(map(reading, ocmf.payload.RD))}
    if key is None:
        return Judgement(verdict="NO_KEY", reason="no public key of this meter is known", **facts)
    try:
        fits = ocmf.verify_signature(key.text)
    except SignatureVerificationError as error:
        return Judgement(verdict="INVALID", reason=brief(error), key=key, **facts)
    if not fits:
        return Judgement(verdict="INVALID", reason="the signature does not fit the public key", key=key, **facts)
    return Judgement(verdict="VALID", key=key, **facts)


def reading(each: Any) -> SignedReading:
    """The unit of the last digit shown is what the meter is exact to."""
    power = WH.get(str(each.RU.value if hasattr(each.RU, "value") else each.RU))
    value = each.RV if isinstance(each.RV, Decimal) and each.RV.is_finite() and abs(each.RV) < FURTHEST else None
    at = each.timestamp if each.timestamp.tzinfo else each.timestamp.replace(tzinfo=UTC)
    known = value is not None and power is not None
    exponent = value.as_tuple().exponent if known and value is not None else 0
    return SignedReading(
        at=at.astimezone(UTC),
        kind=word(each.TX),
        register_wh=float(value * power) if value is not None and power is not None else None,
        unit_wh=float(power.scaleb(int(exponent))) if known and power is not None else None,
        obis=str(each.RI) if each.RI is not None else None,
        status=word(each.ST),
    )


def word(value: Any) -> str | None:
    return None if value is None else str(getattr(value, "value", value))


def plain(text: str) -> str | None:
    """The OCMF record in a text: as it is, in base64 or hex, or in the XML of the transparency software."""
    for _ in range(3):
        text = text.strip()[:LONGEST]
        if text.startswith(HEADER):
            return text
        if (inside := CONTAINED.search(text)) is not None:
            text = inside[1].replace("&quot;", '"').replace("&amp;", "&")
            continue
        unwrapped = decoded(text)
        if unwrapped is None:
            return None
        text = unwrapped
    return None


def decoded(text: str) -> str | None:
    try:
        if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
            return bytes.fromhex(text).decode()
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def known(text: str, encoding: str | None) -> str | None:
    """The name of a format that is known, and cannot be checked here."""
    said = (encoding or "").upper()
    begin = text.lstrip()[:20].upper()
    return next((name for sign, name in OTHERS.items() if begin.startswith(sign) or said.startswith(sign)), None)


def foreign(text: str, encoding: str | None) -> str:
    return f"the format {known(text, encoding)} cannot be checked here"


def brief(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
