"""Taking a run back: first what would come back and what would be left, then the button."""

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from homeroom.campus.people.models import Person
from homeroom.campus.runs.by_hand import decide as decisions
from homeroom.campus.runs.lock import AlreadyRunning, Fenced
from homeroom.campus.runs.models import Change, Run
from homeroom.campus.runs.telling.describe import describe_changes
from homeroom.campus.runs.undoing import MOST_SHOWN, Part, preview
from homeroom.campus.runs.views.runs import run_of
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, at_school

MOST_FOUND = 50
DONE = "Undone. This run did it; it can be undone too."


@at_school(ROSTERING)
def undo(request: SchoolRequest, run_id: int) -> HttpResponse:
    """What an undo of this school's part would do, by POST does it. Query and form: person (ids; none means all), q (words)."""
    one = run_of(request, run_id)
    chosen = _chosen(request, one)
    if request.method == "POST":
        return _done(request, one, chosen)
    seen = preview(Part(one.pk, request.school.pk, tuple(person.pk for person in chosen)))
    why = {change.pk: reason for change, reason in seen.left}
    left = [
        {**row, "conflict": why[row["id"]]} for row in describe_changes(change for change, _ in seen.left)
    ]
    shown = {
        "tab": "runs", "area": "rostering", "run": one, "seen": seen, "total": sum(seen.counts.values()),
        "left": left, "most": MOST_SHOWN, "chosen": chosen, "found": _found(request, one, chosen),
    }  # fmt: skip
    return render(request, "runs/undo.html", shown)


def _done(request: SchoolRequest, one: Run, chosen: list[Person]) -> HttpResponse:
    people = [person.pk for person in chosen]
    try:
        one = decisions.undo(one, request.user, timezone.now, request.school, people)
        messages.success(request, DONE)
    except (decisions.CannotDecide, AlreadyRunning, Fenced) as wrong:
        messages.warning(request, str(wrong))
    return redirect("run", school_id=request.school.pk, run_id=one.pk)


def _chosen(request: SchoolRequest, one: Run) -> list[Person]:
    """The people who were ticked. Raises `Http404` when the run did nothing to one of them at this school."""
    said = request.POST if request.method == "POST" else request.GET
    ids = {int(word) for word in said.getlist("person") if word.isdigit()}
    found = list(_people(request, one).filter(pk__in=ids)) if ids else []
    if len(found) != len(ids):
        raise Http404("The run did nothing to one of these people at this school.")
    return found


def _people(request: SchoolRequest, one: Run) -> QuerySet[Person]:
    touched = Change.objects.filter(run=one, school=request.school, subject="person").values("subject_id")
    return Person.objects.filter(district=request.school.district, pk__in=touched)


def _found(request: SchoolRequest, one: Run, chosen: list[Person]) -> list[Person]:
    words = request.GET.get("q", "").split()
    if not words:
        return []
    people = _people(request, one).exclude(pk__in=[person.pk for person in chosen])
    for word in words:
        people = people.filter(
            Q(given_name__icontains=word) | Q(family_name__icontains=word) | Q(number=word)
        )
    return list(people.order_by("family_name", "given_name")[:MOST_FOUND])
