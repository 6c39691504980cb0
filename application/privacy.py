"""Privacy: what is about a person is sealed on its way into the store and opened for whoever reads the history.

Every badge has a key of its own, and so has every driver; whoever destroys a key has forgotten the person, in every
event at once, while not one stored byte changes (ADR 0010). Nobody but the store's edge knows about it.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from application.lookup import Row
from domain.badge import FORGOTTEN, fold
from domain.catalog import Recorded
from domain.event import Event
from domain.privacy import STREAM, Place, places, text

REMEMBERED = 20_000
SHORT, FEW = 64, 16
STREAMS = "badge/"
GONE = f"{FORGOTTEN}-"
HEAD = b'{"sealed":['
ENVELOPE = re.compile(rb'\{"sealed":\["([a-z2-7",]*)"\],')
MARK, BARE = b"sealed:", b'"bare '
SEALED = re.compile(rb"([a-z2-7]{16}):([A-Za-z0-9_-]+)")


class Key(NamedTuple):
    """A key and its name, by which sealed texts ask for it. The name is random and says nothing."""

    id: str
    secret: bytes


class Keyring(Protocol):
    """Where keys are kept. A place says whose key it is; at any time there is one key in a place, or none."""

    def make(self, places: Sequence[str]) -> dict[str, Key]:
        """The keys of these places; what is missing is made now. They are durable on return, or with what is stored
        after. Raises OperationalError while the database is away."""

    def find(self, places: Sequence[str]) -> dict[str, Key]:
        """Those of the keys that there are."""

    def open(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Those of the keys with these names that there are."""


class Seal:
    """One key at work."""

    __slots__ = ("cipher", "id", "known")

    def __init__(self, key: Key) -> None:
        self.id = key.id.encode()
        self.cipher = AESSIV(key.secret)
        self.known: dict[bytes, bytes] = {}

    def close(self, text: bytes) -> bytes:
        """The same text is always sealed the same way (AES-SIV): a badge costs one look into a dictionary."""
        made = self.known.get(text)
        if made is None:
            made = urlsafe_b64encode(self.cipher.encrypt(text, [self.id])).rstrip(b"=")
            self.keep(text, made)
        return made

    def open(self, sealed: bytes) -> bytes | None:
        """None for what this key has not sealed."""
        text = self.known.get(sealed)
        if text is None:
            try:
                text = self.cipher.decrypt(urlsafe_b64decode(sealed + b"=="), [self.id])
            except (InvalidTag, ValueError):
                return None
            self.keep(sealed, text)
        return text

    def keep(self, asked: bytes, found: bytes) -> None:
        if len(asked) <= SHORT and len(self.known) < FEW:
            self.known[asked] = found


class Draft(NamedTuple):
    """An event on its way into the store: what of it is to be sealed, and in whose places the keys are."""

    stream: str
    state: bytes
    places: Sequence[Place] = ()
    owners: Sequence[str] = ()
    card: str = ""


class Ring:
    """Seals and opens; safe to use from any thread. What it holds in memory it drops when somebody is forgotten."""

    def __init__(self, keyring: Keyring, secret: bytes) -> None:
        self.keyring = keyring
        self.secret = secret
        self.closing: dict[str, Seal] = {}
        self.opening: dict[str, Seal | None] = {}
        self.digests: dict[str, str] = {}

    def forget(self) -> None:
        """Hold nothing in memory any more: the next use asks the keyring again."""
        self.closing, self.opening, self.digests = {}, {}, {}

    def leave(self, places: Iterable[str]) -> None:
        """There may be other keys in these places now."""
        for place in places:
            self.closing.pop(place, None)

    def use(self, badge: str) -> str:
        """The place of the key for what is done with a badge: another one once the badge has changed hands."""
        return f"use:{self.digest(badge)}"

    def card(self, badge: str) -> str:
        """The place of the key for the badge itself, its own stream, whoever holds it."""
        return f"card:{self.digest(badge)}"

    def digest(self, badge: str) -> str:
        """Finds the keys of a badge, and says nothing to whoever lacks the key file."""
        found = self.digests.get(badge)
        if found is None:
            if len(self.digests) > REMEMBERED:
                self.digests = {}
            found = hmac.digest(self.secret, fold(badge).encode("utf-8", "replace"), "sha256").hex()
            self.digests[badge] = found
        return found

    def close(self, rows: Sequence[tuple[Event, bytes]]) -> list[tuple[str, bytes]]:
        """Stream and JSON of events as they are stored; all keys that are missing are made at once."""
        begun = {event.originator_id for event, _ in rows if event.originator_version == 1}
        drafts = [self.draft(event, state, event.originator_id in begun) for event, state in rows]
        seals = self.provide(dict.fromkeys(owner for draft in drafts for owner in draft.owners))
        return [write(draft, seals) for draft in drafts]

    def draft(self, event: Event, state: bytes, begun: bool) -> Draft:
        """What is to be sealed in an event, and by which keys."""
        stream, found = event.originator_id, in_order(places(state))
        if event.personal == "card" and (begun or self.stored(stream) != stream):
            card, named = self.card(stream.removeprefix(STREAMS)), in_order([Place(*name_of(state), None), *found])
            return Draft(stream, state, named, [card] * len(named), card)
        if event.personal == "driver":
            return Draft(stream, state, found, [stream] * len(found))
        owners = [self.use(place.badge) if place.badge else None for place in found]
        first = next(filter(None, owners), f"stream:{stream}" if event.personal == "stream" else None)
        return Draft(stream, state, found, [owner or first for owner in owners]) if first else Draft(stream, state)

    def provide(self, owners: Iterable[str]) -> dict[str, Seal]:
        seals, missing = self.closing, [owner for owner in owners if owner not in self.closing]
        if missing:
            if len(seals) > REMEMBERED:
                seals = self.closing = {}
                missing = list(owners)
            seals.update({owner: Seal(key) for owner, key in self.keyring.make(missing).items()})
        return seals

    def stored(self, stream: str) -> str:
        """The name under which a stream is stored: that of a badge is random. Streams of old times keep theirs."""
        if not stream.startswith(STREAMS):
            return stream
        badge = stream.removeprefix(STREAMS)
        if badge.startswith(GONE):
            return f"{STREAMS}{badge.removeprefix(GONE)}"
        place = self.card(badge)
        key = self.keyring.find([place]).get(place) if place not in self.closing else None
        if key is not None:
            self.closing[place] = Seal(key)
        seal = self.closing.get(place)
        return f"{STREAMS}{seal.id.decode()}" if seal else stream

    def open(self, rows: Sequence[Row]) -> list[Recorded]:
        """Rows of the store as everybody reads them; what has been forgotten says so."""
        envelopes = [ENVELOPE.match(row[4]) if row[4].startswith(HEAD) else None for row in rows]
        if not any(envelopes):
            return [Recorded(*row) for row in rows]
        named = [names(found) if found else None for found in envelopes]
        seals = self.learn(dict.fromkeys(name for each in named for name in each or ()))
        return [
            Recorded(*row) if each is None else read(row, seals, each) for row, each in zip(rows, named, strict=True)
        ]

    def learn(self, ids: Iterable[str]) -> dict[str, Seal | None]:
        seals, missing = self.opening, [name for name in ids if name not in self.opening]
        if missing:
            if len(seals) > REMEMBERED:
                seals = self.opening = {}
                missing = list(ids)
            found = self.keyring.open(missing)
            seals.update({name: Seal(Key(name, found[name])) if name in found else None for name in missing})
        return seals


