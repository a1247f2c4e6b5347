"""Putting records where the server finds them: one transaction, all or nothing, by COPY.

A bulk load is the complete set of its kinds: what it does not have is marked `tobedeleted`. A delta changes what it names.
A replacement leaves nothing of what was there.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
import xxhash
from django.db import connection, transaction

from homeroom.oneroster import records as r
from homeroom.oneroster import v1p1, v1p2
from homeroom.oneroster.shapes import KINDS, UTC_EPOCH

Progress = Callable[[int, int], None]
# Rows marked `tobedeleted` are served for this long, so that daily clients see them, and then go.
KEEP_DELETED = timedelta(days=90)
_COLUMNS = (
    *("kind", "sourced_id", "status", "modified", "digest", "v1p1", "v1p2", "type", "roles", "seats"),
    *("school", "course", "class_id", "user", "parent", "terms"),
)
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
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE incoming (LIKE records_record) ON COMMIT DROP")
        cursor.execute("ALTER TABLE incoming DROP COLUMN id, ADD COLUMN id bigserial")
        _copy(cursor, records, now, progress)
        _merge(cursor, modes, now)
        cursor.execute(
            "DELETE FROM records_record WHERE status = 'tobedeleted' AND modified < %s", [now - KEEP_DELETED]
        )
        _count(cursor)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE records_record")


def _copy(cursor: Any, records: Iterable[r.Record], now: datetime, progress: Progress | None) -> None:
    columns = ", ".join(f'"{name}"' for name in _COLUMNS)
    with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as sink:
        for done, record in enumerate(records, 1):
            sink.write_row(row_of(record, now))
            if progress and done % 2000 == 0:
                progress(done, 0)


def row_of(record: r.Record, now: datetime) -> tuple[Any, ...]:
    """A record as a row: its JSON in both versions and the columns by which it is found."""
    stamp = _valid(record.modified) or iso(now)
    unstamped = msgspec.structs.replace(record, modified=UTC_EPOCH)
    new = _encode(v1p2.write(unstamped))
    digest = xxhash.xxh3_128_digest(new)
    old = _encode(v1p1.write(unstamped))
    mark = stamp.encode()
    return (
        *(KINDS[type(record)], record.sourced_id, record.status, stamp, digest),
        *(old.replace(_STAMP, mark, 1).decode(), new.replace(_STAMP, mark, 1).decode()),
        *_found_by(record),
    )


def _valid(stamp: str) -> str:
    """A dateLastModified that PostgreSQL will take, else nothing."""
    try:
        return stamp if datetime.fromisoformat(stamp).tzinfo else ""
    except ValueError:
        return ""


def _found_by(record: r.Record) -> tuple[Any, ...]:
    """type, roles, seats, school, course, class_id, user, parent, terms."""
    match record:
        case r.User():
            words = {role.role for role in record.roles} | {v1p1.role_of(record)}
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


def _merge(cursor: Any, modes: dict[str, Mode], now: datetime) -> None:
    replaced = [kind for kind, mode in modes.items() if mode is Mode.REPLACE]
    cursor.execute("DELETE FROM records_record WHERE kind = ANY(%s)", [replaced])
    columns = ", ".join(f'"{name}"' for name in _COLUMNS)
    updates = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in _COLUMNS[2:])
    # Of two rows with one id the last wins; a row whose content is as it was keeps its date.
    cursor.execute(
        f"INSERT INTO records_record ({columns}) "  # our own column names
        f"SELECT DISTINCT ON (kind, sourced_id) {columns} FROM incoming ORDER BY kind, sourced_id, id DESC "
        f"ON CONFLICT (kind, sourced_id) DO UPDATE SET {updates} "
        "WHERE records_record.digest <> EXCLUDED.digest OR records_record.status <> EXCLUDED.status"
    )
    bulk = [kind for kind, mode in modes.items() if mode is Mode.BULK]
    _mark_missing(cursor, bulk, now)


def _mark_missing(cursor: Any, kinds: list[str], now: datetime) -> None:
    change = """regexp_replace(regexp_replace({0}, '"status":"active"', '"status":"tobedeleted"'),
        '"dateLastModified":"[^"]*"', '"dateLastModified":"' || %(stamp)s || '"')"""
    cursor.execute(
        f"""UPDATE records_record AS old SET status = 'tobedeleted', modified = %(now)s, digest = '',
            v1p1 = {change.format("v1p1")}, v1p2 = {change.format("v1p2")}
            WHERE kind = ANY(%(kinds)s) AND status = 'active' AND NOT EXISTS
            (SELECT FROM incoming WHERE incoming.kind = old.kind AND incoming.sourced_id = old.sourced_id)""",
        {"now": now, "stamp": iso(now), "kinds": kinds},
    )


_SUBSETS = (
    "SELECT kind, sourced_id, '' AS subset FROM records_record UNION ALL "
    "SELECT kind, sourced_id, word FROM records_record, LATERAL "
    "(SELECT unnest(roles) UNION SELECT type WHERE type <> '' AND kind <> 'enrollments') AS words(word)"
)
BETWEEN_MILESTONES = 1000


def _count(cursor: Any) -> None:
    """Totals, milestones and the revision, anew after every change."""
    cursor.execute("DELETE FROM records_total")
    cursor.execute("DELETE FROM records_milestone")
    cursor.execute(
        f"CREATE TEMP TABLE placed ON COMMIT DROP AS SELECT kind, subset, sourced_id, row_number() OVER (PARTITION BY kind, "
        f"subset ORDER BY sourced_id) - 1 AS position FROM ({_SUBSETS}) AS subsets"
    )
    cursor.execute(
        "INSERT INTO records_total (kind, subset, count) SELECT kind, subset, max(position) + 1 FROM placed GROUP BY 1, 2"
    )
    cursor.execute(
        "INSERT INTO records_milestone (kind, subset, position, sourced_id) "
        "SELECT kind, subset, position, sourced_id FROM placed WHERE position %% %s = 0 AND position > 0",
        [BETWEEN_MILESTONES],
    )
    cursor.execute("DROP TABLE placed")
    cursor.execute(
        "INSERT INTO records_revision (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = records_revision.number + 1"
    )


def stored(kind: str) -> Iterator[dict[str, Any]]:
    """Every active record of a kind as its 1.2 JSON, in order of sourcedId, without holding them all."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DECLARE stored_records NO SCROLL CURSOR FOR SELECT v1p2 FROM records_record "
            "WHERE kind = %s AND status = 'active' ORDER BY sourced_id",
            [kind],
        )
        while True:
            cursor.execute("FETCH 5000 FROM stored_records")
            rows = cursor.fetchall()
            if not rows:
                cursor.execute("CLOSE stored_records")
                return
            yield from (msgspec.json.decode(text) for (text,) in rows)


def counts() -> dict[str, Any]:
    """How many records there are: by kind, by role, and by school and role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, subset, count FROM records_total ORDER BY kind, subset")
        totals = cursor.fetchall()
        cursor.execute(
            "SELECT split_part(seat, '@', 1), substr(seat, strpos(seat, '@') + 1), count(*) FROM records_record, "
            "unnest(seats) AS seat WHERE kind = 'users' AND status = 'active' GROUP BY 1, 2 ORDER BY 2, 1"
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
