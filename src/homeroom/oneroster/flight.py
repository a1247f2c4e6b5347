"""Fetching what a walk names: a page is worked on while the next are on their way."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from homeroom.oneroster.client import Page, RawRecord, Session, split
from homeroom.oneroster.failing import ExchangeFailed
from homeroom.oneroster.walk import IN_FLIGHT, NOTHING, PAST_THE_END, Walk

PAGE_TRIES = 3


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
        refused = failed.status in PAST_THE_END or (walk.closing and failed.kind == "no_key")
        if refused and walk.past_the_end():
            return NOTHING
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
