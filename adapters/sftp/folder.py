"""A folder on another machine, over SFTP: with a key, to a host that is known."""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
from collections.abc import AsyncIterator, Iterator
from urllib.parse import unquote, urlsplit

import paramiko

from application.ports import StorageFailed

TIMEOUT_S = 20.0
PORT = 22


class SftpFolder:
    """`Drop`: a file appears under its name only when it is whole."""

    def __init__(self, place: str, key_file: str, known_hosts: str) -> None:
        parts = urlsplit(place)
        self.host, self.port, self.user = parts.hostname or "", parts.port or PORT, unquote(parts.username or "")
        self.folder = unquote(parts.path).lstrip("/") or "."
        self.key_file, self.known_hosts = key_file, known_hosts

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Raises StorageFailed."""
        try:
            connection = await asyncio.to_thread(self.connect)
        except (paramiko.SSHException, OSError) as error:
            raise StorageFailed(f"sftp://{self.host}: {error or type(error).__name__}") from error
        try:
            with contextlib.closing(connection):
                await self.put(connection, key, chunks)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise StorageFailed(f"sftp://{self.host}: {error or type(error).__name__}") from error

    def connect(self) -> paramiko.SSHClient:
        if not self.key_file or not self.known_hosts:
            raise StorageFailed("SFTP needs a key and known hosts: set BORNIER_SFTP_KEY and BORNIER_SFTP_KNOWN_HOSTS")
        client = paramiko.SSHClient()
        client.load_host_keys(self.known_hosts)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.connect(
            self.host, self.port, self.user, key_filename=self.key_file, timeout=TIMEOUT_S, allow_agent=False,
            look_for_keys=False, banner_timeout=TIMEOUT_S, auth_timeout=TIMEOUT_S,
        )  # fmt: skip
        return client

    async def put(self, connection: paramiko.SSHClient, key: str, chunks: AsyncIterator[bytes]) -> None:
        path = posixpath.join(self.folder, key)
        with await asyncio.to_thread(connection.open_sftp) as sftp:
            await asyncio.to_thread(make, sftp, self.folder)
            with await asyncio.to_thread(sftp.open, f"{path}.part", "wb") as file:
                file.set_pipelined(True)
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(sftp.posix_rename, f"{path}.part", path)


def make(sftp: paramiko.SFTPClient, folder: str) -> None:
    """The folder and those above it, where they are missing."""
    for path in above(folder):
        try:
            sftp.stat(path)
        except FileNotFoundError:
            sftp.mkdir(path)


def above(folder: str) -> Iterator[str]:
    parts = [part for part in folder.split("/") if part and part != "."]
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count])
