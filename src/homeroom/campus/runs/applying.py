"""Carrying a plan out: batches of changes, each one transaction with its history, set-based, safe to repeat.

Each statement works on the changes of one batch, `batch`, a temporary copy of their rows; the last one writes back to the
history what became of each.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection

from homeroom.campus.people import target
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.overtaken import HELD, LOCKS, MEANT_BY_NOW, OVERTAKEN, since
from homeroom.campus.runs.progress import Progress
from homeroom.sync.changes import State
from homeroom.sync.roster import CONTACT_FIELDS, PERSON_FIELDS

BATCH = 2000
FILLED = (
    "people_person",
    "people_membership",
    "people_contact",
    "people_contactlink",
    "connections_sourcerecord",
)
_B = "batch c"


def apply(run: Run, now: datetime, progress: Progress) -> None:
    """Carries out every planned change of a run. Killed anywhere, it goes on where it was."""
    total = Change.objects.filter(run=run, state=State.PLANNED).count()
    done, due = 0, BATCH
    while count := apply_batch(run, now):
        done += count
        if due <= done < total:  # what a first import fills, PostgreSQL still takes for empty
            target.count_anew(*FILLED)
            due = 4 * done
        progress.tell("carrying out", done, total)


def apply_batch(run: Run, now: datetime) -> int:
    """One batch in one transaction; how many changes it had."""
    with fenced(run), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE batch ON COMMIT DROP AS SELECT * FROM runs_change WHERE run_id = %s AND state = 'planned' "
            "ORDER BY id LIMIT %s FOR UPDATE",
            [run.pk, BATCH],
        )
        count = cursor.rowcount
        if count:
            cursor.execute(
                "ANALYZE batch"
            )  # without its numbers the planner joins as if every table were tiny
            values: dict[str, Any] = {
                "now": now,
                "source": run.connection_id,
                "district": run.district_id,
                "run": run.pk,
                "since": since(run, now),
            }
            for statement in (MEANT_BY_NOW, *LOCKS, *OVERTAKEN, *STATEMENTS, *_sometimes(cursor), HISTORY):
                cursor.execute(statement, values)
        return int(count)


def _sometimes(cursor: Any) -> Iterator[str]:
    """The statements that only some batches need: a first import would pay for them in each, and for nothing."""
    for when, statements in SOMETIMES:
        cursor.execute(f"SELECT FROM batch WHERE {when} LIMIT 1")
        if cursor.rowcount:
            yield from statements


def _set(fields: tuple[str, ...]) -> str:
    return ", ".join(
        f"{f} = CASE WHEN c.fields ? '{f}' THEN coalesce(c.fields->'{f}'->>1, '') ELSE held.{f} END"
        for f in fields
    )


def _moved(fields: tuple[str, ...]) -> str:
    return " OR ".join(
        f"(c.fields ? '{f}' AND coalesce(c.fields->'{f}'->>0, '') <> held.{f})" for f in fields
    )


def _insert(table: str, fields: tuple[str, ...], subject: str) -> str:
    values = ", ".join(f"coalesce(c.fields->'{f}'->>1, '')" for f in fields)
    more = ", excluded" if subject == "person" else ""
    return (
        f"INSERT INTO {table} (id, district_id, {', '.join(fields)}, kept_fields, created_at{more}) "
        f"SELECT c.subject_id, c.district_id, {values}, '{{}}', %(now)s{', false' if more else ''} FROM {_B} "
        f"WHERE c.subject = '{subject}' AND c.action = 'add' AND c.new AND c.state = 'planned' ON CONFLICT (id) DO NOTHING"
    )


def _update(table: str, fields: tuple[str, ...], subject: str) -> str:
    return (
        f"UPDATE {table} AS held SET {_set(fields)} FROM {_B} WHERE held.id = c.subject_id "
        f"AND c.subject = '{subject}' AND c.action = 'update' AND c.state = 'planned' AND c.fields ?| array[{_words(fields)}]"
    )


def _words(fields: tuple[str, ...]) -> str:
    return ", ".join(f"'{field}'" for field in fields)


def relink(which: int, when: str) -> tuple[str, str]:
    """A student's links become those that a change lists, before (0) or after (1) it; those of hand-made contacts stay."""
    changed = f"c.subject = 'person' AND c.action <> 'skip' AND c.fields ? 'guardians' AND {when}"
    links = (
        "SELECT c.subject_id AS person, record.contact_id AS contact, said.position, (said.item->>'primary')::bool AS first, "
        "said.item->>'reason' AS reason, c.district_id AS district "
        f"FROM {_B}, jsonb_array_elements(c.fields->'guardians'->{which}) WITH ORDINALITY AS said(item, position) "
        "JOIN connections_sourcerecord record ON record.connection_id = %(source)s AND record.sourced_id = said.item->>'sourced_id' "
        f"WHERE {changed} AND record.contact_id IS NOT NULL"
    )
    return (
        f'UPDATE people_contactlink AS held SET ended_at = %(now)s, "primary" = false FROM {_B} '
        f"WHERE held.person_id = c.subject_id AND {changed} "
        "AND held.managed_by = %(source)s AND held.ended_at IS NULL",
        'INSERT INTO people_contactlink (district_id, person_id, contact_id, position, "primary", reason, managed_by) '
        "SELECT DISTINCT ON (person, contact) district, person, contact, position, first AND NOT EXISTS (SELECT FROM people_contactlink "
        'other WHERE other.person_id = person AND other."primary" AND other.ended_at IS NULL), reason, %(source)s '
        f"FROM ({links}) AS links ORDER BY person, contact, position "
        'ON CONFLICT (person_id, contact_id) DO UPDATE SET ended_at = NULL, position = EXCLUDED.position, "primary" = EXCLUDED."primary", '
        "reason = EXCLUDED.reason, managed_by = EXCLUDED.managed_by",
    )


