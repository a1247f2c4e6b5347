"""Undo: the changes of a run turned round, newest first, set-based, with history of their own. Conflicts are left and said.

Each statement works on one batch, `batch`: a temporary copy of the changes to turn round, at most one of each person or
contact, since the older ones of somebody start from where the newer ones end.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from homeroom.campus.people.target import query
from homeroom.campus.runs.applying import move_links, move_school, relink
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.overtaken import LOCKS, PROTECTED
from homeroom.campus.schools.models import School
from homeroom.sync.roster import CONTACT_FIELDS, PERSON_FIELDS

log = logging.getLogger(__name__)
BATCH = 5000
MOST_SHOWN = 200  # conflicts that a page lists one by one


@dataclass(frozen=True, slots=True)
class Part:
    """What of a run is undone: all of it, one school's part, or what it did to chosen people (by id, contacts left out)."""

    run: int
    school: int | None = None
    people: tuple[int, ...] = ()

    def values(self) -> dict[str, Any]:
        """The part as SQL's values."""
        return {"run": self.run, "school": self.school, "people": list(self.people)}


@dataclass(frozen=True, slots=True)
class Preview:
    """What undoing a part would do: how many changes of each action come back, and those that would be left, with why."""

    counts: dict[str, int]
    conflicts: int
    left: Sequence[tuple[Change, str]]


_MINE = (
    "state = 'applied' AND (action <> 'skip' OR fields ? 'managed') AND (%(school)s::bigint IS NULL OR school_id = %(school)s) "
    "AND (%(people)s::bigint[] = '{}' OR (subject = 'person' AND subject_id = ANY(%(people)s)))"
)
_HELD = 'c.subject = \'person\' AND held.person_id = c.subject_id AND held.school_id = c.school_id AND held."group" = c."group"'
EDITED = "edited since"


def preview(part: Part) -> Preview:
    """Looks at what an undo would meet, and changes nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        _lay_out(
            cursor,
            f"SELECT DISTINCT ON (subject, subject_id) * FROM runs_change c WHERE run_id = %(run)s AND {_MINE} "
            "ORDER BY subject, subject_id, id DESC",
            part.values(),
        )
        cursor.execute("SELECT action, count(*) FROM batch WHERE conflict = '' GROUP BY 1")
        counts = dict(cursor.fetchall())
        cursor.execute("SELECT id, conflict FROM batch WHERE conflict <> '' ORDER BY id")
        found = cursor.fetchall()
    rows = Change.objects.in_bulk([id_ for id_, _ in found[:MOST_SHOWN]])
    return Preview(counts, len(found), [(rows[id_], why) for id_, why in found[:MOST_SHOWN]])


def undo(back: Run, now: datetime) -> None:
    """Turns every applied change of the part that `back` undoes round, a transaction a batch. Cut off, it goes on."""
    _line_up(Part(back.undoes_id or 0, back.school_id, tuple(back.people or ())), back)
    done = 0
    while batch := _undo_batch(back, done, now):
        done += batch
        log.info("run %s: %s changes undone", back.undoes_id, done)


def _line_up(part: Part, back: Run) -> None:
    """Gives each change that is still to be turned round its place in the line: the newest of everybody, then the ones before
    these, and so on. Once for all batches, since sorting a whole run for each of them would cost more the larger it is."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS line")
        cursor.execute(
            "CREATE TEMP TABLE line AS SELECT id, round, row_number() OVER (ORDER BY round, subject, subject_id) AS place FROM "
            "(SELECT id, subject, subject_id, row_number() OVER (PARTITION BY subject, subject_id ORDER BY id DESC) AS round "
            f"FROM runs_change c WHERE run_id = %(run)s AND {_MINE} AND NOT EXISTS "
            "(SELECT FROM runs_change done WHERE done.run_id = %(back)s AND done.turns = c.id)) AS each",
            part.values() | {"back": back.pk},
        )
        cursor.execute("CREATE UNIQUE INDEX ON line (place)")
        cursor.execute("ANALYZE line")


def _undo_batch(back: Run, done: int, now: datetime) -> int:
    values: dict[str, Any] = {
        "now": now,
        "source": back.connection_id,
        "back": back.pk,
        "by": back.started_by_id,
    }
    with fenced(back, now), connection.cursor() as cursor:
        count = _lay_out(
            cursor,
            "SELECT c.* FROM line JOIN runs_change c USING (id) WHERE place > %(done)s AND place <= %(done)s + %(batch)s "
            "AND round = (SELECT round FROM line WHERE place = %(done)s + 1)",
            {"done": done, "batch": BATCH},
            LOCKS,
        )
        cursor.execute("SELECT FROM batch WHERE action = 'relink' LIMIT 1")
        relinks = RELINKS if cursor.rowcount else ()
        for statement in (*relinks, *STATEMENTS) if count else ():
            cursor.execute(statement, values)
    return count


