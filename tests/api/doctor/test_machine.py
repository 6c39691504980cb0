"""The doctor at the machine, its clocks, its certificates and its settings."""

from __future__ import annotations

import os
import resource
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from api.doctor import certificate, clock, machine, relay, setting
from api.doctor.finding import Finding
from api.settings import Settings
from projections.engine import address
from tests.pki import Authority, new_key, pem, secret

NOW = datetime.now(UTC)
FAST = lambda: datetime.now(UTC) + timedelta(minutes=5)  # noqa: E731


def now() -> datetime:
    return datetime.now(UTC)


class Late(BaseHTTPRequestHandler):
    """A web server whose clock is an hour late."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(now().timestamp() - 3600)

    def log_request(self, code: Any = None, size: Any = None) -> None:
        return


@contextmanager
def web() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Late)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def ntp(offset_s: float) -> Iterator[str]:
    """A time server that answers once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))

        def answer() -> None:
            asked, place = line.recvfrom(64)
            assert (len(asked), asked[0]) == (48, 0x23)
            told = now().timestamp() + offset_s + clock.NTP_EPOCH
            line.sendto(bytes(40) + struct.pack("!II", int(told), int(told % 1 * 2**32)), place)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"ntp://127.0.0.1:{line.getsockname()[1]}"
        thread.join()


def test_our_clock_is_compared_with_a_time_server() -> None:
    with ntp(0) as address:
        assert clock.time_server(address, now).verdict == "ok"
    with ntp(10) as address:
        found = clock.time_server(address, now)
    assert (found.verdict, "10.0 s behind" in found.words) == ("warn", True)
    with web() as address:
        found = clock.time_server(address, now)
    assert found.verdict == "fail"
    assert "ahead of" in found.words
    assert "does not tell the time" in clock.time_server("http://127.0.0.1:9", now).words


def test_our_clock_is_compared_with_that_of_the_database(postgres_server: str) -> None:
    here = create_engine(address(postgres_server))
    with here.connect() as connection:
        near, far = clock.database_clock(connection, now), clock.database_clock(connection, FAST)
    here.dispose()
    assert near is not None
    assert far is not None
    assert (near.verdict, far.verdict) == ("ok", "fail")
    assert "300.0 s ahead of the database's" in far.words


def test_a_full_disk_is_a_failure_and_one_without_inodes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = machine.disks({"database": tmp_path / "a" / "b.db", "keys": tmp_path / "keys"})
    assert "database" in found.words
    true = os.statvfs(tmp_path)
    for bytes_free, files_free, verdict in ((0.01, 1, "fail"), (0.05, 1, "warn"), (1, 0.01, "fail"), (1, 1, "ok")):
        values = list(true)
        values[4], values[7] = int(true.f_blocks * bytes_free), int(10_000 * files_free)
        values[5] = 10_000
        monkeypatch.setattr(os, "statvfs", lambda place, values=values: os.statvfs_result(values))
        assert machine.room("database", tmp_path).verdict == verdict


def test_a_port_is_free_ours_or_of_another_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (found,) = machine.ports("127.0.0.1", {"BORNIER_OCPP_PORT": port})
        assert (found.verdict, "BORNIER_OCPP_PORT" in found.mend) == ("fail", True)
    (found,) = machine.ports("127.0.0.1", {"BORNIER_OCPP_PORT": port})
    assert found.verdict == "ok"


def test_too_few_files_for_the_stations_are_found() -> None:
    assert machine.descriptors(1_000, 1_024).verdict == "fail"
    assert machine.descriptors(1_000, 2_000).verdict == "warn"
    assert machine.descriptors(1_000, 65_536).verdict == "ok"
    assert machine.descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[1]).verdict == "fail"


def written(folder: Path, certificate_text: str, key_text: str) -> tuple[Path, Path]:
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_text(certificate_text)
    key.write_text(key_text)
    key.chmod(0o600)
    return chain, key


def verdicts(findings: Iterator[Finding]) -> list[str]:
    return [finding.verdict for finding in findings]


