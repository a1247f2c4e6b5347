"""A run as the JSON that scripts rely on."""

from collections.abc import Iterable
from typing import Any

from homeroom.campus.people.models import Contact, Person
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
        "state": state_at(run, school),
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


def state_at(run: Run, school: School | None) -> str:
    """A run's state as one school sees it: a hold at another school is not its own."""
    if school is None or run.state != Run.State.HELD:
        return run.state
    held = Change.objects.filter(run=run, school=school, state="held").exists()
    return Run.State.HELD if held else Run.State.DONE


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


def changes(run: Run, school: School | None = None, most: int = 10_000) -> list[dict[str, Any]]:
    """The changes of a run, or of its part at one school, in order."""
    rows = Change.objects.filter(run=run)
    return describe_changes((rows.filter(school=school) if school else rows).order_by("id")[:most])


def describe_changes(rows: Iterable[Change]) -> list[dict[str, Any]]:
    """Rows of a plan as plain values, with the names of whom they mean; `said` are the fields in words."""
    chosen = list(rows)
    names = _names(chosen)
    schools = dict(School.objects.filter(pk__in={row.school_id for row in chosen}).values_list("pk", "name"))
    return [
        {
            "id": row.pk,
            "action": row.action,
            "subject": row.subject,
            "person": row.subject_id if row.subject == "person" else None,
            "name": names.get((row.subject, row.subject_id)) or _coming_name(row),
            "school": schools.get(row.school_id or 0, ""),
            "role": row.group or "",
            "sourced_id": row.sourced_id,
            "fields": row.fields,
            "said": said(row.fields),
            "reason": row.reason,
            "state": row.state,
        }
        for row in chosen
    ]


def _names(rows: list[Change]) -> dict[tuple[str, int], str]:
    wanted: dict[str, set[int]] = {"person": set(), "contact": set()}
    for row in rows:
        wanted[row.subject].add(row.subject_id)
    people = {("person", p.pk): str(p) for p in Person.objects.filter(pk__in=wanted["person"])}
    contacts = {("contact", c.pk): str(c) for c in Contact.objects.filter(pk__in=wanted["contact"])}
    return {**people, **contacts}


def _coming_name(row: Change) -> str:
    """The name of somebody who is not there yet, from what the plan will set."""
    parts = (row.fields.get(name, [None, ""])[1] for name in ("given_name", "family_name"))
    return " ".join(part for part in parts if part)


_WORDS = {"email": "e-mail"}


def said(fields: dict[str, list[Any]]) -> list[dict[str, str]]:
    """Fields with before and after, in words."""
    return [_said(name, *values) for name, values in fields.items() if name != "managed"]


def _said(name: str, before: Any, after: Any) -> dict[str, str]:
    if name == "guardians":
        before, after = (
            f"{len(side)} {'guardian' if len(side) == 1 else 'guardians'}" if side else ""
            for side in (before, after)
        )
    return {"name": _WORDS.get(name, name.replace("_", " ")), "before": before or "–", "after": after or "–"}
