"""The database: is it there, may we write, does it keep what it promised, and is its schema ours?"""

from __future__ import annotations

import sqlite3
import time
from statistics import median

from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import SQLAlchemyError

from api.doctor.finding import Finding, Findings, fail, first_line, ok, warn
from migrations.migrate import newest, revision
from projections.checkpoint import CHECKPOINT

OLDEST_POSTGRES = 140_000
OLDEST_SQLITE = (3, 35)
SLOW_S, TOO_SLOW_S = 0.01, 0.1
ROUNDS = 9
FULL = 0.8
DURABLE = {
    "fsync": "a crash of the machine can lose or destroy the history",
    "synchronous_commit": "a crash loses the last commits, although stations were told that they are durable",
    "full_page_writes": "a crash of the machine can destroy pages of the history",
}


def reachable(engine: Engine) -> Finding:
    """Everything else about the database can only be asked when this is well."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as error:
        return fail("database", first_line(error), "start the database, or correct BORNIER_DATABASE")
    return ok("database", f"{engine.url.render_as_string(hide_password=True)} answers")


def database(engine: Engine) -> Findings:
    with engine.connect() as connection:
        yield release(connection)
        yield encoding(connection)
        yield latency(connection)
        yield from durability(connection)
        if connection.dialect.name == "postgresql":
            yield sockets(connection)
        found = migrated(connection)
        yield found
    if found.verdict == "ok":
        yield writable(engine)


def release(connection: Connection) -> Finding:
    if connection.dialect.name == "sqlite":
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            return fail("version", f"SQLite {sqlite3.sqlite_version}", "use a Python with SQLite 3.35 or newer")
        return ok("version", f"SQLite {sqlite3.sqlite_version}")
    shown = ask(connection, "SHOW server_version")
    if int(ask(connection, "SHOW server_version_num")) < OLDEST_POSTGRES:
        return warn("version", f"PostgreSQL {shown} gets no corrections any more", "upgrade to PostgreSQL 14 or newer")
    return ok("version", f"PostgreSQL {shown}")


def encoding(connection: Connection) -> Finding:
    """The history is JSON in UTF-8: anything a station can say must fit."""
    sqlite = connection.dialect.name == "sqlite"
    name = ask(connection, "PRAGMA encoding" if sqlite else "SHOW server_encoding")
    if name.replace("-", "") == "UTF8":
        return ok("encoding", name)
    return fail("encoding", f"the database keeps texts in {name}", "make the database anew with ENCODING 'UTF8'")


def latency(connection: Connection) -> Finding:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask(connection, "SELECT 1")
        took.append(time.perf_counter() - began)
    typical = median(took)
    words = f"a question to the database takes {typical * 1000:.2f} ms"
    if typical < SLOW_S:
        return ok("latency", words)
    mend = "run Bornier near its database; look at the network and at the load of the database"
    return (warn if typical < TOO_SLOW_S else fail)("latency", words, mend)


def durability(connection: Connection) -> Findings:
    """Settings that break the promise behind every answer: it is durable."""
    if connection.dialect.name == "sqlite":
        mode = ask(connection, "PRAGMA journal_mode")
        if mode == "wal":
            yield ok("durability", "SQLite writes ahead and waits for the disk at each commit of the history")
        else:
            yield fail("durability", f"SQLite journals in mode {mode}", "put the file on a local disk that can do WAL")
        return
    lost = {name: words for name, words in DURABLE.items() if ask(connection, f"SHOW {name}") == "off"}
    for name, words in lost.items():
        yield fail("durability", f"{name} is off: {words}", f"set {name} = on in postgresql.conf, and reload")
    if not lost:
        yield ok("durability", "PostgreSQL waits for the disk at each commit")


def sockets(connection: Connection) -> Finding:
    most = int(ask(connection, "SHOW max_connections"))
    used = int(ask(connection, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
    words = f"{used} of {most} connections of PostgreSQL are used"
    if used < FULL * most:
        return ok("connections", words)
    return warn("connections", words, "raise max_connections, or end what holds them (pg_stat_activity)")


def migrated(connection: Connection) -> Finding:
    found, wanted = revision(connection), newest()
    if found == wanted:
        return ok("migrations", f"the schema is {found}")
    words = f"the schema is {found}, and this Bornier needs {wanted}" if found else "the database is empty"
    return fail("migrations", words, "run `bornier migrate`")


def writable(engine: Engine) -> Finding:
    """Write something, and take it back."""
    try:
        with engine.connect() as connection:
            connection.execute(insert(CHECKPOINT).values(name="doctor", position=0))
            connection.rollback()
    except SQLAlchemyError as error:
        mend = (
            "connect as the owner of the tables to the primary; look for default_transaction_read_only and a full disk"
        )
        return fail("writable", f"nothing can be written: {first_line(error)}", mend)
    return ok("writable", "rows can be written")


def ask(connection: Connection, question: str) -> str:
    return str(connection.execute(text(question)).scalar())
