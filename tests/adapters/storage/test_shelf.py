"""What a shelf promises, on a folder and on an S3-compatible server."""

from __future__ import annotations

import os

import pytest

from adapters.storage.shelf import Shelf
from application.ports import StorageFailed
from tests.adapters.storage.test_bucket import place, s3_server

__all__ = ["place", "s3_server"]


def test_a_file_comes_back_as_it_was_and_can_be_written_again(place: str) -> None:
    shelf = Shelf(place)
    for content in (b"", os.urandom(6_000_000)):
        shelf.write("bornier-1.jsonl.zst", content)
        assert Shelf(place).read("bornier-1.jsonl.zst") == content


def test_a_file_that_is_not_there_is_named(place: str) -> None:
    with pytest.raises(StorageFailed, match=r"has no missing\.json that can be read"):
        Shelf(place).read("missing.json")


def test_a_place_that_cannot_be_is_told() -> None:
    with pytest.raises(StorageFailed, match="could not keep"):
        Shelf("/proc/nowhere").write("a", b"")
