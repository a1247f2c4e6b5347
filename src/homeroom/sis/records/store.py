"""Putting records where the server finds them: one transaction, all or nothing, by COPY.

A bulk load is the complete set of its kinds: what it does not have is marked `tobedeleted`. A delta changes what it names.
A replacement leaves nothing of what was there. What narrowed callers are given (`Share`) moves in the same transaction.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain, islice
from typing import Any

import msgspec
import xxhash
from django.db import connection, transaction

from homeroom.oneroster import records as r
from homeroom.oneroster import v1p1, v1p2
from homeroom.oneroster.shapes import KINDS, UTC_EPOCH
from homeroom.sis.records.deleted import count_anew, forget
from homeroom.sis.records.models import Record, Share, Total
from homeroom.sis.records.reread import record_of
from homeroom.sis.records.retelling import VANISHED, retold, vanishing
from homeroom.sis.records.sharing import KINDS_IN_ORDER, Narrowing, narrowed

Progress = Callable[[int, int], None]
_AT_A_TIME = 2000
_LOCK = 0x0E06  # of the advisory locks, ours: who changes the records is alone
_COLUMNS = (
    "share", "kind", "sourced_id", "status", "modified", "digest", "v1p1", "v1p2", "type", "roles", "seats",
    "school", "course", "class_id", "user", "parent", "terms",
)  # fmt: skip
_STAMP = b"1970-01-01T00:00:00.000Z"
_encode = msgspec.json.Encoder().encode


class Mode(StrEnum):
    BULK = "bulk"
    DELTA = "delta"
    REPLACE = "replace"


def iso(moment: datetime) -> str:
    """A time as the standard writes it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def store(
    records: Iterable[r.Record], modes: dict[str, Mode], now: datetime, progress: Progress | None = None
) -> None:
    """Stores all records, or on any error none. `modes` says for each kind how to treat what was there."""
    with transaction.atomic():
        be_alone()
        _put(0, records, modes, now, progress)
        for share in Share.objects.exclude(pk=0):
            gone = vanishing(share.retold)
            _put(
                share.pk,
                told(share),
                {kind: Mode.REPLACE if kind in gone else Mode.BULK for kind in KINDS.values()},
                now,
                dated=True,
            )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE records_record")


