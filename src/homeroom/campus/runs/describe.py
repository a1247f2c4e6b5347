"""A run as the JSON that scripts rely on."""

from typing import Any

from homeroom.campus.people.models import Person
from homeroom.campus.runs.models import Change, Run, RunProblem, SchoolReport
from homeroom.campus.schools.models import School
from homeroom.problems import Problem

MOST_PROBLEMS = 1000


def describe(run: Run, school: School | None = None) -> dict[str, Any]:
    """A run, or its part at one school: run, state, complete, evidence, counts, held, problems, seconds, read."""
    reports = SchoolReport.objects.filter(run=run)
    reports = reports.filter(school=school) if school else reports
    held = [{"school": report.school_id, **hold} for report in reports for hold in report.held]
    own = reports.first() if school else None
    return {
        "run": run.pk,
        "kind": run.kind,
        "state": run.state,
        "complete": run.complete,
        "incomplete_because": run.incomplete_because,
        "evidence": run.evidence,
        "counts": own.counts if own and own.counts else run.counts,
        "held": _held(run, held),
        "problems": problems(run),
        "seconds": seconds(run),
        "read": _read(run),
        "message": run.message,
        "cure": run.error_cure,
    }


def _held(run: Run, holds: list[dict[str, Any]]) -> dict[str, Any]:
    if run.state != Run.State.HELD or not holds:
        return {}
    return {
        "reason": " ".join(hold["reason"] for hold in holds),
        "counts": {f"{hold['group']}": hold["count"] for hold in holds},
    }


def problems(run: Run) -> list[dict[str, Any]]:
    """The first thousand problems of a run, each with message and cure."""
    found = []
    for row in RunProblem.objects.filter(run=run).order_by("code", "id")[:MOST_PROBLEMS]:
        problem = Problem(row.code, row.where, row.sourced_id or None, row.field or None, detail=row.detail)
        found.append(
            {
                "code": row.code,
                "endpoint": row.where,
                "sourced_id": row.sourced_id,
                "field": row.field,
                "message": problem.message,
                "cure": problem.cure,
            }
        )
    return found


def seconds(run: Run) -> float:
    """How long a run took, or 0 while it has not ended."""
    if run.started_at is None or run.finished_at is None:
        return 0.0
    return round((run.finished_at - run.started_at).total_seconds(), 2)


def _read(run: Run) -> dict[str, int]:
    proofs = list(run.evidence.values())
    return {
        "bytes": sum(proof["bytes"] for proof in proofs),
        "requests": sum(proof["requests"] for proof in proofs),
        "records": sum(proof["received"] for proof in proofs),
    }


def changes(run: Run, most: int = 10_000) -> list[dict[str, Any]]:
    """The changes of a run, in order."""
    rows = list(Change.objects.filter(run=run).select_related("school")[:most])
    names = {
        p.pk: str(p)
        for p in Person.objects.filter(pk__in={r.subject_id for r in rows if r.subject == "person"})
    }
    return [
        {
            "id": row.pk,
            "action": row.action,
            "subject": row.subject,
            "person": row.subject_id if row.subject == "person" else None,
            "name": names.get(row.subject_id, "") if row.subject == "person" else "",
            "school": row.school.name if row.school else "",
            "role": row.group,
            "sourced_id": row.sourced_id,
            "fields": row.fields,
            "reason": row.reason,
            "state": row.state,
        }
        for row in rows
    ]
