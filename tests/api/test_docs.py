"""The checked-in pages are those of the code."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from api import docs
from domain.catalog import CATALOG

OFFICIAL = Path(__file__).parent.parent / "golden" / "asyncapi" / "3.0.0.json"


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


def test_the_official_schema_of_asyncapi_accepts_the_page() -> None:
    schema = jsonschema_rs.validator_for(json.loads(OFFICIAL.read_text()))
    page = json.loads((docs.DOCS / "asyncapi.json").read_text())
    assert [f"{error.instance_path}: {error.message}" for error in schema.iter_errors(page)] == []
    assert not schema.is_valid(page | {"channels": {"station": {"messages": {"booted": {"payload": 7}}}}})
