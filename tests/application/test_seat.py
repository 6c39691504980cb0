"""One process does a job, whoever else could; when it dies, another does."""

from __future__ import annotations

import time

import psycopg

from application.seat import FRESH_S, OnlyProcess, PostgresSeats, seats


def test_a_job_has_one_holder_and_other_jobs_have_theirs(postgres: str) -> None:
    one, other = PostgresSeats(postgres), PostgresSeats(postgres)
    try:
        assert one.holds("relay")
        assert not other.holds("relay")
        assert other.holds("projection station")
        assert one.holds("relay")
    finally:
        one.leave()
        other.leave()


def test_when_the_holder_dies_another_takes_over(postgres: str) -> None:
    one, other = PostgresSeats(postgres), PostgresSeats(postgres)
    try:
        assert one.holds("relay")
        assert not other.holds("relay")
        with psycopg.connect(postgres, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'bornier seats' AND pid <> %s",
                [other.connection.info.backend_pid if other.connection else 0],
            )
        until = time.monotonic() + 10
        while not other.holds("relay"):
            assert time.monotonic() < until
            time.sleep(FRESH_S / 10)
        one.asked_at.clear()
        assert not one.holds("relay")
    finally:
        one.leave()
        other.leave()


def test_without_the_database_nobody_does_anything() -> None:
    assert not PostgresSeats("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1").holds("relay")


def test_the_only_process_does_everything(sqlite: str) -> None:
    assert isinstance(seats(sqlite), OnlyProcess)
    assert seats(sqlite).holds("relay")
