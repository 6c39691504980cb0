"""Tokens in memory: every process knows all that are valid, so that no request waits for a query."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from application.amend import amend
from application.history import History
from application.journal import Journal
from domain.catalog import CATALOG, Recorded, events
from domain.event import AnyCause, Operator, Timer
from domain.token import PREFIX, Token, digest, idle, stream

log = logging.getLogger("bornier.token")

TOPICS = tuple(name for kind in events(Token) for name in CATALOG.names(kind))
ID_BYTES, SECRET_BYTES = 6, 32


class Tokens:
    """Follows the tokens of the history: what one process revokes, all of them refuse within a second or two."""

    def __init__(self, journal: Journal, history: History, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.history = history
        self.clock = clock
        self.known: dict[str, Token] = {}
        self.told: dict[str, datetime] = {}
        self.position = 0

    async def issue(
        self,
        name: str,
        roles: Sequence[str],
        expires_at: datetime,
        operator: str,
        sites: Sequence[str] = (),
        badges: Sequence[str] = (),
        fields: Sequence[str] = (),
    ) -> tuple[str, str]:
        """Its id, and the token itself, which nobody can show again. Raises Refusal."""
        token_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
        token = Token(stream(token_id))
        scope = {"sites": tuple(sites), "badges": tuple(badges), "fields": tuple(fields)}
        cause = Operator(name=operator)
        token.issue(name, digest(secret), tuple(roles), expires_at, cause, self.clock(), **scope)
        await self.journal.record(token.collect_events())
        self.known[token_id] = token
        return token_id, f"{PREFIX}{token_id}_{secret}"

    async def revoke(self, token_id: str, reason: str, operator: str) -> None:
        """Nobody is let in with it from now on. Raises Refusal."""
        cause = Operator(name=operator)

        def decide(token: Token) -> None:
            token.revoke(reason, cause, self.clock())

        self.known[token_id] = await amend(self.journal, self.history, lambda: Token(stream(token_id)), decide)

    def find(self, text: str) -> Token | None:
        """The token of this text, valid or not; None if there is none, or its secret is another."""
        token_id, _, secret = text.removeprefix(PREFIX).partition("_")
        token = self.known.get(token_id) if text.startswith(PREFIX) else None
        if token is None or token.issued is None:
            return None
        return token if hmac.compare_digest(token.issued.token_hash, digest(secret)) else None

    def valid(self, token_id: str) -> bool:
        token = self.known.get(token_id)
        return token is not None and token.valid(self.clock())

    async def use(self, token: Token) -> None:
        """Keep that it was used, once an hour; a database that is away keeps nobody out."""
        now = self.clock()
        if not (idle(token.used_at, now) and idle(self.told.get(token.token_id), now)):
            return
        self.told[token.token_id] = now
        cause: AnyCause = Timer(rule="first use in an hour")
        try:
            await amend(self.journal, self.history, lambda: Token(token.id), lambda each: each.use(cause, now))
        except Exception as error:
            log.warning("the use of token %s was not recorded: %s", token.token_id, error)

    def load(self) -> None:
        """Read all tokens so far."""
        while batch := self.history.read(self.position, 5_000, TOPICS):
            self.learn(batch)

    async def follow(self) -> None:
        """Learn for ever."""
        async for batch in self.history.follow(self.position, TOPICS):
            self.learn(batch)

    def learn(self, batch: Sequence[Recorded]) -> None:
        for row in batch:
            token_id = row.stream.partition("/")[2]
            token = self.known.setdefault(token_id, Token(row.stream))
            if row.version > token.version:
                token.replay([CATALOG.decode(row.topic, row.state)])
            self.position = max(self.position, row.position)
