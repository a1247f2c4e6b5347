"""Approve all but …: which waiting changes an approval passes by, and what becomes of them. Set-based, by whole people.

Who is left out of a removal stays from then on: the membership is no longer in the sync's care, or the very next night, under
every limit, would archive them after all. Additions and updates that are left out are only not made this time.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Value
from django.db.models.functions import Concat, Left

from homeroom.campus.people.target import query
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.schools.models import School
from homeroom.sync.changes import State
from homeroom.web.accounts.models import Account

WAITING = (State.HELD, State.PLANNED)
LEFT_OUT = "left out of the approval: "
STAYS = f"{LEFT_OUT}stays, and no sync archives them"
NOT_NOW = f"{LEFT_OUT}the next sync asks anew"
MOOT = "not carried out: run "


def waiting(run: Run, school: School | None = None) -> QuerySet[Change]:
    """The changes of a run, or of its part at one school, that wait for a person."""
    found = Change.objects.filter(run=run, state__in=WAITING)
    return found.filter(school=school) if school is not None else found


def leave_out(run: Run, school: School | None, people: Collection[int], *, out: bool) -> int:
    """Marks all that waits of some people, by id, as left out or as taken in again; how many changes."""
    mine = waiting(run, school).filter(subject="person", subject_id__in=people)
    return mine.exclude(action="skip").update(left_out=out)


def leave_everybody_out(run: Run, school: School | None) -> None:
    """Marks everything that waits as left out, for one who means to choose a few."""
    waiting(run, school).filter(subject="person").exclude(action="skip").update(left_out=True)


def leave_out_these(found: QuerySet[Change], run: Run, school: School, *, out: bool) -> int:
    """The same for everybody among the changes found, such as by a filter of the page."""
    people = found.filter(subject="person", state__in=WAITING).values("subject_id")
    return (
        waiting(run, school)
        .filter(subject="person", subject_id__in=people)
        .exclude(action="skip")
        .update(left_out=out)
    )


def digest(run: Run, school: School) -> str:
    """Names what is left out, so that two approvals are known to be of the same."""
    text = (
        "SELECT md5(coalesce(string_agg(id::text, ',' ORDER BY id), '')) FROM runs_change "
        "WHERE run_id = %s AND school_id = %s AND left_out AND state IN ('held', 'planned')"
    )
    return str(query(text, [run.pk, school.pk])[0][0])


def let_fall(run: Run, school: School | None, by: int | None, now: datetime) -> None:
    """Discards what is left out, and whatever cannot be without it."""
    values = {"run": run.pk, "school": school.pk if school else None, "by": by, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_STAYS, values)
        cursor.execute(_FALL, values)
    fall_with_the_new(run, by, now)


_MINE = "c.run_id = %(run)s AND c.left_out AND c.state IN ('held', 'planned') AND (%(school)s::bigint IS NULL OR c.school_id = %(school)s)"
_STAYS = (
    "UPDATE people_membership AS held SET managed_by = NULL, missing_runs = 0, missing_since = NULL FROM runs_change c "
    f"WHERE {_MINE} AND c.action = 'archive' AND held.person_id = c.subject_id AND held.school_id = c.school_id "
    'AND held."group" = c."group"'
)
_FALL = (
    f"UPDATE runs_change AS c SET state = 'discarded', decided_at = %(now)s, decided_by_id = %(by)s, "
    f"reason = left(CASE c.action WHEN 'archive' THEN '{STAYS}; ' ELSE '{NOT_NOW}; ' END || c.reason, 500) WHERE {_MINE}"
)


def fall_because(found: QuerySet[Change], why: str, now: datetime, by: Account | None = None) -> None:
    """Discards what waits; why it was planned stays to be read after why it fell."""
    reason = Left(Concat(Value(f"{why}; "), "reason"), 500)
    found.update(state=State.DISCARDED, decided_at=now, decided_by=by, reason=reason)


def wait_with_the_new(run: Run) -> None:
    """What is planned of people and contacts who wait waits with them: nobody is at a place before they are anybody, and a
    guardian's details do not come in before the student's."""
    _follow(_WAIT, {"run": run.pk})


def fall_with_the_new(run: Run, by: int | None, now: datetime) -> None:
    """What waits of people whose making was discarded falls too, and the contacts whom nobody names any more."""
    _follow(_FALL_TOO, {"run": run.pk, "by": by, "now": now})


def _follow(statements: tuple[str, ...], values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values)


def _new(state: str) -> str:
    return f"SELECT subject_id FROM runs_change WHERE run_id = %(run)s AND state = '{state}' AND subject = 'person' AND new"


def _named(*states: str) -> str:
    """That somebody in one of these states names the contact `c`. EXISTS, so that PostgreSQL joins by hash and stays linear."""
    among = ", ".join(f"'{state}'" for state in states)
    return (
        "EXISTS (SELECT FROM runs_change p, jsonb_array_elements(p.fields->'guardians'->1) said "
        "WHERE p.run_id = %(run)s AND p.subject = 'person' AND p.action <> 'skip' AND p.fields ? 'guardians' "
        f"AND p.state IN ({among}) AND said->>'sourced_id' = c.sourced_id)"
    )


_CONTACT = "c.subject = 'contact' AND c.action = 'add'"
_WAIT = (
    "UPDATE runs_change c SET state = 'held' WHERE c.run_id = %(run)s AND c.state = 'planned' AND c.subject = 'person' "
    f"AND c.subject_id IN ({_new('held')})",
    f"UPDATE runs_change c SET state = 'held' WHERE c.run_id = %(run)s AND c.state = 'planned' AND {_CONTACT} "
    f"AND {_named('held')} AND NOT {_named('planned')}",
)
_FALLEN = (
    "UPDATE runs_change c SET state = 'discarded', decided_at = %(now)s, decided_by_id = %(by)s, "
    "reason = left('not carried out: {why}; ' || c.reason, 500) WHERE c.run_id = %(run)s AND c.state IN ('held', 'planned') AND "
)
_FALL_TOO = (
    _FALLEN.replace("{why}", "the person was not let in")
    + f"c.subject = 'person' AND c.subject_id IN ({_new('discarded')})",
    _FALLEN.replace("{why}", "no student of theirs was let in")
    + f"{_CONTACT} AND {_named('discarded')} AND NOT {_named('held', 'planned', 'applied')}",
)
