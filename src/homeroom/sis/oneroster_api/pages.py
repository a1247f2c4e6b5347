"""The records of a page: from a snapshot of the collection, or from the database until there is one."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from django.db import connection

from homeroom.oneroster.endpoints import BASE_PATHS
from homeroom.oneroster.errors import Refusal
from homeroom.sis.oneroster_api.callers import Caller
from homeroom.sis.oneroster_api.questions import BY_ID, Question
from homeroom.sis.oneroster_api.snapshot import Snapshot, place
from homeroom.sis.oneroster_api.snapshots import COLUMNS, snapshots
from homeroom.sis.wire import Stream


@dataclass(frozen=True, slots=True)
class Page:
    """Records as JSON joined by commas, `number` of `total`, and the revision of the data they are of."""

    records: Stream
    number: int
    total: int
    revision: int


def find(question: Question, caller: Caller, root: str) -> Page:
    """The page that answers a question, its hrefs below `root`."""
    site = site_address() or root
    key = (caller.share, caller.revision, question.endpoint.kind, question.version)
    snapshot = snapshots.find(site, key)
    page = from_snapshot(snapshot, question, caller) if snapshot is not None else None
    if page is None:
        page, site = from_database(question, caller), "~"
    page = _selected(page, question.fields) if question.fields is not None else page
    return page if site == root else _moved(page, site, root, question.version)


def site_address() -> str:
    """The site's address as clients reach it, where it is set; snapshots are made for it."""
    return os.environ.get("HOMEROOM_SIS_URL", "").rstrip("/")


def from_snapshot(snapshot: Snapshot, question: Question, caller: Caller) -> Page | None:
    """A page out of a snapshot; None when the data moved on before its records were found."""
    rows = _rows(snapshot, question, caller)
    if rows is None:
        return None
    asked, skipped = question.window, 0
    if question.after is not None:
        skipped = place(rows, snapshot.upto(question.after))
    wanted = rows[skipped + asked.offset : skipped + asked.offset + asked.limit]
    stretches = snapshot.stretches(wanted, ascending=question.order == BY_ID)
    size = sum(end - start for start, end in stretches) + max(len(stretches) - 1, 0)
    total = len(rows) - skipped
    return Page(Stream(size, lambda: snapshot.pieces(stretches)), len(wanted), total, caller.revision)


def _rows(snapshot: Snapshot, question: Question, caller: Caller) -> Sequence[int] | None:
    """Which records answer a question, in its order. The database is asked once, however many pages are read."""
    if question.is_whole:
        return snapshot.rows(question.endpoint.subset)
    if question.endpoint.single:
        return snapshot.row_of(question.ids[0], question.endpoint.subset)
    if (kept := snapshot.selection(question.name)) is not None:
        return kept
    ordered = question.order != BY_ID
    order, ordering = question.order if ordered else ("", [])
    text, values = question.conditions(caller.share)
    query = (
        "SELECT (SELECT revision FROM records_share WHERE id = %s), "
        f"string_agg(int8send(id), ''::bytea{f' ORDER BY {order}' if ordered else ''}) FROM records_record WHERE {text}"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [caller.share, *ordering, *values])
        revision, found = cursor.fetchone()
    if revision != caller.revision:
        return None
    return snapshot.keep(question.name, bytes(found or b""), ordered=ordered)


def from_database(question: Question, caller: Caller) -> Page:
    """A page as the database finds it, joined there: in one statement, and so of one moment of the data."""
    (text, values), (order, ordering), asked = question.beyond(caller.share), question.order, question.window
    document = COLUMNS[question.version]
    inner = (
        f"SELECT {document} AS document FROM records_record WHERE {text} ORDER BY {order} LIMIT %s OFFSET %s"
    )
    query = (
        "SELECT (SELECT revision FROM records_share WHERE id = %s), "
        f"(SELECT count(*) FROM records_record WHERE {text}), count(*), string_agg(document, ',') FROM ({inner}) AS page"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [caller.share, *values, *values, *ordering, asked.limit, asked.offset])
        revision, total, number, found = cursor.fetchone()
    if (
        revision is None
    ):  # the share was taken away since the caller was looked up: no list must seem empty for that
        said = "What this secured user may see has just changed; ask again"
        raise Refusal(503, "server_busy", said, {"Retry-After": "1"})
    return Page(_stream((found or "").encode()), number, total, revision)


_read = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


def _selected(page: Page, names: list[str]) -> Page:
    """The page with these fields of its records and no others."""
    records = _read(b"[" + b"".join(page.records.pieces()) + b"]")
    said = msgspec.json.encode([{name: one[name] for name in names if name in one} for one in records])
    return replace(page, records=_stream(said[1:-1]))


def _moved(page: Page, site: str, root: str, version: str) -> Page:
    """The page with its hrefs below another address: "~" stands for that of the site in the database."""
    base = BASE_PATHS[version]
    old = '"href":"~/' if site == "~" else f'"href":"{site}{base}/'
    said = b"".join(page.records.pieces()).replace(old.encode(), f'"href":"{root}{base}/'.encode())
    return replace(page, records=_stream(said))


def _stream(said: bytes) -> Stream:
    return Stream(len(said), lambda: iter((said,)))
