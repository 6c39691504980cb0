"""Every message of a station that can name a person is looked at when its events are stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ocpp
import pytest

from adapters.ocpp.direction import FROM_STATION
from domain.privacy import ACTIONS, BADGES, LISTS

HOME = Path(ocpp.__file__).parent
PERSONAL = {*BADGES, *LISTS, "exiRequest", "exiResponse"}


def names(schema: Any) -> set[str]:
    """All names of properties, wherever they are defined."""
    if isinstance(schema, list):
        return {name for each in schema for name in names(each)}
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {})) if isinstance(schema.get("properties"), dict) else set()
    return own | {name for each in schema.values() for name in names(each)}


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_every_message_of_a_station_that_can_name_a_badge_is_looked_at(version: str) -> None:
    folder = HOME / {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}[version] / "schemas"
    naming = set()
    for path in folder.glob("*.json"):
        action = path.stem.removesuffix("Request").removesuffix("Response")
        if action in FROM_STATION[version] and PERSONAL & names(json.loads(path.read_text("utf-8-sig"))):
            naming.add(action)
    assert naming
    assert naming <= ACTIONS.keys()
