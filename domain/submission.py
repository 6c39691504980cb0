"""A submission: what the regulator is told of one charge, from its making to the answer."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, Literal

from domain.advenir import FAR_APART, Mode
from domain.aggregate import Aggregate
from domain.event import AnyCause, Event, Refusal
from domain.preflight import Defect

State = Literal["NEW", "PREPARED", "WITHHELD", "SUBMITTED", "ACCEPTED", "REFUSED", "FAILED", "REOPENED", "ABANDONED"]

RETRIES_S = (60, 300, 900, 3_600, 10_800)
"""How long to wait after each failed try; after the last it is tried again so often until it works."""
MOST_DEFECTS = 100
"""So many defects are kept of one charge; a meter gone mad has thousands."""


def stream(transaction_id: str) -> str:
    return f"submission/{transaction_id}"


class Submission(Aggregate):
    """One charge is told once. Its stream has the id of the transaction, so that nobody can tell it twice.

    `first_position` to `last_position`: the events of the transaction that it was made from.
    """

    class Prepared(Event, tag="submission.prepared.v1"):
        """Everything that is checked before sending holds; this is what will be sent, word for word."""

        transaction_id: str
        station_id: str
        evse_id: int
        identifier: str
        mode: Mode
        start: int
        stop: int
        energy_wh: int
        points: int
        content: str
        sha256: str
        first_position: int
        last_position: int
        repetitions: int = 0

    class Withheld(Event, tag="submission.withheld.v1"):
        """Something is wrong with the charge, so it is not sent. `more`: so many defects are not listed."""

        transaction_id: str
        station_id: str
        evse_id: int
        identifier: str
        defects: tuple[Defect, ...]
        first_position: int
        last_position: int
        more: int = 0

    class Submitted(Event, tag="submission.submitted.v1"):
        """It is on its way, with the others of the batch; recorded before, so that nothing is sent unseen."""

        batch: str
        attempt: int
        verb: str
        url: str
        user_id: str
        size: int
        body_sha256: str

    class Accepted(Event, tag="submission.accepted.v1"):
        """The regulator has it. Code 202: it had it already."""

        batch: str
        answer: str
        code: str | None = None

    class Refused(Event, tag="submission.refused.v1"):
        """The regulator does not want it as it is."""

        batch: str
        reason: str
        answer: str
        code: str | None = None

    class Failed(Event, tag="submission.failed.v1"):
        """Nobody knows whether it arrived: it is sent again, the same. `alone`: without others in the request."""

        batch: str
        attempt: int
        reason: str
        status: int | None = None
        code: str | None = None
        alone: bool = False

    class Reopened(Event, tag="submission.reopened.v1"):
        """Somebody wants it to be made and tried again."""

        reason: str

    class Abandoned(Event, tag="submission.abandoned.v1"):
        """Somebody decided that it is not told."""

        reason: str

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.state: State = "NEW"
        self.prepared: Submission.Prepared | None = None
        self.last_position = 0
        self.batch = ""
        self.attempts = 0
        self.failed_at: datetime | None = None
        self.alone = False
        self.code: str | None = None

    @property
    def transaction_id(self) -> str:
        return self.id.removeprefix("submission/")

    @property
    def known(self) -> bool:
        return self.state != "NEW"

    @property
    def sparse(self) -> bool:
        """Refused because two indexes were too far apart: more of them may help."""
        return self.state == "REFUSED" and self.code == FAR_APART and self.mode == "operation"

    @property
    def mode(self) -> Mode | None:
        return self.prepared.mode if self.prepared else None

    def wants(self, last_position: int) -> bool:
        """Is there anything to be made, knowing the transaction up to here? What was withheld waits for news."""
        news = self.state == "WITHHELD" and last_position > self.last_position
        return self.state in ("NEW", "REOPENED") or news or self.sparse

    def prepare(self, text: str, cause: AnyCause, now: datetime, **facts: Any) -> None:
        """Say what will be sent: facts are the fields of `Prepared`."""
        if self.wants(facts["last_position"]):
            digest = hashlib.sha256(text.encode()).hexdigest()
            self.record(Submission.Prepared, cause, now, content=text, sha256=digest, **facts)

    def withhold(self, defects: list[Defect], cause: AnyCause, now: datetime, **facts: Any) -> None:
        """Say why it is not sent: facts are the other fields of `Withheld`."""
        if self.wants(facts["last_position"]):
            listed = tuple(defects[:MOST_DEFECTS])
            self.record(Submission.Withheld, cause, now, defects=listed, more=len(defects) - len(listed), **facts)

    def due(self, now: datetime) -> bool:
        """May it be sent? What failed rests first."""
        if self.state == "FAILED":
            return self.failed_at is None or now >= self.failed_at + self.rest()
        return self.state in ("PREPARED", "SUBMITTED")

    def rest(self) -> timedelta:
        return timedelta(seconds=0 if self.alone else RETRIES_S[min(self.attempts, len(RETRIES_S)) - 1])

    def submit(self, batch: str, cause: AnyCause, now: datetime, **request: Any) -> None:
        """It is sent now: `request` are the other fields of `Submitted`."""
        if self.state in ("PREPARED", "SUBMITTED", "FAILED"):
            self.record(Submission.Submitted, cause, now, batch=batch, attempt=self.attempts + 1, **request)

    def accept(self, batch: str, code: str | None, answer: str, cause: AnyCause, now: datetime) -> None:
        """What has arrived has arrived, even if somebody has abandoned it meanwhile."""
        if self.under_way or self.state == "ABANDONED":
            self.record(Submission.Accepted, cause, now, batch=batch, code=code, answer=answer)

    def refuse(self, batch: str, code: str | None, reason: str, answer: str, cause: AnyCause, now: datetime) -> None:
        if self.under_way and self.batch == batch:
            self.record(Submission.Refused, cause, now, batch=batch, code=code, reason=reason, answer=answer)

    def fail(
        self, batch: str, reason: str, status: int | None, code: str | None, alone: bool, cause: AnyCause, now: datetime
    ) -> None:
        if self.under_way and self.batch == batch:
            self.record(
                Submission.Failed, cause, now, batch=batch, attempt=self.attempts, reason=reason, status=status,
                code=code, alone=alone,
            )  # fmt: skip

    @property
    def under_way(self) -> bool:
        return self.state in ("SUBMITTED", "FAILED")

    def reopen(self, reason: str, cause: AnyCause, now: datetime) -> None:
        """Raises Refusal for what is on its way, or has arrived."""
        if self.state == "NEW":
            raise Refusal("nothing was made of this charge for Advenir")
        if self.state == "ACCEPTED":
            raise Refusal("Advenir has recorded it; what is recorded there is corrected with Advenir, by hand")
        if self.state in ("PREPARED", "SUBMITTED", "REOPENED"):
            raise Refusal("it is on its way already")
        self.record(Submission.Reopened, cause, now, reason=reason)

    def abandon(self, reason: str, cause: AnyCause, now: datetime) -> None:
        """Raises Refusal for what has arrived, or was never made."""
        if self.state in ("NEW", "ACCEPTED", "ABANDONED"):
            raise Refusal(f"there is nothing to abandon: it is {self.state.lower()}")
        self.record(Submission.Abandoned, cause, now, reason=reason)

    def apply(self, event: Event) -> None:
        match event:
            case Submission.Prepared():
                self.state, self.prepared, self.last_position = "PREPARED", event, event.last_position
                self.attempts, self.failed_at, self.alone, self.code = 0, None, False, None
            case Submission.Withheld():
                self.state, self.last_position = "WITHHELD", event.last_position
            case Submission.Submitted():
                self.state, self.batch, self.attempts = "SUBMITTED", event.batch, event.attempt
            case Submission.Accepted():
                self.state, self.code = "ACCEPTED", event.code
            case Submission.Refused():
                self.state, self.code = "REFUSED", event.code
            case Submission.Failed():
                self.state, self.failed_at, self.alone = "FAILED", event.recorded_at, event.alone
            case Submission.Reopened():
                self.state = "REOPENED"
            case Submission.Abandoned():
                self.state = "ABANDONED"
