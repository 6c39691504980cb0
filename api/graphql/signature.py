"""Signatures: what meters have signed, the verdicts, and the public keys."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import strawberry

from api.graphql.context import Reads, asker
from api.graphql.page import Connection, listed
from api.graphql.scalar import DateTime
from projections import signature as view


@strawberry.enum(description="What is to be said of something that a meter has signed.")
class SignatureVerdict(Enum):
    VALID = strawberry.enum_value("VALID", description="The meter did sign it.")
    INVALID = strawberry.enum_value("INVALID", description="It does not fit the public key: an alarm.")
    NO_KEY = strawberry.enum_value("NO_KEY", description="No public key of the meter is known.")
    UNREADABLE = strawberry.enum_value("UNREADABLE", description="It is in no form that anybody knows.")
    UNCHECKED = strawberry.enum_value("UNCHECKED", description="A format, or an installation, that cannot check it.")


@strawberry.enum(description="Who told the public key of a meter.")
class KeySource(Enum):
    REGISTERED = strawberry.enum_value("REGISTERED", description="Somebody vouched for it: `registerMeterKey`.")
    STATION = strawberry.enum_value("STATION", description="The station told it in its device model or configuration.")
    MESSAGE = strawberry.enum_value("MESSAGE", description="It came with the value: it proves no origin.")


@strawberry.type(description="A register that a meter has signed.")
class SignedReading:
    at: DateTime = strawberry.field(description="The clock of the meter.")
    kind: str | None = strawberry.field(description="OCMF's TX: B begin, E end, C charging, X exception, ….")
    register_wh: float | None = strawberry.field(description="The register, Wh.")
    unit_wh: float | None = strawberry.field(description="The last digit that the meter shows, Wh.")
    obis: str | None = strawberry.field(description="Which register, as an OBIS code.")
    status: str | None = strawberry.field(description="OCMF's ST: G is good.")


@strawberry.type(description="Something a meter has signed, word for word, and the verdict on it.")
class SignedValue:
    id: strawberry.ID = strawberry.field(description="SHA-256 of the text.")
    transaction_id: strawberry.ID = strawberry.field(description="The transaction.")
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int = strawberry.field(description="The EVSE; 0 while it was unknown.")
    at: DateTime = strawberry.field(description="When it was measured, by the station's clock.")
    context: str = strawberry.field(description="Why it was measured, in OCPP's words.")
    text: str = strawberry.field(description="As the station told it, byte for byte.")
    encoding: str | None = strawberry.field(description="Its format, as the station names it: OCMF, EDL, ….")
    verdict: SignatureVerdict | None = strawberry.field(description="Null: nobody has examined it yet.")
    reason: str | None = strawberry.field(description="Why it is not VALID.")
    key: str | None = strawberry.field(description="The public key it was held to, DER as hex.")
    key_source: KeySource | None = strawberry.field(description="Who told that key.")
    meter: str | None = strawberry.field(description="The serial number of the meter, as it signed it.")
    readings: list[SignedReading] = strawberry.field(description="The registers in it.")
    judged_at: DateTime | None = strawberry.field(description="When it was examined, the last time.")


NAMES = ("transaction_id", "station_id", "evse_id", "at", "context", "text", "encoding", "reason", "meter",
         "judged_at")  # fmt: skip
READ = ("kind", "register_wh", "unit_wh", "obis", "status")


def signed_value(row: Any) -> SignedValue:
    return SignedValue(
        id=row.digest,
        key=row.public_key,
        verdict=SignatureVerdict(row.verdict) if row.verdict else None,
        key_source=KeySource(row.key_source) if row.key_source else None,
        readings=[
            SignedReading(at=DateTime(datetime.fromisoformat(each["at"])), **{name: each.get(name) for name in READ})
            for each in row.readings or ()
        ],
        **{name: getattr(row, name) for name in NAMES},
    )


@strawberry.type(description="What is signed of a transaction, as its bill shows it.")
class SignatureSummary:
    verdict: SignatureVerdict | None = strawberry.field(
        description="The worst of all its signed values; null while some are not examined."
    )
    values: int = strawberry.field(description="How many there are.")
    energy_wh: float | None = strawberry.field(description="Last signed register minus the first, Wh.")
    deviation_wh: float | None = strawberry.field(description="Signed energy minus ours, Wh.")
    agrees: bool | None = strawberry.field(description="They differ by no more than one digit of the meter's display.")


async def summary(reads: Reads, transaction_id: str, energy_wh: float, ended: bool) -> SignatureSummary | None:
    """A transaction that goes on has no signed end yet: there is nothing to compare."""
    found = await reads.signatures.load(transaction_id)
    if found is None:
        return None
    deviation = round(found.energy_wh - energy_wh, 3) if found.energy_wh is not None and ended else None
    return SignatureSummary(
        verdict=SignatureVerdict(found.verdict) if found.verdict else None,
        values=found.values,
        energy_wh=found.energy_wh,
        deviation_wh=deviation,
        agrees=None if deviation is None else abs(deviation) <= found.unit_wh,
    )


@strawberry.type(description="A public key of a meter that somebody vouched for.")
class MeterKey:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int = strawberry.field(description="The EVSE; 0: every EVSE of the station.")
    key: str = strawberry.field(description="DER as hex.")
    meter: str | None = strawberry.field(description="The serial number of the meter.")
    registered_at: DateTime = strawberry.field(description="Since when.")


def meter_key(row: Any) -> MeterKey:
    names = ("station_id", "evse_id", "meter", "registered_at")
    return MeterKey(key=row.public_key, **{name: getattr(row, name) for name in names})


@strawberry.type
class SignatureQuery:
    @strawberry.field(description="What meters have signed, in the order of transactions.")
    async def signed_values(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        transaction_id: strawberry.ID | None = None,
        station_id: strawberry.ID | None = None,
        verdict: SignatureVerdict | None = None,
    ) -> Connection[SignedValue]:
        query = view.values(transaction_id, station_id, str(verdict.value) if verdict else None)
        return await listed(info, "signature", query, view.SIGNED_VALUE, signed_value, first, after)

    @strawberry.field(description="Public keys of meters that somebody vouched for.")
    async def meter_keys(
        self,
        info: strawberry.Info,
        first: int | None = 50,
        after: str | None = None,
        station_id: strawberry.ID | None = None,
    ) -> Connection[MeterKey]:
        return await listed(info, "signature", view.keys(station_id), view.METER_KEY, meter_key, first, after)


@strawberry.input(description="Vouch for the public key of a meter; what it signed is examined again with it.")
class RegisterMeterKeyInput:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    key: str = strawberry.field(description="In DER: as hex, base64 or PEM, or in OCA's form (oca:base16:asn1:…).")
    evse_id: int = strawberry.field(default=0, description="The EVSE; 0: every EVSE of the station.")
    meter: str | None = strawberry.field(default=None, description="The serial number of the meter.")


@strawberry.input(description="Vouch no more for a public key.")
class RemoveMeterKeyInput:
    station_id: strawberry.ID = strawberry.field(description="The station.")
    evse_id: int = strawberry.field(default=0, description="The EVSE; 0: every EVSE of the station.")


@strawberry.type
class SignatureMutation:
    @strawberry.mutation(description="Say which public key the meter of an EVSE has.")
    async def register_meter_key(self, info: strawberry.Info, input: RegisterMeterKeyInput) -> MeterKey:
        who = asker(info)
        keys = who.parts.meter_keys
        made = await keys.register(input.station_id, input.evse_id, input.key, input.meter, who.name)
        key, meter = made.keys[input.evse_id]
        return MeterKey(
            station_id=input.station_id,
            evse_id=input.evse_id,
            key=key,
            meter=meter,
            registered_at=DateTime(keys.clock()),
        )

    @strawberry.mutation(description="Vouch no more for the public key of an EVSE; true once that is durable.")
    async def remove_meter_key(self, info: strawberry.Info, input: RemoveMeterKeyInput) -> bool:
        who = asker(info)
        await who.parts.meter_keys.remove(input.station_id, input.evse_id, who.name)
        return True