def move_links(when: str, *, gains: int) -> tuple[str, ...]:
    """What a re-key moves: the record of one id means the person or contact no more, that of the other does. `gains` tells
    which of the two ids in `fields` it is, 1 as planned, 0 turned round."""
    said = "c.fields->'sourced_id'->>"
    moved = f"record.connection_id = %(source)s AND c.action = 'relink' AND {when}"
    return tuple(
        statement
        for subject in ("person", "contact")
        for statement in (
            f"UPDATE connections_sourcerecord AS record SET {subject}_id = NULL, gone = true, decided_under = NULL FROM {_B} "
            f"WHERE {moved} AND c.subject = '{subject}' AND record.sourced_id = {said}{1 - gains} AND record.{subject}_id = c.subject_id",
            f"UPDATE connections_sourcerecord AS record SET {subject}_id = c.subject_id, gone = false, decided_under = NULL FROM {_B} "
            f"WHERE {moved} AND c.subject = '{subject}' AND record.sourced_id = {said}{gains}",
        )
    )


def move_school(when: str, *, gains: int) -> str:
    """Where the school itself had a new id, its roster link follows its people."""
    said = "c.fields->'org'->>"
    return (
        f"UPDATE connections_rosterlink AS link SET org = {said}{gains} FROM {_B} WHERE c.action = 'relink' AND c.fields ? 'org' "
        f"AND {when} AND link.connection_id = %(source)s AND link.school_id = c.school_id AND link.org = {said}{1 - gains}"
    )


