"""Audit: the seals over the history, and the proof of any event under them."""

from __future__ import annotations

import asyncio

import strawberry

from api.graphql.context import asker
from api.graphql.page import Connection, bounded, connection
from api.graphql.scalar import DateTime, Json, Position
from domain.audit import Seal as Sealed
from projections import audit as view
from projections.page import cursor


@strawberry.type(description="A signed checkpoint over a range of positions (Ed25519 over `text`).")
class Seal:
    first: Position = strawberry.field(description="The first position it covers.")
    last: Position = strawberry.field(description="The last one.")
    count: int = strawberry.field(description="How many events there are in between; a database may skip positions.")
    root: str = strawberry.field(description="The root of their Merkle tree (RFC 6962), in hexadecimal.")
    previous: str = strawberry.field(description="SHA-256 of the text of the seal before, in hexadecimal.")
    sealed_at: DateTime = strawberry.field(description="When the last event under it was recorded.")
    text: str = strawberry.field(description="What is signed.")
    signature: str = strawberry.field(description="The signature, in hexadecimal.")


def seal(found: Sealed) -> Seal:
    return Seal(
        first=Position(found.first),
        last=Position(found.last),
        count=found.count,
        root=found.root.hex(),
        previous=found.previous.hex(),
        sealed_at=DateTime(found.sealed_at),
        text=found.text.decode(),
        signature=found.signature.hex(),
    )


@strawberry.type
class AuditQuery:
    @strawberry.field(description="The seals over the history, the oldest first.")
    async def seals(self, info: strawberry.Info, first: int | None = 50, after: str | None = None) -> Connection[Seal]:
        reads, limit = asker(info).reads, bounded(first)
        position = await reads.run(view.sealed_up_to)
        found = await reads.run(lambda c: view.seals(c, limit, after))
        nodes = [(cursor(row.first), seal(view.read(row))) for row in found.rows]
        return connection(nodes, found.more, position, lambda: reads.run(view.count))

    @strawberry.field(description="The proof that an event is in the history, for docs/verify.py; null until sealed.")
    async def proof(self, info: strawberry.Info, position: Position) -> Json | None:
        who = asker(info)
        found = await who.reads.run(lambda c: view.prove(c, who.parts.history.stored, position))
        return Json(found) if found is not None else None

    @strawberry.field(description="The public key of the seals, as PEM.")
    async def seal_key(self, info: strawberry.Info) -> str:
        return await asyncio.to_thread(lambda: asker(info).parts.signer.pem)