def _lay_out(cursor: Any, chosen: str, values: dict[str, Any], locks: tuple[str, ...] = ()) -> int:
    """Makes the batch of the changes that a statement chooses, at most one of each person, with what stands against it."""
    cursor.execute("DROP TABLE IF EXISTS batch")
    cursor.execute(
        f"CREATE TEMP TABLE batch ON COMMIT DROP AS SELECT *, ''::text AS conflict FROM ({chosen}) AS chosen",
        values,
    )
    count = int(cursor.rowcount)
    if count:
        cursor.execute("ANALYZE batch")
        for statement in (*locks, *CONFLICTS):
            cursor.execute(statement)
    return count


def _moved(fields: tuple[str, ...]) -> str:
    return " OR ".join(
        f"(c.fields ? '{f}' AND coalesce(c.fields->'{f}'->>1, '') <> held.{f})" for f in fields
    )


def _conflict(table: str, why: str, of: str, when: str) -> str:
    return f"UPDATE batch AS c SET conflict = '{why}' FROM {table} WHERE {of} AND ({when})"


def _of(subject: str) -> str:
    return f"held.id = c.subject_id AND c.subject = '{subject}' AND c.action = 'update'"


# The managed contacts of a student as a run names them, and as they are now.
_NAMED = "SELECT coalesce(array_agg(said->>'sourced_id' ORDER BY 1), '{}'::text[]) FROM jsonb_array_elements(c.fields->'guardians'->1) said"
_LINKED = (
    "SELECT coalesce(array_agg(record.sourced_id::text ORDER BY 1), '{}') FROM people_contactlink link "
    "JOIN connections_sourcerecord record ON record.contact_id = link.contact_id "
    "JOIN runs_run run ON run.id = c.run_id AND run.connection_id = record.connection_id "
    "WHERE link.person_id = c.subject_id AND link.ended_at IS NULL AND link.managed_by = run.connection_id"
)
CONFLICTS = (
    _conflict("people_person held", EDITED, _of("person"), _moved(PERSON_FIELDS)),
    _conflict("people_contact held", EDITED, _of("contact"), _moved(CONTACT_FIELDS)),
    _conflict(
        "people_membership held", EDITED, f"{_HELD} AND c.action = 'update' AND c.fields ? 'grade'",
        "coalesce(c.fields->'grade'->>1, '') <> held.grade",
    ),
    _conflict(
        "people_membership held", "archived or restored since", f"{_HELD} AND c.action IN ('add', 'restore', 'archive')",
        "(held.ended_at IS NULL) <> (c.action <> 'archive')",
    ),
    _conflict(
        PROTECTED, "now an Owner or District Manager, whom nothing archives",
        "held.id = c.subject_id AND c.subject = 'person'", "c.action IN ('add', 'restore')",
    ),
    "UPDATE batch AS c SET conflict = 'linked to somebody else since' FROM runs_run run, connections_sourcerecord record "
    "WHERE c.action = 'relink' AND run.id = c.run_id AND record.connection_id = run.connection_id "
    "AND record.sourced_id = c.fields->'sourced_id'->>1 AND CASE c.subject WHEN 'person' THEN record.person_id ELSE record.contact_id END "
    "IS DISTINCT FROM c.subject_id",
    "UPDATE batch AS c SET conflict = 'contacts changed since' WHERE c.subject = 'person' AND c.action = 'update' "
    f"AND c.fields ? 'guardians' AND (({_NAMED}) <> ({_LINKED}) OR EXISTS (SELECT FROM people_person held WHERE held.id = c.subject_id "
    "AND 'guardians' = ANY(held.kept_fields)))",
    # Where they stand now, they stand with what a merge or split gave or took; taken back, a run can be undone again.
    _conflict(
        "runs_change hand", "merged or split since", "c.subject = 'person' AND c.action IN ('add', 'restore', 'archive')",
        "hand.subject = 'person' AND hand.subject_id = c.subject_id AND hand.id > c.id AND hand.run_id IS NULL "
        "AND hand.state = 'applied' AND hand.fields ? 'moved'",
    ),
    "UPDATE batch AS c SET conflict = 'merged or split since' WHERE c.subject = 'person' AND (c.action IN ('add', 'restore', 'archive') "
    f"OR c.fields ?| ARRAY['grade', 'managed']) AND NOT EXISTS (SELECT FROM people_membership held WHERE {_HELD})",
    _conflict(
        "people_person held", "merged with somebody since", "held.id = c.subject_id AND c.subject = 'person'",
        "held.merged_into_id IS NOT NULL",
    ),
)  # fmt: skip


def _back(table: str, fields: tuple[str, ...], subject: str) -> str:
    values = ", ".join(
        f"{f} = CASE WHEN c.fields ? '{f}' THEN coalesce(c.fields->'{f}'->>0, '') ELSE held.{f} END"
        for f in fields
    )
    return f"UPDATE {table} AS held SET {values} FROM batch c WHERE {_of(subject)} AND c.conflict = ''"


