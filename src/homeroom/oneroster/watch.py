"""A time limit for one whole exchange that holds wherever the other side stalls: in the handshake, in headers, between two bytes.

urllib3's own time-outs count from one byte to the next; a server that sends a byte a minute passes them for ever.
"""

import socket
from contextlib import suppress
from threading import Lock, Timer, local
from types import TracebackType
from typing import Any, Self

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_here = local()  # the watch of the exchange that this thread is in


class Watch:
    """Cuts the connection of the exchange inside the block after so many seconds; `over` says that it did."""

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._lock = Lock()
        self._handle: socket.socket | None = None
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _here.watch = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, at: TracebackType | None
    ) -> None:
        self._timer.cancel()
        _here.watch = None
        with self._lock:
            self._drop()

    def hold(self, sock: socket.socket) -> None:
        """Takes a handle of its own on the socket: TLS and HTTP close and replace theirs as they go."""
        with self._lock:
            self._drop()
            self._handle = socket.fromfd(sock.fileno(), sock.family, sock.type)
            if self.over:
                self._shut()

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            self._shut()

    def _shut(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


def _held(sock: Any) -> None:
    watch = getattr(_here, "watch", None)
    if watch is not None and sock is not None:
        watch.hold(sock)


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _held(sock)
        return sock

    def request(self, *said: Any, **more: Any) -> None:
        _held(self.sock)  # a connection that is used again
        super().request(*said, **more)


class _Secure(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _held(sock)
        return sock

    def request(self, *said: Any, **more: Any) -> None:
        _held(self.sock)
        super().request(*said, **more)


class PlainPool(HTTPConnectionPool):
    """Connections that a `Watch` can cut."""

    ConnectionCls = _Plain


class SecurePool(HTTPSConnectionPool):
    """Connections over TLS that a `Watch` can cut."""

    ConnectionCls = _Secure
