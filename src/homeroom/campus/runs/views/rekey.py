"""A re-key on a run's page: what speaks for it, a sample to check, and one decision about all of it. Where only names speak for
it nothing can be relinked: then the page shows who would leave beside whom of the same name, and what to do."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from homeroom.campus.people.models import Contact, Person
from homeroom.campus.runs import rekeys
from homeroom.campus.runs.by_hand import decide as decisions
from homeroom.campus.runs.lock import AlreadyRunning
from homeroom.campus.runs.models import Change, Rekey, Run
from homeroom.campus.runs.signs import namesakes
from homeroom.campus.runs.telling.describe import describe_changes, state_at
from homeroom.campus.runs.views.runs import run_of
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school
from homeroom.sync.changes import Action, State
from homeroom.web.spreadsheet import download

SAMPLE = 10
MOST = 10_000  # pairs of one name
COLUMNS = ("Name", "Kind", "Number", "E-mail", "Old id", "New id", "Same", "State")
OTHERS = "Kept: they are other people. The next sync adds them; those whose ids are gone are archived as the policy and its limits say."


@at_school(ROSTERING)
def rekey(request: SchoolRequest, run_id: int) -> HttpResponse:
    """The evidence and a sample, the least sure first. Query: format=csv (everybody). POST: they are other people."""
    one = run_of(request, run_id)
    found = Change.objects.filter(run=one, school=request.school, action=Action.RELINK).order_by("id")
    if request.method == "POST":
        return _other_people(request, one)
    alike = [] if found.exists() else _alike(namesakes(one, request.school, MOST))
    if request.GET.get("format") == "csv":
        return download(f"re-key-of-run-{run_id}", COLUMNS, map(_line, alike or _rows(found)))
    kept = Rekey.objects.filter(run=one, school=request.school).first()
    people = found.filter(subject="person")
    shown = {
        "tab": "runs", "area": "rostering", "run": one, "state": state_at(one, request.school), "rekey": kept,
        "evidence": rekeys.evidence(kept) if kept else None, "sample": _rows(_sample(people)),
        "contacts": _rows(found.filter(subject="contact")[:SAMPLE]), "waiting": found.filter(state=State.HELD).count(),
        "alike": alike[:SAMPLE * 2], "many_alike": len(alike),
        "alike_waits": any(row["state"] == State.HELD for row in alike),
    }  # fmt: skip
    return render(request, "runs/rekey.html", shown)


def _alike(pairs: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Pairs of one name: somebody who would leave, and the new one."""
    people = Person.objects.in_bulk([person for person, *_ in pairs])
    return [
        {
            "name": str(people[person]),
            "subject": "person",
            "person": person,
            "held": people[person],
            "before": before,
            "after": after,
            "same": f"name; the new one has {_signs(number, email)}",
            "state": state,
        }
        for person, before, after, number, email, state in pairs
    ]


def _signs(number: str, email: str) -> str:
    said = [f"number {number}" if number else "", f"e-mail {email}" if email else ""]
    return " and ".join(filter(None, said)) or "neither number nor e-mail"


def _sample(people: QuerySet[Change]) -> list[Change]:
    """The first of the list, which are the least sure, and some spread evenly over the rest."""
    ids = list(people.values_list("pk", flat=True))
    rest = ids[SAMPLE:]
    return list(people.filter(pk__in=[*ids[:SAMPLE], *rest[:: max(len(rest) // SAMPLE, 1)][:SAMPLE]]))


def _rows(found: Sequence[Change] | QuerySet[Change]) -> list[dict[str, Any]]:
    rows = describe_changes(found)
    people = Person.objects.in_bulk([row["person"] for row in rows if row["person"]])
    contacts = Contact.objects.in_bulk([change.subject_id for change in found if change.subject == "contact"])
    for row, change in zip(rows, found, strict=True):
        row["held"] = people.get(change.subject_id) if row["person"] else contacts.get(change.subject_id)
        row["before"], row["after"] = change.fields["sourced_id"]
        row["same"] = change.reason.rpartition("new id in the SIS: ")[2]
    return rows


def _line(row: dict[str, Any]) -> list[Any]:
    held = row["held"]
    number, email = getattr(held, "number", ""), getattr(held, "email", "")
    return [
        row["name"],
        row["subject"],
        number,
        email,
        row["before"],
        row["after"],
        row["same"],
        row["state"],
    ]


def _other_people(request: SchoolRequest, one: Run) -> HttpResponse:
    """All that wait here are somebody else: remembered, and the proposal falls."""
    now = timezone.now()
    try:
        rekeys.other_people(one, request.school, request.user, now)
        decisions.discard(one, request.user, timezone.now, request.school)
        messages.success(request, OTHERS)
    except (decisions.CannotDecide, AlreadyRunning) as wrong:
        messages.warning(request, str(wrong))
    return redirect("run", school_id=request.school.pk, run_id=one.pk)
