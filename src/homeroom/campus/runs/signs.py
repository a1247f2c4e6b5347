"""The signs by which a hold is told: counted in the plan, the directory and the readings, set-based."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from homeroom.campus.people.target import query
from homeroom.campus.runs.models import Run
from homeroom.campus.schools.models import School
from homeroom.sync.causes import Cause, Signs, group_missing, probable, whole_school
from homeroom.sync.grade_order import highest, rank
from homeroom.sync.leaving import ELSEWHERE
from homeroom.sync.narrow import LEFT_OUT, MARKED
from homeroom.sync.roster import Place
from homeroom.sync.rules import Policy
from homeroom.sync.safety import Hold

Counts = Mapping[tuple[Place, str], int]
_HERE = "c.run_id = %(run)s AND c.school_id = %(school)s AND c.\"group\" = %(group)s AND c.subject = 'person'"


def causes(
    run: Run, hold: Hold, policy: Policy, planned: Counts, active: Mapping[Place, int], today: date
) -> list[dict[str, Any]]:
    """What a hold probably is; only removals need an explanation that is not in their number."""
    if hold.action != "archive":
        return []
    return [asdict(cause) for cause in probable(_signs(run, hold, policy, planned, active, today))]


def _signs(
    run: Run, hold: Hold, policy: Policy, planned: Counts, active: Mapping[Place, int], today: date
) -> Signs:
    place = hold.place
    values = {"run": run.pk, "school": place.school, "group": place.group.value}
    others = [other for other in active if other.school == place.school and other != place]
    down, up = _ways(values)
    return Signs(
        place.group,
        hold.count,
        hold.of,
        today,
        grades=dict(query(_GRADES, values)),
        top_grade=highest([grade for (grade,) in query(_ALL_GRADES, values)]),
        year_end=policy.year_end,
        namesakes=_number(_NAMESAKES, values),
        moved=_number(_BECAUSE, {**values, "because": ELSEWHERE}),
        marked=_number(_BECAUSE, {**values, "because": MARKED}),
        ruled=_number(_BECAUSE, {**values, "because": LEFT_OUT}),
        rest=sum(active[other] for other in others),
        rest_leaving=sum(planned.get((other, "archive"), 0) for other in others),
        received=_received(run.evidence),
        before=_before(run),
        down=down,
        up=up,
        back=_number(_BACK, values),
    )


_GRADES = (
    "SELECT m.grade, count(*) FROM runs_change c JOIN people_membership m ON m.person_id = c.subject_id AND m.school_id = c.school_id "
    f'AND m."group" = c."group" WHERE {_HERE} AND c.action = \'archive\' GROUP BY 1'
)
_ALL_GRADES = (
    'SELECT DISTINCT grade FROM people_membership WHERE school_id = %(school)s AND "group" = %(group)s AND ended_at IS NULL '
    "AND managed_by IS NOT NULL"
)
_NAMESAKES = (
    "SELECT count(DISTINCT c.subject_id) FROM runs_change c JOIN people_person p ON p.id = c.subject_id "
    'JOIN runs_change n ON n.run_id = c.run_id AND n.school_id = c.school_id AND n."group" = c."group" AND n.action = \'add\' '
    "AND n.new AND lower(n.fields->'given_name'->>1) = lower(p.given_name) "
    f"AND lower(n.fields->'family_name'->>1) = lower(p.family_name) WHERE {_HERE} AND c.action = 'archive'"
)
_BECAUSE = f"SELECT count(*) FROM runs_change c WHERE {_HERE} AND c.action = 'archive' AND starts_with(c.reason, %(because)s)"
_BACK = f"SELECT count(*) FROM runs_change c WHERE {_HERE} AND c.action = 'restore'"
_GRADE_CHANGES = (
    "SELECT c.fields->'grade'->>0, c.fields->'grade'->>1, count(*) FROM runs_change c "
    f"WHERE {_HERE} AND c.action IN ('update', 'skip') AND c.fields ? 'grade' GROUP BY 1, 2"
)


_PAIRS = (
    "SELECT c.subject_id, c.sourced_id, n.sourced_id, coalesce(n.fields->'number'->>1, ''), coalesce(n.fields->'email'->>1, ''), c.state "
    "FROM runs_change c JOIN people_person p ON p.id = c.subject_id JOIN runs_change n ON n.run_id = c.run_id "
    "AND n.school_id = c.school_id AND n.\"group\" = c.\"group\" AND n.subject = 'person' AND n.action = 'add' AND n.new "
    "AND lower(n.fields->'given_name'->>1) = lower(p.given_name) AND lower(n.fields->'family_name'->>1) = lower(p.family_name) "
    "WHERE c.run_id = %(run)s AND c.school_id = %(school)s AND c.subject = 'person' AND c.action = 'archive' "
    "ORDER BY p.family_name, p.given_name, c.subject_id, n.id LIMIT %(most)s"
)


def namesakes(run: Run, school: School, most: int) -> list[tuple[Any, ...]]:
    """Whom a run archives beside whoever it adds under the same name: (person, old id, new id, new number, new e-mail, state)."""
    return list(query(_PAIRS, {"run": run.pk, "school": school.pk, "most": most}))


def _number(text: str, values: dict[str, Any]) -> int:
    return int(query(text, values)[0][0])


def _ways(values: dict[str, Any]) -> tuple[int, int]:
    """How many students' grade goes down, and how many go up."""
    down = up = 0
    for before, after, count in query(_GRADE_CHANGES, values):
        old, new = rank(before or ""), rank(after or "")
        if old is not None and new is not None:
            down, up = (down + count, up) if new < old else (down, up + count)
    return down, up


def _received(evidence: dict[str, Any]) -> int:
    return sum(
        int(proof["received"])
        for name, proof in evidence.items()
        if name != "orgs" and proof.get("people", True)
    )


def _before(run: Run) -> int | None:
    """How many people the last complete reading had, if it read the same lists."""
    older = Run.objects.filter(connection=run.connection_id, pk__lt=run.pk, complete=True, undoes=None)
    last = older.exclude(evidence={}).order_by("-id").values_list("evidence", flat=True).first()
    return _received(last) if last and last.keys() == run.evidence.keys() else None


def missing_groups(places: Sequence[Place], active: Mapping[Place, int]) -> dict[int, list[dict[str, Any]]]:
    """By school, what it probably is that whole role groups are missing; such a reading archives nobody."""
    found: dict[int, list[dict[str, Any]]] = {}
    for school in {place.school for place in places}:
        gone = [place for place in places if place.school == school]
        there = [place for place, count in active.items() if place.school == school and count]
        found[school] = [asdict(cause) for cause in _missing(gone, there, active)]
    return found


def _missing(gone: list[Place], there: list[Place], active: Mapping[Place, int]) -> list[Cause]:
    if len(gone) == len(there) > 1:
        people = sum(active[place] for place in there)
        return [whole_school(f"There were {people:,} people of this school, now there is not one")]
    return [
        group_missing(
            place.group.value, f"There were {active[place]:,} {place.group.value}, now there is not one"
        )
        for place in gone
    ]
