"""The ledger: what a webhook's route knows, in the database, so that another process can go on from there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, Row

from adapters.webhook.parcel import AGAIN, Parcel
from projections import delivery, webhook

Lanes = dict[str, list[Parcel]]


class Ledger:
    """Every method blocks; call it from a thread."""

    def __init__(self, engine: Engine, webhook_id: str) -> None:
        self.engine = engine
        self.webhook_id = webhook_id

    def load(self, row: Row[Any]) -> tuple[dict[str, Any], Lanes, set[int]]:
        """How far it has come, what waits by lane, and the positions of dead letters; what was asked of it is done."""
        with self.engine.begin() as connection:
            cursor = delivery.cursor(connection, self.webhook_id)
            if cursor is None:
                begin = row.registered_position if row.begin is None else row.begin
                delivery.open_cursor(connection, self.webhook_id, begin, row.registered_position)
                cursor = delivery.cursor(connection, self.webhook_id)
            assert cursor is not None
            letters = webhook.letters(connection, self.webhook_id)
            if cursor["handled"] < row.position:
                self.heed(connection, row, cursor, letters)
            lanes: Lanes = defaultdict(list)
            for waiting in delivery.waiting(connection, self.webhook_id):
                facts = {name: value for name, value in waiting._mapping.items() if name != "webhook_id"}
                lanes[waiting.lane].append(Parcel(**facts, kept=True))
        return cursor, lanes, {each.position for each in letters}

    def heed(self, connection: Any, row: Row[Any], cursor: dict[str, Any], letters: Sequence[Row[Any]]) -> None:
        """Do what operators asked since: replay, resume, send dead letters again."""
        handled = cursor["handled"]
        if (row.replay_position or 0) > handled:
            cursor["position"] = min(cursor["position"], row.replay_begin)
            delivery.rewind(connection, self.webhook_id, row.replay_begin, AGAIN)
        if max(row.resumed_position or 0, row.replay_position or 0) > handled:
            cursor |= {"failures": 0, "unwell": 0, "failing_since": None, "rests_until": None, "reason": None}
            delivery.hurry(connection, self.webhook_id)
        wanted = [each for each in letters if (each.asked_position or 0) > handled]
        again = [Parcel(each.position, each.stream, each.topic, f"{AGAIN}{each.position}") for each in wanted]
        delivery.hold(connection, self.webhook_id, [parcel.columns() for parcel in again])
        cursor["handled"] = row.position
        if delivery.move(connection, self.webhook_id, cursor["round"], plain(cursor)):
            cursor["round"] += 1

    def settle(self, cursor: dict[str, Any], parcels: Iterable[Parcel], tried: Sequence[dict[str, Any]]) -> bool:
        """Write the end of a round, all of it or nothing; False if another process has gone on meanwhile."""
        every = list(parcels)
        gone = [parcel.position for parcel in every if parcel.done and parcel.kept]
        held = [parcel for parcel in every if not parcel.done and (parcel.tried or not parcel.kept)]
        with self.engine.begin() as connection:
            if not delivery.move(connection, self.webhook_id, cursor["round"], plain(cursor)):
                return False
            delivery.release(connection, self.webhook_id, gone)
            delivery.hold(connection, self.webhook_id, [parcel.columns() for parcel in held])
            delivery.remember(connection, self.webhook_id, tried, cursor["number"])
        cursor["round"] += 1
        for parcel in held:
            parcel.kept, parcel.tried = True, False
        return True

    def close(self) -> None:
        """The webhook is removed."""
        with self.engine.begin() as connection:
            delivery.forget(connection, self.webhook_id)


def plain(cursor: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in cursor.items() if name not in ("webhook_id", "round")}
