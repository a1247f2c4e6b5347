"""One HTTP exchange with a SIS: bounded, retried where that may help, and never with another host.

What goes wrong is an `ExchangeFailed` that says what happened, what to do, and whether trying again may help. No message
holds a secret, a query or a person.
"""

import random
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NameResolutionError, SSLError

MOST_BYTES = 256 * 1024 * 1024  # of one page, unpacked
TIMEOUT = urllib3.Timeout(connect=15, read=120)
RETRIED = frozenset({429, 502, 503, 504})
MOST_TRIES = 5
LONGEST_WAIT = 60.0


class ExchangeFailed(Exception):
    """The server was not reached or did not answer as one can use. `kind` is a stable word for the cause."""

    def __init__(self, kind: str, message: str, cure: str, *, retry: bool = False, status: int = 0) -> None:
        super().__init__(message)
        self.kind, self.cure, self.retry, self.status = kind, cure, retry, status


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, unpacked. Header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: str = ""


@dataclass(slots=True)
class Meter:
    """What exchanges cost so far."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Exchange:
    """Speaks HTTP with one host. Clock, sleep and chance are arguments, so that tests need not wait."""

    ca_certificates: str = ""
    allow_plain_http: bool = False
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    meter: Meter = field(default_factory=Meter)
    _pool: urllib3.PoolManager | None = None

    def send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None = None,
        tries: int = MOST_TRIES,
    ) -> Reply:
        """One answer, whatever its status, after retries. Raises `ExchangeFailed`."""
        self._refuse_unsafe(url)
        for attempt in range(1, tries + 1):
            try:
                reply = self._once(method, url, headers, body)
            except ExchangeFailed as failed:
                if not failed.retry or attempt == tries:
                    raise
                wait = self._backoff(attempt)
            else:
                if reply.status not in RETRIED or attempt == tries:
                    return reply
                wait = max(self._backoff(attempt), retry_after(reply.headers.get("retry-after", "")))
            self.meter.retries += 1
            self.sleep(min(wait, LONGEST_WAIT))
        raise AssertionError("unreachable: the last try returns or raises")

    def _backoff(self, attempt: int) -> float:
        return float(2 ** (attempt - 1)) * (0.5 + self.chance())

    def _once(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Reply:
        self.meter.requests += 1
        sent = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "Homeroom", **headers}
        try:
            answer = self._pool_for().request(
                method, url, headers=sent, body=body, redirect=False, retries=False, preload_content=False
            )
            content = self._bounded(answer)
        except (HTTPError, OSError) as wrong:
            raise _named(wrong, url) from wrong
        found = {name.lower(): value for name, value in answer.headers.items()}
        if 300 <= answer.status < 400 and answer.status != 304:
            raise _redirected(url, found.get("location", ""))
        return Reply(answer.status, found, content, _cookies(answer.headers.getlist("set-cookie")))

    def _bounded(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        parts, size = [], 0
        for part in answer.stream(1 << 20, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                answer.close()
                said = f"The server sent a page of more than {MOST_BYTES // 1024**2} MB"
                raise ExchangeFailed(
                    "too_large", said, "Ask the SIS's administrator what it sends at this address."
                )
        answer.release_conn()
        self.meter.bytes += size
        return b"".join(parts)

    def _pool_for(self) -> urllib3.PoolManager:
        if self._pool is None:
            more: dict[str, Any] = {}
            if self.ca_certificates:
                more["ssl_context"] = ssl.create_default_context(cadata=self.ca_certificates)
            self._pool = urllib3.PoolManager(num_pools=4, maxsize=4, timeout=TIMEOUT, **more)
        return self._pool

    def _refuse_unsafe(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "http" and not self.allow_plain_http and not is_loopback(parts.hostname or ""):
            raise ExchangeFailed(
                "plain_http",
                "The address begins with http://, so key, secret and people would travel readable by all",
                "Use the https:// address of the SIS.",
            )


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine, by name or address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def retry_after(header: str, now: datetime | None = None) -> float:
    """The seconds that a Retry-After asks to wait, given as seconds or as a date; 0 when it says nothing."""
    text = header.strip()
    if text.isdigit():
        return float(text[:6])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def _cookies(headers: list[str]) -> str:
    return "; ".join(header.split(";", 1)[0].strip() for header in headers)


def _redirected(url: str, location: str) -> ExchangeFailed:
    host = urlsplit(location).hostname
    where = (
        f"to {host}" if host and host != urlsplit(url).hostname else "to another page, perhaps a sign-in page"
    )
    return ExchangeFailed(
        "redirect",
        f"The server sent us on {where}; we do not follow, so that key and secret go nowhere else",
        "Look up the OneRoster API URL at the SIS once more; it may have moved, or https:// may be missing.",
    )


def _named(wrong: Exception, url: str) -> ExchangeFailed:
    """What a failure of the network means, in words."""
    host = urlsplit(url).hostname or "the server"
    cause: BaseException = wrong.reason if isinstance(wrong, MaxRetryError) and wrong.reason else wrong
    if isinstance(cause, NameResolutionError | socket.gaierror):
        return ExchangeFailed(
            "dns",
            f"No server has the name {host}",
            "Check the URL for a typing error, or ask the SIS's administrator.",
        )
    if isinstance(cause, SSLError | ssl.SSLError):
        return ExchangeFailed(
            "tls",
            f"The secure connection to {host} failed: its certificate is not one we can trust",
            "The SIS's administrator renews the certificate, or gives you the CA file of the school to add here.",
        )
    if isinstance(
        cause, ConnectTimeoutError | urllib3.exceptions.NewConnectionError | ConnectionRefusedError
    ):
        return ExchangeFailed(
            "connect",
            f"{host} does not answer at this port",
            "Check the URL. If it is right, the server is down or a firewall keeps us out: ask the SIS's administrator.",
            retry=True,
        )
    if isinstance(cause, urllib3.exceptions.LocationValueError):
        return ExchangeFailed(
            "address", "The URL is not an address", "It looks like https://sis.school.example/api."
        )
    return ExchangeFailed(
        "dropped",
        f"{host} broke off the answer or took too long",
        "Try again; if it lasts, ask the SIS's administrator.",
        retry=True,
    )