# Whoever was added keeps name and details, archived: only what was linked to them is turned round.
_TURNED = (
    "coalesce((SELECT jsonb_object_agg(key, jsonb_build_array(value->1, value->0)) FROM jsonb_each(c.fields) "
    "WHERE c.action <> 'add' OR key = 'guardians'), '{}')"
)
_TAKEN_ON = "c.fields ? 'managed' AND c.conflict = '' AND NOT (c.fields->'managed'->>0)::bool"
_TAKEN_BACK = "c.fields ? 'managed' AND c.conflict = '' AND (c.fields->'managed'->>0)::bool"
RELINKS = (*move_links("c.conflict = ''", gains=0), move_school("c.conflict = ''", gains=0))
STATEMENTS = (
    _back("people_person", PERSON_FIELDS, "person"),
    _back("people_contact", CONTACT_FIELDS, "contact"),
    f"UPDATE people_membership AS held SET ended_at = %(now)s FROM batch c WHERE {_HELD} AND c.conflict = '' "
    "AND c.action IN ('add', 'restore')",
    f"UPDATE people_membership AS held SET ended_at = NULL, ended_by_hand = false FROM batch c WHERE {_HELD} AND c.conflict = '' "
    "AND c.action = 'archive'",
    f"UPDATE people_membership AS held SET grade = c.fields->'grade'->>0 FROM batch c WHERE {_HELD} AND c.conflict = '' "
    "AND c.action <> 'add' AND c.fields->'grade'->>0 IS NOT NULL",
    # Somebody who was here before and was only taken on is let go of again, out of Archive's reach; and the other way round.
    f"UPDATE people_membership AS held SET managed_by = NULL FROM batch c WHERE {_HELD} AND {_TAKEN_ON}",
    "UPDATE connections_sourcerecord AS record SET person_id = NULL FROM batch c WHERE record.connection_id = %(source)s "
    f"AND record.sourced_id = c.sourced_id AND record.person_id = c.subject_id AND {_TAKEN_ON} AND NOT EXISTS "
    "(SELECT FROM people_membership kept WHERE kept.person_id = c.subject_id AND kept.managed_by = %(source)s)",
    f"UPDATE people_membership AS held SET managed_by = %(source)s FROM batch c WHERE {_HELD} AND {_TAKEN_BACK}",
    "UPDATE connections_sourcerecord AS record SET person_id = c.subject_id FROM batch c WHERE record.connection_id = %(source)s "
    f"AND record.sourced_id = c.sourced_id AND record.person_id IS NULL AND {_TAKEN_BACK}",
    *relink(0, "c.conflict = ''"),
    # What the sieve remembers no longer fits the directory: the next run looks at these records anew, and at all of these people.
    "UPDATE connections_sourcerecord AS record SET decided_under = NULL FROM batch c "
    "WHERE record.connection_id = %(source)s AND record.sourced_id = c.sourced_id AND c.conflict = ''",
    "UPDATE connections_sourcerecord AS record SET decided_under = NULL FROM batch c WHERE record.connection_id = %(source)s "
    "AND record.person_id = c.subject_id AND c.subject = 'person' AND c.conflict = '' AND record.decided_under IS NOT NULL",
    'INSERT INTO runs_change (district_id, run_id, school_id, "group", action, subject, subject_id, sourced_id, fields, reason, '
    "new, state, decided_at, decided_by_id, turns) "
    "SELECT c.district_id, %(back)s, c.school_id, c.\"group\", CASE WHEN c.conflict <> '' THEN 'skip' "
    "WHEN c.action IN ('add', 'restore') THEN 'archive' WHEN c.action = 'archive' THEN 'restore' ELSE c.action END, "
    f"c.subject, c.subject_id, c.sourced_id, CASE WHEN c.conflict = '' THEN {_TURNED} ELSE '{{}}' END, "
    "CASE WHEN c.conflict <> '' THEN 'not undone: ' || c.conflict || ' (run ' || c.run_id || ' undone)' "
    "ELSE 'run ' || c.run_id || ' undone' END, false, 'applied', %(now)s, %(by)s, c.id FROM batch c ORDER BY c.id DESC",
    "UPDATE runs_change SET state = 'undone' FROM batch c WHERE runs_change.id = c.id AND c.conflict = ''",
)


def anything(run: Run, school: School | None = None, people: Sequence[int] = ()) -> bool:
    """Whether a part of a run did anything that can be undone."""
    part = Part(run.pk, school.pk if school else None, tuple(people))
    return bool(
        query(f"SELECT 1 FROM runs_change c WHERE run_id = %(run)s AND {_MINE} LIMIT 1", part.values())
    )