STATEMENTS = (
    _insert("people_contact", CONTACT_FIELDS, "contact"),
    _insert("people_person", PERSON_FIELDS, "person"),
    _update("people_person", PERSON_FIELDS, "person"),
    _update("people_contact", CONTACT_FIELDS, "contact"),
    # A membership that was there before is opened again, never doubled.
    'INSERT INTO people_membership (district_id, person_id, school_id, "group", grade, started_at, ended_by_hand, managed_by) '
    'SELECT DISTINCT ON (c.subject_id, c.school_id, c."group") c.district_id, c.subject_id, c.school_id, c."group", '
    f"coalesce(c.fields->'grade'->>1, ''), %(now)s, false, %(source)s FROM {_B} "
    "WHERE c.subject = 'person' AND c.action IN ('add', 'restore') AND c.state = 'planned' "
    'ORDER BY c.subject_id, c.school_id, c."group", c.id '
    'ON CONFLICT (person_id, school_id, "group") DO UPDATE SET ended_at = NULL, ended_by_hand = false, '
    "missing_runs = 0, missing_since = NULL, managed_by = EXCLUDED.managed_by, "
    "grade = CASE WHEN EXCLUDED.grade <> '' THEN EXCLUDED.grade ELSE people_membership.grade END",
    f"UPDATE people_membership AS held SET grade = coalesce(c.fields->'grade'->>1, '') FROM {_B} "
    f"WHERE {HELD} AND c.action = 'update' AND c.state = 'planned' AND c.fields ? 'grade'",
    f"UPDATE people_membership AS held SET managed_by = %(source)s FROM {_B} "
    f"WHERE {HELD} AND c.subject = 'person' AND c.fields ? 'managed' AND c.state = 'planned'",
    "UPDATE people_membership AS held SET missing_runs = (c.fields->'missing_runs'->>1)::int, "
    f"missing_since = (c.fields->'missing_since'->>1)::date FROM {_B} "
    f"WHERE {HELD} AND c.subject = 'person' AND c.fields ? 'missing_runs' AND c.state = 'planned'",
    "UPDATE people_membership AS held SET ended_at = %(now)s, ended_by_hand = false, missing_runs = 0, "
    f"missing_since = NULL FROM {_B} "
    f"WHERE {HELD} AND c.action = 'archive' AND c.state = 'planned' AND held.ended_at IS NULL",
    # The link is made in the same transaction as the person: no crash can leave one without the other. A record by which somebody
    # was changed is there, and is to be looked at again unless this run settles it: what else it says may be undecided still.
    "INSERT INTO connections_sourcerecord AS record (connection_id, sourced_id, person_id, contact_id, gone, verdict, places, agents, "
    "orgs) "
    "SELECT %(source)s, c.sourced_id, max(CASE WHEN c.subject = 'person' THEN c.subject_id END), "
    "max(CASE WHEN c.subject = 'contact' AND EXISTS (SELECT FROM people_contact k WHERE k.id = c.subject_id) "
    "THEN c.subject_id END), false, '', '{}', '{}', '{}' "
    f"FROM {_B} WHERE c.action <> 'archive' AND c.state = 'planned' GROUP BY c.sourced_id "
    "ON CONFLICT (connection_id, sourced_id) DO UPDATE SET "
    "person_id = coalesce(EXCLUDED.person_id, record.person_id), gone = false, decided_under = NULL, "
    "contact_id = coalesce(EXCLUDED.contact_id, record.contact_id)",
    *relink(1, "c.state = 'planned'"),
)
SOMETIMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "action = 'archive' OR fields ? 'missing_runs'",
        (
            # Somebody archived or missing may come back word for word: the sieve must not let that record fall.
            "UPDATE connections_sourcerecord AS record SET decided_under = NULL FROM "
            f"{_B} WHERE record.connection_id = %(source)s AND record.sourced_id = c.sourced_id "
            "AND (c.action = 'archive' OR c.fields ? 'missing_runs') AND c.state = 'planned'",
        ),
    ),
    (
        "action = 'relink'",
        (
            *move_links("c.state = 'planned'", gains=1),
            move_school("c.state = 'planned'", gains=1),
        ),
    ),
)
HISTORY = (
    "UPDATE runs_change SET state = CASE c.state WHEN 'planned' THEN 'applied' ELSE c.state END, reason = c.reason, "
    f"subject_id = c.subject_id, decided_at = %(now)s FROM {_B} WHERE runs_change.id = c.id"
)
