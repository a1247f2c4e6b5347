"""The client's half of the standard: a signed session with one server, and whole collections within stated bounds.

A collection is walked page by page as raw records; what is not proven complete says why. The next page is fetched while
the last one is worked on.
"""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import xxhash

from homeroom.oneroster import errors
from homeroom.oneroster.auth.client_credentials import Token, TokenRefused, read_token, token_request
from homeroom.oneroster.auth.oauth1 import METHODS, signed
from homeroom.oneroster.exchange import Exchange, ExchangeFailed, Reply
from homeroom.oneroster.paging import read_links
from homeroom.oneroster.profile import Profile

MOST_PAGES = 20_000
MOST_ROWS = 20_000_000
ASK = "Send this to the SIS's administrator: "


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Key and secret, or a bearer token as secret. Never printed."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record's sourcedId ("" when it has none) and its very bytes."""

    sourced_id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its records, and what the headers claim. `links` are the relations of `Link`."""

    records: list[RawRecord]
    total: int | None
    links: dict[str, str]
    revision: str
    size: int
    checksum: int


@dataclass(slots=True)
class Pull:
    """The proof of one collection read: what was claimed, what came, and why it is not complete, if it is not."""

    claimed: int | None = None
    received: int = 0
    pages: int = 0
    bytes: int = 0
    revision: str = ""
    checksum: str = ""
    trouble: str = ""
    finished: bool = False
    again: bool = False  # another attempt may go better


class Session:
    """Calls on one server, with a token that renews itself."""

    def __init__(
        self,
        profile: Profile,
        credentials: Credentials,
        exchange: Exchange,
        now: Callable[[], datetime] = _utc_now,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self.profile, self.credentials, self.exchange = profile, credentials, exchange
        self._now, self._nonce = now, nonce
        self._token: Token | None = None

    def get(self, path: str, query: dict[str, str] | None = None) -> Reply:
        """A 200 answer. A 401 is met once with a new token. Raises `ExchangeFailed`."""
        url = path if path.startswith("http") else self.profile.base_url + path
        self._same_host(url)
        url += ("&" if "?" in url else "?") + urlencode(query) if query else ""
        reply = self.exchange.send("GET", url, self._headers(url))
        if reply.status == 401 and self.profile.auth == "oauth2":
            self._token = None
            reply = self.exchange.send("GET", url, self._headers(url))
        if reply.status != 200:
            raise refused(reply)
        return reply

    def _same_host(self, url: str) -> None:
        ours, theirs = urlsplit(self.profile.base_url), urlsplit(url)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            said = "The server names a next page on another host; we do not send key or token there"
            raise ExchangeFailed(
                "other_host", said, ASK + "the Link header names another host than the API's own."
            )

    def _headers(self, url: str) -> dict[str, str]:
        auth, known = self.profile.auth, self.credentials
        if auth in METHODS:
            return signed(url, known.key, known.secret, auth, self._nonce(), int(self._now().timestamp()))
        if auth == "bearer":
            return {"Authorization": f"Bearer {known.secret}"}
        token = self.token()
        cookies = {"Cookie": token.cookies} if token.cookies else {}
        return {"Authorization": f"Bearer {token.value}", **cookies}

    def token(self) -> Token:
        """A token that is still good, asking for a new one when needed. Raises `ExchangeFailed`."""
        if self._token is None or self._token.ends_at <= self._now():
            self._token = self._new_token()
        return self._token

    def _new_token(self) -> Token:
        profile, known = self.profile, self.credentials
        asked = token_request(
            profile.token_url, known.key, known.secret, profile.token_style, profile.version
        )
        reply = self.exchange.send("POST", asked.url, asked.headers, asked.body)
        found = read_token(reply.status, reply.body, reply.cookies, self._now())
        if isinstance(found, TokenRefused):
            raise token_refused(found)
        return found


def token_refused(found: TokenRefused) -> ExchangeFailed:
    """What a refused token means."""
    if found.credentials:
        return ExchangeFailed(
            "credentials",
            f"The server does not accept the API Key and Client Secret ({found.description})",
            "Copy both again from the SIS, as text. If a new secret was generated there, the old one ended. "
            "The secured user must be active.",
        )
    return ExchangeFailed(
        "token",
        f"The token address did not give a token ({found.description})",
        "Ask the SIS's administrator for the token URL and enter it too.",
        retry=found.description.startswith("HTTP 5"),
    )


def refused(reply: Reply) -> ExchangeFailed:
    """What a status other than 200 means."""
    said = errors.read(reply.body)
    more = f" ({said.code})" if said.code and len(said.code) < 60 else ""
    words = {
        401: (
            "unauthorized",
            f"The server refused our token{more}",
            "Generate a new secret at the SIS and enter it here.",
        ),
        403: (
            "forbidden",
            f"The server does not allow this call{more}",
            ASK + "please allow the rostering scopes for our key.",
        ),
        404: (
            "not_found",
            "There is nothing at this address",
            "Check the URL: it must be the OneRoster API URL of the SIS.",
        ),
        429: ("rate", "The server asks us to slow down", "Nothing to do: the next sync tries again."),
    }
    usual = (
        "server",
        f"The server answered with HTTP {reply.status}{more}",
        "Try again; if it lasts, ask the SIS's administrator.",
    )
    kind, message, cure = words.get(reply.status, usual)
    return ExchangeFailed(
        kind, message, cure, retry=reply.status in (429, 500, 502, 503, 504), status=reply.status
    )


class _Named(msgspec.Struct):
    sourcedId: Any = None  # noqa: N815 # the standard's own word


_name = msgspec.json.Decoder(_Named)
_slices = msgspec.json.Decoder(list[msgspec.Raw])
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])


def split(reply: Reply, words: tuple[str, ...]) -> Page:
    """A page split into its records, each as raw bytes. `words` are the keys it may be under. Raises `ExchangeFailed`."""
    body = reply.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    records = [_record(raw) for raw in _raw_records(body, reply, words)]
    total = reply.headers.get("x-total-count", "").strip()
    return Page(
        records=records,
        total=int(total) if total.isdigit() and len(total) < 16 else None,
        links=read_links(reply.headers.get("link", "")),
        revision=reply.headers.get("x-perm-rev", ""),
        size=len(reply.body),
        checksum=xxhash.xxh3_64_intdigest(reply.body),
    )


def _raw_records(body: bytes, reply: Reply, words: tuple[str, ...]) -> list[msgspec.Raw]:
    try:
        if body.startswith(b"["):
            return _slices.decode(body)
        found = _keys.decode(body)
        raw = next((found[word] for word in (*words, "value") if word in found), None)
        if raw is not None:
            text = bytes(raw)
            return (
                _slices.decode(text)
                if text.startswith(b"[")
                else [raw]
                if text.startswith(b"{")
                else _none(text)
            )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise _unreadable(reply) from wrong
    raise ExchangeFailed(
        "no_key",
        f"The answer has no “{words[0]}”",
        ASK + f"the answer to /{words[0]} has no such key.",
        retry=False,
    )


def _none(text: bytes) -> list[msgspec.Raw]:
    if text == b"null":
        return []
    raise msgspec.DecodeError("neither list nor object")


def _unreadable(reply: Reply) -> ExchangeFailed:
    if b"<html" in reply.body[:2000].lower() or "html" in reply.headers.get("content-type", ""):
        said = "The server answered with a web page, not with OneRoster data"
        return ExchangeFailed(
            "html", said, "Check the URL: it must be the OneRoster API URL, not the page you sign in to."
        )
    said = "The server's answer is not JSON, or was cut off"
    return ExchangeFailed(
        "not_json", said, "Try again; if it lasts, ask the SIS's administrator.", retry=True
    )


def _record(raw: msgspec.Raw) -> RawRecord:
    text = bytes(raw)
    try:
        said = _name.decode(text).sourcedId
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return RawRecord("", text)
    if isinstance(said, str):
        return RawRecord(said.replace("\0", "").strip(), text)
    return RawRecord(str(said) if isinstance(said, int) and not isinstance(said, bool) else "", text)


class Walk:
    """Decides which page comes next and whether the end was proven. Pure: it is shown pages and names queries."""

    def __init__(self, profile: Profile, query: dict[str, str]) -> None:
        self.pull = Pull()
        self._keyset, self._limit = profile.keyset, profile.max_limit
        self._host = "{0.scheme}://{0.netloc}/".format(urlsplit(profile.base_url))
        self._query = {**query, "limit": str(self._limit)} | ({"sort": "sourcedId"} if self._keyset else {})
        self._base_filter = query.get("filter", "")
        self._last, self._seen = "", set[int]()
        self._visited: set[str] = set()
        self._checksum = xxhash.xxh3_64()

    def first(self) -> tuple[str, dict[str, str]]:
        """The first request: address of a link ("" for our own) and query."""
        return "", self._query if self._keyset else {**self._query, "offset": "0"}

    def after(self, page: Page) -> tuple[str, dict[str, str]] | None:
        """Takes a page in and says what to ask next; None at the end, proven or not."""
        pull = self.pull
        closing = self.closing
        pull.pages += 1
        pull.bytes += page.size
        self._checksum.update(page.checksum.to_bytes(8, "big"))
        pull.checksum = self._checksum.hexdigest()
        if closing:
            self._close(page)
            return None
        if not self._consistent(page):
            return None
        pull.received += len(page.records)
        if not page.records:
            self._end()
            return None
        if pull.pages >= MOST_PAGES or pull.received >= MOST_ROWS:
            self._stop(f"the server sends more than {pull.received:,} records", again=False)
            return None
        return self._next(page)

    @property
    def closing(self) -> bool:
        """Whether all that was claimed has come, so that the next page only has to show that there is no more.

        Without that page a server that counts one page as its total would pass for read.
        """
        return not self._keyset and self.pull.pages > 0 and self.pull.received == self.pull.claimed

    def _close(self, page: Page) -> None:
        marks = {xxhash.xxh3_64_intdigest(record.sourced_id.encode()) for record in page.records}
        if marks <= self._seen:  # empty, or the same once more from a server that knows no offset
            self._end()
            return
        self._stop(f"the server claims {self.pull.claimed:,} records and sends more", again=True)

    def past_the_end(self) -> None:
        """The server refuses a page after its last one: that is an end too."""
        self._end()

    def _consistent(self, page: Page) -> bool:
        pull = self.pull
        if page.revision and pull.revision and page.revision != pull.revision:
            self._stop("the data changed while it was read (its revision moved)", again=True)
            return False
        pull.revision = pull.revision or page.revision
        if pull.pages == 1:
            pull.claimed = page.total
        elif not self._keyset and page.total is not None and page.total != pull.claimed:
            self._stop("the total changed while it was read", again=True)
            return False
        return self._no_repeats(page)

    def _no_repeats(self, page: Page) -> bool:
        ids = [record.sourced_id for record in page.records if record.sourced_id]
        return self._in_order(ids) if self._keyset else self._all_new(ids)

    def _in_order(self, ids: list[str]) -> bool:
        for sourced_id in ids:
            if sourced_id <= self._last:
                self._stop("the server did not keep the order it was asked for", again=True)
                return False
            self._last = sourced_id
        return True

    def _all_new(self, ids: list[str]) -> bool:
        for sourced_id in ids:
            mark = xxhash.xxh3_64_intdigest(sourced_id.encode())
            if mark in self._seen:
                self._stop("a sourcedId came twice, so rows may have moved between pages", again=True)
                return False
            self._seen.add(mark)
        return True

    def _next(self, page: Page) -> tuple[str, dict[str, str]] | None:
        if self._keyset:
            quoted = self._last.replace("'", "''")
            beyond = f"sourcedId>'{quoted}'"
            joined = f"{self._base_filter} AND {beyond}" if self._base_filter else beyond
            return "", {**self._query, "filter": joined}
        link = page.links.get("next", "")
        # A link to another host (a proxy's inner name, or worse) is not followed; our own offset leads on as well.
        if link.startswith(self._host) and link not in self._visited:
            self._visited.add(link)
            return link, {}
        return "", {**self._query, "offset": str(self.pull.received)}

    def _end(self) -> None:
        pull = self.pull
        if pull.claimed is not None and pull.claimed != pull.received:
            self._stop(f"the server claims {pull.claimed:,} records and sent {pull.received:,}", again=True)
            return
        pull.finished = True

    def _stop(self, trouble: str, *, again: bool) -> None:
        self.pull.trouble, self.pull.again = trouble, again


def pages(session: Session, path: str, words: tuple[str, ...], walk: Walk) -> Iterator[list[RawRecord]]:
    """A collection's records, a page at a time; afterwards `walk.pull` is the proof. Raises `ExchangeFailed` only
    when the first page fails: later a failure becomes the trouble of the pull, and what came is kept."""

    def fetch(asked: tuple[str, dict[str, str]]) -> Page:
        address, query = asked
        return split(session.get(address or path, query), words)

    with ThreadPoolExecutor(1, thread_name_prefix="page") as ahead:
        future: Future[Page] | None = ahead.submit(fetch, walk.first())
        while future is not None:
            try:
                page = future.result()
            except ExchangeFailed as failed:
                if walk.pull.pages == 0:
                    raise
                if walk.closing and failed.status in (400, 404, 416):
                    walk.past_the_end()
                    return
                walk.pull.trouble, walk.pull.again = f"reading broke off: {failed}", failed.retry
                return
            closing = walk.closing
            asked = walk.after(page)
            future = ahead.submit(fetch, asked) if asked is not None else None
            if page.records and not closing:
                yield page.records
