"""An SFTP server on loopback over a folder: one user with one key, every connection in a thread of its own."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

USER = "bornier"


@dataclass
class SftpServer:
    """`files` is what arrived; `key` and `known_hosts` are what a client needs."""

    port: int
    files: Path
    key: Path
    known_hosts: Path

    def place(self, folder: str) -> str:
        return f"sftp://{USER}@127.0.0.1:{self.port}/{folder}"


class Door(paramiko.ServerInterface):
    """Lets in whoever has the one key."""

    def __init__(self, allowed: paramiko.PKey) -> None:
        self.allowed = allowed

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = username == USER and key.asbytes() == self.allowed.asbytes()
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class Folder(paramiko.SFTPServerInterface):
    """The part of SFTP that an upload needs."""

    def __init__(self, server: Any, root: Path) -> None:
        super().__init__(server)
        self.root = root

    def real(self, path: str) -> str:
        return f"{self.root}/{path.lstrip('/')}"

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(os.stat(self.real(path)))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def mkdir(self, path: str, attr: Any) -> int:
        os.mkdir(self.real(path))
        return paramiko.SFTP_OK

    def open(self, path: str, flags: int, attr: Any) -> Any:
        handle = paramiko.SFTPHandle(flags)
        handle.writefile = handle.readfile = open(self.real(path), "wb")  # noqa: SIM115
        return handle

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        os.replace(self.real(oldpath), self.real(newpath))
        return paramiko.SFTP_OK


def private_key(path: Path) -> paramiko.PKey:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    path.write_bytes(pem)
    path.chmod(0o600)
    return paramiko.Ed25519Key.from_private_key_file(str(path))


@contextmanager
def serving(folder: Path) -> Iterator[SftpServer]:
    """The server for the length of a block; at its end it hangs up on everybody."""
    files = folder / "arrived"
    files.mkdir()
    client, host = private_key(folder / "client"), private_key(folder / "host")
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {host.get_name()} {host.get_base64()}\n")
    transports: list[paramiko.Transport] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                transport = paramiko.Transport(listening.accept()[0])
                transport.add_server_key(host)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Folder, files)
                transports.append(transport)
                with suppress(paramiko.SSHException, EOFError):
                    transport.start_server(server=Door(client))

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield SftpServer(port, files, folder / "client", known_hosts)
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)
    for transport in transports:
        transport.close()