def be_alone() -> None:
    """Has loads and changes of shares wait for each other until the end of the transaction: a share made beside a load
    would be of before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def share_anew(share: Share, now: datetime) -> None:
    """Makes the records of a share from its rules, at once and whole: nothing lingers of what it showed before."""
    with transaction.atomic():
        be_alone()
        shown_before = share.pk is not None
        share.save(update_fields=_RULES if shown_before else None)
        _put(share.pk, told(share), dict.fromkeys(KINDS.values(), Mode.REPLACE), now, dated=shown_before)


def unshare(share: int) -> None:
    """Forgets a share and its records."""
    with transaction.atomic():
        be_alone()
        for table in (Record, Total):
            table.objects.filter(share=share).delete()
        Share.objects.filter(pk=share).exclude(pk=0).delete()


_RULES = ("schools", "groups", "hidden", "retold")  # the revision is counted by the database


def told(share: Share) -> Iterator[r.Record]:
    """The records of a share, out of all records, those `tobedeleted` among them."""
    gone = frozenset(name.removeprefix(VANISHED) for name in share.retold if name.startswith(VANISHED))
    narrowing = Narrowing(frozenset(share.schools), frozenset(share.groups), frozenset(share.hidden), gone)
    retellings = [name for name in share.retold if not name.startswith(VANISHED)]
    read = retold(narrowed(narrowing, lambda kind: stored(kind, gone=True)), retellings)
    return chain.from_iterable(read(kind) for kind in KINDS_IN_ORDER)


def _put(
    share: int,
    records: Iterable[r.Record],
    modes: dict[str, Mode],
    now: datetime,
    progress: Progress | None = None,
    *,
    dated: bool = False,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE incoming (LIKE records_record)")
        cursor.execute("ALTER TABLE incoming DROP COLUMN id, ADD COLUMN id bigserial")
        _copy(cursor, share, records, now, progress)
        if dated:
            _date(cursor, share, now)
        _merge(cursor, share, modes, now)
        cursor.execute("DROP TABLE incoming")
        forget(cursor, share, now)
        count_anew(cursor, share)


def _copy(
    cursor: Any, share: int, records: Iterable[r.Record], now: datetime, progress: Progress | None
) -> None:
    """In batches: the records of a share are read on this very connection, which a COPY would hold until its end."""
    columns, waiting, done = ", ".join(f'"{name}"' for name in _COLUMNS), iter(records), 0
    while batch := list(islice(waiting, _AT_A_TIME)):
        with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as sink:
            for record in batch:
                sink.write_row((share, *row_of(record, now)))
        done += len(batch)
        if progress:
            progress(done, 0)


def row_of(record: r.Record, now: datetime) -> tuple[Any, ...]:
    """A record as a row: its JSON in both versions and the columns by which it is found."""
    stamp = _valid(record.modified) or iso(now)
    unstamped = msgspec.structs.replace(record, modified=UTC_EPOCH)
    new = _encode(v1p2.write(unstamped))
    said = (_stamped(_encode(v1p1.write(unstamped)), stamp), _stamped(new, stamp))
    key = (KINDS[type(record)], record.sourced_id, record.status, stamp, xxhash.xxh3_128_digest(new))
    return *key, *said, *_found_by(record)


def as_sent(record: r.Record, now: datetime) -> str:
    """A record in the words of OneRoster 1.2, as it would be sent if it were stored now; addresses are relative."""
    stamp = _valid(record.modified) or iso(now)
    return _stamped(_encode(v1p2.write(msgspec.structs.replace(record, modified=UTC_EPOCH))), stamp)


def _stamped(document: bytes, stamp: str) -> str:
    return document.replace(_STAMP, stamp.encode(), 1).decode()


def _valid(stamp: str) -> str:
    """A dateLastModified as the standard writes it, however it came; one without an offset is UTC. Nothing when it is no time."""
    try:
        moment = datetime.fromisoformat(stamp)
        return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return ""


def _found_by(record: r.Record) -> tuple[Any, ...]:
    """type, roles, seats, school, course, class_id, user, parent, terms."""
    match record:
        case r.User():
            words = {v1p2.role_word(role.role) for role in record.roles} | {v1p1.role_of(record)}
            seats = {f"{role.role}@{role.org}" for role in record.roles}
            return "", sorted(words), sorted(seats), "", "", "", "", "", []
        case r.Org():
            return record.type, [], [], "", "", "", "", record.parent, []
        case r.AcademicSession():
            return record.type, [], [], "", "", "", "", record.parent, []
        case r.Course():
            return "", [], [], record.org, "", "", "", "", []
        case r.Class():
            return "", [], [], record.school, record.course, "", "", "", list(record.terms)
        case r.Enrollment():
            return record.role, [], [], record.school, "", record.class_, record.user, "", []
        case _:
            return "", [], [], "", "", "", "", "", []


def _date(cursor: Any, share: int, now: datetime) -> None:
    """Dates what is new to a share, or other than before, as of now: the record as a whole may be as it was, and the agent whom
    it names is shown no more. Whoever asks for changes alone would never be told."""
    cursor.execute(
        f"""UPDATE incoming SET modified = %(stamp)s, v1p1 = {_dated("v1p1")}, v1p2 = {_dated("v1p2")}
            WHERE modified < %(stamp)s AND NOT EXISTS (SELECT FROM records_record AS own
            WHERE own.share = %(share)s AND own.kind = incoming.kind AND own.sourced_id = incoming.sourced_id
            AND own.digest = incoming.digest AND own.status = incoming.status)""",
        {"stamp": iso(now), "share": share},
    )


def _dated(document: str) -> str:
    """A record's JSON with a new date, as SQL: the first date in it is its own."""
    return f"""regexp_replace({document}, '"dateLastModified":"[^"]*"', '"dateLastModified":"' || %(stamp)s || '"')"""


