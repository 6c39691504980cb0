"""One server for all test cases of a module: it knows no station and no badge, as a CSMS under test does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.conformance.flow import BADGE
from tests.end_to_end.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("conformance") / "bornier.db"
    with Server(f"sqlite:///{place}", BORNIER_UNKNOWN_STATIONS="accept", BORNIER_UNKNOWN_BADGES="reject") as running:
        yield running


@pytest.fixture(scope="module")
def badge(server: Server) -> str:
    """The token that is configured as valid."""
    asyncio.run(server.ask(f'mutation {{ registerBadge(input: {{badge: "{BADGE}", concurrent: 100}}) {{ badge }} }}'))
    return BADGE
