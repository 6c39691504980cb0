"""Customers: what a station has stored about a person (OCPP 2.x). Personal data, for operators only."""

from __future__ import annotations

import strawberry

from api.graphql.command import Command, ask, deadline, said
from api.graphql.context import asker
from api.graphql.report import gaps
from api.graphql.scalar import DateTime
from domain.catalog import CATALOG
from domain.customer import Customer, stream


@strawberry.type(description="What a station told of a person. It is kept in the history only, not in a read model.")
class CustomerInformation:
    request_id: int = strawberry.field(description="The number of our request.")
    complete: bool = strawberry.field(description="All parts have come.")
    text: str = strawberry.field(description="The parts that have come, in order.")
    occurred_at: DateTime = strawberry.field(description="When the station told it, by its own clock.")


@strawberry.type
class CustomerQuery:
    @strawberry.field(description="What a station told of a person, by the request id of its report (kind CUSTOMER).")
    async def customer_information(
        self, info: strawberry.Info, station_id: strawberry.ID, request_id: int
    ) -> CustomerInformation | None:
        rows = await asker(info).reads.told(stream(station_id))
        events = [CATALOG.decode(row.topic, row.state) for row in rows]
        told = {
            event.seq_no: event
            for event in events
            if isinstance(event, Customer.InformationTold) and event.request_id == request_id
        }
        parts = [told[seq_no] for seq_no in sorted(told)]
        if not parts:
            return None
        return CustomerInformation(
            request_id=request_id,
            complete=not parts[-1].to_be_continued and not gaps([part.seq_no for part in parts]),
            text="".join(part.text for part in parts),
            occurred_at=DateTime(parts[-1].occurred_at),
        )


@strawberry.input(description="A certificate by its hashes, as getInstalledCertificateIds tells them.")
class CertificateHashInput:
    hash_algorithm: str = said("SHA256, SHA384 or SHA512: the one the certificate was installed with.")
    issuer_name_hash: str = said("Hash of the issuer's name.")
    issuer_key_hash: str = said("Hash of the issuer's public key.")
    serial_number: str = said("Its serial number, in hexadecimal digits.")


@strawberry.input(description="Ask what a station knows of a person, or have it forgotten; name one of the three.")
class CustomerInformationInput:
    station_id: strawberry.ID = said("The station.")
    report: bool = said("Tell it.", default=True)
    clear: bool = said("Forget it; afterwards take the badge out of the station's local list, too.", default=False)
    badge: str | None = said("The person by badge.", default=None)
    certificate: CertificateHashInput | None = said("The person by contract certificate.", default=None)
    customer_identifier: str | None = said("The person by a name that the station's maker knows.", default=None)
    deadline_seconds: int | None = deadline()


@strawberry.type
class CustomerMutation:
    @strawberry.mutation(description="Ask what a station knows of a person, or have it forgotten (OCPP 2.x).")
    async def customer_information(self, info: strawberry.Info, input: CustomerInformationInput) -> Command:
        return await ask(info, "customerInformation", input)
