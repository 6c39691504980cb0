"""What the application needs from the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from domain.export import Export, Span
from domain.qualicharge import Draft, Kind
from domain.signature import Judgement, Key
from domain.statement import Statement

if TYPE_CHECKING:
    from application.command import Errand


class Proof(NamedTuple):
    """What a password proved: nothing and none is needed, or who the station is, perhaps by a new one for the first
    time."""

    accepted: bool
    proven: bool = False
    adopted: str | None = None


class Untrusted(Exception):
    """A bearer token is not what it should be; the text is for whoever sent it."""


class Unreachable(Exception):
    """Whoever could say does not answer."""


class Issuer(Protocol):
    """The identity provider whose tokens are accepted."""

    async def claims(self, token: str) -> dict[str, Any]:
        """What it says of whoever holds the token. Raises Untrusted or Unreachable."""


class Credentials(Protocol):
    """Passwords of stations, kept outside the history."""

    async def verify(self, station_id: str, password: bytes | None) -> Proof:
        """Whether this station may connect with this password, or needs none."""

    async def store(self, station_id: str, password: str) -> None:
        """Set the password of a station."""

    async def offer(self, station_id: str, credential_id: str, password: str, now: datetime) -> None:
        """Keep a new password beside the old one; the first connection with it makes it the only one."""

    async def reveal(self, credential_id: str) -> str | None:
        """A new password that has not been answered yet, to send it to its station."""

    async def conclude(self, credential_id: str, taken: bool) -> None:
        """The station took the new password, or it did not and it is void."""


class Authority(Protocol):
    """Who signs the certificates of our stations; every method may touch the disk."""

    organisation: str

    def root(self) -> str:
        """Its certificate, PEM."""

    def sign(self, csr: str, kind: str, now: datetime) -> str:
        """A certificate for a checked request, and those between it and the root, PEM."""

    def revocation_list(self, revoked: Iterable[tuple[str, datetime]], now: datetime) -> str:
        """The CRL over these serial numbers, PEM."""


class Contracts(Protocol):
    """The Plug & Charge backend: contract certificates of cars, and whether certificates are still good."""

    async def ask(self, question: str, content: dict[str, Any]) -> dict[str, Any]:
        """Its answer. Raises Refusal, with the reason, when there is none."""


class Line(Protocol):
    """The open connection of one station."""

    connection_id: str

    def close(self, reason: str) -> None:
        """Hang up."""

    def order(self, errand: Errand) -> None:
        """Send a command, in its turn; the same one twice is sent once."""


class StorageFailed(Exception):
    """The storage could not do it; the text says why, for whoever runs Bornier."""


class Drop(Protocol):
    """Where files are put. Keys are names that Bornier made."""

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep all of it, or, when the chunks end in an exception, nothing. Raises StorageFailed, or that exception."""