def _merge(cursor: Any, share: int, modes: dict[str, Mode], now: datetime) -> None:
    replaced = [kind for kind, mode in modes.items() if mode is Mode.REPLACE]
    cursor.execute("DELETE FROM records_record WHERE share = %s AND kind = ANY(%s)", [share, replaced])
    columns = ", ".join(f'"{name}"' for name in _COLUMNS)
    updates = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in _COLUMNS[3:])
    # Of two rows with one id the last wins; a row whose content is as it was keeps its date, and so does one that went before.
    # What went before in a share is told as all data tells it: it may name people whom the share no longer shows.
    cursor.execute(
        f"INSERT INTO records_record ({columns}) "  # our own column names
        f"SELECT DISTINCT ON (kind, sourced_id) {columns} FROM incoming ORDER BY kind, sourced_id, id DESC "
        f"ON CONFLICT (share, kind, sourced_id) DO UPDATE SET {updates}, deleted = NULL "
        "WHERE records_record.digest <> EXCLUDED.digest AND (EXCLUDED.status = 'active' OR records_record.share <> 0) "
        "OR records_record.status <> EXCLUDED.status"
    )
    bulk = [kind for kind, mode in modes.items() if mode is Mode.BULK]
    _mark_missing(cursor, share, bulk, now)


def _mark_missing(cursor: Any, share: int, kinds: list[str], now: datetime) -> None:
    change = _dated("""regexp_replace({0}, '"status":"active"', '"status":"tobedeleted"')""")
    cursor.execute(
        f"""UPDATE records_record AS old SET status = 'tobedeleted', modified = %(now)s, digest = '',
            v1p1 = {change.format("v1p1")}, v1p2 = {change.format("v1p2")}
            WHERE share = %(share)s AND kind = ANY(%(kinds)s) AND status = 'active' AND NOT EXISTS
            (SELECT FROM incoming WHERE incoming.kind = old.kind AND incoming.sourced_id = old.sourced_id)""",
        {"now": now, "stamp": iso(now), "kinds": kinds, "share": share},
    )
    # What is narrowed goes when the whole of it goes, however late it was narrowed.
    cursor.execute(
        "UPDATE records_record AS own SET deleted = coalesce((SELECT deleted FROM records_record AS whole "
        "WHERE whole.share = 0 AND whole.kind = own.kind AND whole.sourced_id = own.sourced_id), %s) "
        "WHERE share = %s AND status = 'tobedeleted' AND deleted IS NULL",
        [now, share],
    )


_readings = iter(range(1, 2**63))


def stored(kind: str, ids: list[str] | None = None, *, gone: bool = False) -> Iterator[r.Record]:
    """Every active record of a kind, or those of some ids, in order of sourcedId, without holding them all.

    With `gone`, those that are `tobedeleted` too.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        name = f"stored_{next(_readings)}"  # several may be read at a time
        cursor.execute(
            f"DECLARE {name} NO SCROLL CURSOR FOR SELECT v1p2 FROM records_record "
            "WHERE share = 0 AND kind = %s AND (%s OR status = 'active') "
            "AND (%s::text[] IS NULL OR sourced_id = ANY(%s)) ORDER BY sourced_id",
            [kind, gone, ids, ids],
        )
        while True:
            cursor.execute(f"FETCH {_AT_A_TIME} FROM {name}")
            rows = cursor.fetchall()
            if not rows:
                cursor.execute(f"CLOSE {name}")
                return
            yield from (record_of(kind, msgspec.json.decode(text)) for (text,) in rows)


def active(kind: str, ids: Iterable[str]) -> set[str]:
    """Which of some ids are those of stored active records of a kind."""
    found = Record.objects.filter(share=0, kind=kind, status="active", sourced_id__in=list(ids))
    return set(found.values_list("sourced_id", flat=True))


def counts(share: int = 0) -> dict[str, Any]:
    """How many records there are in a share: by kind, by role, and by school and role."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, subset, count FROM records_total WHERE share = %s ORDER BY kind, subset", [share]
        )
        totals = cursor.fetchall()
        cursor.execute(
            "SELECT split_part(seat, '@', 1), substr(seat, strpos(seat, '@') + 1), count(*) FROM records_record, "
            "unnest(seats) AS seat WHERE share = %s AND kind = 'users' AND status = 'active' GROUP BY 1, 2 ORDER BY 2, 1",
            [share],
        )
        seats = cursor.fetchall()
    schools: dict[str, dict[str, int]] = {}
    for role, school, count in seats:
        schools.setdefault(school, {})[role] = count
    return {
        "kinds": {kind: count for kind, subset, count in totals if not subset},
        "roles": {subset: count for kind, subset, count in totals if kind == "users" and subset},
        "schools": schools,
    }
