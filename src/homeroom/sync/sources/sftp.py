"""A folder or a zip on an SFTP server. Its address passes the gate, its key is checked before anything is said, and what comes is
bounded and kept in files without a name, which nobody else can open and no crash leaves behind."""

import io
import os
import posixpath
import socket
import stat
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO

import paramiko

from homeroom.oneroster.bounds import MB, USUAL, Bounds
from homeroom.oneroster.bulk.files import MOST_BYTES
from homeroom.oneroster.gate import Resolver, refusal, resolve
from homeroom.sync.reading import SourceFailed
from homeroom.sync.sources.places import MOST_FILES, Seen, too_many

KEY_KINDS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
LATEST = 2**32 - 1  # a time above this is none
_AT_ONCE = 64  # pieces of a file on their way
_CHUNK = 256 * 1024
_LATER = "Try again; if it lasts, ask whoever runs the SFTP server."


@dataclass(frozen=True, slots=True)
class SftpSettings:
    """What an owner typed. `host_key` is the server's key as first met ("ssh-ed25519 AAAA..."); "" when it was never met."""

    host: str
    username: str
    path: str
    port: int = 22
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    host_key: str = ""


class BadKey(ValueError):
    """A text that is no private key that can be used. The message says what to do."""


class Sftp:
    """A place on an SFTP server. After the first call `host_key` is the key that the server showed."""

    def __init__(
        self,
        settings: SftpSettings,
        *,
        hosted: bool = False,
        resolver: Resolver = resolve,
        bounds: Bounds = USUAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings, self.host_key, self.name = settings, settings.host_key, settings.path or "/"
        self._hosted, self._resolve, self._bounds, self._clock = hosted, resolver, bounds, clock
        self._transport: paramiko.Transport | None = None
        self._client: paramiko.SFTPClient | None = None
        self._files: dict[str, IO[bytes]] = {}

    def look(self) -> Sequence[Seen]:
        """The plain files that are there."""
        with self._said():
            client, path = self._connected(), self.settings.path or "."
            there = client.stat(path)
            if stat.S_ISREG(there.st_mode or 0):
                return [_seen(posixpath.basename(path), there)]
            found = [
                _seen(entry.filename, entry) for entry in _few(client.listdir_iter(path)) if _is_plain(entry)
            ]
        return sorted(found, key=lambda one: one.name)

    def open(self, name: str) -> IO[bytes]:
        """One file. It is fetched whole, once; of those opened of one name only the last is read on."""
        if name not in self._files:
            self._files[name] = self._fetched(name)
        again = os.fdopen(os.dup(self._files[name].fileno()), "rb")
        again.seek(0)
        return again

    def _fetched(self, name: str) -> IO[bytes]:
        kept: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 # closed by close()
        with self._said():
            client, path = self._connected(), self.settings.path or "."
            if posixpath.basename(path) != name:
                path = posixpath.join(path, name)
            with client.open(path, "rb") as file:
                self._copy(name, file, kept)
        kept.flush()
        return kept

    def _copy(self, name: str, file: paramiko.SFTPFile, kept: IO[bytes]) -> None:
        begun, got = self._clock(), 0
        most = min(MOST_BYTES, self._bounds.collection_bytes)
        file.prefetch(min(file.stat().st_size or 0, most), _AT_ONCE)
        while chunk := file.read(_CHUNK):
            got += kept.write(chunk)
            if got > most:
                raise _failed(
                    f"{name} is larger than {most // MB:,} MB",
                    "A roster is never so large: look what is written there.",
                )
            if self._clock() - begun > self._bounds.answer_seconds:
                raise _failed(
                    f"Fetching {name} took more than {self._bounds.answer_seconds / 60:.0f} minutes",
                    _LATER,
                    retry=True,
                )

    def close(self) -> None:
        """Hangs up, and lets what was fetched vanish."""
        while self._files:
            self._files.popitem()[1].close()
        if self._transport is not None:
            self._transport.close()
        self._transport = self._client = None

    def _connected(self) -> paramiko.SFTPClient:
        if self._client is None:
            self._transport = self._shaken_hands(self._reached())
            self._sign_in(self._transport)
            client = paramiko.SFTPClient.from_transport(self._transport)
            if client is None or (channel := client.get_channel()) is None:
                raise _failed(
                    "The server opens no SFTP channel",
                    "Ask whoever runs it whether this account may use SFTP.",
                )
            channel.settimeout(self._bounds.silent_seconds)
            self._client = client
        return self._client

    def _reached(self) -> socket.socket:
        """A connection to one of the very addresses that were judged."""
        host, port = self.settings.host.strip(), self.settings.port
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as wrong:
            raise _failed(
                f"No server has the name {host}", "Look for a typing error in the host name."
            ) from wrong
        for address in addresses:
            if why := refusal(host, address, hosted=self._hosted):
                raise _failed(
                    f"{host} leads to {address}, which {why}; we do not call it",
                    "Enter the address it has on the internet.",
                )
        for address in addresses:
            with suppress(OSError):
                return socket.create_connection((address, port), self._bounds.connect_seconds)
        raise _failed(
            f"{host} does not answer on port {port}",
            "Look at host and port, and whether its firewall lets us in.",
            retry=True,
        )

    def _shaken_hands(self, sock: socket.socket) -> paramiko.Transport:
        """Encryption with a server that shows the key that it showed at first. Nothing was said before."""
        transport = paramiko.Transport(sock)
        self._transport = transport
        transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = (
            self._bounds.connect_seconds
        )
        if kind := self.settings.host_key.partition(" ")[0]:
            transport.get_security_options().key_types = (
                ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)
            )
        try:
            transport.start_client(timeout=self._bounds.connect_seconds)
        except paramiko.SSHException as wrong:
            if self.settings.host_key and "Incompatible ssh server" in str(wrong):
                raise self._another_key("of another kind") from wrong
            raise
        key = transport.get_remote_server_key()
        self.host_key = f"{key.get_name()} {key.get_base64()}"
        if self.settings.host_key and self.host_key != self.settings.host_key:
            raise self._another_key(fingerprint(self.host_key))
        return transport

    def _another_key(self, shown: str) -> SourceFailed:
        known = fingerprint(self.settings.host_key)
        return _failed(
            f"{self.settings.host} shows another key than when we first met it: {shown} in place of {known}. Nothing was sent to it",
            "Ask whoever runs the server whether its key was changed. If it was, forget the old key on People > Rostering; "
            "if not, somebody stands in between.",
        )

    def _sign_in(self, transport: paramiko.Transport) -> None:
        try:
            if self.settings.private_key:
                transport.auth_publickey(self.settings.username, private_key(self.settings.private_key))
            else:
                transport.auth_password(self.settings.username, self.settings.password)
        except (paramiko.AuthenticationException, BadKey) as wrong:
            said = (
                str(wrong)
                if isinstance(wrong, BadKey)
                else f"{self.settings.host} does not accept the user name and password or key"
            )
            raise _failed(
                said, "Enter them anew, or ask whoever runs the server whether the account is still open."
            ) from wrong

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What may go wrong on the way, in words."""
        try:
            yield
        except FileNotFoundError as wrong:
            raise _failed(
                f"There is no {self.name} on the server",
                "Look at the path; ask where the export is put.",
                retry=True,
            ) from wrong
        except PermissionError as wrong:
            raise _failed(
                f"{self.name} may not be read", "Ask whoever runs the server to let this account read it."
            ) from wrong
        except (paramiko.SSHException, OSError, EOFError) as wrong:
            self.close()
            raise _failed(
                f"The SFTP connection broke off ({type(wrong).__name__})", _LATER, retry=True
            ) from wrong


def _failed(message: str, cure: str, *, retry: bool = False) -> SourceFailed:
    return SourceFailed(message, cure, retry=retry)


def _is_plain(entry: paramiko.SFTPAttributes) -> bool:
    return (
        stat.S_ISREG(entry.st_mode)
        if entry.st_mode is not None
        else str(getattr(entry, "longname", "")).startswith("-")
    )


def _seen(name: str, of: paramiko.SFTPAttributes) -> Seen:
    return Seen(name, of.st_size or 0, float(min(max(of.st_mtime or 0, 0), LATEST)))


def _few(entries: Iterator[paramiko.SFTPAttributes]) -> Iterator[paramiko.SFTPAttributes]:
    for number, entry in enumerate(entries):
        if number >= MOST_FILES:
            raise too_many()
        yield entry


def fingerprint(host_key: str) -> str:
    """A host key as people compare it: SHA256:... as ssh shows it; "" for none."""
    kind, _, text = host_key.partition(" ")
    if not text:
        return ""
    return paramiko.PKey.from_type_string(kind, b64decode(text)).fingerprint


def private_key(text: str) -> paramiko.PKey:
    """The private key that a text is. Raises `BadKey`."""
    for kind in KEY_KINDS:
        try:
            return kind.from_private_key(io.StringIO(text.strip() + "\n"))
        except paramiko.PasswordRequiredException as wrong:
            raise BadKey("The private key is locked with a passphrase: give one without") from wrong
        except (paramiko.SSHException, ValueError, IndexError, TypeError):
            continue
    raise BadKey("The text is no private key: paste the whole file, from BEGIN to END")