def test_certificates_that_end_or_do_not_fit_are_found(tmp_path: Path) -> None:
    root = Authority()
    chain, key = written(tmp_path, pem(root.certificate), secret(root.key))
    until = root.certificate.not_valid_after_utc
    assert verdicts(certificate.pair("tls", chain, key, NOW)) == ["ok"]
    assert verdicts(certificate.pair("tls", chain, key, until - timedelta(days=9))) == ["warn"]
    assert verdicts(certificate.pair("tls", chain, key, until + timedelta(days=1))) == ["fail"]
    early = root.certificate.not_valid_before_utc - timedelta(days=1)
    assert verdicts(certificate.pair("tls", chain, key, early)) == ["fail"]
    key.chmod(0o644)
    assert verdicts(certificate.pair("tls", chain, key, NOW)) == ["ok", "fail"]
    other = written(tmp_path, pem(root.certificate), secret(new_key()))
    (found, *_) = certificate.pair("tls", *other, NOW)
    assert (found.verdict, "is not the key of" in found.words) == ("fail", True)
    assert verdicts(certificate.pair("tls", chain, tmp_path / "none.pem", NOW)) == ["fail"]
    key.write_text("no key")
    assert verdicts(certificate.pair("tls", chain, key, NOW)) == ["fail"]


def test_keys_that_others_can_read_and_a_seal_key_that_is_lost_are_failures(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert verdicts(certificate.authority(folder, NOW)) == ["ok"]
    root = Authority()
    folder.mkdir(0o700)
    place = folder / "authority.pem"
    place.write_text(secret(root.key) + pem(root.certificate))
    place.chmod(0o600)
    assert verdicts(certificate.authority(folder, NOW)) == ["ok"]
    folder.chmod(0o755)
    place.chmod(0o640)
    assert "warn" in verdicts(certificate.authority(folder, NOW))
    assert "fail" in verdicts(certificate.authority(folder, NOW))
    assert verdicts(certificate.seal_key(tmp_path / "audit.pem", sealed=False)) == ["ok"]
    assert verdicts(certificate.seal_key(tmp_path / "audit.pem", sealed=True)) == ["fail"]


def test_a_kafka_that_does_not_answer_is_a_failure_and_one_of_two_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdicts(relay.kafka(Settings())) == ["ok"]
    (found,) = relay.kafka(Settings(kafka="127.0.0.1:9"))
    assert (found.verdict, "127.0.0.1:9 does not answer" in found.words) == ("fail", True)
    monkeypatch.setattr(relay, "PATIENCE_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        servers = f"127.0.0.1:9,127.0.0.1:{mute.getsockname()[1]}"
        first, second = relay.kafka(Settings(kafka=servers))
    assert (first.verdict, second.verdict) == ("warn", "fail")
    assert "does not let us in" in second.words


SERVED = {"database": "postgresql://db/bornier", "admin_token": "a-chosen-token", "keys": "/srv/keys",
          "audit_key": "/srv/audit.pem", "files": "/srv/files"}  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "verdict", "word"),
    [
        ({}, "ok", "nothing"),
        ({"command_deadline_s": 5}, "warn", "BORNIER_COMMAND_DEADLINE_S"),
        ({"host": "10.0.0.1", "security_profile": "0"}, "warn", "no password"),
        ({"host": "10.0.0.1", "unknown_badges": "accept"}, "warn", "nobody registered"),
        ({"security_profile": "2"}, "fail", "no certificate"),
        ({"host": "0.0.0.0"}, "fail", "fetch files"),
        ({"contracts": "http://backend", "contracts_token": "t"}, "warn", "in the clear"),
        ({"keys": "keys"}, "warn", "BORNIER_KEYS"),
        (SERVED | {"admin_token": Settings().admin_token}, "warn", "admin token"),
    ],
)
def test_settings_that_contradict_each_other_are_found(chosen: dict[str, Any], verdict: str, word: str) -> None:
    (found,) = setting.settings(Settings(**SERVED | chosen), ["BORNIER_HOST", "PATH"])
    assert (found.verdict, word in found.words) == (verdict, True)
    assert (found.mend == "") == (verdict == "ok")


def test_a_setting_that_does_not_exist_is_named_with_the_one_that_was_meant() -> None:
    wrong = setting.PREFIX + "HTTP_PROT"
    (found,) = setting.settings(Settings(), [wrong, "BORNIER_TEST_POSTGRES"])
    assert wrong in found.words
    assert "BORNIER_HTTP_PORT" in found.mend
