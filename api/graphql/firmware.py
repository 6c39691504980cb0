"""Firmware: have a station install it, or a local controller serve it."""

from __future__ import annotations

import strawberry

from api.graphql.command import Command, ask, deadline, plain, requested, said
from api.graphql.context import asker
from api.graphql.scalar import DateTime

FINISH = "When the job ends by itself, in seconds after it may begin; BORNIER_JOB_DEADLINE_S when absent."
RETRIES = "How often the station may try; when absent it decides itself."
PAUSE = "Seconds between two tries."


@strawberry.input(description="Install firmware: name `file` or `location`.")
class UpdateFirmwareInput:
    station_id: strawberry.ID = said("The station.")
    file: strawberry.ID | None = said("An image that was uploaded; the station gets an address for it.", default=None)
    location: str | None = said("The URL of an image that lies elsewhere.", default=None)
    retrieve_at: DateTime | None = said("When to fetch it; now when absent.", default=None)
    install_at: DateTime | None = said("When to install it; as soon as possible when absent.", default=None)
    signature: str | None = said("Signature over the image, Base64: RSA-PSS or ECDSA with SHA-256.", default=None)
    signing_certificate: str | None = said("The certificate it was signed with, PEM.", default=None)
    force: bool = said("Ask the station even if the signature does not fit the image.", default=False)
    retries: int | None = said(RETRIES, default=None)
    retry_interval_seconds: int | None = said(PAUSE, default=None)
    finish_within_seconds: int | None = said(FINISH, default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Have a local controller fetch firmware and serve it: name `file` or `location`.")
class PublishFirmwareInput:
    station_id: strawberry.ID = said("The local controller.")
    file: strawberry.ID | None = said("An image that was uploaded.", default=None)
    location: str | None = said("The URL of an image that lies elsewhere.", default=None)
    checksum: str | None = said("The MD5 of an image that lies elsewhere.", default=None)
    retries: int | None = said(RETRIES, default=None)
    retry_interval_seconds: int | None = said(PAUSE, default=None)
    finish_within_seconds: int | None = said(FINISH, default=None)
    deadline_seconds: int | None = deadline()


@strawberry.input(description="Have a local controller stop serving firmware.")
class UnpublishFirmwareInput:
    station_id: strawberry.ID = said("The local controller.")
    checksum: str = said("The MD5 of the image.")
    deadline_seconds: int | None = deadline()


@strawberry.type
class FirmwareMutation:
    @strawberry.mutation(description="Install firmware, signed or not, as a job with the id of the command.")
    async def update_firmware(self, info: strawberry.Info, input: UpdateFirmwareInput) -> Command:
        who = asker(info)
        return requested(*await who.parts.transfers.update_firmware(input.station_id, wish(input), who.name))

    @strawberry.mutation(description="Have a local controller serve firmware (OCPP 2.x), as a job.")
    async def publish_firmware(self, info: strawberry.Info, input: PublishFirmwareInput) -> Command:
        who = asker(info)
        return requested(*await who.parts.transfers.publish_firmware(input.station_id, wish(input), who.name))

    @strawberry.mutation(description="Have a local controller stop serving firmware (OCPP 2.x).")
    async def unpublish_firmware(self, info: strawberry.Info, input: UnpublishFirmwareInput) -> Command:
        return await ask(info, "unpublishFirmware", input)


def wish(input: UpdateFirmwareInput | PublishFirmwareInput) -> dict[str, object]:
    """What is asked, without whom."""
    return {name: value for name, value in plain(input).items() if name != "station_id"}
