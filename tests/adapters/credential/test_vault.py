"""Thousands of stations that prove who they are at the same time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest
from cryptography.fernet import Fernet

from adapters.credential.vault import HASHING, Vault
from projections.engine import engine

STATIONS = 40


class Slow:
    """A hasher that takes its time and counts who is in it; it likes every password that is its own hash."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = self.most = self.asked = 0

    def hash(self, password: str) -> str:
        return password

    def verify(self, stored: str, password: bytes) -> bool:
        with self.lock:
            self.asked += 1
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.01)
        with self.lock:
            self.inside -= 1
        return stored.encode() == password


@pytest.fixture
async def vault(ready: str) -> AsyncIterator[Vault]:
    here = engine(ready)
    made = Vault(here, Fernet.generate_key)
    made.hasher = Slow()  # type: ignore[assignment]
    yield made
    made.close()
    here.dispose()


async def test_few_passwords_are_hashed_at_a_time_and_nobody_else_waits(vault: Vault) -> None:
    slow: Slow = vault.hasher  # type: ignore[assignment]
    for number in range(STATIONS):
        await vault.store(f"CP{number}", f"password {number}")
    everybody = [asyncio.create_task(vault.verify(f"CP{n}", f"password {n}".encode())) for n in range(STATIONS)]
    await asyncio.sleep(0)
    assert (await vault.verify("OPEN", None)).accepted
    assert not all(task.done() for task in everybody)
    assert all(proof.proven for proof in await asyncio.gather(*everybody))
    assert (slow.asked, slow.most) == (STATIONS, HASHING)


async def test_who_comes_back_is_recognised_without_hashing(vault: Vault) -> None:
    slow: Slow = vault.hasher  # type: ignore[assignment]
    await vault.store("CP1", "password")
    assert (await vault.verify("CP1", b"password")).proven
    assert (await vault.verify("CP1", b"password")).proven
    assert slow.asked == 1
