"""Certificates of stations: those we sign, those they hold."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Any

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import Asker, asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime
from domain.certificate import stream
from projections import certificate as view
from projections.page import cursor


@strawberry.enum(description="Where a certificate we signed is in its life.")
class CertificateStatus(Enum):
    SIGNED = "SIGNED"
    DELIVERED = "DELIVERED"
    DECLINED = "DECLINED"
    REVOKED = "REVOKED"


@strawberry.enum(description="What a certificate of a station is for.")
class CertificateKind(Enum):
    CHARGING_STATION = "ChargingStationCertificate"
    V2G = "V2GCertificate"
    V2G20 = "V2G20Certificate"
    COMBINED = "CombinedCertificate"


@strawberry.enum(description="What a certificate in the store of a station is trusted for.")
class CertificateUse(Enum):
    CSMS_ROOT = "CSMSRootCertificate"
    MANUFACTURER_ROOT = "ManufacturerRootCertificate"
    V2G_ROOT = "V2GRootCertificate"
    MO_ROOT = "MORootCertificate"
    OEM_ROOT = "OEMRootCertificate"
    V2G_CHAIN = "V2GCertificateChain"


@strawberry.type(description="A certificate that our authority signed for a station.")
class Certificate:
    serial_number: strawberry.ID = strawberry.field(description="Its serial number, hexadecimal.")
    station_id: strawberry.ID = strawberry.field(description="The station it is for.")
    kind: CertificateKind = strawberry.field(description="What it is for.")
    common_name: str = strawberry.field(description="The name in it.")
    not_before: DateTime = strawberry.field(description="From when it is valid.")
    not_after: DateTime = strawberry.field(description="Until when it is valid.")
    status: CertificateStatus = strawberry.field(description="Where it is.")
    reason: str | None = strawberry.field(description="Why it was declined or revoked.")
    renewal_due_at: DateTime | None = strawberry.field(description="When the station was asked to renew it.")
    chain: str = strawberry.field(description="The certificate and those between it and the root, PEM.")


@strawberry.type(description="A certificate named by hashes, as OCPP does.")
class CertificateHash:
    hash_algorithm: str = strawberry.field(description="SHA256, SHA384 or SHA512.")
    issuer_name_hash: str = strawberry.field(description="Hash of the issuer's name, hexadecimal.")
    issuer_key_hash: str = strawberry.field(description="Hash of the issuer's key, hexadecimal.")
    serial_number: str = strawberry.field(description="Serial number, hexadecimal.")


@strawberry.type(description="A certificate in the store of a station.")
class TrustedCertificate(CertificateHash):
    use: CertificateUse | None = strawberry.field(description="What it is trusted for.")
    children: list[CertificateHash] = strawberry.field(description="Certificates below it that the station holds.")
    certificate: str | None = strawberry.field(description="The certificate itself if we installed it, PEM.")
    seen_at: DateTime = strawberry.field(description="When the station last told us of it.")


@strawberry.type(description="Our certificate authority.")
class CertificateAuthority:
    root: str = strawberry.field(description="Its certificate, PEM: install it on stations as CSMS root.")
    organisation: str = strawberry.field(description="The organisation in the certificates it signs.")
    revocation_list: str = strawberry.field(description="What it has taken back: a CRL, PEM.")


@strawberry.input(description="Install a root certificate on a station.")
class InstallCertificateInput:
    station_id: strawberry.ID = said("The station.")
    use: CertificateUse = said("What it is trusted for.")
    certificate: str = said("The certificate, PEM.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Delete a certificate from a station.")
class DeleteCertificateInput:
    station_id: strawberry.ID = said("The station.")
    hash_algorithm: str = said("SHA256, SHA384 or SHA512: as the station reported it.")
    issuer_name_hash: str = said("As the station reported it.")
    issuer_key_hash: str = said("As the station reported it.")
    serial_number: str = said("As the station reported it.")
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Ask a station which certificates it holds.")
class GetInstalledCertificateIdsInput:
    station_id: strawberry.ID = said("The station.")
    uses: list[CertificateUse] | None = said("Of which uses; all when absent (OCPP 1.6: exactly one).", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Bring a station a certificate that was signed elsewhere.")
class CertificateSignedInput:
    station_id: strawberry.ID = said("The station.")
    chain: str = said("The certificate and those between it and the root, PEM.")
    kind: CertificateKind | None = said("What it is for.", default=None)
    request_id: int | None = said("The station's request it answers (OCPP 2.1).", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Make a station ask for a new certificate.")
class RenewCertificateInput:
    station_id: strawberry.ID = said("The station.")
    kind: CertificateKind = said("Which certificate.", default=CertificateKind.CHARGING_STATION)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Declare a certificate invalid.")
class RevokeCertificateInput:
    serial_number: strawberry.ID = said("Its serial number, hexadecimal.")
    reason: str = said("Why.")


NAMES = (
    "serial_number", "station_id", "common_name", "not_before", "not_after", "reason", "renewal_due_at", "chain",
)  # fmt: skip


def certificate(row: Any) -> Certificate:
    values = {name: getattr(row, name) for name in NAMES}
    return Certificate(kind=CertificateKind(row.kind), status=CertificateStatus(row.status), **values)


def trusted(row: Any) -> TrustedCertificate:
    known = {use.value for use in CertificateUse}
    names = ("hash_algorithm", "issuer_name_hash", "issuer_key_hash", "serial_number", "certificate", "seen_at")
    return TrustedCertificate(
        use=CertificateUse(row.use) if row.use in known else None,
        children=[CertificateHash(**child) for child in row.children or ()],
        **{name: getattr(row, name) for name in names},
    )


async def told(who: Asker, serial_number: str) -> Certificate:
    """A certificate as the history tells it: whoever changed it sees the change at once."""
    return certificate(await who.reads.retold(view.PROJECTION, view.CERTIFICATE, stream(serial_number)))


@strawberry.type
class CertificateQuery:
    @strawberry.field(description="Certificates we signed, those that end first on top.")
    async def certificates(
        self,
        info: strawberry.Info,
        station_id: strawberry.ID | None = None,
        ending_before: DateTime | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> Connection[Certificate]:
        reads, limit = asker(info).reads, bounded(first)
        position = await reads.position("certificate")
        found = await reads.run(lambda c: view.certificates(c, limit, after, station_id, ending_before))
        nodes = [(cursor(row.not_after, row.serial_number), certificate(row)) for row in found.rows]
        total = lambda: reads.run(lambda c: view.count(c, station_id, ending_before))  # noqa: E731
        return connection(nodes, found.more, position, total)

    @strawberry.field(description="What a station holds, as far as it told us (getInstalledCertificateIds).")
    async def trusted_certificates(self, info: strawberry.Info, station_id: strawberry.ID) -> list[TrustedCertificate]:
        return [trusted(row) for row in await asker(info).reads.run(lambda c: view.trusted(c, station_id))]

    @strawberry.field(description="Our certificate authority, with its revocation list.")
    async def certificate_authority(self, info: strawberry.Info) -> CertificateAuthority:
        who = asker(info)
        authority, now = who.parts.authority, who.parts.orders.clock()
        revoked = await who.reads.run(view.taken_back)
        return CertificateAuthority(
            root=await asyncio.to_thread(authority.root),
            organisation=authority.organisation,
            revocation_list=await asyncio.to_thread(authority.revocation_list, revoked, now),
        )


@strawberry.type
class CertificateMutation:
    @strawberry.mutation(description="Install a root certificate on a station.")
    async def install_certificate(self, info: strawberry.Info, input: InstallCertificateInput) -> Command:
        return await ask(info, "installCertificate", input)

    @strawberry.mutation(description="Delete a certificate from a station.")
    async def delete_certificate(self, info: strawberry.Info, input: DeleteCertificateInput) -> Command:
        return await ask(info, "deleteCertificate", input)

    @strawberry.mutation(description="Ask a station which certificates it holds.")
    async def get_installed_certificate_ids(
        self,
        info: strawberry.Info,
        input: GetInstalledCertificateIdsInput,
    ) -> Command:
        return await ask(info, "getInstalledCertificateIds", input)

    @strawberry.mutation(description="Bring a station a certificate that was signed elsewhere.")
    async def certificate_signed(self, info: strawberry.Info, input: CertificateSignedInput) -> Command:
        return await ask(info, "certificateSigned", input)

    @strawberry.mutation(description="Make a station ask for a new certificate; it is signed and brought by itself.")
    async def renew_certificate(self, info: strawberry.Info, input: RenewCertificateInput) -> Command:
        return await ask(info, "renewCertificate", input)

    @strawberry.mutation(description="Declare a certificate invalid: nobody connects with it any more.")
    async def revoke_certificate(self, info: strawberry.Info, input: RevokeCertificateInput) -> Certificate:
        who = asker(info)
        await who.parts.certificates.revoke(input.serial_number, input.reason, who.name)
        return await told(who, input.serial_number)
