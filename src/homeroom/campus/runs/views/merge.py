"""Merging a person with another, splitting one, and taking either back, on pages."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from homeroom.campus.connections.models import SourceRecord
from homeroom.campus.people.models import Membership, Person
from homeroom.campus.runs.by_hand import merging
from homeroom.campus.runs.models import Change
from homeroom.campus.runs.reparse import said_by
from homeroom.campus.schools.access import ROSTERING, SchoolRequest, Visitor, at_school, schools_of
from homeroom.sync.changes import State

MOST_FOUND = 20
FIELDS = (
    ("given_name", "Given name"),
    ("middle_name", "Middle name"),
    ("family_name", "Family name"),
    ("number", "Number"),
    ("email", "E-mail"),
    ("phone", "Phone"),
)
ELSEWHERE = (
    "This person is, or was, also at a school in which you have no part: {schools}. "
    "Ask a District Manager, or somebody who is Owner of all of these schools."
)


def _person(request: SchoolRequest, person_id: int) -> Person:
    """Somebody of this school who was not merged. Raises `Http404` for everybody else."""
    here = Membership.objects.filter(school=request.school, person=person_id)
    found = Person.objects.filter(pk__in=here.values("person"), merged_into=None).first()
    if found is None:
        raise Http404("There is no such person at this school.")
    return found


def _not_mine(account: Visitor, person: Person) -> list[str]:
    """The schools of a person in which the account has no part."""
    mine = schools_of(account, ROSTERING).values("pk")
    rows = Membership.objects.filter(person=person).exclude(school__in=mine).select_related("school")
    return sorted({str(row.school) for row in rows})


def _other(request: SchoolRequest, person: Person, said: str) -> Person | None:
    """The other person, all of whose schools are the account's. Raises `Http404` for one whom it must not know of."""
    if not said:
        return None
    chosen = int(said) if said.isdecimal() and len(said) < 19 else 0
    found = Person.objects.filter(pk=chosen, district=request.school.district_id, merged_into=None).first()
    if found is None or found.pk == person.pk or _not_mine(request.user, found):
        raise Http404("There is no such person whom you may merge.")
    return found


@at_school(ROSTERING)
def merge(request: SchoolRequest, person_id: int) -> HttpResponse:
    """The page. Query: q (words, to search the other), with (the other's id). POST: with; the other is merged into this one."""
    one = _person(request, person_id)
    other = _other(request, one, (request.POST or request.GET).get("with", ""))
    elsewhere = _not_mine(request.user, one)
    if request.method == "POST":
        return _merged(request, one, other)
    shown: dict[str, Any] = {
        "area": "people", "person": one, "other": other, "words": request.GET.get("q", "").strip(),
        "elsewhere": ELSEWHERE.format(schools=", ".join(elsewhere)) if elsewhere else "",
        "found": [] if other else _found(request, one), "rows": _rows(one, other) if other else [],
        "records": _records(one), "done": _done(one),
    }  # fmt: skip
    return render(request, "runs/merge.html", shown)


def _merged(request: SchoolRequest, one: Person, other: Person | None) -> HttpResponse:
    if other is None:
        return redirect("person_merge", request.school.pk, one.pk)
    try:
        _refuse_elsewhere(request, one)
        merging.merge(one, other, request.user, timezone.now())
        messages.success(request, f"Merged: {other} is {one}. It can be taken back on this person's page.")
    except merging.CannotMerge as wrong:
        messages.warning(request, str(wrong))
    return redirect("person_merge", request.school.pk, one.pk)


def _found(request: SchoolRequest, one: Person) -> list[Person]:
    """People of the account's schools by words; those who are also elsewhere are left out."""
    words = request.GET.get("q", "").split()
    if not words:
        return []
    mine = schools_of(request.user, ROSTERING).filter(district=request.school.district_id).values("pk")
    here = Membership.objects.filter(school__in=mine).values("person")
    away = Membership.objects.exclude(school__in=mine).values("person")
    people = Person.objects.filter(pk__in=here, merged_into=None).exclude(pk=one.pk).exclude(pk__in=away)
    for word in words:
        people = people.filter(
            Q(given_name__icontains=word)
            | Q(family_name__icontains=word)
            | Q(number=word)
            | Q(email__iexact=word)
        )
    return list(people.order_by("family_name", "given_name", "pk")[:MOST_FOUND])


def _rows(one: Person, other: Person) -> list[dict[str, Any]]:
    """Both side by side, and what each field will be."""
    rows = [
        {
            "label": label,
            "one": getattr(one, name),
            "other": getattr(other, name),
            "after": getattr(one, name) or getattr(other, name),
        }
        for name, label in FIELDS
    ]
    both = [_places(one), _places(other)]
    records = [[record.sourced_id for record in _records(person)] for person in (one, other)]
    return [
        *rows,
        {"label": "Where", "one": "; ".join(both[0]), "other": "; ".join(both[1]), "after": "; ".join(dict.fromkeys([*both[0], *both[1]]))},
        {"label": "SIS ids", "one": ", ".join(records[0]), "other": ", ".join(records[1]), "after": ", ".join([*records[0], *records[1]])},
    ]  # fmt: skip


def _places(person: Person) -> list[str]:
    rows = Membership.objects.filter(person=person).select_related("school").order_by("school", "group")
    return [
        f"{row.get_group_display()} at {row.school}{', archived' if row.ended_at else ''}" for row in rows
    ]


def _records(person: Person) -> list[SourceRecord]:
    return list(person.source_records.order_by("connection", "sourced_id"))


def _done(person: Person) -> list[Change]:
    """Merges and splits of a person that can still be taken back, the newest first."""
    rows = Change.objects.filter(subject="person", subject_id=person.pk, run=None, state=State.APPLIED)
    return list(rows.filter(fields__has_key="moved").select_related("decided_by").order_by("-pk"))


@require_POST
@at_school(ROSTERING)
def split(request: SchoolRequest, person_id: int) -> HttpResponse:
    """POST: `record` (ids of those records that are somebody else's)."""
    one = _person(request, person_id)
    chosen = {int(word) for word in request.POST.getlist("record") if word.isdecimal() and len(word) < 19}
    records = [record for record in _records(one) if record.pk in chosen]
    try:
        _refuse_elsewhere(request, one)
        said = said_by(records[0]) if records else None
        merging.split(one, chosen, said, request.user, timezone.now())
        messages.success(
            request, "Split: the chosen records are somebody else's now. It can be taken back here."
        )
    except merging.CannotMerge as wrong:
        messages.warning(request, str(wrong))
    return redirect("person_merge", request.school.pk, one.pk)


@require_POST
@at_school(ROSTERING)
def undo(request: SchoolRequest, person_id: int) -> HttpResponse:
    """POST: `change` (the merge or split to take back)."""
    one = _person(request, person_id)
    said = request.POST.get("change", "")
    change = next((row for row in _done(one) if str(row.pk) == said), None)
    if change is None:
        messages.warning(request, "This was taken back already.")
        return redirect("person_merge", request.school.pk, one.pk)
    try:
        _refuse_elsewhere(request, one)
        merging.undo(change, request.user, timezone.now())
        messages.success(request, "Taken back: what was moved is where it was.")
    except merging.CannotMerge as wrong:
        messages.warning(request, str(wrong))
    return redirect("person_merge", request.school.pk, one.pk)


def _refuse_elsewhere(request: SchoolRequest, one: Person) -> None:
    elsewhere = _not_mine(request.user, one)
    if elsewhere:
        raise merging.CannotMerge(ELSEWHERE.format(schools=", ".join(elsewhere)))
