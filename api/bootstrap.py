"""The composition root: the only place where real parts are plugged together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from adapters.ocpp.front import Front
from api.settings import Settings
from application.badge import Badges
from application.command import Dispatcher
from application.gateway import Gateway
from application.history import History
from application.journal import Journal
from application.number import Numbers
from application.session import Rules
from application.store import Store


def clock() -> datetime:
    return datetime.now(UTC)
