"""`bornier doctor`: look at everything Bornier stands on, say how each is, and how to mend it. Nothing is changed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from eventsourcing.persistence import PersistenceError
from rich.console import Console
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from api.bootstrap.privacy import whole
from api.bootstrap.spine import signer_of
from api.doctor import certificate, clock, history, machine, relay, setting, store
from api.doctor.finding import Finding, Findings, fail, first_line
from api.settings import Settings
from application.history import History
from application.store import Store
from projections.audit import SEAL
from projections.engine import engine
from projections.station import STATION

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def examine(settings: Settings, time_server: str | None = None) -> Findings:
    """Everything, the foundations first."""
    yield from setting.settings(settings, os.environ)
    read_side = engine(settings.database)
    try:
        yield from database(settings, read_side)
    finally:
        read_side.dispose()
    yield from relay.kafka(settings)
    if time_server:
        yield clock.time_server(time_server, utc)
    yield from machine.disks(places(settings))
    yield from certificates(settings, utc())
    yield from machine.ports(settings.host, ports(settings))


def database(settings: Settings, read_side: Engine) -> Findings:
    """The database, and what only it can tell. What cannot be asked any more is not asked."""
    found = missing(settings) or store.reachable(read_side)
    yield found
    if found.verdict == "fail":
        return
    seen = list(store.database(read_side))
    yield from seen
    if all(known.verdict != "fail" for known in seen if known.check == "migrations"):
        try:
            yield from contents(settings, read_side)
        except (SQLAlchemyError, PersistenceError) as error:
            yield fail("database", first_line(error), "give this user every right on the tables of Bornier")


def missing(settings: Settings) -> Finding | None:
    """A SQLite file that is not there would be made by looking at it."""
    file = settings.database.removeprefix("sqlite:///")
    if file == settings.database or Path(file).exists():
        return None
    return fail("database", f"there is no file {file}", "run `bornier migrate`, or correct BORNIER_DATABASE")


def contents(settings: Settings, read_side: Engine) -> Findings:
    with_history = Store(settings.database)
    try:
        feed = History(whole(settings, with_history))
        with read_side.connect() as connection:
            yield from history.projections(connection, feed, utc())
            sealed = connection.execute(select(func.count()).select_from(SEAL)).scalar_one() > 0
            if not settings.audit_command:
                yield from certificate.seal_key(settings.audit_key_path, sealed)
            if not sealed or settings.audit_command or settings.audit_key_path.exists():
                yield history.seals(connection, feed, signer_of(settings))
            if (theirs := clock.database_clock(connection, utc)) is not None:
                yield theirs
            yield history.station_clocks(feed)
            known = connection.execute(select(func.count()).select_from(STATION)).scalar_one()
        yield machine.descriptors(known)
    finally:
        with_history.close()


def certificates(settings: Settings, now: datetime) -> Findings:
    for check, pairs in (("ocpp tls", settings.tls_pairs), ("http tls", settings.http_tls_pairs)):
        for chain, key in pairs:
            yield from certificate.pair(check, chain, key, now)
    yield from certificate.authority(settings.keys_folder, now)


def places(settings: Settings) -> dict[str, Path]:
    """What is on our disks; a PostgreSQL server looks after its own."""
    found = {"keys": settings.keys_folder, "audit key": settings.audit_key_path, "exports": Path(settings.exports)}
    if settings.database.startswith("sqlite:///"):
        found = {"database": Path(settings.database.removeprefix("sqlite:///"))} | found
    if not settings.files_place.startswith("s3://"):
        found["files"] = Path(settings.files_place)
    return found


def ports(settings: Settings) -> dict[str, int]:
    wanted = {"BORNIER_HTTP_PORT": settings.http_port, "BORNIER_OCPP_PORT": settings.ocpp_port}
    return wanted | ({"BORNIER_OCPP_TLS_PORT": settings.ocpp_tls_port} if settings.tls_pairs else {})


def utc() -> datetime:
    return datetime.now(UTC)


def report(load: Callable[[], Settings], time_server: str | None, as_json: bool) -> bool:
    """Print every finding; True unless one of them is a failure. Settings that cannot be loaded are one, too."""
    try:
        found = examine(load(), time_server)
        findings = list(found) if as_json else list(map(shown, found))
    except ValueError as error:
        finding = fail("settings", first_line(error), "correct it: docs/settings.md tells what it may be")
        findings = [finding if as_json else shown(finding)]
    if as_json:
        json.dump([finding._asdict() for finding in findings], sys.stdout, indent=2, ensure_ascii=False)
        print()
    return all(finding.verdict != "fail" for finding in findings)


def shown(finding: Finding) -> Finding:
    """One line, and one more if something is to be done."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(finding.verdict.ljust(5), style=COLOURS[finding.verdict], end="")
    console.print(f"{finding.check}: {finding.words}", markup=False)
    if finding.mend:
        console.print(f"     {finding.mend}", style="bold", markup=False)
    return finding
