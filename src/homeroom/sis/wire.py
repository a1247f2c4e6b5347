"""A request and an answer of the API, free of Django: what the lean WSGI path hands around."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import zstandard
from isal import igzip

Environ = dict[str, Any]
MOST_BODY = 64 * 1024
SHORT = 1400  # bytes that fit one packet gain nothing by compression


@dataclass(frozen=True, slots=True)
class Request:
    """What the API needs of a request. `root` is scheme and host as the client sees them."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    root: str
    raw_query: str = ""

    def value(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def asking(self, **changes: str) -> "Request":
        """The same request with other query parameters."""
        kept = [(name, value) for name, value in self.query if name not in changes]
        return replace(self, query=[*kept, *changes.items()])


@dataclass(frozen=True, slots=True)
class Stream:
    """A long body, read piece by piece while it is sent: joining it first would cost as much again as sending it."""

    size: int
    pieces: Callable[[], Iterator[bytes]]


@dataclass(slots=True)
class Answer:
    """Status, JSON bytes and headers. `records` are how many there are in it. A long body is a `stream`, and `body` is empty then."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    records: int = 0
    stream: Stream | None = None

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body) if self.stream is None else self.stream.size

    def read(self) -> "Answer":
        """The same answer with its whole body in memory."""
        if self.stream is None:
            return self
        return replace(self, body=b"".join(self.stream.pieces()), stream=None)


def read_request(environ: Environ) -> Request:
    """The request of a WSGI environment. A body longer than any form of ours is not read further."""
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    headers["content-type"] = environ.get("CONTENT_TYPE") or ""
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace"),
        query=parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True),
        headers=headers,
        body=_body(environ),
        root=_root(environ, headers),
        raw_query=environ.get("QUERY_STRING", ""),
    )


def _body(environ: Environ) -> bytes:
    """The body, however its length is told: in a header, or by its end when it comes in chunks."""
    told = environ.get("CONTENT_LENGTH") or ""
    length = int(told) if told.isdigit() else MOST_BODY if "HTTP_TRANSFER_ENCODING" in environ else 0
    return bytes(environ["wsgi.input"].read(min(length, MOST_BODY))) if length else b""


def _root(environ: Environ, headers: dict[str, str]) -> str:
    """Scheme and host as the client sees them: as the site's own address says when that is a secure one, so that nothing in a
    request changes it; else as a proxy tells, or as the request came. What is no address of a host never gets into an answer.
    """
    site = os.environ.get("HOMEROOM_SIS_URL", "")
    if site.startswith("https://"):
        return site.rstrip("/")
    scheme = headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    hosts = (headers.get("x-forwarded-host", "").partition(",")[0].strip(), headers.get("host", ""))
    host = next((one for one in hosts if _HOST.fullmatch(one)), "")
    own = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return f"{scheme if scheme in ('http', 'https') else environ['wsgi.url_scheme']}://{host or own}"


_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


def send(answer: Answer, request: Request, start_response: Any) -> Iterable[bytes]:
    """The answer as WSGI, compressed when it is long and the client can take it; HEAD gets the headers alone."""
    headers = sent_headers(answer)
    packing = _packing(answer, request)
    if packing is not None:
        headers["Content-Encoding"] = packing
        answer = replace(answer, body=_PACKED[packing](answer.read().body), stream=None)
    if answer.status not in (204, 304):
        headers["Content-Length"] = str(answer.size)
    start_response(f"{answer.status} {_REASONS.get(answer.status, 'Status')}", list(headers.items()))
    if request.method == "HEAD":
        return []
    return [answer.body] if answer.stream is None else answer.stream.pieces()


def sent_headers(answer: Answer) -> dict[str, str]:
    """The headers that go out with an answer, but for those of its length and packing."""
    # What is kept by a browser or proxy must be asked for anew each time: no-cache with a tag, no-store without.
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Vary": "Accept-Encoding, Authorization",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache" if "ETag" in answer.headers else "no-store",
        **answer.headers,
    }


def _packing(answer: Answer, request: Request) -> str | None:
    """How the body is compressed: when it is long, in the first of our ways that the client takes."""
    said = request.headers.get("accept-encoding", "").lower()
    if not said or answer.size <= SHORT:
        return None
    accepted = {word.partition(";")[0].strip() for word in said.split(",") if not _REFUSED.search(word)}
    return next((name for name in _PACKED if name in accepted), None)


_REFUSED = re.compile(r";\s*q\s*=\s*0(\.0*)?\s*$")
_PACKED: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstandard.ZstdCompressor(level=1).compress(body),
    "gzip": lambda body: igzip.compress(body, 1, mtime=0),
}
_REASONS = {
    200: "OK",
    204: "No Content",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    414: "URI Too Long",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
