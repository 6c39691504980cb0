"""The signature (valeur signée): what a meter has signed, the key that tells whether it did, and the verdict.

Source: Open Charge Metering Format (OCMF) of SAFE e.V.; OCA application note "Signed Meter Values in OCPP".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import datetime
from typing import Literal

import msgspec

from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal

Verdict = Literal["VALID", "INVALID", "NO_KEY", "UNREADABLE", "UNCHECKED"]
Source = Literal["REGISTERED", "STATION", "MESSAGE"]
WORST: tuple[Verdict, ...] = ("INVALID", "UNREADABLE", "NO_KEY", "UNCHECKED", "VALID")
"""Of several values of one charge the worst verdict is that of the charge."""
MEANS_MISSING = "pyocmf is not installed here (bornier[ocmf])"
"""Why nothing can be examined for want of the means; it is examined again once they are there."""
LONGEST_KEY = 8_000
DER_BEGINS = 0x30


class SignedText(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Signed data as the station told it, word for word; `encoding` and `public_key` as it named them."""

    text: str
    at: datetime
    context: str = "Sample.Periodic"
    encoding: str | None = None
    method: str | None = None
    public_key: str | None = None


class SignedReading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the meter has signed: a register in Wh, exact to `unit_wh`; `kind` is OCMF's TX (B begin, E end, …)."""

    at: datetime
    kind: str | None = None
    register_wh: float | None = None
    unit_wh: float | None = None
    obis: str | None = None
    status: str | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A public key of a meter (DER as hex), and who told it."""

    text: str
    source: Source


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What the examination of one signed text found."""

    verdict: Verdict
    reason: str | None = None
    key: Key | None = None
    meter: str | None = None
    readings: tuple[SignedReading, ...] = ()


def stream(transaction_id: str) -> str:
    return f"signature/{transaction_id}"


def key_stream(station_id: str) -> str:
    return f"meterkey/{station_id}"


def digest(text: str) -> str:
    """What a signed text is known by: the same text told twice is one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Signature(Aggregate):
    """The verdicts on what the meter has signed during one transaction. `digest`: SHA-256 of the text."""

    class Verified(Event, tag="signature.verified.v1"):
        """The meter did sign this text: it fits the public key."""

        digest: str
        station_id: str
        evse_id: int
        key: str
        source: Source
        meter: str | None = None
        readings: tuple[SignedReading, ...] = ()

    class Refuted(Event, tag="signature.refuted.v1"):
        """The text does not fit the public key: it was altered, or another meter signed it. This is an alarm."""

        digest: str
        station_id: str
        evse_id: int
        key: str
        source: Source
        reason: str
        meter: str | None = None
        readings: tuple[SignedReading, ...] = ()

    class LeftOpen(Event, tag="signature.left_open.v1"):
        """Nothing can be said of the signature: NO_KEY, UNREADABLE, or UNCHECKED (not OCMF, or no means to check)."""

        digest: str
        station_id: str
        evse_id: int
        verdict: Verdict
        reason: str
        meter: str | None = None
        readings: tuple[SignedReading, ...] = ()

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.judged_at: dict[str, datetime] = {}

    def judge(
        self,
        digest: str,
        station_id: str,
        evse_id: int,
        found: Judgement,
        after: datetime | None,
        cause: AnyCause,
        now: datetime,
    ) -> None:
        """Keep a verdict that takes the place of the one given at `after`; if another did already, that one stays."""
        if self.judged_at.get(digest) != after:
            return
        key = found.key.text if found.key is not None else None
        facts = {"digest": digest, "station_id": station_id, "evse_id": evse_id, "meter": found.meter}
        facts["readings"] = found.readings
        if found.key is not None and found.verdict == "VALID":
            self.record(Signature.Verified, cause, now, key=key, source=found.key.source, **facts)
        elif found.key is not None and found.verdict == "INVALID":
            told = {"key": key, "source": found.key.source, "reason": found.reason or "the signature does not fit"}
            self.record(Signature.Refuted, cause, now, **told, **facts)
        else:
            reason = found.reason or found.verdict
            self.record(Signature.LeftOpen, cause, now, verdict=found.verdict, reason=reason, **facts)

    def apply(self, event: Event) -> None:
        if isinstance(event, Signature.Verified | Signature.Refuted | Signature.LeftOpen):
            self.judged_at[event.digest] = event.recorded_at


class MeterKey(Aggregate):
    """The public keys of the meters of one station, as somebody vouched for them; EVSE 0: every EVSE."""

    class Registered(Event, tag="meterkey.registered.v1"):
        """Somebody says which public key the meter of an EVSE has; from now on only that one counts."""

        evse_id: int
        key: str
        meter: str | None = None

    class Removed(Event, tag="meterkey.removed.v1"):
        """The key counts no more."""

        evse_id: int

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.keys: dict[int, tuple[str, str | None]] = {}

    def register(self, evse_id: int, key: str, meter: str | None, cause: AnyCause, now: datetime) -> None:
        """Raises Refusal for what is no public key."""
        known = readable_key(key)
        if known is None:
            raise Refusal("this is no public key: say it in DER, as hex, base64 or PEM, or as the station tells it")
        if evse_id < 0:
            raise Refusal("EVSEs are numbered from 1; 0 is every EVSE of the station")
        if self.keys.get(evse_id) != (known, meter):
            self.record(MeterKey.Registered, cause, now, evse_id=evse_id, key=known, meter=meter)

    def remove(self, evse_id: int, cause: AnyCause, now: datetime) -> None:
        if evse_id not in self.keys:
            raise Refusal(f"no key is registered for EVSE {evse_id} of this station")
        self.record(MeterKey.Removed, cause, now, evse_id=evse_id)

    def apply(self, event: Event) -> None:
        match event:
            case MeterKey.Registered():
                self.keys[event.evse_id] = (event.key, event.meter)
            case MeterKey.Removed():
                self.keys.pop(event.evse_id, None)


def readable_key(said: str) -> str | None:
    """A public key in DER as hex, however it was written: hex, base64, PEM, or OCA's `oca:base16:asn1:…`, which
    OCPP 2.x wraps in base64 once more. None: it is none."""
    text = "".join(re.sub(r"-----[A-Z ]+-----", "", said[:LONGEST_KEY]).split())
    for _ in range(3):
        form, _, rest = text.rpartition(":")
        if form.startswith("oca:"):
            text = rest
        octets = decoded(text, form)
        if octets is None:
            return None
        if octets[:1] == bytes([DER_BEGINS]) and len(octets) > 20:
            return octets.hex()
        text = octets.decode("ascii", "ignore").strip()
    return None


def decoded(text: str, form: str = "") -> bytes | None:
    try:
        if "base64" not in form and len(text) % 2 == 0 and re.fullmatch("[0-9a-fA-F]+", text):
            return bytes.fromhex(text)
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
