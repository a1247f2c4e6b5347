"""A client that costs next to nothing: one kept connection, written and read by hand, so that the servers are measured and not it."""

import re
import socket
import threading
import time
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"content-length: *(\d+)")


class Kept:
    """A connection to one server, kept from call to call."""

    def __init__(self, root: str, token: str = "") -> None:
        parts = urlsplit(root)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        self._rest = f" HTTP/1.1\r\nHost: {parts.netloc}\r\n{bearer}\r\n".encode()
        self._buffer = bytearray(1 << 20)

    def ask(self, path: str) -> tuple[bytes, bytes]:
        """Head and body of the answer to a GET; anything but 200 ends the run."""
        self._socket.sendall(b"GET " + path.encode() + self._rest)
        got = bytearray()
        while (at := got.find(b"\r\n\r\n")) < 0:
            got += self._more()
        head, body = bytes(got[:at]).lower(), got[at + 4 :]
        if not head.startswith(b"http/1.1 200"):
            raise SystemExit(f"{path} was answered {head[:200]!r}")
        length = _LENGTH.search(head)
        if length is None:  # sent in chunks, which nobody here takes apart: a file server's files
            while not body.endswith(b"\r\n0\r\n\r\n"):
                body += self._more()
            return head, bytes(body)
        while len(body) < int(length[1]):
            body += self._more()
        return head, bytes(body)

    def _more(self) -> memoryview:
        count = self._socket.recv_into(self._buffer)
        if not count:
            raise SystemExit("the server hung up")
        return memoryview(self._buffer)[:count]


def rate(root: str, token: str, paths: list[str], connections: int, seconds: float) -> float:
    """Requests a second over some kept connections, each asking the paths in turn."""
    counts = [0] * connections
    end = time.perf_counter() + seconds

    def run(number: int) -> None:
        kept = Kept(root, token)
        while time.perf_counter() < end:
            kept.ask(paths[counts[number] % len(paths)])
            counts[number] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)
