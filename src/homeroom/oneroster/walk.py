"""Walking a whole collection, page by page: which page comes next, and whether the end was proven.

`Walk` is pure: it is shown pages and names requests. `flight.pages` fetches.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import xxhash

from homeroom.oneroster.bounds import MB, USUAL, Bounds
from homeroom.oneroster.client import Page
from homeroom.oneroster.profile import Profile

IN_FLIGHT = 3  # pages on their way at once, where their addresses are known beforehand
SMALL = 16 * MB  # a page above this is fetched alone
Request = tuple[str, frozenset[tuple[str, str]]]  # path and query
PAST_THE_END = frozenset({400, 404, 416})
MOST_EMPTY = 3  # empty pages on end whose next link is followed; some servers filter a page after it was cut
NOTHING = Page([], None, {}, "", 0, 0)


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
        self.looking_back = False  # so has this one, by showing once more what came last
        self._empty = 0  # pages on end
        self._by_link = False  # links have led where our own positions would not

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
            return self._at_the_end(page)
        self._empty = 0
        return self._next(page)

    def past_the_end(self) -> bool:
        """The server refuses a page, perhaps because it lies after its last one: whether that may be an end too."""
        unclaimed = not self._keyset and self.pull.received > 0 and self.pull.claimed is None
        return not self.looking_back and (self.closing or unclaimed)

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
        if self.looking_back:
            self._close_looking_back(marks)
            return
        # Empty, or the same once more from a server that knows no offset and had claimed just these.
        if not page.records or (self.pull.claimed is not None and marks <= self._seen and not self._keyset):
            self._end()
            return
        said = f"{self.pull.claimed:,}" if self.pull.claimed is not None else f"{self.pull.received:,}"
        self.stop(f"the server has more records than the {said} that it claims or gave", again=True)

    def _close_looking_back(self, marks: set[int]) -> None:
        """Where no total says that an empty page is the end, the last record is asked for once more: a server that has failed for a
        moment now shows what it left out."""
        if marks and marks <= self._seen:
            self._end()
            return
        self.stop("a page was empty, and then there was more at the same place", again=True)

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
        if not any(record.sourced_id for record in page.records):
            # By position too: nothing would ever show that the same page comes again and again.
            self.stop("a page of records without sourcedId leads nowhere", again=True)
            return None
        if self._keyset:
            return self._beyond()
        # Without one page more, a server that counts one page as its total would pass for read.
        self.closing = pull.received == pull.claimed
        own, self._step = self._at(pull.received), 0
        link = self._link(page.links.get("next", ""))
        wanted = {_request(link)} if link and not self.closing and not self._leads_back(link) else set()
        ours = _request(self._base + own)
        if wanted - {ours} - self._asked:
            return self._follow(link)
        if self._by_link and not link and pull.claimed is None:
            # Where links lead by places of their own, ours mean nothing, and the last page has no next (RFC 8288).
            self._end()
            return None
        self._asked.add(ours)
        self._offset = pull.received
        self._step = len(page.records) if page.size <= SMALL and not self.closing else 0
        return own

    def _beyond(self) -> str:
        """The request for what lies beyond the last id."""
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

    def _at_the_end(self, page: Page) -> str | None:
        """An empty page. Without a total, one more look shows whether it is the end: read by id at the position after the last
        record, read by position at the last record itself. A next link is followed before."""
        if not self.pull.received or self.pull.claimed is not None:
            self._end()
            return None
        onward = self._onward(page)
        if onward:
            return onward
        self.closing, self.looking_back = True, not self._keyset
        return self._at(self.pull.received - self.looking_back)

    def _onward(self, page: Page) -> str:
        """The next link of an empty page, where it leads on and not too many were empty."""
        link = "" if self._keyset or self._empty >= MOST_EMPTY else self._link(page.links.get("next", ""))
        if not link or self._leads_back(link) or _request(link) in self._asked:
            return ""
        self._empty += 1
        return self._follow(link)

    def _follow(self, link: str) -> str:
        self._asked.add(_request(link))
        self._by_link = _offset(link, -1) != self.pull.received
        self._offset = _offset(link, self._offset)
        return link

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
