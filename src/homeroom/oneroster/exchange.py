"""One HTTP exchange with a SIS: bounded, retried where that may help, and only with addresses that may be called.

What goes wrong is an `ExchangeFailed`. Proxies named in the environment are not used: they would choose the address.
"""

import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from threading import Lock
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from homeroom.oneroster.bounds import MB, USUAL, Bounds
from homeroom.oneroster.failing import LATER, ExchangeFailed, Redirected, in_the_clear, of_network, unknown
from homeroom.oneroster.gate import Resolver, is_loopback, refusal, resolve
from homeroom.oneroster.pace import Pace
from homeroom.oneroster.unpack import ACCEPTED, Unreadable, unpacked
from homeroom.oneroster.watch import PlainPool, SecurePool, Watch

RETRIED = frozenset({429, 502, 503, 504})
MOST_TRIES = 5
LONGEST_BACKOFF = 60.0
PORTS = {"http": 80, "https": 443}
Headers = Mapping[str, str] | Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, unpacked. Header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: str = ""


@dataclass(slots=True)
class Meter:
    """What exchanges cost so far. Several threads may count."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def count(self, *, requests: int = 0, retries: int = 0, bytes_: int = 0) -> None:
        """Adds to the counts."""
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.bytes += bytes_


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart once, so that what was checked is what is called."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORTS[self.scheme] else f"{name}:{self.port}"


@dataclass(slots=True)
class Exchange:
    """Speaks HTTP for one connection. Clock, sleep, chance and name resolution are arguments, so that tests need not wait.

    `hosted` = this machine is somebody else's too, so that addresses inside its network are refused. `plain_http_host` is
    the one host that may be called over plain http though it is not this machine, because an owner said so. `tries` and
    `budget` bound what is asked: the latter is told of every request before it leaves, and may refuse it.
    """

    ca_certificates: str = ""
    plain_http_host: str = ""
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    meter: Meter = field(default_factory=Meter)
    hosted: bool = False
    resolve: Resolver = resolve
    pace: Pace = field(default_factory=Pace)
    bounds: Bounds = USUAL
    clock: Callable[[], float] = time.monotonic
    tries: int = MOST_TRIES
    budget: Callable[[], None] = lambda: None
    _pools: dict[tuple[Target, str], urllib3.HTTPConnectionPool] = field(default_factory=dict)
    _checked: dict[tuple[str, str, int], list[str]] = field(default_factory=dict)

    def send(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes | None = None,
        tries: int = 0,
    ) -> Reply:
        """One answer, whatever its status, after retries; 3xx is `Redirected`. `headers` may be made anew for each try, as
        signed ones must. Raises `ExchangeFailed`."""
        target, tries = self.target(url), tries or self.tries
        for attempt in range(1, tries + 1):
            self.sleep_until_free(target.host)
            try:
                reply = self._once(method, url, target, headers() if callable(headers) else headers, body)
            except ExchangeFailed as failed:
                if not failed.retry or attempt == tries:
                    raise
                wait = self.backoff(attempt)
            else:
                if reply.status not in RETRIED or attempt == tries:
                    return reply
                wait = self._asked_to_wait(reply, target, attempt)
            self.meter.count(retries=1)
            self.sleep(wait)
        raise AssertionError("unreachable: the last try returns or raises")

    def sleep_until_free(self, host: str) -> None:
        """Keeps the pace of a host, which all connections share."""
        wait = self.pace.reserve(host, self.clock())
        if wait > 0:
            self.sleep(wait)

    def backoff(self, attempt: int) -> float:
        """Seconds to wait after a failed try: twice as long each time, with some chance in it."""
        return min(float(2 ** (attempt - 1)) * (0.5 + self.chance()), LONGEST_BACKOFF)

    def _asked_to_wait(self, reply: Reply, target: Target, attempt: int) -> float:
        asked = retry_after(reply.headers.get("retry-after", ""))
        if asked > self.bounds.wait_seconds:
            raise ExchangeFailed(
                "rate",
                f"The server asks us to come back in {_time(asked)}",
                "Nothing to do: the next sync tries again. If it lasts, choose another time of day for the sync.",
                status=reply.status,
            )
        wait = max(self.backoff(attempt), asked)
        if reply.status == 429:
            self.pace.hold(target.host, self.clock() + wait)
        return wait

    def _once(
        self, method: str, url: str, target: Target, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        addresses = self.addresses(target)
        for address in addresses:
            try:
                return self._ask(address, method, url, target, headers, body)
            except ExchangeFailed as failed:
                if failed.kind != "connect":
                    raise
                if address == addresses[-1]:
                    self._checked.pop(_key(target), None)  # it may have moved
                    raise
        raise AssertionError("unreachable: there is always an address")

    def _ask(
        self,
        address: str,
        method: str,
        url: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Reply:
        self.budget()
        self.meter.count(requests=1)
        with Watch(self.bounds.answer_seconds) as watch:
            try:
                answer = self._opened(address, method, target, headers, body)
                content = self._bounded(answer)
            except Unreadable as wrong:
                raise ExchangeFailed(
                    "packing", f"The server's answer is {wrong}", LATER, retry=True
                ) from wrong
            except (HTTPError, HTTPException, OSError, ValueError) as wrong:
                raise self._slow(target) if watch.over else of_network(wrong, target.host) from wrong
            if watch.over:
                raise self._slow(target)
        found = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status in (301, 302, 303, 307, 308):
            raise Redirected(url, found.get("location", ""), found.get("date", ""))
        return Reply(answer.status, found, content, _cookies(answer.headers.getlist("set-cookie")))

    def _opened(
        self, address: str, method: str, target: Target, headers: Mapping[str, str], body: bytes | None
    ) -> urllib3.BaseHTTPResponse:
        """An answer whose head has come; its body is read by us, within bounds."""
        usual = {"Accept": "application/json", "Accept-Encoding": ACCEPTED, "User-Agent": "Homeroom"}
        return self._pool(target, address).urlopen(
            method,
            target.path,
            body,
            {"Host": target.authority, **usual, **headers},
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )

    def _slow(self, target: Target) -> ExchangeFailed:
        minutes = max(1, round(self.bounds.answer_seconds / 60))
        return ExchangeFailed("slow", f"{target.host} took more than {minutes} minutes for one answer", LATER)

    def _bounded(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        parts, size, most = [], 0, self.bounds.page_bytes
        came = 0

        def read(amount: int) -> bytes:
            nonlocal came
            part = answer.read1(amount) or b""
            came += len(part)
            return part

        for part in unpacked(read, answer.headers.get("content-encoding", "")):
            parts.append(part)
            size += len(part)
            if max(size, came) > most:
                answer.close()
                said = f"The server sent a page of more than {most // MB:,} MB"
                raise ExchangeFailed(
                    "too_large", said, "Ask the SIS's administrator what it sends at this address."
                )
        answer.release_conn()
        self.meter.count(bytes_=size)
        return b"".join(parts)

    def _pool(self, target: Target, address: str) -> urllib3.HTTPConnectionPool:
        """Connections to the very address that was checked; the name stays in TLS and in the Host header."""
        place = Target(target.scheme, target.host, target.port, ""), address
        if place not in self._pools:
            usual = urllib3.Timeout(connect=self.bounds.connect_seconds, read=self.bounds.silent_seconds)
            self._pools[place] = (
                SecurePool(
                    address,
                    target.port,
                    timeout=usual,
                    maxsize=4,
                    ssl_context=self._context(),
                    server_hostname=target.host,
                )
                if target.scheme == "https"
                else PlainPool(address, target.port, timeout=usual, maxsize=4)
            )
        return self._pools[place]

    def _context(self) -> ssl.SSLContext:
        try:
            return trusting(self.ca_certificates)
        except (ssl.SSLError, ValueError) as wrong:
            raise ExchangeFailed(
                "tls",
                "The CA certificates given cannot be read",
                "Paste the whole PEM text: it begins with -----BEGIN CERTIFICATE-----.",
            ) from wrong

    def target(self, url: str) -> Target:
        """The address taken apart. Raises `ExchangeFailed` for what is none, and for credentials in the clear."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
            host = host if host.isascii() else host.encode("idna").decode()
        except ValueError:
            parts, host, port = urlsplit(""), "", None
        if parts.scheme not in PORTS or not host:
            raise ExchangeFailed(
                "address", "The URL is not an address", "It looks like https://sis.school.example/api."
            )
        if parts.scheme == "http" and host != self.plain_http_host and not is_loopback(host):
            raise in_the_clear()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port or PORTS[parts.scheme], path)

    def addresses(self, target: Target) -> list[str]:
        """The addresses of a target that may be called, looked up once. Raises `ExchangeFailed` when one of them may not."""
        key = _key(target)
        if key not in self._checked:
            self._checked[key] = self._check(target)
        return self._checked[key]

    def _check(self, target: Target) -> list[str]:
        try:
            found = self.resolve(target.host, target.port)
        except (OSError, UnicodeError) as wrong:
            raise unknown(target.host) from wrong
        for address in found:
            why = refusal(target.host, address, hosted=self.hosted)
            if why:
                raise ExchangeFailed(
                    "refused_address",
                    f"{target.host} leads to {address}, which {why}; we do not call it",
                    "Enter the address under which the SIS is reached from the internet.",
                )
            clear = target.scheme == "http" and not is_loopback(address)
            if clear and target.host != self.plain_http_host:
                raise in_the_clear()
        if not found:
            raise unknown(target.host)
        return found


def trusting(ca_certificates: str) -> ssl.SSLContext:
    """What verifies certificates: the system's trust store, and the certificates given beside it (a token service may be
    elsewhere). Raises `ssl.SSLError` or `ValueError` when they cannot be read."""
    context = ssl.create_default_context()
    if ca_certificates:
        context.load_verify_locations(cadata=ca_certificates)
    return context


def _time(seconds: float) -> str:
    """A wait in words; what is longer than two days is as good as never."""
    hours = round(seconds / 3600)
    if hours < 3:
        return f"{round(seconds / 60)} minutes"
    return f"{hours} hours" if hours < 48 else "more than two days"


def _key(target: Target) -> tuple[str, str, int]:
    return target.scheme, target.host, target.port


def retry_after(header: str, now: datetime | None = None) -> float:
    """The seconds that a Retry-After asks to wait, given as seconds or as a date; 0 when it says nothing."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def _cookies(headers: list[str]) -> str:
    return "; ".join(header.split(";", 1)[0].strip() for header in headers)