class Storage(Drop, Protocol):
    """Where the bytes of files are: a disk or an object store."""

    async def read(self, key: str, first: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `first` up to, not including, `end`. Raises StorageFailed."""

    async def delete(self, key: str) -> None:
        """Forget it; what is not there is forgotten already. Raises StorageFailed."""


class DeliveryFailed(Exception):
    """A file did not arrive; the text says why, for whoever runs Bornier."""


class Parcel(NamedTuple):
    """A file that arrived."""

    file: str
    rows: int
    size_bytes: int
    sha256: str


class Courier(Protocol):
    """Writes datasets to files, and brings them where they are wanted."""

    def check(self, dataset: str, suffix: str, options: dict[str, str]) -> None:
        """Raises Refusal for what does not exist."""

    async def deliver(self, wish: Export.Scheduled, span: Span, position: int) -> Parcel:
        """Deliver the rows of a period once the read models reflect a position. Raises DeliveryFailed."""


class Reply(NamedTuple):
    """What a webhook's target answered, or why there is no answer."""

    status: int | None
    answer: str
    reason: str | None
    duration_ms: int
    retry_after_s: float = 0.0

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Caller(Protocol):
    """Who sends to webhooks."""

    async def send(self, url: str, secrets: Sequence[str], number: str, body: bytes) -> Reply:
        """One signed request; `number` is the key by which the receiver knows a repetition. Never raises."""


class SharedSecrets(Protocol):
    """The secrets of webhooks, kept sealed outside the history."""

    async def keep(self, webhook_id: str, secret: str, now: datetime, old_until: datetime | None) -> None:
        """Sign with this one from now on, and until then with the others, too."""

    async def valid(self, webhook_id: str, now: datetime) -> list[str]:
        """The secrets to sign with, the newest first; none if they cannot be opened."""

    async def forget(self, webhook_id: str) -> None:
        """Erase all of them."""


class Shelf(Protocol):
    """Where archive files lie, whole and for ever; safe to use from any thread."""

    place: str

    def write(self, name: str, content: bytes) -> None:
        """Keep all of it. Raises StorageFailed."""

    def read(self, name: str) -> bytes:
        """All of it. Raises StorageFailed."""


class Verifier(Protocol):
    """Examines what meters have signed. Slow and without awaiting: call it in a thread."""

    @property
    def able(self) -> bool:
        """Are the means to check signatures installed here?"""

    def examine(self, text: str, encoding: str | None, key: Key | None) -> Judgement:
        """The verdict on a signed text. Never raises, whatever the text."""


class Told(NamedTuple):
    """What Advenir answered (`statut`, `details`, by code), or the reason why nothing is known."""

    status: int | None
    answer: str
    statut: str = ""
    details: Mapping[str, Sequence[Any] | None] = {}
    reason: str | None = None


class Regulator(Protocol):
    """The web service of Advenir."""

    verb: str
    url: str
    user_id: str

    async def send(self, body: bytes) -> Told:
        """One request. Never raises."""


class Candidate(NamedTuple):
    """A charge at a point that Advenir funds."""

    transaction_id: str
    station_id: str
    evse_id: int
    identifier: str
    rated_power_w: float | None


class Wanted(NamedTuple):
    """Charges at funded points that began from `since` to before `until`, and were over by `settled`."""

    since: datetime | None
    until: datetime | None
    settled: datetime
    station_id: str | None = None


class Ledger(Protocol):
    """What the read models know of charges and of what was told; it may be a moment behind."""

    def due(self, wanted: Wanted, after: str | None) -> tuple[list[Candidate], str | None]:
        """A page of charges of which something is to be made, the oldest first, and where the next page begins."""

    def charges(self, wanted: Wanted, after: str | None) -> tuple[list[Candidate], str | None]:
        """The same of all charges, told or not."""

    def candidate(self, transaction_id: str) -> Candidate | None:
        """One charge, if its point is funded."""

    def waiting(self, after: int, now: datetime) -> tuple[list[str], int | None]:
        """Transactions whose submissions are to be sent by now, the oldest first, and where the next page begins."""

    def twin(self, identifier: str, pair: tuple[int, int], transaction_id: str) -> str | None:
        """Another transaction that was told with the same start and stop."""

    def funded_at(self) -> int:
        """The position of the last change of funded points."""


class Outcome(NamedTuple):
    """What became of one item that was sent. `wait_s`: the other side wishes not to be asked before."""

    fate: Literal["ACCEPTED", "REFUSED", "RETURNED", "UNCERTAIN"]
    reference: str | None = None
    status: int | None = None
    reason: str = ""
    wait_s: float = 0.0


class Registrar(Protocol):
    """Takes what the administration is told. Neither method raises for what the other side does."""

    async def send(self, kind: Kind, drafts: Sequence[Draft]) -> list[Outcome]:
        """The fate of each, in their order, however many are refused."""

    async def stored(self, reference: str) -> bool | None:
        """Does it have this session? None: it cannot be asked now."""


class Press(Protocol):
    """Who puts statements on paper."""

    def print(self, statement: Statement) -> tuple[bytes, bytes]:
        """The PDF and the XML of a document. Blocks."""
