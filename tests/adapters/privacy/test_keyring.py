"""One key a place, whoever asks first, and nothing without the key file."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from eventsourcing.persistence import OperationalError
from sqlalchemy import Engine, select

from adapters.privacy.keyring import LONG, PERSONAL_KEY, Keyring, KeysLost
from projections.engine import engine

SECRET = secrets.token_bytes(LONG)
PLACES = [f"use:{number}" for number in range(1_200)]


@pytest.fixture
def here(ready: str) -> Iterator[Engine]:
    made = engine(ready)
    yield made
    made.dispose()


def test_a_key_is_made_once_and_found_again_by_place_and_by_name(here: Engine) -> None:
    made = Keyring(here, SECRET).make(PLACES)
    again = Keyring(here, SECRET)
    assert again.make(PLACES) == again.find(PLACES) == made
    assert again.open([key.id for key in made.values()]) == {key.id: key.secret for key in made.values()}
    assert len({key.secret for key in made.values()}) == len(PLACES)
    assert not again.find(["use:none"])
    assert not again.open(["none"])


def test_of_many_who_need_a_key_at_the_same_time_all_get_the_same(here: Engine) -> None:
    orders = [PLACES[:100], PLACES[99::-1]] * 4
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(Keyring(here, SECRET).make, orders))
    assert all(each == found[0] for each in found)


def test_no_key_is_in_the_database_in_clear(here: Engine) -> None:
    made = Keyring(here, SECRET).make(["card:1"])["card:1"]
    with here.connect() as connection:
        (row,) = connection.execute(select(PERSONAL_KEY)).all()
    assert made.secret not in row.wrapped
    assert (row.badge, row.person) == ("1", None)


def test_another_key_file_is_noticed_before_anything_is_written(here: Engine) -> None:
    Keyring(here, SECRET).make(["use:1"])
    with pytest.raises(KeysLost, match="BORNIER_KEYS"):
        Keyring(here, secrets.token_bytes(LONG))


def test_a_database_that_is_away_is_the_fault_that_writers_wait_out(here: Engine) -> None:
    keyring = Keyring(here, SECRET)
    PERSONAL_KEY.drop(here)
    for step in (keyring.make, keyring.find, keyring.open):
        with pytest.raises(OperationalError):
            step(["use:1"])
