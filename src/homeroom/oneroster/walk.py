"""Walking a whole collection, page by page: which page comes next, and whether the end was proven.

`Walk` is pure: it is shown pages and names requests. `pages` fetches: a page is worked on while the next are on their way.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import xxhash

from homeroom.oneroster.bounds import MB, USUAL, Bounds
from homeroom.oneroster.client import Page, RawRecord, Session, split
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.profile import Profile

IN_FLIGHT = 3  # pages on their way at once, where their addresses are known beforehand
SMALL = 16 * MB  # a page above this is fetched alone
PAGE_TRIES = 3
Request = tuple[str, frozenset[tuple[str, str]]]  # path and query
PAST_THE_END = frozenset({400, 404, 416})


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


class Walk:
    """One way through a collection. `revision` is that of the collections read before it: all must have the same. `fields`
    are the only ones asked for; "" asks for all."""

    def __init__(
        self, profile: Profile, path: str, revision: str = "", bounds: Bounds = USUAL, fields: str = ""
    ) -> None:
        self.pull = Pull(revision=revision)
        self.path, self._bounds = path, bounds
        self._fields = {"fields": fields} if fields else {}
        self._keyset, self._limit, self._base = profile.keyset, profile.max_limit, profile.base_url
        self._last, self._seen = "", set[int]()
        self._asked: set[Request] = set()  # a link that leads back to one of them is not followed
        self._offset = 0  # of the page that was asked for last, where its address has one
        self._step = 0  # how far offsets move, once it is known; 0 when the way cannot be told beforehand
        self._checksum = xxhash.xxh3_64()
        self.closing = False  # the page asked for only has to show that there is no more

    def first(self) -> str:
        """The first request, as path and query below the base."""
        begin = self._at(None if self._keyset else 0)
        self._asked.add(_request(self._base + begin))
        return begin

    def ahead(self) -> list[str]:
        """The requests that will probably follow the one last named."""
        received, claimed = self.pull.received, self.pull.claimed
        if not self._step or claimed is None:
            return []
        return [self._at(at) for at in range(received + self._step, claimed, self._step)][: IN_FLIGHT - 1]

    def after(self, page: Page) -> str | None:
        """Takes a page in and names the next request; None at the end, proven or not."""
        pull = self.pull
        pull.pages += 1
        pull.bytes += page.size
        self._checksum.update(page.checksum.to_bytes(8, "big"))
        pull.checksum = self._checksum.hexdigest()
        if self.closing:
            self._close(page)
            return None
        consistent = self._consistent(page)
        pull.received += len(page.records)
        if not consistent or self._too_much():
            return None
        if not page.records:
            return self._at_the_end()
        return self._next(page)

    def past_the_end(self) -> None:
        """The server refuses a page after its last one: that is an end too."""
        self._end()

    def stop(self, trouble: str, *, again: bool = False) -> None:
        """Ends without proof, and says why."""
        self.pull.trouble, self.pull.again = trouble, again

    def _at(self, offset: int | None, **more: str) -> str:
        order = {"sort": "sourcedId"} if self._keyset else {}
        place = {} if offset is None else {"offset": str(offset)}
        return (
            f"{self.path}?{urlencode({'limit': str(self._limit), **self._fields, **order, **place, **more})}"
        )

    def _close(self, page: Page) -> None:
        marks = {xxhash.xxh3_64_intdigest(record.sourced_id.encode()) for record in page.records}
        # Empty, or the same once more from a server that knows no offset and had claimed just these.
        if not page.records or (self.pull.claimed is not None and marks <= self._seen and not self._keyset):
            self._end()
            return
        said = f"{self.pull.claimed:,}" if self.pull.claimed is not None else f"{self.pull.received:,}"
        self.stop(f"the server has more records than the {said} that it claims or gave", again=True)

    def _consistent(self, page: Page) -> bool:
        pull = self.pull
        if page.revision and pull.revision and page.revision != pull.revision:
            self.stop("the data changed while it was read (its revision moved)", again=True)
            return False
        pull.revision = pull.revision or page.revision
        if pull.pages == 1:
            pull.claimed = page.total
        elif not self._keyset and page.total is not None and page.total != pull.claimed:
            self.stop("the total changed while it was read", again=True)
            return False
        ids = [record.sourced_id for record in page.records if record.sourced_id]
        return self._in_order(ids) if self._keyset else self._all_new(ids)

    def _in_order(self, ids: list[str]) -> bool:
        for sourced_id in ids:
            if sourced_id <= self._last:
                self.stop("the server did not keep the order it was asked for", again=True)
                return False
            self._last = sourced_id
        return True

    def _all_new(self, ids: list[str]) -> bool:
        for sourced_id in ids:
            mark = xxhash.xxh3_64_intdigest(sourced_id.encode())
            if mark in self._seen:
                self.stop("a sourcedId came twice, so rows may have moved between pages", again=True)
                return False
            self._seen.add(mark)
        return True

    def _too_much(self) -> bool:
        pull, most = self.pull, self._bounds
        if pull.received > most.rows:
            self.stop(f"the server sends more than {most.rows:,} records")
        elif pull.pages >= most.pages:
            self.stop(f"the server sends more than {most.pages:,} pages")
        elif pull.bytes > most.collection_bytes:
            self.stop(f"the server sends more than {most.collection_bytes // MB:,} MB")
        return bool(pull.trouble)

    def _next(self, page: Page) -> str | None:
        pull = self.pull
        if self._keyset:
            return self._beyond(page)
        # Without one page more, a server that counts one page as its total would pass for read.
        self.closing = pull.received == pull.claimed
        own, self._step = self._at(pull.received), 0
        link = self._link(page.links.get("next", ""))
        wanted = {_request(link)} if link and not self.closing and not self._leads_back(link) else set()
        ours = _request(self._base + own)
        if wanted - {ours} - self._asked:
            self._asked |= wanted
            self._offset = _offset(link, self._offset)
            return link
        self._asked.add(ours)
        self._offset = pull.received
        self._step = len(page.records) if page.size <= SMALL and not self.closing else 0
        return own

    def _beyond(self, page: Page) -> str | None:
        """The request for what lies beyond the last id. A page without any id leads nowhere."""
        if not any(record.sourced_id for record in page.records):
            self.stop("a page of records without sourcedId leads nowhere", again=True)
            return None
        quoted = self._last.replace("'", "''")
        return self._at(None, filter=f"sourcedId>'{quoted}'")

    def _link(self, address: str) -> str:
        """A next link made whole; "" when it leaves the host (a proxy's inner name, or worse): our own offset leads on as well."""
        try:
            whole = urljoin(f"{self._base}{self.path}", address) if address else ""
            ours, theirs = urlsplit(self._base), urlsplit(whole)
        except ValueError:
            return ""
        return whole if (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc) else ""

    def _leads_back(self, link: str) -> bool:
        """Whether a next link leads to the page it stands on, or before it; it may name another limit than we did."""
        return _offset(link, self._offset + 1) <= self._offset

    def _at_the_end(self) -> str | None:
        """An empty page. Read by id without a total, one look at the position after the last shows whether it is the end."""
        if self._keyset and self.pull.received and self.pull.claimed is None:
            self.closing = True
            return self._at(self.pull.received)
        self._end()
        return None

    def _end(self) -> None:
        pull = self.pull
        if pull.claimed is not None and pull.claimed != pull.received:
            self.stop(f"the server claims {pull.claimed:,} records and sent {pull.received:,}", again=True)
            return
        pull.finished = True


def _request(address: str) -> Request:
    """What an address asks for, however its query is ordered or encoded."""
    parts = urlsplit(address)
    return parts.path, frozenset(parse_qsl(parts.query))


def _offset(address: str, otherwise: int) -> int:
    """The offset that an address names, or another number where it names none."""
    said = dict(parse_qsl(urlsplit(address).query)).get("offset", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else otherwise


def pages(session: Session, walk: Walk, words: tuple[str, ...]) -> Iterator[list[RawRecord]]:
    """A collection's records, a page at a time; afterwards `walk.pull` is the proof. Raises `ExchangeFailed` only
    when the first page fails: later a failure becomes the trouble of the pull, and what came is kept."""
    exchange = session.exchange
    begun, most = exchange.clock(), exchange.bounds.collection_seconds
    with Flight(session, walk, words) as flight:
        asked: str | None = walk.first()
        flight.ask(walk.first())
        while asked is not None:
            page = _landed(flight, walk, asked)
            if page is None:
                return
            closing = walk.closing
            asked = walk.after(page)
            if asked is not None and exchange.clock() - begun > most:
                walk.stop(f"reading it took more than {most / 3600:g} hours")
                asked = None
            if asked is not None:
                flight.ask(asked)
            if page.records and not closing:
                yield page.records


def _landed(flight: "Flight", walk: Walk, asked: str) -> Page | None:
    """The page that was asked for; None when it failed, which the walk then knows."""
    try:
        return flight.page(asked)
    except ExchangeFailed as failed:
        if walk.pull.pages == 0:
            raise
        if walk.closing and (failed.status in PAST_THE_END or failed.kind == "no_key"):
            walk.past_the_end()
        else:
            walk.stop(f"reading broke off: {failed}", again=failed.retry)
        return None


class Flight:
    """Pages on their way, a few at once. What turned out not to be wanted is forgotten."""

    def __init__(self, session: Session, walk: Walk, words: tuple[str, ...]) -> None:
        self._session, self._walk, self._words = session, walk, words
        self._threads = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="page")
        self._waiting: dict[str, Future[Page]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def ask(self, asked: str) -> None:
        """Sends for a page, and for those that will probably follow it."""
        wanted = [asked, *self._walk.ahead()]
        for other in set(self._waiting) - set(wanted):
            self._waiting.pop(other).cancel()
        for request in wanted:
            if request not in self._waiting:
                self._waiting[request] = self._threads.submit(self._fetch, request)

    def page(self, asked: str) -> Page:
        """The page, when it has come. Raises `ExchangeFailed`."""
        return self._waiting.pop(asked).result()

    def _fetch(self, request: str) -> Page:
        """One page. A proxy's web page or an answer cut short may be gone at the next try."""
        exchange = self._session.exchange
        for attempt in range(1, PAGE_TRIES + 1):
            try:
                return split(self._session.get(request), self._words, exchange.bounds)
            except ExchangeFailed as failed:
                if failed.kind not in ("html", "not_json") or attempt == PAGE_TRIES:
                    raise
            exchange.meter.count(retries=1)
            exchange.sleep(exchange.backoff(attempt))
        raise AssertionError("unreachable: the last try returns or raises")
