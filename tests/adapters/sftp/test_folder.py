"""What an SFTP folder promises, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters.sftp.folder import SftpFolder
from application.ports import StorageFailed
from tests.sftp import SftpServer, private_key, serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with serving(tmp_path) as running:
        yield running


def folder(server: SftpServer, place: str = "erp/in") -> SftpFolder:
    return SftpFolder(server.place(place), str(server.key), str(server.known_hosts))


async def chunks(*pieces: bytes, broken: bool = False) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if broken:
        raise StorageFailed("the sender broke off")


async def test_a_file_arrives_in_folders_that_are_made(server: SftpServer) -> None:
    await folder(server).write("bills.csv", chunks(b"a;b\r\n", b"1;2\r\n" * 100_000))
    assert (server.files / "erp/in/bills.csv").read_bytes() == b"a;b\r\n" + b"1;2\r\n" * 100_000
    await folder(server).write("bills.csv", chunks(b"again"))
    assert [path.name for path in (server.files / "erp/in").iterdir()] == ["bills.csv"]
    assert (server.files / "erp/in/bills.csv").read_bytes() == b"again"


async def test_half_a_file_never_has_its_name(server: SftpServer) -> None:
    with pytest.raises(StorageFailed, match="broke off"):
        await folder(server).write("bills.csv", chunks(b"a;b\r\n", broken=True))
    assert not (server.files / "erp/in/bills.csv").exists()


async def test_a_host_that_is_not_known_gets_nothing(server: SftpServer, tmp_path: Path) -> None:
    (tmp_path / "nobody").write_text("")
    with pytest.raises(StorageFailed, match="not found in known_hosts"):
        await SftpFolder(server.place("in"), str(server.key), str(tmp_path / "nobody")).write("x", chunks(b"x"))


async def test_a_wrong_key_is_said_and_so_is_none_at_all(server: SftpServer, tmp_path: Path) -> None:
    private_key(tmp_path / "stranger")
    stranger = SftpFolder(server.place("in"), str(tmp_path / "stranger"), str(server.known_hosts))
    with pytest.raises(StorageFailed, match="Authentication failed"):
        await stranger.write("x", chunks(b"x"))
    with pytest.raises(StorageFailed, match="BORNIER_SFTP_KEY"):
        await SftpFolder(server.place("in"), "", "").write("x", chunks(b"x"))


async def test_a_server_that_is_away_is_said(server: SftpServer) -> None:
    place = f"sftp://bornier@127.0.0.1:{1}/in"
    with pytest.raises(StorageFailed, match=r"sftp://127.0.0.1"):
        await SftpFolder(place, str(server.key), str(server.known_hosts)).write("x", chunks(b"x"))
