"""A person's page: who they are, their time line, and what may be done by hand."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from homeroom.campus.people.listing import left_for_another
from homeroom.campus.people.models import ContactLink, Membership, Person
from homeroom.campus.runs.by_hand import hand
from homeroom.campus.runs.telling.timeline import end_of, standing, timeline
from homeroom.campus.schools.access import PEOPLE, ROSTERING, SchoolRequest, at_school

EDITABLE = ("given_name", "middle_name", "family_name", "email", "number", "phone")
LABELS = {"email": "E-mail", "number": "Student or staff number"}
SAID = {
    "edit": "Saved. What you edited stays until it is released to the SIS.",
    "release": "Released: the SIS may set these fields again.",
    "exclude": "Excluded from sync: no sync touches this person.",
    "include": "Included in sync again.",
    "archive": "Archived at this school.",
    "restore": "Restored at this school.",
}

OF_THE_PERSON = ("edit", "release", "exclude", "include")  # the others are of the school alone
ELSEWHERE = "Nothing was changed: this is for an Owner of that school or a District Manager to do, on the page of the school they are at."


class PersonForm(forms.ModelForm):  # type: ignore[type-arg] # Django cannot be subscripted when it runs
    """The fields that may be edited by hand."""

    class Meta:
        model = Person
        fields = EDITABLE
        labels = LABELS


def _person(request: SchoolRequest, person_id: int) -> Person:
    """A person who has, or had, a membership at the school. Raises `Http404` for everybody else."""
    known = Membership.objects.filter(school=request.school, person=person_id)
    found = Person.objects.filter(pk__in=known.values("person")).first()
    if found is None:
        raise Http404("There is no such person at this school.")
    return found


@at_school(PEOPLE)
def person(request: SchoolRequest, person_id: int) -> HttpResponse:
    """The page. A Manager reads; an Owner or District Manager may change."""
    one = _person(request, person_id)
    if one.merged_into_id is not None:
        messages.info(request, f"{one} was merged into this person.")
        return redirect("person", school_id=request.school.pk, person_id=one.merged_into_id)
    return _render(request, one, PersonForm(instance=one))


def _as_of(request: SchoolRequest) -> date | None:
    """The day that was asked for; none when it is no day."""
    try:
        return date.fromisoformat(request.GET.get("on", ""))
    except ValueError:
        return None


def _render(request: SchoolRequest, one: Person, form: PersonForm) -> HttpResponse:
    places = Membership.objects.filter(person=one, school=request.school).order_by("group")
    links = (
        ContactLink.objects.filter(person=one, ended_at=None)
        .select_related("contact")
        .order_by("-primary", "position")
    )
    elsewhere = bool(left_for_another([one.pk], request.school))
    day = _as_of(request)
    until = end_of(day, request.school.time_zone) if day else None
    records = one.source_records.values_list("sourced_id", flat=True)
    shown: dict[str, Any] = {
        "area": "people",
        "person": one,
        "places": places,
        "active": any(place.ended_at is None for place in places),
        "contacts": [] if elsewhere else links,
        "elsewhere": elsewhere,
        "sourced_ids": list(records),
        "events": timeline(one, request.school, until),
        "day": day,
        "stood": standing(one, until, request.school) if until else None,
        "form": form,
        "kept": [name.replace("_", " ") for name in one.kept_fields],
    }
    return render(request, "runs/person.html", shown)


@require_POST
@at_school(ROSTERING)
def change(request: SchoolRequest, person_id: int) -> HttpResponse:
    """What is done by hand. POST: `do` (edit, release, exclude, include, archive, restore) and, to edit, the fields."""
    one, do = _person(request, person_id), request.POST.get("do", "")
    if do not in SAID:
        raise Http404("There is no such thing to do.")
    if do in OF_THE_PERSON and left_for_another([one.pk], request.school):
        messages.warning(request, ELSEWHERE)
        return redirect("person", school_id=request.school.pk, person_id=one.pk)
    form = PersonForm(request.POST, instance=one) if do == "edit" else PersonForm(instance=one)
    if do == "edit" and not form.is_valid():
        return _render(request, one, form)
    try:
        _do(request, one, do, form)
        messages.success(request, SAID[do])
    except hand.TooLate as said:
        messages.warning(request, str(said))
    return redirect("person", school_id=request.school.pk, person_id=one.pk)


def _do(request: SchoolRequest, one: Person, do: str, form: PersonForm) -> None:
    now = timezone.now()
    if do == "edit":
        hand.edit(one, {name: form.cleaned_data[name] for name in EDITABLE}, request.user, now)
    elif do in ("exclude", "include"):
        hand.exclude(one, request.user, now, excluded=do == "exclude")
    elif do == "release":
        hand.release(one, request.user, now)
    else:
        {"archive": hand.archive, "restore": hand.restore}[do](one, request.school, request.user, now)
