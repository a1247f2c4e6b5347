"""The last look before anything moves: removals over a limit wait for a person, and none comes from half a reading."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from homeroom.campus.people import target
from homeroom.campus.people.target import query
from homeroom.campus.runs.lock import fenced
from homeroom.campus.runs.models import Change, Run, SchoolReport
from homeroom.campus.schools.models import School
from homeroom.sync.changes import State
from homeroom.sync.roster import Place, RoleGroup
from homeroom.sync.rules import SchoolRule
from homeroom.sync.safety import Hold, holds


class UnsafePlan(Exception):
    """A plan that must not be: removals without proof. It is a defect of ours, and nothing of it is carried out."""


def check(run: Run, rules: Mapping[int, SchoolRule], *, complete: bool, now: datetime) -> list[Hold]:
    """Holds what is over a limit, and lets older holds fall when this reading knows better."""
    archives = _archives(run)
    if archives and not complete:
        raise UnsafePlan(f"run {run.pk} planned {sum(archives.values())} removals from an incomplete reading")
    active = target.active_counts(run.connection_id, rules)
    found = holds(archives, active, {school: rule.policy for school, rule in rules.items()})
    with fenced(run):
        if complete and not run.dry_run:
            _let_old_holds_fall(run, now)
        for hold in found:
            planned = Change.objects.filter(run=run, state=State.PLANNED, action="archive")
            planned.filter(school=hold.place.school, group=hold.place.group.value).update(state=State.HELD)
        for school in rules:
            SchoolReport.objects.update_or_create(
                run=run,
                school_id=school,
                defaults={"held": [_held(hold) for hold in found if hold.place.school == school]},
            )
    return found


def _archives(run: Run) -> dict[Place, int]:
    text = (
        "SELECT school_id, \"group\", count(*) FROM runs_change WHERE run_id = %s AND action = 'archive' AND state = 'planned' "
        "GROUP BY 1, 2"
    )
    return {Place(school, RoleGroup(group)): count for school, group, count in query(text, [run.pk])}


def _held(hold: Hold) -> dict[str, object]:
    said = asdict(hold)
    said.pop("place")
    return {"group": hold.place.group.value, **said}


def _let_old_holds_fall(run: Run, now: datetime) -> None:
    older = Run.objects.filter(connection=run.connection_id, pk__lt=run.pk)
    waiting = Change.objects.filter(run__in=older, state__in=(State.HELD, State.PLANNED))
    waiting.update(state=State.DISCARDED, decided_at=now, reason="a newer run decided anew")
    older.filter(state=Run.State.HELD).update(state=Run.State.DONE)


def vanished_reasons(places: Sequence[Place]) -> list[str]:
    """Why a reading in which whole groups are missing proves nothing."""
    names = dict(School.objects.filter(pk__in=[place.school for place in places]).values_list("pk", "name"))
    return [
        f"{place.group.value} of {names[place.school]}: there were people, now there is not one"
        for place in places
    ]
