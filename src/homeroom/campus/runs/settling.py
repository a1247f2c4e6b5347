"""What a run remembers at its end: the fingerprint of every record that was decided, under which policy.

Whoever was touched by hand meanwhile is left to the next run: the decision about them may be another now.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs.applying import FILLED
from homeroom.campus.runs.births import still_wanted, students
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Run
from homeroom.campus.runs.overtaken import BY_HAND, since

MANY = 1000  # records after which the tables' numbers are no longer what PostgreSQL thinks
# Marks of birth dates are kept of students who are let through, and of nobody else.
_BIRTH = (
    f"CASE WHEN %(births)s AND {students('EXCLUDED.places')} THEN coalesce(EXCLUDED.birth, record.birth) END"
)
# What nobody could decide on is looked at again each time; what was said of it is remembered, and written only when it is new.
_UNDECIDED = (
    "INSERT INTO connections_sourcerecord AS record (connection_id, sourced_id, fingerprint, gone, verdict, places, agents, "
    "seen_at, raw, orgs, sought, birth) SELECT %(source)s, sourced_id, fingerprint, false, verdict, '{}', agents, %(now)s, "
    "CASE WHEN places <> '{}' THEN raw END, orgs, sought, CASE WHEN %(births)s THEN birth END FROM runs_staged staged "
    "WHERE run_id = %(run)s AND NOT final AND NOT absent "
    "AND person_id IS NULL ON CONFLICT (connection_id, sourced_id) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, "
    "decided_under = NULL, gone = false, verdict = EXCLUDED.verdict, agents = EXCLUDED.agents, seen_at = EXCLUDED.seen_at, "
    "raw = EXCLUDED.raw, orgs = EXCLUDED.orgs, sought = EXCLUDED.sought, birth = coalesce(EXCLUDED.birth, record.birth) "
    "WHERE record.person_id IS NULL AND record.contact_id IS NULL "
    "AND (record.gone OR record.fingerprint IS DISTINCT FROM EXCLUDED.fingerprint OR record.sought <> EXCLUDED.sought "
    "OR EXCLUDED.birth IS NOT NULL)"
)
_DECIDED = (
    "NOT EXISTS (SELECT FROM runs_change waiting WHERE waiting.run_id = %(run)s "
    "AND waiting.state IN ('held', 'planned') AND waiting.sourced_id = staged.sourced_id)"
)
# A record that means nobody yet is not linked to somebody of whom it was refused, nor to anybody who was merged meanwhile.
_REFUSED = (
    "EXISTS (SELECT FROM runs_change c LEFT JOIN connections_sourcerecord linked ON linked.connection_id = %(source)s "
    "AND linked.sourced_id = c.sourced_id WHERE c.run_id = %(run)s AND c.state = 'discarded' AND c.subject = 'person' "
    "AND c.sourced_id = staged.sourced_id AND linked.person_id IS NULL)"
)
_HERE = (
    "INSERT INTO connections_sourcerecord AS record (connection_id, sourced_id, fingerprint, decided_under, gone, person_id, "
    "verdict, places, agents, seen_at, raw, orgs, bare, sought, birth) SELECT %(source)s, sourced_id, fingerprint, %(policy)s, false, "
    "person_id, verdict, places, agents, %(now)s, CASE WHEN person_id IS NOT NULL OR guardian THEN raw END, "
    "orgs, CASE WHEN person_id IS NULL AND NOT guardian THEN bare END, sought, "
    f"CASE WHEN %(births)s AND {students('places')} THEN birth END "
    f"FROM runs_staged staged WHERE run_id = %(run)s AND final AND NOT absent AND {_DECIDED} "
    f"AND NOT {_REFUSED} AND (person_id IS NULL OR EXISTS "
    "(SELECT FROM people_person p WHERE p.id = staged.person_id AND p.merged_into_id IS NULL)) "
    "ON CONFLICT (connection_id, sourced_id) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, gone = false, "
    "decided_under = EXCLUDED.decided_under, verdict = EXCLUDED.verdict, places = EXCLUDED.places, "
    "agents = EXCLUDED.agents, seen_at = EXCLUDED.seen_at, orgs = EXCLUDED.orgs, bare = EXCLUDED.bare, "
    f"sought = EXCLUDED.sought, birth = {_BIRTH}, person_id = coalesce(record.person_id, EXCLUDED.person_id), "
    "raw = CASE WHEN record.contact_id IS NOT NULL OR record.person_id IS NOT NULL "
    "THEN (SELECT raw FROM runs_staged s WHERE s.run_id = %(run)s AND s.sourced_id = EXCLUDED.sourced_id) "
    "ELSE EXCLUDED.raw END"
)
_GONE = (
    "UPDATE connections_sourcerecord AS record SET gone = true, decided_under = %(policy)s, places = '{}', birth = NULL, "
    "seen_at = CASE WHEN record.gone THEN record.seen_at ELSE %(now)s END, "
    "verdict = staged.verdict FROM runs_staged staged WHERE staged.run_id = %(run)s AND staged.absent AND staged.final "
    f"AND record.connection_id = %(source)s AND record.sourced_id = staged.sourced_id AND {_DECIDED}"
)
# Who was touched by hand in mid-run, and who is linked to a contact that was: what was decided of them may be another now.
_TOUCHED = (
    "SELECT CASE hand.subject WHEN 'person' THEN hand.subject_id ELSE link.person_id END FROM runs_change hand "
    "LEFT JOIN people_contactlink link ON hand.subject = 'contact' AND link.contact_id = hand.subject_id AND link.ended_at IS NULL "
    "WHERE hand.run_id IS NULL AND hand.district_id = %(district)s AND hand.decided_at >= %(since)s"
)
_LOOK_AGAIN = "UPDATE connections_sourcerecord AS record SET decided_under = NULL "
_NEXT_TIME = (
    f"{_LOOK_AGAIN} WHERE record.connection_id = %(source)s AND record.decided_under IS NOT NULL AND record.person_id IN ({_TOUCHED})",
    # Nor is a change decided that was not carried out, or was left out of an approval, nor anything about its person.
    f"{_LOOK_AGAIN} FROM runs_change c WHERE c.run_id = %(run)s AND c.state = 'discarded' AND record.decided_under IS NOT NULL "
    "AND record.connection_id = %(source)s AND record.sourced_id = c.sourced_id",
    f"{_LOOK_AGAIN} FROM runs_change c WHERE c.run_id = %(run)s AND c.state = 'discarded' AND record.decided_under IS NOT NULL "
    "AND record.connection_id = %(source)s AND c.subject = 'person' AND record.person_id = c.subject_id",
)
# Who restores somebody by hand in mid-run sees what the SIS said before it. Where the run learnt that the SIS has them there
# no more, the restored place is out of Archive's reach as if it had been restored afterwards (`hand.restore`).
_LEFT_TO_HANDS = (
    f"UPDATE people_membership AS held SET managed_by = NULL FROM runs_change hand WHERE {BY_HAND} "
    "AND hand.action = 'restore' AND hand.subject_id = held.person_id "
    'AND hand.school_id = held.school_id AND hand."group" = held."group" AND held.ended_at IS NULL AND held.managed_by = %(source)s '
    "AND NOT EXISTS (SELECT FROM connections_sourcerecord record WHERE record.person_id = held.person_id AND NOT record.gone "
    "AND (held.school_id || ':' || held.\"group\") = ANY(record.places))"
)


def settle(run: Run, policy: bytes, now: datetime) -> None:
    """Remembers what was decided, so that the same bytes under the same policy are let fall next time."""
    values: dict[str, Any] = {
        "run": run.pk, "source": run.connection_id, "district": run.district_id, "policy": policy, "now": now,
        "since": since(run, now),
    }  # fmt: skip
    with fenced(run), connection.cursor() as cursor:
        values["births"] = still_wanted(run)
        cursor.execute(_HERE, values)
        remembered = cursor.rowcount
        for statement in (_UNDECIDED, _GONE, _LEFT_TO_HANDS, *_NEXT_TIME):
            cursor.execute(statement, values)
    if remembered > MANY:
        target.count_anew(*FILLED)


def unsettled(run: Run) -> bool:
    """Whether anything was staged at all: an unchanged night has nothing to remember."""
    return bool(query("SELECT 1 FROM runs_staged WHERE run_id = %s LIMIT 1", [run.pk]))
