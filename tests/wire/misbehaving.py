"""A OneRoster server that behaves, but for what a test bends."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

ORGS = [
    {
        "sourcedId": "org-lincoln",
        "name": "Lincoln High",
        "type": "school",
        "identifier": "004",
        "status": "active",
    }
]


def user(number: int, **more: Any) -> dict[str, Any]:
    """An invented student in 1.1 form."""
    said = {
        "sourcedId": f"u{number:03d}",
        "status": "active",
        "givenName": "Ana",
        "familyName": f"Lopez {number}",
        "role": "student",
        "orgs": [{"sourcedId": "org-lincoln", "type": "org"}],
        "grades": ["09"],
        "identifier": str(number),
    }
    return {**said, **more}


class Wire(Protocol):
    """What a server writes to."""

    def write(self, data: bytes, /) -> Any: ...

    def flush(self) -> None: ...


@dataclass
class Asked:
    """One request: its path, its query, its headers, how many of this path came before it, its body and its method."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    before: int
    body: bytes = b""
    method: str = "GET"


@dataclass
class Answer:
    """What goes back; `write` puts the whole answer on the wire itself, for what no HTTP library would send."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    write: Callable[[Wire], None] | None = None


Bend = Callable[[Asked, Answer], Answer]


@dataclass
class Server:
    """A server at work: its address and every request it got."""

    address: str
    asked: list[Asked]

    @property
    def base(self) -> str:
        """The base address of OneRoster 1.1."""
        return f"{self.address}/ims/oneroster/v1p1"


def good(asked: Asked, people: list[dict[str, Any]]) -> Answer:
    """What a server that keeps to the standard answers."""
    if asked.path.endswith("/oauth/token") or asked.path.endswith("/token"):
        return Answer(
            body=json.dumps({"access_token": "token-1", "token_type": "bearer", "expires_in": 3600}).encode()
        )
    for word, rows in (("orgs", ORGS), ("users", people)):
        if asked.path.endswith(f"/v1p1/{word}"):
            return page(asked, word, rows)
    return Answer(404, b'{"statusInfoSet": []}')


def page(asked: Asked, word: str, rows: list[dict[str, Any]]) -> Answer:
    wanted = sorted(rows, key=lambda row: str(row.get("sourcedId")))
    after = asked.query.get("filter", "")
    if after.startswith("sourcedId>"):
        wanted = [row for row in wanted if row["sourcedId"] > after.split("'")[1]]
    start, limit = int(asked.query.get("offset", 0)), int(asked.query.get("limit", 100))
    body = json.dumps({word: wanted[start : start + limit]}).encode()
    return Answer(200, body, {"X-Total-Count": str(len(wanted)), "Content-Type": "application/json"})


@contextmanager
def server(
    people: list[dict[str, Any]],
    bend: Bend = lambda asked, answer: answer,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Server]:
    """The server on a free port of the loopback address, over TLS where a context for it is given."""
    seen: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(
                parts.path,
                dict(parse_qsl(parts.query)),
                dict(self.headers),
                sum(a.path == parts.path for a in seen),
                self.rfile.read(int(self.headers.get("Content-Length") or 0)),
                self.command,
            )
            seen.append(asked)
            answer = bend(asked, good(asked, people))
            if answer.write is not None:
                self.close_connection = True
                with suppress(OSError):  # the client may have had enough
                    answer.write(self.wfile)
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_GET  # noqa: N815 # the name that http.server asks for

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Says nothing of clients that hang up: some servers here give them reason to."""

    running = Quiet(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    if tls is not None:
        running.socket = tls.wrap_socket(running.socket, server_side=True)
    thread = threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{running.server_address[1]}", seen)
    finally:
        running.shutdown()
        running.server_close()
        thread.join(5)
