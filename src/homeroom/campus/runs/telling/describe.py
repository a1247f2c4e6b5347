"""A run as the JSON that scripts rely on."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from homeroom.campus.people.models import Contact, Person
from homeroom.campus.people.target import query
from homeroom.campus.runs.by_hand.leaving_out import LEFT_OUT, MOOT
from homeroom.campus.runs.models import Approval, Change, ChangedRecord, Run, RunProblem, SchoolReport
from homeroom.campus.runs.reporting import waiting_by_action
from homeroom.campus.runs.telling.in_words import Telling
from homeroom.campus.schools.models import School
from homeroom.problems import Problem
from homeroom.sync.changes import State

MOST_PROBLEMS = 1000
_PASSWORD = re.compile(r'("password"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)


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
        "held": _held(run, held, school),
        "was_held": []
        if run.state == Run.State.HELD
        else [{**hold, "became": became(run, hold)} for hold in held],
        "causes": [cause for report in reports for cause in report.causes],
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


def _held(run: Run, holds: list[dict[str, Any]], school: School | None) -> dict[str, Any]:
    if run.state != Run.State.HELD or not holds:
        return {}
    return {
        "reason": " ".join(hold["reason"] for hold in holds),
        "counts": _by_group(holds),
        "holds": holds,
        "waiting": waiting_by_action(run, school),
        "approvals": [_approval(one) for one in run.approvals.select_related("by")],
    }


_BECAME = (
    "SELECT c.state, coalesce(a.email, 'the command line'), split_part(c.reason, ';', 1), count(*) FROM runs_change c "
    "LEFT JOIN accounts_account a ON a.id = c.decided_by_id WHERE c.run_id = %(run)s AND c.school_id = %(school)s "
    "AND c.subject = 'person' AND c.action = %(action)s AND (c.action = 'relink' OR c.\"group\" = %(group)s) GROUP BY 1, 2, 3"
)


def became(run: Run, hold: dict[str, Any]) -> str:
    """What became of that which was held: how many, and by whom."""
    told: Counter[str] = Counter()
    values = {"run": run.pk, **{name: hold[name] for name in ("school", "action", "group")}}
    for state, by, why, count in query(_BECAME, values):
        told[_end(state, by, why)] += count
    return ", ".join(f"{count} {words}" for words, count in sorted(told.items()) if words)


def _end(state: str, by: str, why: str) -> str:
    if state == State.DISCARDED and why.startswith(MOOT):
        return why
    if state == State.DISCARDED and why.startswith(LEFT_OUT):
        return f"left out by {by}"
    words = {
        State.APPLIED: "approved",
        State.UNDONE: "approved and undone later",
        State.DISCARDED: "discarded",
    }
    return f"{words[State(state)]} by {by}" if state in words else ""


def _by_group(holds: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for hold in holds:
        found[hold["group"]] = found.get(hold["group"], 0) + hold["count"]
    return found


def _approval(one: Approval) -> dict[str, Any]:
    """A first approval that waits for a second."""
    return {
        "school": one.school_id,
        "by": str(one.by) if one.by else "command line",
        "at": one.at.isoformat(),
        "removals": one.removals,
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
                "number": row.number,
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
    telling = Telling(chosen)
    bytes_ = _bytes(chosen)
    abouts = _abouts(chosen)
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
            "said": telling.said(row),
            "reason": row.reason,
            "state": row.state,
            "left_out": row.left_out,
            "about": abouts.get(row.pk, ""),
            "record": bytes_.get((row.run_id, row.sourced_id), ""),
        }
        for row in chosen
    ]


def _abouts(rows: list[Change]) -> dict[int, str]:
    """Of whom a removal is, for one who must decide: grade and number, as they are."""
    leaving = [row.pk for row in rows if row.action == "archive" and row.subject == "person"]
    text = (
        "SELECT c.id, m.grade, p.number FROM runs_change c JOIN people_person p ON p.id = c.subject_id LEFT JOIN people_membership m "
        'ON m.person_id = c.subject_id AND m.school_id = c.school_id AND m."group" = c."group" WHERE c.id = ANY(%s)'
    )
    found = query(text, [leaving]) if leaving else []
    return {
        id_: ", ".join([*([f"grade {grade}"] if grade else []), *([f"number {number}"] if number else [])])
        for id_, grade, number in found
    }


def _bytes(rows: list[Change]) -> dict[tuple[int | None, str], str]:
    """What the source sent of each record, by run and sourcedId."""
    kept = ChangedRecord.objects.filter(
        run__in={row.run_id for row in rows}, sourced_id__in={row.sourced_id for row in rows}
    )
    return {(one.run_id, one.sourced_id): _shown(bytes(one.raw)) for one in kept}


def _shown(raw: bytes) -> str:
    """A record as it came, but for a password that some servers send."""
    return _PASSWORD.sub(r'\1"•••"', raw.decode("utf-8", "replace"))


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
