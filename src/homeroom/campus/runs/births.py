"""Birth dates in a run, where a connection lets them help: asked for only of students whom the rules let through and of whom
no mark is there yet, marked, and let fall. On an ordinary night nobody is left to ask for.

Whatever goes wrong here is a problem in the report. It makes no reading incomplete, and changes nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import connection

from homeroom.campus.connections.births import NOT_SAID, key_of, mark, name_of, wipe
from homeroom.campus.connections.models import Connection
from homeroom.campus.people.target import query
from homeroom.campus.runs.known import facts
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Run, Staged
from homeroom.campus.runs.progress import Progress
from homeroom.campus.runs.reading import Reading
from homeroom.campus.runs.rekeys import may_be, schools_now
from homeroom.problems import Problem
from homeroom.sync.births import is_birth
from homeroom.sync.narrow import by_org, narrow
from homeroom.sync.reading import Birth, Source
from homeroom.sync.roster import RoleGroup
from homeroom.sync.rules import SchoolRule

AT_ONCE = 1000
UNLIKELY = "a day on which nobody at a school was born"


def take_in(
    run: Run, source: Source, found: Reading, rules: Sequence[SchoolRule], today: date, progress: Progress
) -> None:
    """Asks for what is missing, and keeps the marks with the staged records and with those that are somebody's."""
    if not Connection.objects.filter(pk=run.connection_id, births=True).exists():
        return
    _renew_key(run)
    wanted, key = _wanted(run, found, rules, today), key_of(run.connection_id)
    before, answered = len(source.problems), 0
    for some in _batches(source.births(wanted) if wanted else iter(())):
        answered += _keep(run, [_marked(key, born, today, found) for born in some])
        progress.tell("reading birth dates", answered, len(wanted))
    found.problems.add(source.problems[before:])
    if not run.dry_run:
        _note_owed(run, owed=answered < len(wanted))


def still_wanted(run: Run) -> bool:
    """Whether marks may be kept, asked within the transaction that keeps them: whoever switches them off waits for its end,
    and then finds them all to wipe."""
    text = "SELECT births AND births_key = %s FROM connections_connection WHERE id = %s FOR SHARE"
    return bool(query(text, [name_of(key_of(run.connection_id)), run.connection_id])[0][0])


def forget(run: Run) -> None:
    """Takes the marks away from records that were only laid out to be decided on."""
    with fenced(run):
        Staged.objects.filter(run=run, birth__isnull=False).update(birth=None)


def _renew_key(run: Run) -> None:
    """Marks made under a key that the installation no longer has compare with nothing: they are made anew."""
    name = name_of(key_of(run.connection_id))
    with fenced(run):
        if Connection.objects.filter(pk=run.connection_id, births=True).exclude(births_key=name).exists():
            wipe(run.connection_id, name)


def _note_owed(run: Run, *, owed: bool) -> None:
    name = name_of(key_of(run.connection_id))
    Connection.objects.filter(pk=run.connection_id, births_key=name).exclude(births_owed=owed).update(
        births_owed=owed
    )


def students(places: str) -> str:
    """Whether somebody of these places is a student at one of them, as SQL."""
    return f"array_to_string({places}, ' ') LIKE '%%:{RoleGroup.STUDENTS.value}%%'"


_STAGED = (
    "FROM runs_staged staged LEFT JOIN connections_sourcerecord record ON record.connection_id = %(source)s "
    "AND record.sourced_id = staged.sourced_id WHERE staged.run_id = %(run)s AND staged.facts IS NOT NULL AND (record.birth IS NULL "
    # Of whom the SIS had no birth date, it may have one when something else of the record has changed.
    "OR (record.birth = '' AND record.fingerprint IS DISTINCT FROM staged.fingerprint))"
)
_NEW = f"SELECT staged.sourced_id {_STAGED} AND {students('staged.places')}"
_ELSEWHERE = f"SELECT staged.sourced_id, staged.facts {_STAGED} AND staged.student AND staged.places = '{{}}'"
_OWED = (
    "SELECT sourced_id FROM connections_sourcerecord record WHERE connection_id = %(source)s AND birth IS NULL AND NOT gone "
    f"AND person_id IS NOT NULL AND {students('record.places')} "
    "AND NOT EXISTS (SELECT FROM runs_staged s WHERE s.run_id = %(run)s AND s.sourced_id = record.sourced_id) "
    "AND NOT EXISTS (SELECT FROM runs_unseen s WHERE s.run_id = %(run)s AND s.sourced_id = record.sourced_id)"
)


def _wanted(run: Run, found: Reading, rules: Sequence[SchoolRule], today: date) -> set[str]:
    values = {"source": run.connection_id, "run": run.pk}
    wanted = {id_ for (id_,) in query(_NEW, values)}
    if Connection.objects.filter(pk=run.connection_id, births_owed=True).exists():
        wanted |= {id_ for (id_,) in query(_OWED, values)}
    return wanted | (_at_moved_schools(run, found, rules, today) if found.missing else set())


def _at_moved_schools(run: Run, found: Reading, rules: Sequence[SchoolRule], today: date) -> set[str]:
    """Whom the rules would let through at a school that has vanished and is there again under a new id."""
    orgs = {school: org.sourced_id for school, (_, org) in schools_now(run, found).items() if org is not None}
    if not orgs or not may_be(run, found):
        return set()
    moved = by_org([replace(rule, org=orgs[rule.school]) for rule in rules if rule.school in orgs])
    wanted = set()
    for sourced_id, said in query(_ELSEWHERE, {"source": run.connection_id, "run": run.pk}):
        entry = narrow(facts(bytes(said)), moved, today).entry
        if entry is not None and any(place.group is RoleGroup.STUDENTS for place in entry.places):
            wanted.add(sourced_id)
    return wanted


def _batches(pages: Iterator[list[Birth]]) -> Iterator[list[Birth]]:
    waiting: list[Birth] = []
    for page in pages:
        waiting += page
        if len(waiting) >= AT_ONCE:
            yield waiting
            waiting = []
    yield waiting


def _marked(key: bytes, born: Birth, today: date, found: Reading) -> tuple[str, bytes]:
    if not born.day:
        return born.sourced_id, NOT_SAID
    if not is_birth(born.day, today):
        problem = Problem("unreadable_date", "demographics", born.sourced_id, "birthDate", detail=UNLIKELY)
        found.problems.add([problem])
        return born.sourced_id, NOT_SAID
    return born.sourced_id, mark(key, born.day)


_KEEP = "FROM unnest(%(ids)s::text[], %(marks)s::bytea[]) AS said(id, birth)"
_KEEP_STAGED = f"UPDATE runs_staged AS staged SET birth = said.birth {_KEEP} WHERE run_id = %(run)s AND sourced_id = said.id"
_KEEP_RECORDS = (
    f"UPDATE connections_sourcerecord AS record SET birth = said.birth {_KEEP} WHERE connection_id = %(source)s "
    "AND sourced_id = said.id AND person_id IS NOT NULL AND NOT gone"
)


def _keep(run: Run, marks: list[tuple[str, bytes]]) -> int:
    """Keeps some marks, unless they were switched off meanwhile; how many people were answered for."""
    values: dict[str, Any] = {
        "run": run.pk,
        "source": run.connection_id,
        "ids": [sourced_id for sourced_id, _ in marks],
        "marks": [birth for _, birth in marks],
    }
    with fenced(run), connection.cursor() as cursor:
        if marks and still_wanted(run):
            cursor.execute(_KEEP_STAGED, values)
            if not run.dry_run:
                cursor.execute(_KEEP_RECORDS, values)
    return len(marks)
