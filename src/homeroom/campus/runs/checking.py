"""The last look before anything moves: removals over a limit wait for a person, and none comes from half a reading."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs.by_hand.leaving_out import MOOT, fall_because, wait_with_the_new
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change, Run, SchoolReport
from homeroom.campus.runs.signs import causes, missing_groups
from homeroom.campus.runs.staging import place_of, word
from homeroom.campus.schools.models import School
from homeroom.sync.changes import State
from homeroom.sync.narrow import LEFT_OUT
from homeroom.sync.roster import Place, RoleGroup
from homeroom.sync.rules import ACTIONS, SchoolRule, fingerprint
from homeroom.sync.safety import Hold, holds, vanished


class UnsafePlan(Exception):
    """A plan that must not be: removals without proof. It is a defect of ours, and nothing of it is carried out."""


def check(
    run: Run,
    rules: Mapping[int, SchoolRule],
    today: date,
    gone: Sequence[Place] = (),
    *,
    complete: bool,
    now: datetime,
) -> list[Hold]:
    """Holds what is over a limit, and lets older holds fall when this reading knows better. `gone` are the role groups that
    had people and of which the reading has none."""
    planned = _planned(run)
    removals = sum(count for (_, action), count in planned.items() if action == "archive")
    if removals and not complete:
        raise UnsafePlan(f"run {run.pk} planned {removals} removals from an incomplete reading")
    active = target.active_counts(run.connection_id, rules)
    found = holds(planned, active, {school: rule.policy for school, rule in rules.items()})
    said = [
        (hold, causes(run, hold, rules[hold.place.school].policy, planned, active, today)) for hold in found
    ]
    missing = missing_groups(gone, active)
    with fenced(run):
        if complete and not run.dry_run:
            _let_old_holds_fall(run, now)
        for hold in found:
            wait(run, hold)
        for school, rule in rules.items():
            held = [_held(hold, why) for hold, why in said if hold.place.school == school]
            known = {"held": held, "causes": missing.get(school, []), "policy": fingerprint((rule,))}
            SchoolReport.objects.update_or_create(run=run, school_id=school, defaults=known)
    return found


def _planned(run: Run) -> dict[tuple[Place, str], int]:
    """How many people each place would add, update and archive. One new to the school in two roles counts in both."""
    text = (
        'SELECT school_id, "group", action, count(*) FROM runs_change WHERE run_id = %s AND state = %s '
        "AND subject = 'person' AND action = ANY(%s) GROUP BY 1, 2, 3"
    )
    state = State.PREVIEWED if run.kind == Run.PREVIEW else State.PLANNED
    rows = query(text, [run.pk, state, list(ACTIONS)])
    return {(Place(school, RoleGroup(group)), action): count for school, group, action, count in rows}


def wait(run: Run, hold: Hold) -> None:
    """Has the changes of a hold wait, and whatever cannot be without them: the other places of somebody new."""
    planned = Change.objects.filter(run=run, state=State.PLANNED)
    here = planned.filter(
        school=hold.place.school, group=hold.place.group.value, action=hold.action, subject="person"
    )
    here.update(state=State.HELD)
    if hold.action == "add":
        wait_with_the_new(run)


def _held(hold: Hold, why: list[dict[str, Any]]) -> dict[str, Any]:
    said = asdict(hold)
    said.pop("place")
    return {"group": hold.place.group.value, **said, "causes": why}


def _let_old_holds_fall(run: Run, now: datetime) -> None:
    older = Run.objects.filter(connection=run.connection_id, pk__lt=run.pk)
    waiting = Change.objects.filter(run__in=older, state__in=(State.HELD, State.PLANNED))
    fall_because(waiting, f"{MOOT}{run.pk} is newer and complete, and planned anew", now)
    older.filter(state=Run.State.HELD).update(state=Run.State.DONE)


def vanished_places(run: Run, rules: Mapping[int, SchoolRule]) -> list[Place]:
    """Rostered places that had people and of which the source now has none, nor has their people elsewhere: the mark of a cut
    reading."""
    before = {
        place: count
        for place, count in target.active_counts(run.connection_id, rules).items()
        if rules[place.school].policy.of(place.group).roster
    }
    text = (
        "SELECT place, count(*) FROM (SELECT unnest(places) AS place FROM runs_staged WHERE run_id = %(run)s AND NOT absent "
        "UNION ALL SELECT unnest(places) FROM connections_sourcerecord record WHERE connection_id = %(connection)s AND NOT gone "
        "AND NOT EXISTS (SELECT FROM runs_staged s WHERE s.run_id = %(run)s AND s.sourced_id = record.sourced_id)) AS places GROUP BY 1"
    )
    values: Any = {"run": run.pk, "connection": run.connection_id}
    seen = {place_of(place): count for place, count in query(text, values)}
    return _unaccounted(run, vanished(before, seen))


# A record of tonight that tells where its person is: a member somewhere, left out by a rule of ours, or not to be understood.
_TELLS = "({0}.places <> '{{}}' OR {0}.verdict LIKE %(left_out)s)"
_UNACCOUNTED = (
    'SELECT DISTINCT m.school_id, m."group" FROM people_membership m WHERE m.managed_by = %(connection)s AND m.ended_at IS NULL '
    "AND (m.school_id || ':' || m.\"group\") = ANY(%(empty)s) AND NOT EXISTS (SELECT FROM connections_sourcerecord record "
    "LEFT JOIN runs_staged staged ON staged.run_id = %(run)s AND staged.sourced_id = record.sourced_id "
    "WHERE record.connection_id = %(connection)s AND record.person_id = m.person_id "
    f"AND CASE WHEN staged.id IS NULL THEN NOT record.gone AND {_TELLS.format('record')} "
    f"ELSE NOT staged.absent AND (staged.facts IS NULL OR {_TELLS.format('staged')}) END)"
)


def _unaccounted(run: Run, empty: list[Place]) -> list[Place]:
    """Of the places of which nobody came, those of somebody who did not come at all. Where each of them came in another
    role, or at another school of ours, nobody is missing."""
    values: Any = {
        "run": run.pk,
        "connection": run.connection_id,
        "empty": [word(place) for place in empty],
        "left_out": f"{LEFT_OUT}%",
    }
    found = (
        {Place(school, RoleGroup(group)) for school, group in query(_UNACCOUNTED, values)} if empty else set()
    )
    return [place for place in empty if place in found]


def vanished_reasons(places: Sequence[Place]) -> list[str]:
    """Why a reading in which whole groups are missing proves nothing."""
    names = dict(School.objects.filter(pk__in=[place.school for place in places]).values_list("pk", "name"))
    return [
        f"{place.group.value} of {names[place.school]}: there were people, now there is not one"
        for place in places
    ]
