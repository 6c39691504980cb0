"""The checked-in pages are those of the code."""

from __future__ import annotations

import pytest

from api import docs
from domain.catalog import CATALOG


def test_no_generated_page_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["docs", "--check"])
    docs.main()


def test_asyncapi_names_every_event_once_and_every_reference_resolves() -> None:
    page = docs.asyncapi()
    assert set(page["components"]["messages"]) == set(CATALOG.events)
    listed = [name for channel in page["channels"].values() for name in channel["messages"]]
    assert sorted(listed) == sorted(CATALOG.events)
    for channel in page["channels"].values():
        assert channel["address"].startswith("bornier.")
    for message in page["components"]["messages"].values():
        assert message["payload"]["$ref"].removeprefix("#/components/schemas/") in page["components"]["schemas"]