def write(draft: Draft, seals: dict[str, Seal]) -> tuple[str, bytes]:
    """The JSON with its personal texts sealed. What was read before is read again, byte for byte."""
    parts: list[bytes] = []
    state, at, used = draft.state, 1, dict[bytes, None]()
    for place, owner in zip(draft.places, draft.owners, strict=True):
        if place.start < at:
            continue  # inside a text that is sealed as a whole
        seal = seals[owner]
        used[seal.id] = None
        form = b'"bare sealed:%s:%s"' if place.bare else b"sealed:%s:%s"
        parts += (state[at : place.start], form % (seal.id, seal.close(state[place.start : place.end])))
        at = place.end
    if not used:
        return draft.stream, state
    stream = f"{STREAMS}{seals[draft.card].id.decode()}" if draft.card else draft.stream
    return stream, b"".join([HEAD, b'"', b'","'.join(used), b'"],', *parts, state[at:]])


def read(row: Row, seals: dict[str, Seal | None], names: frozenset[str]) -> Recorded:
    """A row with everything opened that has not been forgotten. Nothing is opened by a key the row does not name."""
    position, stream, version, topic, state = row
    before, *sealed = state[state.index(b"]") + 2 :].split(MARK)
    parts = [b"{", before]
    for part in sealed:
        found = SEALED.match(part)
        name = found[1].decode() if found else ""
        clear = opened(seals[name], found[2], name, parts[-1]) if found and name in names else None
        if clear is None or found is None:
            parts += (MARK, part)  # somebody wrote this by himself
        elif parts[-1].endswith(BARE) and not parts[-1].endswith(b"\\" + BARE):
            parts[-1:] = [parts[-1][: -len(BARE)], clear, part[found.end() + 1 :]]
        else:
            parts += (clear, part[found.end() :])
    state = b"".join(parts)
    if stream.startswith(STREAMS):
        stream = f"{STREAMS}{text(state[slice(*name_of(state))])}"
    return Recorded(position, stream, version, topic, state)


def opened(seal: Seal | None, sealed: bytes, name: str, before: bytes) -> bytes | None:
    """What was sealed, or that it has been forgotten; streams keep apart who has been forgotten."""
    if seal is not None:
        return seal.open(sealed)
    if before.endswith(b"badge/"):
        return f"{GONE}{name}".encode()
    return b'"%s"' % FORGOTTEN.encode() if before.endswith(BARE) else FORGOTTEN.encode()


def in_order(found: Iterable[Place]) -> list[Place]:
    """Of two that begin at the same byte the longer one first."""
    return sorted(found, key=lambda place: (place.start, -place.end))


def names(envelope: re.Match[bytes]) -> frozenset[str]:
    return frozenset(envelope[1].decode().split('","'))


def name_of(state: bytes) -> tuple[int, int]:
    """Where the badge is in the stream's name of an event of a badge."""
    found = STREAM.search(state)
    assert found is not None
    return found.span(1)
