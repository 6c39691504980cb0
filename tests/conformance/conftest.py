"""One server for all test cases of a module: it knows no station and no badge, as a CSMS under test does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("conformance") / "bornier.db"
    with Server(f"sqlite:///{place}", BORNIER_UNKNOWN_STATIONS="accept", BORNIER_UNKNOWN_BADGES="reject") as running:
        yield running
