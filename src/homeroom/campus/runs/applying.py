"""Carrying a plan out: batches of changes, each one transaction with its history, set-based, safe to repeat.

Each statement works on the changes of one batch, `batch`, a temporary copy of their rows; the last one writes back to the
history what became of each.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.progress import Progress
from homeroom.sync.changes import State
from homeroom.sync.roster import CONTACT_FIELDS, PERSON_FIELDS

BATCH = 2000
MANY = 1000  # records after which the tables' numbers are no longer what PostgreSQL thinks
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
    done = 0
    while count := apply_batch(run, now):
        done += count
        progress.tell("carrying out", done, total)


def apply_batch(run: Run, now: datetime) -> int:
    """One batch in one transaction; how many changes it had."""
    with fenced(run), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE batch ON COMMIT DROP AS SELECT * FROM runs_change WHERE run_id = %s AND state = 'planned' "
            "ORDER BY id LIMIT %s",
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
            }
            for statement in STATEMENTS:
                cursor.execute(statement, values)
        return int(count)


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
        f"WHERE c.subject = '{subject}' AND c.action = 'add' AND c.new ON CONFLICT (id) DO NOTHING"
    )


def _stale(table: str, fields: tuple[str, ...], subject: str) -> str:
    return (
        f"UPDATE batch AS c SET state = 'discarded', reason = left("
        f"'not carried out: somebody edited this since the plan was made; ' || c.reason, 500) "
        f"FROM {table} held WHERE held.id = c.subject_id AND c.subject = '{subject}' "
        f"AND c.action = 'update' AND ({_moved(fields)})"
    )


def _update(table: str, fields: tuple[str, ...], subject: str) -> str:
    return (
        f"UPDATE {table} AS held SET {_set(fields)} FROM {_B} WHERE held.id = c.subject_id "
        f"AND c.subject = '{subject}' AND c.action = 'update' AND c.state = 'planned' AND c.fields ?| array[{_words(fields)}]"
    )


def _words(fields: tuple[str, ...]) -> str:
    return ", ".join(f"'{field}'" for field in fields)


_HELD = 'held.person_id = c.subject_id AND held.school_id = c.school_id AND held."group" = c."group"'
_LINKS = (
    "SELECT c.subject_id AS person, record.contact_id AS contact, said.position, (said.item->>'primary')::bool AS first, "
    "said.item->>'reason' AS reason, c.district_id AS district "
    f"FROM {_B}, jsonb_array_elements(c.fields->'guardians'->1) WITH ORDINALITY AS said(item, position) "
    "JOIN connections_sourcerecord record ON record.connection_id = %(source)s AND record.sourced_id = said.item->>'sourced_id' "
    "WHERE c.fields ? 'guardians' AND c.action <> 'skip' AND c.state = 'planned' AND record.contact_id IS NOT NULL"
)
STATEMENTS = (
    _insert("people_contact", CONTACT_FIELDS, "contact"),
    _insert("people_person", PERSON_FIELDS, "person"),
    _stale("people_person", PERSON_FIELDS, "person"),
    _stale("people_contact", CONTACT_FIELDS, "contact"),
    _update("people_person", PERSON_FIELDS, "person"),
    _update("people_contact", CONTACT_FIELDS, "contact"),
    # A membership that was there before is opened again, never doubled.
    'INSERT INTO people_membership (district_id, person_id, school_id, "group", grade, started_at, ended_by_hand, managed_by) '
    'SELECT DISTINCT ON (c.subject_id, c.school_id, c."group") c.district_id, c.subject_id, c.school_id, c."group", '
    f"coalesce(c.fields->'grade'->>1, ''), %(now)s, false, %(source)s FROM {_B} "
    "WHERE c.subject = 'person' AND c.action IN ('add', 'restore') AND c.state = 'planned' "
    'ORDER BY c.subject_id, c.school_id, c."group", c.id '
    'ON CONFLICT (person_id, school_id, "group") DO UPDATE SET ended_at = NULL, ended_by_hand = false, '
    "managed_by = EXCLUDED.managed_by, grade = CASE WHEN EXCLUDED.grade <> '' THEN EXCLUDED.grade ELSE people_membership.grade END",
    f"UPDATE people_membership AS held SET grade = coalesce(c.fields->'grade'->>1, '') FROM {_B} "
    f"WHERE {_HELD} AND c.action = 'update' AND c.state = 'planned' AND c.fields ? 'grade'",
    f"UPDATE people_membership AS held SET managed_by = %(source)s FROM {_B} "
    f"WHERE {_HELD} AND c.subject = 'person' AND c.fields ? 'managed' AND c.state = 'planned'",
    f"UPDATE people_membership AS held SET ended_at = %(now)s, ended_by_hand = false FROM {_B} "
    f"WHERE {_HELD} AND c.action = 'archive' AND c.state = 'planned' AND held.ended_at IS NULL",
    # Somebody archived may come back word for word: the sieve must not let that record fall.
    "UPDATE connections_sourcerecord AS record SET decided_under = NULL FROM "
    f"{_B} WHERE record.connection_id = %(source)s AND record.sourced_id = c.sourced_id "
    "AND c.action = 'archive' AND c.state = 'planned'",
    # The link is made in the same transaction as the person: no crash can leave one without the other.
    "INSERT INTO connections_sourcerecord (connection_id, sourced_id, person_id, contact_id, gone, verdict, places, agents) "
    "SELECT %(source)s, c.sourced_id, max(CASE WHEN c.subject = 'person' THEN c.subject_id END), "
    "max(CASE WHEN c.subject = 'contact' THEN c.subject_id END), false, '', '{}', '{}' "
    f"FROM {_B} WHERE c.action <> 'archive' AND c.state = 'planned' GROUP BY c.sourced_id "
    "ON CONFLICT (connection_id, sourced_id) DO UPDATE SET "
    "person_id = coalesce(EXCLUDED.person_id, connections_sourcerecord.person_id), "
    "contact_id = coalesce(EXCLUDED.contact_id, connections_sourcerecord.contact_id)",
    # A student's links become the ones listed; those of hand-made contacts stay.
    'UPDATE people_contactlink AS held SET ended_at = %(now)s, "primary" = false ' + f"FROM {_B} "
    "WHERE held.person_id = c.subject_id AND c.subject = 'person' AND NOT c.new AND c.action <> 'skip' "
    "AND c.state = 'planned' AND c.fields ? 'guardians' AND held.managed_by = %(source)s AND held.ended_at IS NULL",
    'INSERT INTO people_contactlink (district_id, person_id, contact_id, position, "primary", reason, managed_by) '
    "SELECT DISTINCT ON (person, contact) district, person, contact, position, first AND NOT EXISTS (SELECT FROM people_contactlink "
    'other WHERE other.person_id = person AND other."primary" AND other.ended_at IS NULL), reason, %(source)s '
    f"FROM ({_LINKS}) AS links ORDER BY person, contact, position "
    'ON CONFLICT (person_id, contact_id) DO UPDATE SET ended_at = NULL, position = EXCLUDED.position, "primary" = EXCLUDED."primary", '
    "reason = EXCLUDED.reason, managed_by = EXCLUDED.managed_by",
    "UPDATE runs_change SET state = CASE c.state WHEN 'planned' THEN 'applied' ELSE c.state END, reason = c.reason, "
    f"decided_at = %(now)s FROM {_B} WHERE runs_change.id = c.id",
)


def settle(run: Run, policy: bytes, now: datetime) -> None:
    """Remembers what was decided, so that the same bytes under the same policy are let fall next time."""
    undecided = "SELECT sourced_id FROM runs_change WHERE run_id = %(run)s AND state IN ('held', 'planned')"
    values: dict[str, Any] = {"run": run.pk, "source": run.connection_id, "policy": policy, "now": now}
    with fenced(run), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO connections_sourcerecord (connection_id, sourced_id, fingerprint, decided_under, gone, person_id, "
            "verdict, places, agents, seen_at, raw) SELECT %(source)s, sourced_id, fingerprint, %(policy)s, false, "
            "person_id, verdict, places, agents, %(now)s, CASE WHEN person_id IS NOT NULL OR guardian THEN raw END "
            f"FROM runs_staged staged WHERE run_id = %(run)s AND final AND NOT absent AND sourced_id NOT IN ({undecided}) "
            "AND (person_id IS NULL OR EXISTS (SELECT FROM people_person p WHERE p.id = staged.person_id)) "
            "ON CONFLICT (connection_id, sourced_id) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, gone = false, "
            "decided_under = EXCLUDED.decided_under, verdict = EXCLUDED.verdict, places = EXCLUDED.places, "
            "agents = EXCLUDED.agents, seen_at = EXCLUDED.seen_at, "
            "person_id = coalesce(EXCLUDED.person_id, connections_sourcerecord.person_id), "
            "raw = CASE WHEN connections_sourcerecord.contact_id IS NOT NULL OR connections_sourcerecord.person_id IS NOT NULL "
            "THEN (SELECT raw FROM runs_staged s WHERE s.run_id = %(run)s AND s.sourced_id = EXCLUDED.sourced_id) "
            "ELSE EXCLUDED.raw END",
            values,
        )
        remembered = cursor.rowcount
        cursor.execute(
            "UPDATE connections_sourcerecord AS record SET gone = true, decided_under = %(policy)s, places = '{}', "
            "verdict = staged.verdict FROM runs_staged staged WHERE staged.run_id = %(run)s AND staged.absent AND staged.final "
            "AND record.connection_id = %(source)s AND record.sourced_id = staged.sourced_id "
            f"AND record.sourced_id NOT IN ({undecided})",
            values,
        )
    if remembered > MANY:
        target.count_anew(*FILLED)


def unsettled(run: Run) -> bool:
    """Whether anything was staged at all: an unchanged night has nothing to remember."""
    return bool(query("SELECT 1 FROM runs_staged WHERE run_id = %s LIMIT 1", [run.pk]))
