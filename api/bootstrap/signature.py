"""Signatures: examined by whoever projects."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy import Engine

from adapters.ocmf.verifier import Verifier
from api.bootstrap.process import clock
from api.bootstrap.spine import Spine
from application.signature import Examiner, Task
from projections.signature import key_for, outdated
from projections.signature import pending as unexamined

SEAT = "signature examiner"
"""Not "signature": that is the seat of the projector of this read model."""
MOST = 200


def start_examiner(spine: Spine) -> None:
    """Of several projectors one examines."""
    may = partial(spine.here.holds, SEAT)
    examiner = Examiner(spine.journal, spine.history, Verifier(), pending(spine.read_side), clock, may)
    spine.process.go(examiner.watch(), "signatures")


def pending(read_side: Engine) -> Callable[[bool, bool], list[Task]]:
    """What is to be examined, or `again`, each with the key that counts."""

    def read(again: bool, able: bool) -> list[Task]:
        with read_side.connect() as connection:
            rows = outdated(connection, able, MOST) if again else unexamined(connection, MOST)
            return [
                Task(
                    row.transaction_id, row.digest, row.station_id, row.evse_id, row.text, row.encoding,
                    key_for(connection, row.station_id, row.evse_id, row.message_key), row.judged_at,
                )
                for row in rows
            ]  # fmt: skip

    return read
