"""A real SFTP server on a free port, which serves one folder to one account."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def new_key() -> str:
    """A private key as text."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def loaded(text: str) -> paramiko.PKey:
    import io

    return paramiko.Ed25519Key.from_private_key(io.StringIO(text))


@dataclass
class SftpSite:
    """A server at work: where, with which account, and what it was asked. `host_key` may be changed while it runs."""

    root: Path
    username: str = "district"
    password: str = "Correct-Horse-9"
    user_key: str = ""
    host_key: str = field(default_factory=new_key)
    port: int = 0
    passwords: list[str] = field(default_factory=list)  # every one that was sent
    opened: list[str] = field(default_factory=list)
    endless: bool = False  # its files never end


class _Door(paramiko.ServerInterface):
    def __init__(self, site: SftpSite) -> None:
        self.site = site

    def check_auth_password(self, username: str, password: str) -> int:
        self.site.passwords.append(password)
        fits = (username, password) == (self.site.username, self.site.password)
        return paramiko.AUTH_SUCCESSFUL if fits else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        fits = username == self.site.username and self.site.user_key and key == loaded(self.site.user_key)
        return paramiko.AUTH_SUCCESSFUL if fits else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _File(paramiko.SFTPHandle):
    def __init__(self, path: Path, endless: bool) -> None:
        super().__init__(os.O_RDONLY)
        self.readfile, self.endless = path.open("rb"), endless
        self.path = path

    def stat(self) -> Any:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    def read(self, offset: int, length: int) -> Any:
        return b"x" * length if self.endless else super().read(offset, length)


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: _Door, *_: Any, **__: Any) -> None:
        self.site = server.site

    def _path(self, path: str) -> Path:
        return self.site.root / path.lstrip("/")

    def list_folder(self, path: str) -> Any:
        try:
            found = sorted(os.scandir(self._path(path)), key=lambda entry: entry.name)
        except OSError as wrong:
            return paramiko.SFTPServer.convert_errno(wrong.errno or 0)
        return [paramiko.SFTPAttributes.from_stat(one.stat(follow_symlinks=False), one.name) for one in found]

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as wrong:
            return paramiko.SFTPServer.convert_errno(wrong.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        self.site.opened.append(path)
        try:
            return _File(self._path(path), self.site.endless)
        except OSError as wrong:
            return paramiko.SFTPServer.convert_errno(wrong.errno or 0)


@contextmanager
def sftp_site(root: Path, **more: Any) -> Iterator[SftpSite]:
    """The server, until the block ends."""
    site = SftpSite(root, **more)
    door = socket.create_server(("127.0.0.1", 0))
    site.port = door.getsockname()[1]
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                sock, _ = door.accept()
                transport = paramiko.Transport(sock)
                transports.append(transport)
                transport.add_server_key(loaded(site.host_key))
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
                with suppress(paramiko.SSHException, EOFError, OSError):
                    transport.start_server(threading.Event(), _Door(site))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        for transport in transports:
            transport.close()
        thread.join(5)
